"""Writing files so that a power cut leaves either the old content or the new, never half of it.

And names for them: of backups, and of the folder that is there.
"""

import itertools
import os
import tempfile
from pathlib import Path


def write_atomically(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Write aside, flush to the disk, rename over `path`.

    Args:
        path: the file; its folder must exist.
        content: all of the new content.
        mode: rights of the new file, whatever the umask.

    Raises:
        OSError: the folder cannot be written or the disk is full; `path` is as it was.
    """
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    aside = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            os.fchmod(file.fileno(), mode)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def nearest_existing(folder: Path) -> Path:
    """The folder itself, or where it is not made yet the next one above it that is there."""
    whole = folder.absolute()
    return next(one for one in (whole, *whole.parents) if os.path.lexists(one))


def backup_name(path: Path) -> Path:
    """Where what a file holds is kept beside it; an older backup is never replaced."""
    first = path.with_name(f"{path.name}.bak")
    numbered = (path.with_name(f"{path.name}.bak{number}") for number in itertools.count(2))
    return next(one for one in itertools.chain([first], numbered) if not os.path.lexists(one))


def sync_folder(folder: Path) -> None:
    """Make a rename or a new file in `folder` survive a power cut."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
