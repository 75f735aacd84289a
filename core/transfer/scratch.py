"""Whether there is room to unzip a gzip-ed archive, told before anything is written."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from core.archive.zipped import scratch_needed
from core.errors import Code, JobError
from core.units import size

SPARE_BYTES = 512 * 1024 * 1024
"""Left free on the disk: for the journal, and for everybody else."""


@dataclass(frozen=True, slots=True)
class Scratch:
    """Where a gzip-ed archive is unzipped.

    Attributes:
        folder: None where there is no room, or no need.
        words: what the operator is told; empty where the archive is not gzip-ed.
    """

    folder: Path | None
    words: str = ""


def choose_scratch(
    archive: Path, folder: Path, on_progress: Callable[[int, int], None] | None = None
) -> Scratch:
    """Look how much a gzip-ed archive unzips to, and whether `folder` has that much room.

    Args:
        on_progress: told bytes done and bytes in all of the gzip-ed file, while it is counted.

    Raises:
        ArchiveError: the archive is cut off or damaged.
        JobError: `job-folder-unsafe`, where the folder cannot be made.
    """
    needed = scratch_needed(archive, on_progress=on_progress)
    if needed is None:
        return Scratch(None)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise JobError(
            Code.JOB_FOLDER_UNSAFE,
            f"The folder to unzip into cannot be used: {error.strerror}.",
            where=str(folder),
            mend="Name another folder with --scratch.",
        ) from None
    if needed + SPARE_BYTES > free:
        return Scratch(
            None,
            f"Unzipping needs {size(needed)}, and {folder} has {size(free)} free: the tarball is "
            "read in place, which is slower. Name a folder with more room with --scratch.",
        )
    return Scratch(
        folder, f"Unzipping needs {size(needed)} of {size(free)} free in {folder}, until the end."
    )
