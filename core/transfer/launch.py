"""Starting a worker, asking it to stop, and knowing whether it lives."""

import os
import signal
import subprocess
import sys
import time

from core.answers import Answers, save_answers
from core.errors import Code, JobError
from core.transfer.job import Job, job_for
from core.transfer.orders import Orders
from core.transfer.view import JournalView

_LONGEST_START = 20.0


def start(answers: Answers, orders: Orders) -> Job:
    """Start the worker of an import in a session of its own, and come back when it has begun.

    Closing the terminal, or the end of the process that called this, does nothing to it.

    Raises:
        JobError: `job-running`, or the worker cannot start.
    """
    job = job_for(answers)
    if job.is_running():
        raise JobError(
            Code.JOB_RUNNING,
            f"It is at work in process {job.worker_pid() or '?'}.",
            where=str(job.folder),
        )
    save_answers(answers, job.answers)
    worker = subprocess.Popen(
        [sys.executable, "-m", "core.transfer.worker", str(job.folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=_log(job),
        start_new_session=True,
    )
    assert worker.stdin  # noqa: S101 - it is a pipe
    with worker.stdin as pipe:
        pipe.write(orders.dump())
    _wait_for_begin(job, worker)
    return job


def ask_to_stop(job: Job) -> bool:
    """Ask the worker to finish the chunk in flight and end; False where none is alive."""
    pid = job.worker_pid()
    if pid is None or not job.is_running():
        return False
    try:
        os.kill(pid, signal.SIGTERM)
    except ProcessLookupError:
        return False
    return True


def _wait_for_begin(job: Job, worker: "subprocess.Popen[bytes]") -> None:
    """Until the journal speaks of this run: whoever reads it then does not see the last one."""
    give_up = time.monotonic() + _LONGEST_START
    while not _has_begun(job, worker.pid):
        if worker.poll() is not None and not _has_begun(job, worker.pid):
            raise JobError(
                Code.JOB_FOLDER_UNSAFE,
                f"The worker ended at once (exit {worker.returncode}).",
                where=str(job.log),
                cause="The last lines of its log tell why.",
            )
        if time.monotonic() > give_up:
            worker.kill()
            raise JobError(
                Code.JOB_FOLDER_UNSAFE, "The worker does not come up.", where=str(job.log)
            )
        time.sleep(0.01)


def _has_begun(job: Job, pid: int) -> bool:
    try:
        with JournalView(job.journal) as view:
            return view.summary().facts.get("pid") == str(pid)
    except JobError:
        return False


def _log(job: Job) -> int:
    return os.open(job.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
