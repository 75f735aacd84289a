"""The bundles manifest (`bundle-release.yaml`): one versions bundle for each Kubernetes version."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from core.errors import Code, ReleaseError
from core.release import kube_version
from core.release.kinds import BUNDLES, load_manifest
from core.release.plain_yaml import Plain


@dataclass(frozen=True, slots=True)
class VersionsBundle:
    """What one Kubernetes version needs.

    Attributes:
        kube_version: `1.33`.
        eksd_uri: where its EKS-D release manifest is, as written; may be empty.
        content: the whole entry, as plain data.
    """

    kube_version: str
    eksd_uri: str
    content: Mapping[str, Plain] = field(repr=False)


@dataclass(frozen=True, slots=True)
class BundlesManifest:
    """A bundles manifest that was read.

    Attributes:
        where: the file, for messages.
        name: `metadata.name`, `bundles-115`; may be empty.
        versions_bundles: in the order of the file, at least one.
    """

    where: str
    name: str
    versions_bundles: tuple[VersionsBundle, ...]

    @property
    def kube_versions(self) -> tuple[str, ...]:
        """The Kubernetes versions that it carries, ascending."""
        return kube_version.ascending(bundle.kube_version for bundle in self.versions_bundles)


def load_bundles(content: bytes, where: str) -> BundlesManifest:
    """Read a bundles manifest.

    Args:
        content: what the file holds.
        where: the file, for messages.

    Raises:
        ReleaseError: `manifest-wrong-kind` for any other manifest, `manifest-invalid` for what
            cannot be read.
    """
    document = load_manifest(content, where, BUNDLES)
    entries = _mapping(document.get("spec")).get("versionsBundles")
    if not isinstance(entries, list) or not entries:
        raise invalid_bundles(where, "it holds no spec.versionsBundles")
    bundles = tuple(_versions_bundle(entry, index, where) for index, entry in enumerate(entries))
    name = _mapping(document.get("metadata")).get("name")
    return BundlesManifest(where, name if isinstance(name, str) else "", bundles)


def _versions_bundle(entry: Plain, index: int, where: str) -> VersionsBundle:
    content = _mapping(entry)
    version = content.get("kubeVersion")
    if not isinstance(version, str) or not version.strip():
        raise invalid_bundles(where, f"spec.versionsBundles[{index}] has no kubeVersion")
    uri = _mapping(content.get("eksD")).get("manifestUrl")
    return VersionsBundle(
        kube_version.normalized(version), uri.strip() if isinstance(uri, str) else "", content
    )


def _mapping(value: Plain) -> Mapping[str, Plain]:
    return value if isinstance(value, dict) else {}


def invalid_bundles(where: str, why: str) -> ReleaseError:
    """The error for a bundles manifest that cannot be used."""
    return ReleaseError(
        Code.MANIFEST_INVALID, f"The bundles manifest cannot be used: {why}.", where=where
    )
