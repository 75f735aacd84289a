"""The index of a tarball: its headers are read once, its content stays where it is.

A tarball inside a tarball is indexed in place, at its offset.
"""

import tarfile
from collections.abc import Iterator
from enum import Enum, auto
from typing import NamedTuple

from core.archive.model import BLOCK, RandomAccess
from core.archive.sources import Stream
from core.archive.tree import (
    MAX_ENTRIES,
    Region,
    clean_name,
    entry_name,
    link_target,
    looks_packed,
)
from core.archive.trouble import damaged, hostile, shown, truncated, unknown_format

HEADER = tarfile.BLOCKSIZE

MALFORMED_TAR: tuple[type[Exception], ...] = (
    tarfile.TarError,
    ValueError,
    OverflowError,
    RecursionError,
    IndexError,
)
"""What `tarfile` raises on headers that no tool wrote."""


class _Kind(Enum):
    FILE = auto()
    SYMLINK = auto()
    HARDLINK = auto()
    SPARSE = auto()
    OTHER = auto()


class _Entry(NamedTuple):
    kind: _Kind
    offset: int
    size: int
    target: str
    packed: bool


def is_tar(head: bytes) -> bool:
    """Whether content that begins with these 512 bytes is a tarball with an entry."""
    try:
        tarfile.TarInfo.frombuf(head[:HEADER], "utf-8", "replace")
    except tarfile.TarError:
        return False
    return True


class TarTree:
    """The files of a tarball by name.

    Attributes:
        label: what it is called in messages; empty for the archive itself.
        ends_well: whether the two blocks of zeros are there that end a tarball; without them it
            may have been cut off between two entries.
    """

    def __init__(self, source: RandomAccess, label: str = "", where: str = "") -> None:
        """Read all headers.

        Args:
            source: the bytes of the tarball, not gzip-ed.
            label: what it is called in front of the names of its entries; empty for the archive.
            where: what it is called in messages about the whole of it.

        Raises:
            ArchiveError: `archive-truncated`, `archive-damaged`, `archive-hostile`.
        """
        self.label = label
        self._where = where or label
        self._source = source
        self._entries: dict[str, _Entry] = {}
        self.ends_well = True
        for member in self._members():
            name = clean_name(member.name, self._where_is(member.name))
            if member.isdir():
                continue
            if not name:
                raise hostile("An entry has no name.", self._where)
            self._entries[name] = self._entry(member)
            if len(self._entries) > MAX_ENTRIES:
                raise hostile(f"It holds more than {MAX_ENTRIES:,} entries.", self._where)

    def names(self) -> Iterator[str]:
        """See `Tree.names`."""
        return iter(self._entries)

    def find(self, name: str) -> Region | None:
        """See `Tree.find`."""
        asked = self._where_is(name)
        current = clean_name(name, asked)
        if not current:
            raise hostile("The name of an entry is empty.", self._where)
        seen: set[str] = set()
        while (entry := self._entries.get(current)) is not None:
            if entry.kind is _Kind.FILE:
                place = self._where_is(current)
                return Region(self._source, entry.offset, entry.size, place, entry.packed)
            seen.add(current)
            current = self._follow(current, entry)
            if current in seen:
                raise hostile("Links lead in a circle.", asked)
        if seen:
            raise damaged(f"It is a link to {shown(current)}, which is not there.", asked)
        return None

    def _follow(self, name: str, entry: _Entry) -> str:
        where = self._where_is(name)
        if entry.kind is _Kind.SYMLINK:
            return link_target(name, entry.target, where)
        if entry.kind is _Kind.HARDLINK:
            return clean_name(entry.target, where)
        if entry.kind is _Kind.SPARSE:
            mend = "Pack it again with tar, without --sparse."
            raise unknown_format("It is stored as a sparse file.", where, mend)
        raise damaged("It is no regular file.", where)

    def _where_is(self, name: str) -> str:
        return entry_name(self, name)

    def _entry(self, member: tarfile.TarInfo) -> _Entry:
        if member.issparse():
            return _Entry(_Kind.SPARSE, 0, 0, "", packed=False)
        if member.issym():
            return _Entry(_Kind.SYMLINK, 0, 0, member.linkname, packed=False)
        if member.islnk():
            return _Entry(_Kind.HARDLINK, 0, 0, member.linkname, packed=False)
        if not member.isreg():
            return _Entry(_Kind.OTHER, 0, 0, "", packed=False)
        # Noted now, while the header is at hand: in a gzip-ed archive each later look is slow.
        head = self._source.read_at(member.offset_data, min(4, member.size))
        return _Entry(_Kind.FILE, member.offset_data, member.size, "", looks_packed(head))

    def _members(self) -> Iterator[tarfile.TarInfo]:
        size = self._source.size
        offset, last = 0, ""
        try:
            with tarfile.open(
                fileobj=Stream(self._source), mode="r:", encoding="utf-8", errors="replace"
            ) as tar:
                while (member := tar.next()) is not None:
                    vars(tar)["members"].clear()  # else tarfile keeps every header
                    if member.size < 0 or tar.offset <= offset:
                        raise hostile("It claims a negative size.", self._where_is(member.name))
                    offset, last = tar.offset, member.name
                    if member.isreg() and not member.issparse():
                        self._check_fits(member, size)
                    yield member
                offset = tar.offset
        except MALFORMED_TAR as error:
            raise self._malformed(error, offset, last) from None
        self._check_end(offset, last)

    def _check_fits(self, member: tarfile.TarInfo, size: int) -> None:
        missing = member.offset_data + member.size - size
        if missing > 0:
            raise truncated(
                f"The last {missing:,} of its {member.size:,} bytes are missing.",
                self._where_is(member.name),
            )

    def _malformed(self, error: Exception, offset: int, last: str) -> Exception:
        after = f"after {shown(last)}" if last else "at the beginning"
        if offset > self._source.size:
            return truncated(f"It is cut off {after}.", self._where)
        return damaged(f"The header {after} cannot be read ({error}).", self._where)

    def _check_end(self, offset: int, last: str) -> None:
        """`tarfile` takes a broken header for the end; tell the two apart."""
        after = f"after {shown(last)}" if last else "at the beginning"
        self.ends_well = self._source.size - offset >= 2 * HEADER
        position = offset
        while position < self._source.size:
            block = self._source.read_at(position, min(BLOCK, self._source.size - position))
            if block.count(0) != len(block):
                if self._source.size - offset < HEADER:
                    raise truncated(f"It is cut off in the header {after}.", self._where)
                message = f"What follows at byte {offset:,}, {after}, is no tar header."
                raise damaged(message, self._where)
            position += len(block)
