"""Bytes that can be read at any offset from any thread: files, parts of them, memory."""

import io
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from core.archive.model import RandomAccess
from core.archive.trouble import hostile, truncated, unknown_format, unreadable
from core.errors import ArchiveError, Code

_LONGEST_HEADER = 1024 * 1024
"""tar headers with their extensions are far smaller; only a forged size asks for more."""


class FileBytes:
    """An open file, read with `pread`, so that threads need no lock."""

    def __init__(self, handle: int, name: str) -> None:
        self._handle = handle
        self._name = name
        self._size = os.fstat(handle).st_size

    @classmethod
    def open(cls, path: Path) -> "FileBytes":
        """Open a regular file.

        Raises:
            ArchiveError: `archive-not-found`, `archive-unreadable`, or `archive-unknown-format`
                for a device, socket or pipe.
        """
        try:
            # Without O_NONBLOCK a pipe would wait for a writer for ever.
            handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except (FileNotFoundError, NotADirectoryError, ValueError):
            raise not_found(path) from None
        except OSError as error:
            raise unreadable(error, str(path)) from None
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            raise unknown_format("It is neither a file nor a folder.", str(path))
        return cls(handle, str(path))

    @property
    def size(self) -> int:
        """Length in bytes when it was opened."""
        return self._size

    @property
    def modified_ns(self) -> int:
        """When the file was last written to, in nanoseconds since 1970."""
        return os.fstat(self._handle).st_mtime_ns

    def read_at(self, offset: int, length: int) -> bytes:
        """See `RandomAccess.read_at`."""
        return _read_fully(self._handle, offset, length, self._name)

    def close(self) -> None:
        """Let go of the file; reading afterwards gives `archive-unreadable`."""
        handle, self._handle = self._handle, -1
        if handle >= 0:
            os.close(handle)


class PathBytes:
    """A file of a folder that may hold thousands: opened for each read, so that none stays open."""

    def __init__(self, path: Path, size: int) -> None:
        self._path = path
        self._size = size

    @property
    def size(self) -> int:
        """Length in bytes when it was found."""
        return self._size

    def read_at(self, offset: int, length: int) -> bytes:
        """See `RandomAccess.read_at`."""
        try:
            handle = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise unreadable(error, str(self._path)) from None
        try:
            return _read_fully(handle, offset, length, str(self._path))
        finally:
            os.close(handle)


@dataclass(frozen=True, slots=True)
class MemoryBytes:
    """Content that was made here and lies in no file: configs of charts and package bundles."""

    content: bytes = field(repr=False)

    @property
    def size(self) -> int:
        """Length in bytes."""
        return len(self.content)

    def read_at(self, offset: int, length: int) -> bytes:
        """See `RandomAccess.read_at`."""
        if offset < 0 or length < 0 or offset + length > len(self.content):
            raise _ends_early("memory", offset, length, len(self.content))
        return self.content[offset : offset + length]


@dataclass(frozen=True, slots=True)
class Window:
    """A part of other bytes: a tarball inside a tarball."""

    source: RandomAccess
    start: int
    size: int

    def read_at(self, offset: int, length: int) -> bytes:
        """See `RandomAccess.read_at`."""
        if offset < 0 or length < 0 or offset + length > self.size:
            raise _ends_early("part of the tarball", offset, length, self.size)
        return self.source.read_at(self.start + offset, length)


class Stream(io.RawIOBase):
    """A reader for `tarfile`, which wants a file object."""

    def __init__(self, source: RandomAccess) -> None:
        super().__init__()
        self._source = source
        self._position = 0

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always."""
        return True

    def tell(self) -> int:
        """The offset of the next read."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to an offset; one beyond the end reads as empty."""
        if whence != io.SEEK_SET or offset < 0:
            raise hostile("An entry claims to lie before the beginning of the tarball.")
        self._position = offset
        return offset

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes, fewer at the end.

        Raises:
            ArchiveError: `archive-hostile` for more than any header can need.
        """
        if not 0 <= size <= _LONGEST_HEADER:
            raise hostile("The header of an entry claims an absurd size.")
        length = max(0, min(size, self._source.size - self._position))
        content = self._source.read_at(self._position, length) if length else b""
        self._position += length
        return content


def is_folder(path: Path) -> bool:
    """Whether there is a folder under `path`.

    Raises:
        ArchiveError: `archive-unreadable` where the account may not look.
    """
    try:
        return path.is_dir()
    except OSError as error:
        raise unreadable(error, str(path)) from None


def not_found(path: Path) -> ArchiveError:
    """What is said where there is nothing under a path."""
    return ArchiveError(Code.ARCHIVE_NOT_FOUND, "There is no such file.", where=str(path))


def _read_fully(handle: int, offset: int, length: int, name: str) -> bytes:
    if offset < 0 or length < 0:
        raise _ends_early(name, offset, length, 0)
    parts: list[bytes] = []
    missing = length
    while missing:
        try:
            part = os.pread(handle, missing, offset + length - missing)
        except OSError as error:
            raise unreadable(error, name) from None
        if not part:
            raise _ends_early(name, offset, length, offset + length - missing)
        parts.append(part)
        missing -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _ends_early(name: str, offset: int, length: int, end: int) -> ArchiveError:
    return truncated(f"{length} bytes were wanted at byte {offset}, but it ends at {end}.", name)
