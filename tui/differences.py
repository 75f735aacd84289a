"""A unified diff: as it is for a pipe, coloured and without the body of certificates for people."""

import re
import sys
from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

from tui.words import plain, put

_HEADS = {"---": "bold", "+++": "bold", "@@ ": "cyan"}
_SIGNS = {"+": "green", "-": "red"}
_CERTIFICATE = re.compile(r"([ +-]\s*)[A-Za-z0-9+/]{64}")
_FOLDED_FROM = 4


def put_difference(text: str) -> None:
    """Print a diff on standard output."""
    if not sys.stdout.isatty():
        put(text)
        return
    console = Console(highlight=False, soft_wrap=True)
    for line in folded(text.splitlines()):
        style = _HEADS.get(line[:3]) or _SIGNS.get(line[:1], "")
        console.print(Text(plain(line), style))


def folded(lines: list[str]) -> Iterator[str]:
    """The lines with those of a certificate's body told by their number."""
    body: list[str] = []
    for line in lines:
        found = _CERTIFICATE.fullmatch(line)
        if found and (not body or body[0].startswith(found[1])):
            body.append(line)
            continue
        yield from _body(body)
        body = [line] if found else []
        if not found:
            yield line
    yield from _body(body)


def _body(lines: list[str]) -> list[str]:
    if len(lines) < _FOLDED_FROM:
        return lines
    margin = _CERTIFICATE.fullmatch(lines[0])
    return [f"{margin[1] if margin else ''}… {len(lines)} lines of a certificate"]
