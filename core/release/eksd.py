"""The EKS-D release manifest: the images that make up one Kubernetes version."""

from collections.abc import Sequence

from pydantic import Field

from core.release.kinds import EKSD_RELEASE
from core.release.manifest_model import Listed, ManifestModel, read_as


class EksdImage(ManifestModel):
    """An image of EKS-D, with the digest that upstream published where the manifest has it."""

    uri: str
    digest: str = Field(default="", alias="imageDigest")


class _Asset(ManifestModel):
    image: EksdImage | None = None


class EksdComponent(ManifestModel):
    """A component such as `coredns`, with everything that is published for it."""

    name: str = ""
    assets: Listed[_Asset] = ()

    @property
    def images(self) -> tuple[EksdImage, ...]:
        """The assets that are images; the others are binaries."""
        return tuple(asset.image for asset in self.assets if asset.image)


class _Status(ManifestModel):
    components: tuple[EksdComponent, ...]


class _Spec(ManifestModel):
    channel: str = ""


class EksdRelease(ManifestModel):
    """An EKS-D release manifest."""

    spec: _Spec = _Spec()
    status: _Status

    @property
    def channel(self) -> str:
        """`1-33`; empty where the manifest does not tell it."""
        return self.spec.channel

    @property
    def components(self) -> Sequence[EksdComponent]:
        """In the order of the file."""
        return self.status.components


def load_eksd(content: bytes, where: str) -> EksdRelease:
    """Read an EKS-D release manifest.

    Args:
        content: what the file holds.
        where: the file, for messages.

    Raises:
        ReleaseError: `manifest-wrong-kind` for any other manifest, `manifest-invalid` for what
            cannot be read or names no component.
    """
    return read_as(EksdRelease, content, where, EKSD_RELEASE, "The EKS-D release manifest")
