"""Programs of this machine, as content that compresses as the files of real images do.

What EKS Anywhere brings to a cluster is written in Go, most of it; so are docker, skopeo and the
registry, without which there is no bench. Made-up content repeats itself over megabytes, as no
program does: a codec with a large window looks twice as good as it is.
"""

import os
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from core.demo.content import BLOCK, Content

_FOLDERS = ("/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/libexec")
_MADE_BY_GO = b"\xff Go buildinf:"
"""Source: https://pkg.go.dev/debug/buildinfo, which looks for it in the file."""

_SHIFT = 4097
"""Bytes that are left out at the beginning of each further turn: no two layers are the same."""


class Programs:
    """A file of programs, one behind the other, again and again, handed out in slices.

    Args:
        path: written here.
        size: bytes that it has.

    Raises:
        RuntimeError: this machine has no such programs.
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
    programs = _made_by_go()
    if not programs:
        raise RuntimeError(f"no program written in Go lies in {', '.join(_FOLDERS)}")
    turn = 0
    with path.open("wb") as out:
        while out.tell() < size:
            for program in programs:
                with program.open("rb") as file:
                    file.seek(turn * _SHIFT)
                    shutil.copyfileobj(file, out)
            turn += 1
        out.truncate(size)


def _made_by_go() -> list[Path]:
    """Each once, however many names it has."""
    found = {}
    for folder in map(Path, _FOLDERS):
        for file in sorted(folder.iterdir()) if folder.is_dir() else ():
            known = file.is_file() and os.access(file, os.R_OK)
            if known and file.stat().st_ino not in found and _MADE_BY_GO in file.read_bytes():
                found[file.stat().st_ino] = file
    return list(found.values())
