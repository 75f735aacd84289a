"""The grid that findings stand on: title, state, text; below it a label and more text.

Columns as in every screen of the program: 0, 17 and 28, labels of further lines at 19.
"""

import shutil
import textwrap
from collections.abc import Iterator
from typing import TextIO

from tui.words import plain

STATE_COLUMN, LABEL_COLUMN, TEXT_COLUMN = 17, 19, 28
WIDEST = 100

_DASH = "\N{EN DASH}"
_ASCII = str.maketrans({"✓": "+", "✗": "x", _DASH: "-", "“": '"', "”": '"', "…": "~"})


def headed(title: str, state: str, text: str, width: int | None) -> Iterator[str]:
    """A title, its state as glyph and word, and the finding.

    Args:
        width: columns; None never breaks a line, so that texts can be searched for.
    """
    name = plain(title)
    if len(name) >= STATE_COLUMN:
        yield name
        name = ""
    first = f"{name:<{STATE_COLUMN}}{state:<{TEXT_COLUMN - STATE_COLUMN}}"
    yield from _hanging(first, text, width)


def labelled(label: str, text: str, width: int | None) -> Iterator[str]:
    """A line that explains: Cause, Effect, Fix; nothing where there is no text."""
    if text:
        first = f"{' ' * LABEL_COLUMN}{label:<{TEXT_COLUMN - LABEL_COLUMN}}"
        yield from _hanging(first, text, width)


def command(text: str) -> str:
    """A command to copy; never broken."""
    return f"{' ' * TEXT_COLUMN}$ {plain(text)}"


def width_of(stream: TextIO) -> int | None:
    """Columns of the terminal behind `stream`; None where there is none."""
    if not stream.isatty():
        return None
    return min(WIDEST, shutil.get_terminal_size().columns)


def writable(line: str, stream: TextIO) -> str:
    """The line in ASCII where `stream` takes nothing more."""
    encoding = (stream.encoding or "ascii").lower().replace("-", "")
    if encoding == "utf8":
        return line
    return line.translate(_ASCII).encode("ascii", "replace").decode()


def _hanging(first: str, text: str, width: int | None) -> list[str]:
    if width is None:
        return [first + plain(text)]
    return textwrap.wrap(
        plain(text),
        width,
        initial_indent=first,
        subsequent_indent=" " * TEXT_COLUMN,
        break_long_words=False,
        break_on_hyphens=False,
    )
