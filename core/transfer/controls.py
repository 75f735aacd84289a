"""What an operator changes while an import runs: pause, threads, rate.

A small file in the job's folder. Screens write it, the worker reads it a few times a second; it
goes away with the worker, so that the next start begins as the answers say.
"""

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.answers import load_answers
from core.errors import EksaMirrorError
from core.files import write_atomically
from core.transfer.job import Job, folder_troubles

_MOST_BYTES = 4096


class Controls(BaseModel):
    """What may be changed on the way.

    Attributes:
        paused: nothing new is begun.
        jobs: threads that take work.
        limit_rate: bytes a second at the most, 0 for no limit.
    """

    model_config = ConfigDict(frozen=True, strict=True)

    paused: bool = False
    jobs: int = Field(4, ge=1, le=16)
    limit_rate: int = Field(0, ge=0, le=10**15)


def read_controls(job: Job) -> Controls:
    """What was last wished for; what the answers say where nothing was changed."""
    return wished(job) or _of_answers(job)


def change_controls(
    job: Job,
    *,
    paused: bool | None = None,
    jobs: int | None = None,
    limit_rate: int | None = None,
) -> Controls:
    """Change what is given, leave the rest; the worker heeds it within a second.

    Raises:
        ValueError: a number is out of its bounds.
        JobError: `job-folder-unsafe`, `disk-full`.
    """
    given = {"paused": paused, "jobs": jobs, "limit_rate": limit_rate}
    wanted = {name: value for name, value in given.items() if value is not None}
    with folder_troubles(job.folder), _alone(job):
        changed = Controls.model_validate(read_controls(job).model_dump() | wanted)
        write_atomically(job.controls, changed.model_dump_json().encode())
    return changed


def wished(job: Job) -> Controls | None:
    """What the file says; None where there is none that can be read."""
    try:
        return Controls.model_validate_json(_content(job))
    except (OSError, ValidationError):
        return None


def forget_controls(job: Job) -> None:
    """Remove the file.

    Raises:
        JobError: `job-folder-unsafe`.
    """
    with folder_troubles(job.folder):
        job.controls.unlink(missing_ok=True)


def stamp(job: Job) -> tuple[int, int, int] | None:
    """Differs after each change; None where there is no file."""
    try:
        status = os.lstat(job.controls)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ino, status.st_size


def _content(job: Job) -> bytes:
    # Whatever lies there, the worker must neither wait for it nor follow it.
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    handle = os.open(job.controls, flags)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return b""
        return os.read(handle, _MOST_BYTES)
    finally:
        os.close(handle)


def _of_answers(job: Job) -> Controls:
    try:
        transfer = load_answers(job.answers).transfer
    except EksaMirrorError:
        return Controls()
    return Controls(jobs=transfer.jobs, limit_rate=transfer.limit_rate)


@contextmanager
def _alone(job: Job) -> Iterator[None]:
    """Two screens that change something at once must not undo each other."""
    handle = os.open(job.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
