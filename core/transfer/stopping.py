"""Asking one import to stop that runs with others in a process: a signal would end them all.

A small file in the job's folder names the process that is asked, so that what is left of an
earlier one means nothing.
"""

import os
from contextlib import suppress
from pathlib import Path

from core.files import write_atomically
from core.transfer.job import Job, existing_jobs, folder_troubles

_LONGEST = 32


def runs_with_others(job: Job, pid: int) -> bool:
    """Whether the process is at work on further imports.

    Raises:
        JobError: `job-folder-unsafe`.
    """
    others = (one for one in existing_jobs() if one.folder != job.folder)
    return any(one.worker_pid() == pid and one.is_running() for one in others)


def ask(job: Job, pid: int) -> None:
    """Ask the process to end its work on this import.

    Raises:
        JobError: `job-folder-unsafe`, `disk-full`.
    """
    with folder_troubles(job.folder):
        write_atomically(_wish(job), str(pid).encode())


def is_asked(job: Job) -> bool:
    """Whether this process is asked."""
    try:
        handle = os.open(_wish(job), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return os.read(handle, _LONGEST) == str(os.getpid()).encode()
    except OSError:
        return False
    finally:
        os.close(handle)


def forget(job: Job) -> None:
    """What was asked for is done."""
    with suppress(OSError):
        _wish(job).unlink(missing_ok=True)


def _wish(job: Job) -> Path:
    return job.folder / "stop"
