"""What failed, by cause, as the operator would call it: the largest group first."""

import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from core.advice import ADVICE, Advice, Code
from core.transfer.records import ArtifactRow
from core.transfer.states import ArtifactState


@dataclass(frozen=True, slots=True)
class Item:
    """An artifact that failed; `message` is all that was said about it."""

    number: int
    source: str
    size: int
    message: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """Artifacts that failed for one reason.

    Attributes:
        title: what the operator would call it.
        cause: why, in a sentence.
        mend: what to do, in a sentence; it ends in a colon where lines follow.
        settings: lines to be put into a file, as they are.
        command: a line for a shell, empty where there is none.
        code: name of the trouble, stable for ever.
        items: in the order of the plan.
    """

    title: str
    cause: str
    mend: str
    settings: tuple[str, ...]
    command: str
    code: str
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a screen says of a kind of trouble; empty fields leave it to the advice of the code."""

    title: str = ""
    cause: str = ""
    mend: str = ""
    settings: tuple[str, ...] = ()
    command: str = ""


_FULL = _Kind(
    "The registry may be full",
    "It stops or hangs when its disk is full.",
    "On the registry's host, look for free space:",
    command="df -h",
)
_CERTIFICATE = _Kind(
    "The certificate is not accepted",
    "It was changed since it was looked at.",
    "Look at Trust again (step 3).",
)
_DAMAGED = _Kind(
    "The tarball is damaged",
    "It was altered on the way here.",
    "Compare with the connected side, copy it again:",
    command="sha256sum {archive}",
)
_CUT = _Kind(
    "The proxy cuts long uploads off",
    "It waits for the whole layer, or gives up after its limit.",
    "Add this to the nginx server block, then reload it:",
    ("proxy_request_buffering off;", "proxy_read_timeout 900s;"),
    "sudo nginx -s reload",
)
_KINDS = {
    Code.BODY_TOO_LARGE: _Kind(
        mend="Add this to the nginx server block, then reload it:",
        settings=("client_max_body_size 0;",),
        command="sudo nginx -s reload",
    ),
    Code.PUSH_DENIED: _Kind(
        mend="Create the project (step 5); on Harbor grant the account Push and Pull.",
    ),
    Code.LOGIN_REFUSED: _Kind(
        "The login stopped working",
        "The account was changed or has ended.",
        "Enter the new password (step 4).",
    ),
    Code.LOGIN_MISSING: _Kind(mend="Enter a user name and a password (step 4)."),
    Code.REGISTRY_FAULT: _FULL,
    Code.REGISTRY_STALLED: _FULL,
    Code.REGISTRY_DISK_FULL: _Kind(
        mend="On the registry's host, free or add space:", command="df -h"
    ),
    Code.REGISTRY_UNREACHABLE: _Kind(
        "The registry does not answer",
        "It is down, or the network is cut.",
        "Try the checks again (step 2).",
    ),
    Code.TLS_UNTRUSTED: _CERTIFICATE,
    Code.TLS_NAME_MISMATCH: _CERTIFICATE,
    Code.TLS_EXPIRED: _CERTIFICATE,
    Code.TLS_FAILED: _CERTIFICATE,
    Code.ARCHIVE_DAMAGED: _DAMAGED,
    Code.ARCHIVE_TRUNCATED: _Kind(
        mend="Compare with the connected side, copy it again:", command="sha256sum {archive}"
    ),
    Code.NOT_IN_ARCHIVE: _Kind(
        mend="Take another tarball, or untick its version (step 1).",
    ),
}
_CUT_STATUSES = frozenset({408, 504, 524})
"""Of a proxy that did not wait for all of what is sent, or for the registry's answer."""

_MAY_BE_THE_PROXY = frozenset(
    {
        Code.REGISTRY_FAULT,
        Code.REGISTRY_NOT_FOUND,
        Code.REGISTRY_STALLED,
        Code.REGISTRY_UNREACHABLE,
    }
)

_AWAY_STATUSES = frozenset({502, 503, 521, 522, 523})
"""Of a proxy that does not reach the registry."""

_LOST_UPLOAD = ("lost the upload", "BLOB_UPLOAD_UNKNOWN", "blob upload unknown")


def troubles(rows: Iterable[ArtifactRow], archive: str = "") -> list[Trouble]:
    """Failed artifacts, grouped by cause.

    Args:
        archive: the tarball, for commands that name it.
    """
    failed = sorted(
        (row for row in rows if row.state is ArtifactState.FAILED),
        key=lambda row: (_reason(row), row.number),
    )
    groups = [
        _trouble(list(members), *reason, archive=archive)
        for reason, members in groupby(failed, key=_reason)
    ]
    return sorted(groups, key=lambda group: -len(group.items))


def _trouble(
    rows: list[ArtifactRow], title: str, cause: str, mend: str, *, archive: str
) -> Trouble:
    kind = _kind(rows[0])
    told_by_kind = mend == kind.mend
    command = kind.command.format(archive=_quoted(archive)) if told_by_kind else ""
    settings = kind.settings if told_by_kind else ()
    items = tuple(Item(row.number, row.source, row.size, row.message) for row in rows)
    return Trouble(title, cause, mend, settings, command, rows[0].code, items)


def _reason(row: ArtifactRow) -> tuple[str, str, str]:
    """Title, cause and mend: what holds for this case goes before what holds for its kind."""
    kind, advice = _kind(row), _advice(row)
    cause = row.cause if row.cause != advice.cause else ""
    mend = row.mend if row.mend != advice.mend else ""
    return (
        kind.title or advice.title,
        cause or kind.cause or advice.cause,
        mend or kind.mend or advice.mend,
    )


def _kind(row: ArtifactRow) -> _Kind:
    code = _code(row)
    if code in _MAY_BE_THE_PROXY:
        lost = any(words in row.message for words in _LOST_UPLOAD)
        if row.status in _CUT_STATUSES or lost:
            return _CUT
        if row.status in _AWAY_STATUSES:
            return _KINDS[Code.REGISTRY_UNREACHABLE]
    return _KINDS.get(code, _Kind()) if code else _Kind()


def _advice(row: ArtifactRow) -> Advice:
    code = _code(row)
    return ADVICE[code] if code else Advice(row.code, row.cause, row.mend)


def _code(row: ArtifactRow) -> Code | None:
    """None for one of another version of this program."""
    return Code(row.code) if row.code in set(Code) else None


def _quoted(path: str) -> str:
    return shlex.quote(path) if path else "images.tar"
