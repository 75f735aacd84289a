"""Job folders: where an import keeps what it knows, and who may work in it.

A lock on the folder tells whether a worker is alive; it goes away with the process, however that
ends, so nobody has to clean up after a power cut.
"""

import fcntl
import hashlib
import os
import re
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_state_path

from core.answers import Answers
from core.errors import Code, JobError

ANSWERS = "answers.yaml"
JOURNAL = "journal.sqlite"
LOG = "worker.log"
_LOCK = "worker.lock"
_LONGEST_NAME = 60


@dataclass(frozen=True, slots=True)
class Job:
    """One import with its folder."""

    folder: Path

    @property
    def name(self) -> str:
        """The folder's name, which commands take."""
        return self.folder.name

    @property
    def answers(self) -> Path:
        """What the operator decided."""
        return self.folder / ANSWERS

    @property
    def journal(self) -> Path:
        """What was done."""
        return self.folder / JOURNAL

    @property
    def log(self) -> Path:
        """What the worker said."""
        return self.folder / LOG

    @property
    def scratch(self) -> Path:
        """Where a gzip-ed archive is unzipped; removed at the end."""
        return self.folder / "scratch"

    def report(self, ending: str) -> Path:
        """`report.json`, `report.md` or `report.html`."""
        return self.folder / f"report.{ending}"

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Work in this folder alone.

        Raises:
            JobError: `job-running`.
        """
        handle = os.open(
            self.folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
        )
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise JobError(
                    Code.JOB_RUNNING,
                    f"Another worker (process {self.worker_pid() or '?'}) is at work on it.",
                    where=str(self.folder),
                ) from None
            os.ftruncate(handle, 0)
            os.pwrite(handle, str(os.getpid()).encode(), 0)
            yield
        finally:
            os.close(handle)

    def is_running(self) -> bool:
        """Whether a worker is alive."""
        try:
            handle = os.open(self.folder / _LOCK, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(handle)
        return False

    def worker_pid(self) -> int | None:
        """Process number of the worker that holds, or last held, the lock."""
        try:
            return int((self.folder / _LOCK).read_text())
        except (FileNotFoundError, ValueError):
            return None


def jobs_folder() -> Path:
    """The folder of all jobs: `$XDG_STATE_HOME/eksa-mirror`."""
    return user_state_path("eksa-mirror")


def job_for(answers: Answers) -> Job:
    """The job of an import: same tarball, same choice and same destination make the same one.

    Creates the folder where there is none.

    Raises:
        JobError: `job-folder-unsafe`, `disk-full`.
    """
    identity = answers.model_dump_json(
        include={"artifacts": True, "registry": {"address", "mappings"}}
    )
    readable = re.sub(r"[^A-Za-z0-9.-]+", "-", answers.registry.address).strip("-.")
    name = f"{readable[:_LONGEST_NAME]}-{hashlib.sha256(identity.encode()).hexdigest()[:8]}"
    root = jobs_folder()
    for folder in (root, root / name):
        _private_folder(folder)
    return Job(root / name)


def existing_jobs() -> list[Job]:
    """All jobs of this account, the one that was worked on last first."""
    root = jobs_folder()
    if not root.is_dir():
        return []
    found = [Job(folder) for folder in root.iterdir() if (folder / ANSWERS).is_file()]
    return sorted(found, key=_last_change, reverse=True)


def find_job(name: str = "") -> Job:
    """A job by its name or the beginning of it; without one, the last.

    Raises:
        JobError: `job-not-found`, also where several fit.
    """
    jobs = existing_jobs()
    fitting = [job for job in jobs if job.name == name] or [
        job for job in jobs if job.name.startswith(name)
    ]
    if not fitting or (name and len(fitting) > 1):
        known = ", ".join(job.name for job in jobs) or "none"
        which = f"“{name}” is not the name of one import" if name else "No import was ever started"
        raise JobError(Code.JOB_NOT_FOUND, f"{which}; known: {known}.", where=str(jobs_folder()))
    return fitting[0]


def begin_anew(job: Job) -> None:
    """Set the journal aside, so that the next start knows nothing of the last.

    Must be called by whoever holds the lock.
    """
    stamp = time.strftime("%Y%m%dT%H%M%S")
    for ending in ("", "-wal", "-shm"):
        journal = job.journal.with_name(JOURNAL + ending)
        if journal.exists():
            journal.replace(job.folder / f"journal.{stamp}.sqlite{ending}")


def _last_change(job: Job) -> float:
    newest = [path.stat().st_mtime for path in (job.journal, job.answers) if path.exists()]
    return max(newest, default=0.0)


def _private_folder(folder: Path) -> None:
    """A folder that only this account can enter; one that is not ours is refused.

    Raises:
        JobError: `job-folder-unsafe`, `disk-full`.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.lstat()
    except OSError as error:
        raise JobError(
            Code.JOB_FOLDER_UNSAFE, f"It cannot be made: {error.strerror}.", where=str(folder)
        ) from None
    if not stat.S_ISDIR(status.st_mode):
        raise JobError(Code.JOB_FOLDER_UNSAFE, "It is a link, not a folder.", where=str(folder))
    if status.st_uid != os.getuid():
        raise JobError(Code.JOB_FOLDER_UNSAFE, "It belongs to another account.", where=str(folder))
    folder.chmod(0o700)
