"""The EKS-D release manifest: the images that make up one Kubernetes version."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from core.errors import Code, ReleaseError
from core.release.kinds import EKSD_RELEASE, load_manifest


def _none_is_empty(value: object) -> object:
    return [] if value is None else value


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class EksdImage(_Model):
    """An image of EKS-D, with the digest that upstream published where the manifest has it."""

    uri: str
    digest: str = Field(default="", alias="imageDigest")


class _Asset(_Model):
    image: EksdImage | None = None


class EksdComponent(_Model):
    """A component such as `coredns`, with everything that is published for it."""

    name: str = ""
    assets: Annotated[tuple[_Asset, ...], BeforeValidator(_none_is_empty)] = ()

    @property
    def images(self) -> tuple[EksdImage, ...]:
        """The assets that are images; the others are binaries."""
        return tuple(asset.image for asset in self.assets if asset.image)


class _Status(_Model):
    components: tuple[EksdComponent, ...]


class _Spec(_Model):
    channel: str = ""


class EksdRelease(_Model):
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
    document = load_manifest(content, where, EKSD_RELEASE)
    try:
        return EksdRelease.model_validate(document)
    except ValidationError as error:
        raise ReleaseError(
            Code.MANIFEST_INVALID,
            f"The EKS-D release manifest cannot be used: {first_problem(error)}.",
            where=where,
        ) from None


def first_problem(error: ValidationError) -> str:
    """The first complaint of pydantic in one line: `status.components.0.name: …`."""
    problem = error.errors(include_url=False, include_input=False, include_context=False)[0]
    return f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}"
