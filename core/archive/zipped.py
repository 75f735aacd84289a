"""Gzip-ed archives: unzipped once into a scratch file, or read through a seek index.

The magic bytes tell whether a file is gzip-ed; its suffix never does.
"""

import errno
import os
import tempfile
import threading
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import rapidgzip
from isal import igzip, igzip_lib, igzip_threaded

from core.archive.model import BLOCK, RandomAccess
from core.archive.sources import FileBytes, is_folder
from core.archive.trouble import damaged, truncated, unreadable
from core.errors import ArchiveError, Code

Progress = Callable[[int, int], None]
"""Called with the bytes done and the bytes in all."""

KEEP_FREE = 256 * 1024 * 1024
"""Bytes left free on the scratch disk: the journal and the rest of the machine live there too."""

open_gzip: Any = igzip.open
_open_threaded: Any = igzip_threaded.open
_ISAL_ERROR: type[Exception] = vars(igzip_lib)["error"]
"""The types that the library tells for these three are missing or wrong."""
BROKEN_GZIP: tuple[type[Exception], ...] = (igzip.BadGzipFile, _ISAL_ERROR)
"""What readers made by `open_gzip` raise on damage; a cut raises EOFError."""

_GZIP_MAGIC = b"\x1f\x8b\x08"
_GZIP_WINDOW = 31
_STRIDE = 256 * 1024 * 1024
"""How far the reader with a seek index goes between two reports of progress."""


def is_gzip(source: RandomAccess) -> bool:
    """Whether it begins as gzip does."""
    length = len(_GZIP_MAGIC)
    return source.size >= length and source.read_at(0, length) == _GZIP_MAGIC


def first_bytes(source: RandomAccess, length: int) -> bytes:
    """The first bytes of the unzipped content; fewer where it is shorter or broken."""
    head = source.read_at(0, min(source.size, BLOCK))
    try:
        return zlib.decompressobj(_GZIP_WINDOW).decompress(head, length)
    except zlib.error:
        return b""


def gunzip(content: bytes, limit: int, where: str) -> bytes | None:
    """Unzip a small file in memory.

    Args:
        content: all of the gzip file.
        limit: most bytes that may come out.
        where: its name, for messages.

    Returns:
        The content, or None where more than `limit` bytes come out.

    Raises:
        ArchiveError: `archive-truncated`, `archive-damaged`.
    """
    parts: list[bytes] = []
    size = 0
    while content:
        unzipper = zlib.decompressobj(_GZIP_WINDOW)
        try:
            part = unzipper.decompress(content, limit - size + 1)
        except zlib.error as error:
            raise damaged(f"It cannot be unzipped ({error}).", where) from None
        size += len(part)
        if size > limit:
            return None
        if not unzipper.eof:
            raise truncated("It is cut off in the middle of its gzip stream.", where)
        parts.append(part)
        content = unzipper.unused_data.lstrip(b"\0")
    return b"".join(parts)


def scratch_needed(path: Path, *, on_progress: Progress | None = None) -> int | None:
    """How many bytes unzipping an archive will need; None where it is not gzip-ed.

    Counted exactly, by unzipping without writing: the size in a gzip trailer is kept modulo 4 GiB
    and for the last member only. That takes one to two seconds for each GB that comes out, so
    call it from a thread where somebody waits.

    Args:
        path: the archive.
        on_progress: told the bytes of the file that were read, and its size.

    Raises:
        ArchiveError: `archive-not-found`, `archive-unreadable`, `archive-truncated`,
            `archive-damaged`.
    """
    if is_folder(path):
        return None
    source = FileBytes.open(path)
    try:
        if not is_gzip(source):
            return None
    finally:
        source.close()
    with closing(_unzipped_blocks(path, on_progress)) as blocks:
        return sum(map(len, blocks))


def unzip_to_scratch(path: Path, scratch: Path, on_progress: Progress | None = None) -> FileBytes:
    """Unzip an archive into a nameless file in `scratch`.

    The file has no name from the moment it is made, so it is gone when it is closed, whatever
    happens to this process.

    Raises:
        ArchiveError: `no-scratch-space` where the disk would run full or the folder cannot be
            written, `archive-truncated`, `archive-damaged`, `archive-unreadable`.
    """
    try:
        scratch.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".unzipped-", dir=scratch)
        Path(name).unlink()
    except OSError as error:
        raise _no_scratch(f"The scratch folder cannot be used: {error.strerror}", scratch) from None
    try:
        _write_unzipped(path, handle, scratch, on_progress)
        return FileBytes(handle, str(path))
    except BaseException:
        os.close(handle)
        raise


