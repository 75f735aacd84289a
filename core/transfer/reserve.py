"""A little room on the disk that is kept free: to be able to say that there is no room left."""

import os
from pathlib import Path

RESERVE_BYTES = 1024 * 1024
"""For the last words of a journal, and for the three reports."""


def keep_room(path: Path) -> None:
    """Take the room, in a file that is given up when the disk is full.

    Raises:
        OSError: there is none.
    """
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        os.posix_fallocate(handle, 0, RESERVE_BYTES)
    except OSError:
        path.unlink()
        raise
    finally:
        os.close(handle)


def give_up_room(path: Path) -> None:
    """Give the room back.

    Raises:
        OSError: the folder cannot be written.
    """
    path.unlink(missing_ok=True)
