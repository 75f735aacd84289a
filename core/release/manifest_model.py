"""What the manifests that pydantic reads have in common."""

from typing import Annotated, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from core.errors import Code, ReleaseError
from core.release.kinds import ManifestKind, load_manifest

_Item = TypeVar("_Item")


class ManifestModel(BaseModel):
    """A part of a manifest; fields that nobody here asks for are let be."""

    model_config = ConfigDict(frozen=True, extra="ignore")


_Model = TypeVar("_Model", bound=ManifestModel)


def _none_is_empty(value: object) -> object:
    return [] if value is None else value


Listed = Annotated[tuple[_Item, ...], BeforeValidator(_none_is_empty)]
"""A list that upstream writes as `null` where it is empty."""


def read_as(
    model: type[_Model], content: bytes, where: str, wanted: ManifestKind, name: str
) -> _Model:
    """Read a manifest of the wanted kind.

    Args:
        model: what it is read as.
        content: what the file holds.
        where: the file, for messages.
        wanted: which kind it must be.
        name: what messages call it: `The package bundle`.

    Raises:
        ReleaseError: `manifest-wrong-kind` for any other manifest, `manifest-invalid` for what
            cannot be read.
    """
    document = load_manifest(content, where, wanted)
    try:
        return model.model_validate(document)
    except ValidationError as error:
        raise ReleaseError(
            Code.MANIFEST_INVALID,
            f"{name} cannot be used: {_first_problem(error)}.",
            where=where,
        ) from None


def _first_problem(error: ValidationError) -> str:
    """The first complaint of pydantic in one line: `status.components.0.name: …`."""
    problem = error.errors(include_url=False, include_input=False, include_context=False)[0]
    return f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}"
