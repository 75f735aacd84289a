"""References and artifacts: the names of things that EKS Anywhere needs.

Grammar: https://github.com/distribution/reference (the rules that docker and containerd follow).
"""

import re
from dataclasses import dataclass, replace
from enum import StrEnum

from core.errors import Code, MirrorError

_LABEL = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_REGISTRY = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9a-fA-F:]+\])(?::[0-9]{{1,5}})?")
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"{_PART}(?:/{_PART})*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")

MAX_REPOSITORY_LENGTH = 255


class Kind(StrEnum):
    """What an artifact is."""

    IMAGE = "image"
    CHART = "chart"
    PACKAGE_BUNDLE = "package-bundle"


@dataclass(frozen=True, slots=True, order=True)
class Reference:
    """`registry/repository[:tag][@digest]`, always with a registry.

    Attributes:
        registry: host with an optional port, as written; IPv6 in brackets.
        repository: path in the registry, lower case.
        tag: empty where only a digest is given.
        digest: `algorithm:hex`, or empty.
    """

    registry: str
    repository: str
    tag: str = ""
    digest: str = ""

    @classmethod
    def parse(cls, text: str) -> "Reference":
        """Read a reference; `oci://` in front is allowed, as in the URIs of charts.

        Raises:
            MirrorError: `reference-invalid`, naming the part that is wrong.
        """
        rest = text.removeprefix("oci://")
        registry, slash, rest = rest.partition("/")
        if not slash:
            raise _invalid(text, "it has no registry in front")
        name, _, digest = rest.partition("@")
        repository, _, tag = name.partition(":")
        reference = cls(registry, repository, tag, digest)
        if "@" in rest and not digest:
            raise _invalid(text, "nothing follows the @")
        if ":" in name and not tag:
            raise _invalid(text, "nothing follows the :")
        reference.check()
        return reference

    def check(self) -> None:
        """Judge each part by the grammar.

        Raises:
            MirrorError: `reference-invalid`.
        """
        text = str(self)
        if not _REGISTRY.fullmatch(self.registry):
            raise _invalid(text, f"“{self.registry}” is not the address of a registry")
        if not _REPOSITORY.fullmatch(self.repository):
            raise _invalid(text, f"“{self.repository}” is not a repository (lower case only)")
        if len(self.repository) > MAX_REPOSITORY_LENGTH:
            raise _invalid(text, f"the repository is longer than {MAX_REPOSITORY_LENGTH} letters")
        if self.tag and not _TAG.fullmatch(self.tag):
            raise _invalid(text, f"“{self.tag}” is not a tag")
        if self.digest and not _DIGEST.fullmatch(self.digest):
            raise _invalid(text, f"“{self.digest}” is not a digest")

    @property
    def target(self) -> str:
        """What a registry is asked for: the digest where there is one, else the tag."""
        return self.digest or self.tag or "latest"

    def tagged(self, tag: str) -> "Reference":
        """The same repository under another tag, without a digest."""
        return replace(self, tag=tag, digest="")

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.registry}/{self.repository}{tag}{digest}"


@dataclass(frozen=True, slots=True, order=True)
class Artifact:
    """An image, a chart or a package bundle under its upstream reference."""

    kind: Kind
    reference: Reference

    def __str__(self) -> str:
        return str(self.reference)


def is_repository(text: str) -> bool:
    """Whether a text is a path in a registry, as repositories and namespaces are written."""
    return len(text) <= MAX_REPOSITORY_LENGTH and _REPOSITORY.fullmatch(text) is not None


def _invalid(text: str, why: str) -> MirrorError:
    return MirrorError(Code.REFERENCE_INVALID, f"“{text}” is not a valid reference: {why}.")
