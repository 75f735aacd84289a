"""The EKS-D release manifest: the images that make up one Kubernetes version."""

from pydantic import AliasPath, Field

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


class EksdRelease(ManifestModel):
    """An EKS-D release manifest.

    Attributes:
        channel: `1-33`; empty where the manifest does not tell it.
        components: in the order of the file.
    """

    channel: str = Field(default="", validation_alias=AliasPath("spec", "channel"))
    components: tuple[EksdComponent, ...] = Field(
        validation_alias=AliasPath("status", "components")
    )


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