def _write_unzipped(path: Path, handle: int, scratch: Path, on_progress: Progress | None) -> None:
    written = 0
    with closing(_unzipped_blocks(path, on_progress)) as blocks:
        for block in blocks:
            if written % (64 * BLOCK) < BLOCK and _free_bytes(handle) < KEEP_FREE:
                raise _no_scratch(f"The disk is full after {written:,} bytes", scratch)
            try:
                _write_fully(handle, block)
            except OSError as error:
                if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                    raise unreadable(error, str(scratch)) from None
                raise _no_scratch(f"The disk is full after {written:,} bytes", scratch) from None
            written += len(block)


def _write_fully(handle: int, block: bytes) -> None:
    view = memoryview(block)
    while view:
        view = view[os.write(handle, view) :]


def _free_bytes(handle: int) -> int:
    disk = os.fstatvfs(handle)
    return disk.f_bavail * disk.f_frsize


def _no_scratch(what: str, scratch: Path) -> ArchiveError:
    return ArchiveError(Code.NO_SCRATCH_SPACE, f"{what}.", where=str(scratch))


def _unzipped_blocks(path: Path, on_progress: Progress | None) -> Generator[bytes, None, None]:
    """The unzipped content; a thread of its own unzips ahead while the caller writes."""
    with _gzip_troubles(path), path.open("rb") as raw:
        total = os.fstat(raw.fileno()).st_size
        with _open_threaded(raw, "rb", block_size=BLOCK) as unzipped:
            while block := unzipped.read(BLOCK):
                yield bytes(block)
                if on_progress is not None:
                    on_progress(min(raw.tell(), total), total)


@contextmanager
def _gzip_troubles(path: Path) -> Iterator[None]:
    """Say in our words what gzip readers find wrong; troubles of the caller pass through."""
    try:
        yield
    except EOFError:
        raise truncated("It is cut off in the middle of its gzip stream.", str(path)) from None
    except BROKEN_GZIP as error:
        raise damaged(f"It cannot be unzipped ({error}).", str(path)) from None
    except OSError as error:
        raise unreadable(error, str(path)) from None


class GzipBytes:
    """A gzip-ed file, read in place through a seek index that is built once, at opening.

    Readers take turns: the seek index is shared. Always close it, its own threads live on else.
    """

    def __init__(self, path: Path, on_progress: Progress | None = None) -> None:
        """Unzip all of the file once, writing nothing, to learn where its blocks begin.

        Raises:
            ArchiveError: `archive-truncated`, `archive-damaged`, `archive-unreadable`.
        """
        self._path = path
        self._lock = threading.Lock()
        self._closed = False
        with _seek_troubles(path):
            self._file: Any = rapidgzip.RapidgzipFile(str(path), parallelization=0)
        try:
            self._size = self._build_index(on_progress)
            if self._size % 2**32 != _size_in_trailer(path):
                _check_to_the_end(path)
        except ArchiveError:
            self.close()
            _check_to_the_end(path)
            raise
        except BaseException:
            self.close()
            raise

    def _build_index(self, on_progress: Progress | None) -> int:
        position = 0
        with _seek_troubles(self._path):
            total = self._path.stat().st_size
            while True:
                reached = int(self._file.seek(position + _STRIDE))
                if on_progress is not None:
                    on_progress(min(int(self._file.tell_compressed()) // 8, total), total)
                if reached < position + _STRIDE:
                    return reached
                position = reached

    @property
    def size(self) -> int:
        """Length of the unzipped content in bytes."""
        return self._size

    def read_at(self, offset: int, length: int) -> bytes:
        """See `RandomAccess.read_at`."""
        where = str(self._path)
        if offset < 0 or length < 0 or offset + length > self._size:
            raise truncated(f"{length} bytes were wanted at byte {offset} of {self._size}.", where)
        with self._lock, _seek_troubles(self._path):
            if self._closed:
                raise OSError(errno.EBADF, "it was closed")
            self._file.seek(offset)
            content = bytes(self._file.read(length))
        if len(content) < length:
            raise truncated(f"It ends {length - len(content)} bytes early.", where)
        return content

    def close(self) -> None:
        """End the reader and its threads."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._file.close()


def _size_in_trailer(path: Path) -> int:
    """What the last gzip member says of its size, modulo 4 GiB."""
    with _seek_troubles(path), path.open("rb") as file:
        file.seek(-4, os.SEEK_END)
        return int.from_bytes(file.read(4), "little")


def _check_to_the_end(path: Path) -> None:
    """Unzip without writing: rapidgzip stops quietly where a file is cut, and its errors are vague.

    Raises:
        ArchiveError: `archive-truncated`, `archive-damaged`, `archive-unreadable`.
    """
    with closing(_unzipped_blocks(path, None)) as blocks:
        for _ in blocks:
            pass


@contextmanager
def _seek_troubles(path: Path) -> Iterator[None]:
    """Say in our words what rapidgzip finds wrong; it raises no types of its own."""
    try:
        yield
    except (RuntimeError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise damaged(f"It cannot be unzipped in place ({reason}).", str(path)) from None
    except OSError as error:
        raise unreadable(error, str(path)) from None
