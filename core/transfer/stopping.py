"""Asking imports to stop.

One that is alone in its process is asked by a signal, which would end them all where several run
in one: there a small file in the job's folder names the process that is asked, so that what is left
of an earlier one means nothing.
"""

import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from core.files import write_atomically
from core.transfer.job import Job, existing_jobs, folder_troubles

_LONGEST = 32


def ask_to_stop(job: Job) -> bool:
    """Ask the worker to finish the chunk in flight and end; False where none is alive.

    Imports that run in the same process go on.

    Raises:
        JobError: `job-folder-unsafe`.
    """
    if not job.is_running():
        return False
    pid = job.worker_pid()
    if pid is None:
        return False
    if runs_with_others(job, pid):
        ask(job, pid)
        return True
    return _terminate(pid)


def ask_all_to_stop(jobs: Sequence[Job]) -> None:
    """Ask the workers of jobs that were started together to end.

    Raises:
        JobError: `job-folder-unsafe`.
    """
    pids = {job.worker_pid() for job in jobs if job.is_running()}
    for pid in filter(None, pids):
        _terminate(pid)


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


def _terminate(pid: int) -> bool:
    """False where there is no such process."""
    try:
        os.kill(pid, signal.SIGTERM)
    except ProcessLookupError:
        return False
    return True
