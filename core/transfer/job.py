"""Job folders: where an import keeps what it knows, and who may work in it.

A lock on the folder tells whether a worker is alive; it goes away with the process, however that
ends, so nobody has to clean up after a power cut.
"""

import errno
import hashlib
import json
import os
import re
import stat
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from platformdirs import user_state_path

from core.errors import Code, JobError
from core.mirror.endpoint import Mirror
from core.release.kube_version import ascending, normalized
from core.transfer.lock import hold, holder, is_held
from core.transfer.settings import mirror_of

if TYPE_CHECKING:  # whoever only looks at jobs needs no answers, and no pydantic
    from core.answers import Answers, ArtifactAnswers

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
    def controls(self) -> Path:
        """What the operator changes while it runs."""
        return self.folder / "controls.json"

    @property
    def reserve(self) -> Path:
        """Room that is given up when the disk is full."""
        return self.folder / "reserve"

    def open_log(self) -> int:
        """A handle to write to the end of the log.

        Raises:
            OSError: it cannot be opened.
        """
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        handle = os.open(self.log, flags, 0o600)
        os.fchmod(handle, 0o600)  # whatever the umask
        return handle

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
            JobError: `job-running`, `job-folder-unsafe`, `disk-full`.
        """
        with ExitStack() as held:
            with folder_troubles(self.folder):
                try:
                    held.enter_context(hold(self.folder / _LOCK))
                except BlockingIOError:
                    raise JobError(
                        Code.JOB_RUNNING,
                        f"Another worker (process {self.worker_pid() or '?'}) is at work on it.",
                        where=str(self.folder),
                    ) from None
            yield

    def is_running(self) -> bool:
        """Whether a worker is alive.

        Raises:
            JobError: `job-folder-unsafe`.
        """
        with folder_troubles(self.folder):
            return is_held(self.folder / _LOCK)

    def worker_pid(self) -> int | None:
        """Process number of the worker that is alive, or was killed."""
        return holder(self.folder / _LOCK)


def jobs_folder() -> Path:
    """The folder of all jobs: `$XDG_STATE_HOME/eksa-mirror`."""
    return user_state_path("eksa-mirror")


def job_for(answers: "Answers") -> Job:
    """The job of an import: same tarball, same choice and same destination make the same one.

    Creates the folder where there is none.

    Raises:
        JobError: `job-folder-unsafe`, `disk-full`.
        EksaMirrorError: no registry is named, or its address cannot be used.
    """
    mirror = mirror_of(answers)
    identity = json.dumps(_identity(answers.artifacts, mirror), sort_keys=True)
    place = f"{mirror.address_with_port.lower()}/{mirror.namespace}"
    readable = re.sub(r"[^A-Za-z0-9.-]+", "-", place).strip("-.")
    name = f"{readable[:_LONGEST_NAME]}-{hashlib.sha256(identity.encode()).hexdigest()[:8]}"
    root = jobs_folder()
    for folder in (root, root / name):
        _private_folder(folder)
    return Job(root / name)


def existing_jobs() -> list[Job]:
    """All jobs of this account, the one that was worked on last first.

    Raises:
        JobError: `job-folder-unsafe`.
    """
    root = jobs_folder()
    with folder_troubles(root):
        if not root.is_dir():
            return []
        _check_own(root)
        found = [Job(folder) for folder in root.iterdir() if (folder / ANSWERS).is_file()]
        for job in found:
            _check_own(job.folder)
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


def begin_anew(job: Job) -> Path | None:
    """Set the journal aside, so that the next start knows nothing of the last.

    Must be called by whoever holds the lock.

    Returns:
        Where it is now; None where there was none.

    Raises:
        JobError: `job-folder-unsafe`.
    """
    with folder_troubles(job.folder):
        return set_aside(job.journal, "journal") if job.journal.exists() else None


def set_aside(journal: Path, stem: str) -> Path:
    """Rename a journal with all its files to `STEM.TIME.sqlite`, and say where it is now.

    Raises:
        OSError: the folder cannot be written.
    """
    stamp = time.strftime("%Y%m%dT%H%M%S")
    names = (f"{stem}.{stamp}-{number}.sqlite" for number in count(1))
    aside = next(path for path in map(journal.with_name, names) if not path.exists())
    # The journal itself goes last: its name must not be free while its log is still there.
    for ending in ("-shm", "-wal", ""):
        file = journal.with_name(journal.name + ending)
        if file.exists():
            file.replace(aside.with_name(aside.name + ending))
    return aside


def _identity(chosen: "ArtifactAnswers", mirror: Mirror) -> dict[str, object]:
    """What is moved where, however it is spelled; how it is moved is no part of it."""
    paths = {"archive": chosen.archive, "bundles": chosen.bundles}
    return {
        **{name: os.path.realpath(path) if path else "" for name, path in paths.items()},
        "kube_versions": ascending(map(normalized, chosen.kube_versions)),
        "include_all": chosen.include_all,
        "registry": mirror.address_with_port.lower(),
        "namespaces": {one.registry: one.namespace for one in mirror.mappings},
    }


def _last_change(job: Job) -> float:
    newest = [path.stat().st_mtime for path in (job.journal, job.answers) if path.exists()]
    return max(newest, default=0.0)


def _private_folder(folder: Path) -> None:
    """A folder that only this account can enter; one that is not ours is refused.

    Raises:
        JobError: `job-folder-unsafe`, `disk-full`.
    """
    with folder_troubles(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _check_own(folder)
        folder.chmod(0o700)


def _check_own(folder: Path) -> None:
    """Refuse what somebody else could write to: also root, who may come here through sudo, would
    believe what it says, even which process is to be stopped.

    Raises:
        JobError: `job-folder-unsafe`.
    """
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode):
        raise JobError(Code.JOB_FOLDER_UNSAFE, "It is a link, not a folder.", where=str(folder))
    if status.st_uid != os.getuid():
        raise JobError(Code.JOB_FOLDER_UNSAFE, "It belongs to another account.", where=str(folder))


@contextmanager
def folder_troubles(folder: Path) -> Iterator[None]:
    """Say in our words what the system refuses.

    Raises:
        JobError: `job-folder-unsafe`, `disk-full`.
    """
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise JobError(
            Code.DISK_FULL if full else Code.JOB_FOLDER_UNSAFE,
            f"The folder cannot be used: {error.strerror}.",
            where=str(folder),
        ) from None
