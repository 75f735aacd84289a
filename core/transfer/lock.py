"""A lock on a file: it tells who works, and goes away with its holder, however that ends.

These are Linux's locks of open file descriptions (`F_OFD_SETLK` in fcntl(2)). Other than `flock`,
they can be asked for without being taken, so that somebody who only looks is never in the way of
a holder that begins in the same moment.
"""

import fcntl
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_FLOCK = "hhqqi0q"
"""`struct flock`: type, whence, start, length, process; padded to its alignment."""


@contextmanager
def hold(path: Path) -> Iterator[None]:
    """Hold the lock, and write the number of this process into the file.

    Raises:
        BlockingIOError: somebody else holds it.
        OSError: the file can be neither opened nor made; links are refused.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.fcntl(handle, fcntl.F_OFD_SETLK, _whole_file(fcntl.F_WRLCK))
        os.fchmod(handle, 0o600)  # whatever the umask
        os.ftruncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode(), 0)
        try:
            yield
        finally:
            os.ftruncate(handle, 0)
    finally:
        os.close(handle)


def is_held(path: Path) -> bool:
    """Whether somebody holds the lock.

    Raises:
        OSError: the file is there and cannot be opened.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        answer = fcntl.fcntl(handle, fcntl.F_OFD_GETLK, _whole_file(fcntl.F_RDLCK))
    finally:
        os.close(handle)
    kind: int = struct.unpack(_FLOCK, answer)[0]
    return kind != fcntl.F_UNLCK


def holder(path: Path) -> int | None:
    """Number of the process that holds the lock, or was killed while it held it."""
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None


def _whole_file(kind: int) -> bytes:
    return struct.pack(_FLOCK, kind, os.SEEK_SET, 0, 0, 0)
