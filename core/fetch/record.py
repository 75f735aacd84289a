"""What a run notes as it goes on, a line of JSON each, for the next run to read."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

_Noted = TypeVar("_Noted")


def line_of(**noted: str | int) -> str:
    """A line of a record."""
    return json.dumps(noted) + "\n"


def read_lines(file: Path, read: Callable[[Any], _Noted]) -> Iterator[_Noted]:
    """What the lines of a record say; nothing where there is no file.

    Args:
        read: takes one line apart.
    """
    for line in file.read_text().splitlines() if file.exists() else ():
        try:
            yield read(json.loads(line))
        except (ValueError, KeyError, TypeError):
            continue  # the line that was being written when the process was killed
