"""What must hold at the moment at which an import is started."""

import shutil
import time

from core.answers import load_answers
from core.checks.context import Context
from core.checks.finding import Finding, failed, from_error, passed, warned
from core.errors import Code, EksaMirrorError
from core.transfer.job import Job, existing_jobs, job_for, jobs_folder
from core.transfer.settings import mirror_of
from core.units import size


def check_job_folder(context: Context) -> Finding:
    """Can the folder be written where the import keeps what it knows."""
    job = job_for(context.answers)
    probe = job.folder / ".probe"
    try:
        probe.write_bytes(b"x" * 4096)
        probe.unlink()
        free = shutil.disk_usage(job.folder).free
    except OSError as error:
        return failed(
            f"the state folder cannot be written: {str(error.strerror).lower()}",
            cause="The disk is full, or the folder belongs to another account.",
            mend="Free some space, or set XDG_STATE_HOME to a folder elsewhere.",
            details=(str(job.folder),),
            code=Code.JOB_FOLDER_UNSAFE,
        )
    return passed(f"writable, {size(free)} free", details=(str(job.folder),))


def check_other_import(context: Context) -> Finding:
    """Is another import to the same registry at work."""
    own, address = job_for(context.answers), context.mirror.address_with_port
    for job in existing_jobs():
        if job != own and job.is_running() and _goes_to(job, address):
            since = time.strftime("%H:%M", time.localtime(job.journal.stat().st_ctime))
            return warned(
                f"one is running for this registry, last seen at work {since}",
                effect="Both send at the same time; each is slower, and nothing is damaged.",
                mend="Wait for it, or start this one as well.",
                command=f"eksa-mirror attach {job.name}",
            )
    return passed("none is running for this registry", details=(str(jobs_folder()),))


def _goes_to(job: Job, address: str) -> bool:
    try:
        return mirror_of(load_answers(job.answers)).address_with_port == address
    except EksaMirrorError:
        return False


def check_unchanged(context: Context) -> Finding:
    """Is the tarball there, and as it was when it was looked at last."""
    path = context.answers.artifacts.archive
    if path is None:
        return failed(
            "no tarball is named",
            cause="Step 1 is not filled in.",
            mend="Name the tarball in step 1.",
            code=Code.BAD_ANSWERS,
        )
    try:
        status = path.stat()
    except OSError as error:
        return from_error(
            EksaMirrorError(
                Code.ARCHIVE_UNREADABLE,
                f"The tarball is gone: {error.strerror}.",
                where=str(path),
                mend="Put the medium back, then try again.",
            )
        )
    return passed(f"{path.name} is there, {size(status.st_size)}", details=(str(path),))
