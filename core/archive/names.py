"""Names of images as archives write them.

Source: the rules of https://github.com/distribution/reference for familiar names.
"""

from core.errors import MirrorError
from core.reference import Reference

_DOCKER_HUB = "docker.io"
_DOCKER_HUB_ALIASES = frozenset({_DOCKER_HUB, "index.docker.io", "registry-1.docker.io"})


def image_reference(name: str) -> Reference | None:
    """Read `busybox`, `org/app:1` or a full reference; None where it is no name of an image.

    Names without a registry belong to docker.io, those without an owner to `library`; a name
    without tag and digest means `latest`.
    """
    first, slash, rest = name.partition("/")
    if not slash or not _is_registry(first):
        first, rest = _DOCKER_HUB, name
    if first in _DOCKER_HUB_ALIASES:
        first, rest = _DOCKER_HUB, rest if "/" in rest else f"library/{rest}"
    try:
        reference = Reference.parse(f"{first}/{rest}")
    except MirrorError:
        return None
    if reference.tag or reference.digest:
        return reference
    return reference.tagged("latest")


def full_reference(name: str) -> Reference | None:
    """Read a name that says its registry or at least a tag; None for a bare word such as a tag."""
    return image_reference(name) if any(mark in name for mark in "/:@") else None


def _is_registry(text: str) -> bool:
    return "." in text or ":" in text or text == "localhost" or text != text.lower()
