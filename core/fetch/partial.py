"""The unfinished archive: a file with room for everything, and a record of what is in it already.

`FILE.partial/` lies beside the file that is wanted, on the same disk, and holds the archive, the
manifests that upstream gave (see `pins`) and the record. The record is believed only as far as the
hashes agree: after a kill or a power cut every blob is read back before it counts.
"""

import errno
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import Code, JobError, UsageError
from core.fetch.record import line_of, read_lines
from core.fetch.shape import Shape
from core.files import sync_folder, write_atomically
from core.transfer import lock
from core.units import size

ARCHIVE = "archive.tar"
_RECORD = "blobs.jsonl"
_SHAPE = "shape"
_LOCK = "lock"
_SPARE = 16 * 1024 * 1024
"""For the record and the manifests."""


def partial_folder(target: Path) -> Path:
    """Where the unfinished archive of `target` lies."""
    return target.with_name(target.name + ".partial")


@contextmanager
def hold_folder(target: Path, *, restart: bool = False) -> Iterator[Path]:
    """Make the folder, and keep others out of it.

    Args:
        restart: throw away what an earlier run left.

    Raises:
        JobError: `job-running` where another download writes the same file,
            `file-not-written` where the folder cannot be made.
    """
    folder = partial_folder(target)
    with told(folder):
        folder.mkdir(mode=0o700, exist_ok=True)
    try:
        with lock.hold(folder / _LOCK):
            if restart:
                for file in folder.iterdir():
                    if file.name != _LOCK:
                        file.unlink()
            yield folder
    except BlockingIOError:
        raise _running(target) from None


@contextmanager
def hold_file(place: Path) -> Iterator[None]:
    """Keep others from growing the same folder; the lock lies beside it.

    Raises:
        JobError: `job-running`, `file-not-written`.
    """
    file = place.with_name(f".{place.name}.lock")
    try:
        with told(file), lock.hold(file):
            try:
                yield
            finally:
                file.unlink()
    except BlockingIOError:
        raise _running(place) from None


def _running(place: Path) -> JobError:
    return JobError(
        Code.JOB_RUNNING,
        f"Another download writes {place}.",
        where=str(place),
        cause="It was started in another terminal.",
        mend="Wait for it, or name another place.",
    )


@contextmanager
def told(path: Path) -> Iterator[None]:
    """What the disk says, in words.

    Raises:
        JobError: `disk-full`, `file-not-written`.
    """
    try:
        yield
    except BlockingIOError:
        raise
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise JobError(
                Code.DISK_FULL,
                "The disk became full.",
                where=str(path),
                cause="Others wrote to it since the download began.",
                mend="Free some space (df -h), then run the same command again: it goes on.",
            ) from None
        raise JobError(
            Code.FILE_NOT_WRITTEN, f"It cannot be written: {error.strerror}.", where=str(path)
        ) from None


class Partial:
    """An archive that is being filled; for all threads.

    Args:
        folder: held by `hold_folder`.
        shape: of the finished archive.

    Raises:
        UsageError: `bad-usage` where an earlier run began another archive.
        JobError: `disk-full` before anything is written, with the exact need.
    """

    def __init__(self, folder: Path, shape: Shape) -> None:
        self.shape = shape
        self._folder = folder
        self._lock = threading.Lock()
        self._check_same(folder)
        lines = read_lines(folder / _RECORD, lambda one: (one["digest"], int(one["bytes"])))
        self._recorded: dict[str, int] = dict(lines)
        self._check_room()
        with told(folder):
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
            # The folder is private, but who reads the tarball over there is somebody else.
            self._handle = os.open(folder / ARCHIVE, flags, 0o666)
            os.ftruncate(self._handle, shape.size)
            self._record = (folder / _RECORD).open("a", buffering=1)

    def close(self) -> None:
        """Let go of the files."""
        self._record.close()
        os.close(self._handle)

    def recorded(self, digest: str) -> int:
        """Bytes of a blob that an earlier run wrote, by its record."""
        return min(self._recorded.get(digest, 0), self.shape.sizes[digest])

    def note(self, digest: str, count: int) -> None:
        """Record that the first `count` bytes of a blob are in the archive."""
        with self._lock, told(self._folder):
            self._record.write(line_of(digest=digest, bytes=count))

    def write(self, digest: str, position: int, content: bytes) -> None:
        """Write a piece of a blob to its first place."""
        with told(self._folder):
            _write(self._handle, content, self.shape.places[digest][0] + position)

    def read(self, digest: str, end: int, block: int = 1024 * 1024) -> Iterator[bytes]:
        """The first `end` bytes of a blob, from its first place."""
        start = self.shape.places[digest][0]
        for offset in range(start, start + end, block):
            with told(self._folder):
                yield os.pread(self._handle, min(block, start + end - offset), offset)

    def copy_around(self, digest: str) -> None:
        """Write a whole blob to its further places."""
        for place in self.shape.places[digest][1:]:
            position = place
            for block in self.read(digest, self.shape.sizes[digest]):
                with told(self._folder):
                    _write(self._handle, block, position)
                position += len(block)

    def finish(self, target: Path) -> None:
        """Write what is no blob, flush to the disk, and give the archive its name."""
        with told(target):
            for offset, content in self.shape.fixed:
                _write(self._handle, content, offset)
            os.fsync(self._handle)
            (self._folder / ARCHIVE).replace(target)
            sync_folder(target.parent)

    def _check_same(self, folder: Path) -> None:
        file = folder / _SHAPE
        known = file.read_text() if file.exists() else ""
        if known and known != self.shape.fingerprint:
            raise UsageError(
                Code.BAD_USAGE,
                "An unfinished download of another content lies there.",
                where=str(folder),
                cause="It was begun with other versions, platforms or manifests.",
                mend="Run the command with the flags of before, name another file with -o, or add "
                "--restart to throw it away.",
            )
        if not known:
            with told(folder):
                write_atomically(file, self.shape.fingerprint.encode())

    def _check_room(self) -> None:
        file = self._folder / ARCHIVE
        there = file.stat().st_blocks * 512 if file.exists() else 0
        check_room(self._folder, self.shape.size - there)


def check_room(folder: Path, need: int) -> None:
    """Whether a disk has room for so many bytes more.

    Raises:
        JobError: `disk-full`, with the exact need.
    """
    free = shutil.disk_usage(folder).free
    if need + _SPARE > free:
        raise JobError(
            Code.DISK_FULL,
            f"The archive needs {size(need)} ({need:,} bytes) more, and {size(free)} are free.",
            where=str(folder),
            cause="Nothing was fetched yet.",
            mend="Name a place with more room, or take fewer platforms or Kubernetes versions.",
        )


def remove_folder(folder: Path) -> None:
    """Remove what served an archive that is finished now."""
    with told(folder):
        shutil.rmtree(folder)


def _write(handle: int, content: bytes, offset: int) -> None:
    view = memoryview(content)
    while view:
        count = os.pwrite(handle, view, offset)
        view, offset = view[count:], offset + count
