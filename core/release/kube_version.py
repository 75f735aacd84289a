"""Kubernetes versions as EKS Anywhere writes them: `1.33`, without a patch number."""

import re
from collections.abc import Iterable, Sequence

from core.errors import Code, ReleaseError

_FORMS = re.compile(r"v?([0-9]{1,4})[.-]([0-9]{1,4})")


def normalized(text: str) -> str:
    """`1.33` for `1.33`, `v1.33` and `1-33`; anything else as it is."""
    found = _FORMS.fullmatch(text.strip())
    return f"{int(found[1])}.{int(found[2])}" if found else text.strip()


def ascending(versions: Iterable[str]) -> tuple[str, ...]:
    """Each version once, `1.9` before `1.10`."""
    return tuple(sorted(set(versions), key=_rank))


def choose(known: Sequence[str], wanted: Sequence[str], where: str) -> tuple[str, ...]:
    """The wanted versions, or all known ones where none are wanted; ascending.

    Raises:
        ReleaseError: `kube-version-unknown`, listing the known ones.
    """
    chosen = ascending(map(normalized, wanted))
    unknown = [version for version in chosen if version not in known]
    if unknown:
        listed = ", ".join(known)
        raise ReleaseError(
            Code.KUBE_VERSION_UNKNOWN,
            f"Kubernetes {', '.join(unknown)} is not in it; it carries {listed}.",
            where=where,
            mend=f"Choose from {listed}.",
        )
    return chosen or ascending(known)


def _rank(version: str) -> tuple[int, int, str]:
    found = _FORMS.fullmatch(version)
    return (int(found[1]), int(found[2]), "") if found else (0, 0, version)
