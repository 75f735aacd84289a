"""The package bundle: the curated packages of one Kubernetes version, with their charts and images.

An import moves the bundle as it is; its content serves checks, and copying the packages later.
"""

import re

from pydantic import AliasPath, Field

from core.release.kinds import PACKAGE_BUNDLE
from core.release.manifest_model import Listed, ManifestModel, read_as

_NAME = re.compile(r"v([0-9]+)-([0-9]+)-")


class PackageImage(ManifestModel):
    """An image of a package: a repository below the packages registry, and a digest."""

    repository: str
    digest: str


class PackageVersion(ManifestModel):
    """One version of a package.

    Attributes:
        name: the tag of its chart.
        digest: of the chart.
        images: what the chart runs.
    """

    name: str
    digest: str
    images: Listed[PackageImage] = ()


class Package(ManifestModel):
    """A curated package.

    Attributes:
        repository: of its chart, below the registry of the package bundle.
        versions: in the order of the file.
    """

    name: str
    repository: str = Field(validation_alias=AliasPath("source", "repository"))
    versions: tuple[PackageVersion, ...] = Field(validation_alias=AliasPath("source", "versions"))


class PackageBundle(ManifestModel):
    """A package bundle.

    Attributes:
        name: `v1-33-116`.
        packages: in the order of the file.
    """

    name: str = Field(default="", validation_alias=AliasPath("metadata", "name"))
    packages: tuple[Package, ...] = Field(validation_alias=AliasPath("spec", "packages"))

    @property
    def kube_version(self) -> str:
        """`1.33`; empty where the name does not tell it."""
        found = _NAME.match(self.name)
        return f"{found[1]}.{found[2]}" if found else ""


def load_package_bundle(content: bytes, where: str) -> PackageBundle:
    """Read a package bundle.

    Args:
        content: what the file holds.
        where: the file, for messages.

    Raises:
        ReleaseError: `manifest-wrong-kind` for any other manifest, `manifest-invalid` for what
            cannot be read.
    """
    return read_as(PackageBundle, content, where, PACKAGE_BUNDLE, "The package bundle")
