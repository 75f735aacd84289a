"""How things are said on a terminal: errors, counts, names cut to fit."""

import sys
import textwrap
from collections.abc import Mapping

from core.errors import ADVICE, Code, EksaMirrorError
from core.plain_text import one_line
from core.transfer.states import ArtifactState

_WIDTH = 78
_LABELS = 8

STATE_WORDS = {
    ArtifactState.DONE: "done",
    ArtifactState.PRESENT: "already there",
    ArtifactState.SKIPPED: "skipped by filter",
    ArtifactState.FAILED: "failed",
    ArtifactState.WAITING: "waiting",
    ArtifactState.SENDING: "sending",
    ArtifactState.RETRYING: "retrying",
}


def tell(text: str = "") -> None:
    """A line for people, on standard error."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def warn_of_exposure(*, insecure: bool, plain_http: bool = False) -> None:
    """Say each time that somebody on the way could read and change what is sent."""
    if plain_http:
        tell("Warning: plain HTTP. Others on the way can read the login and change what is sent.")
    elif insecure:
        tell("Warning: certificates are not verified. A false registry would get the login, too.")


def put(text: str) -> None:
    """A line of data, on standard output."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def error_lines(error: EksaMirrorError) -> list[str]:
    """An error as a person reads it: what, where, why, what to do."""
    return trouble_lines(
        {
            "code": error.code.value,
            "message": error.message,
            "where": error.where,
            "cause": error.cause,
            "mend": error.mend,
        }
    )


def trouble_lines(trouble: Mapping[str, str]) -> list[str]:
    """The same from its parts, under the names that a journal gives them."""
    code = Code(trouble["code"])
    lines = textwrap.wrap(
        f"Error: {ADVICE[code].title} [{code}]",
        _WIDTH,
        subsequent_indent="  ",
        break_on_hyphens=False,
    )
    for label, part in (
        ("What", "message"),
        ("Where", "where"),
        ("Cause", "cause"),
        ("Fix", "mend"),
    ):
        if trouble[part]:
            lines += hanging(label, plain(trouble[part]))
    return lines


plain = one_line
"""What all that came from outside goes through before it is shown."""


def plural(count: int, one: str, many: str = "") -> str:
    """`1 artifact`, `2 artifacts`."""
    return f"{count} {one if count == 1 else many or one + 's'}"


def cut_name(reference: str, width: int) -> str:
    """The name of an image in `width` cells; the end of the tag is never lost."""
    name = reference.partition("/")[2] or reference
    if len(name) <= width:
        return name
    parts = name.split("/")
    for first in range(1, len(parts)):
        shorter = "…/" + "/".join(parts[first:])
        if len(shorter) <= width:
            return shorter
    last = parts[-1]
    if len(last) <= width:
        return last
    head = max(1, width // 3)
    return last[:head] + "…" + last[-(width - head - 1) :]


def hanging(label: str, text: str) -> list[str]:
    """`label` and a text beside it, wrapped for a small terminal."""
    indent = " " * (_LABELS + 2)
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=f"  {label:<{_LABELS}}",
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
