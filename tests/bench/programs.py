"""Programs of this machine, as content that compresses as the files of real images do.

Made-up content repeats itself over megabytes, as no program does: a codec with a large window looks
twice as good as it is.
"""

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from core.demo.content import BLOCK, Content

_PROGRAMS = Path("/usr/lib")


class Programs:
    """A file of programs, one behind the other, handed out in slices.

    Args:
        path: written here.
        size: bytes that it has.

    Raises:
        RuntimeError: this machine has fewer.
    """

    def __init__(self, path: Path, size: int) -> None:
        self._path = path
        self._size = size
        self._given = 0
        _write(path, size)

    def fill(self, name: str, size: int) -> Content:
        """The next bytes that nobody was given yet, whatever the name."""
        del name
        start, self._given = self._given, self._given + size
        if self._given > self._size:
            raise RuntimeError(f"all of {self._size} bytes are given away")
        return Content(size, partial(self._blocks, start, size))

    def _blocks(self, start: int, size: int) -> Iterator[bytes]:
        with self._path.open("rb") as file:
            file.seek(start)
            for begin in range(0, size, BLOCK):
                yield file.read(min(BLOCK, size - begin))


def _write(path: Path, size: int) -> None:
    left = size
    with path.open("wb") as out:
        for file in sorted(_PROGRAMS.rglob("*")):
            if file.is_file() and not file.is_symlink() and os.access(file, os.R_OK):
                content = file.read_bytes()[:left]
                out.write(content)
                left -= len(content)
            if not left:
                return
    raise RuntimeError(f"{_PROGRAMS} lacks {left} bytes")
