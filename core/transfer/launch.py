"""Starting a worker, asking it to stop, and knowing whether it lives."""

import os
import select
import signal
import subprocess
import sys
from contextlib import suppress

from core.answers import Answers, save_answers
from core.errors import Code, JobError
from core.transfer.job import Job, folder_troubles, job_for
from core.transfer.orders import Begun, Orders

_LONGEST_START = 60.0
_ANSWER_BYTES = 64 * 1024
_HIDDEN = frozenset({"REGISTRY_PASSWORD"})
"""The worker gets its login through a pipe; its environment could be read as long as it lives."""

_started: list["subprocess.Popen[bytes]"] = []
"""Kept until they end: each must be waited for, or it stays behind as a zombie."""


def start(answers: Answers, orders: Orders) -> Job:
    """Start the worker of an import in a session of its own, and come back when it has begun.

    Closing the terminal, or the end of the process that called this, does nothing to it.

    Raises:
        JobError: `job-running`, or the worker cannot start: `job-folder-unsafe`, `disk-full`.
    """
    job = job_for(answers)
    if job.is_running():
        raise JobError(
            Code.JOB_RUNNING,
            f"It is at work in process {job.worker_pid() or '?'}.",
            where=str(job.folder),
        )
    with folder_troubles(job.folder):
        save_answers(answers, job.answers)
    start_worker(job, "core.transfer.worker", orders.dump())
    return job


def start_worker(job: Job, module: str, orders: bytes) -> None:
    """Start a process that works in a job's folder, and come back when it has begun.

    Args:
        module: what it runs, with the folder as its argument.
        orders: what it reads from its standard input.

    Raises:
        JobError: it cannot start: `job-running`, `job-folder-unsafe`, `disk-full`.
    """
    with folder_troubles(job.folder):
        worker = _spawn(job, module)
    begun = _begin(worker, orders)
    if begun is None:
        raise JobError(
            Code.JOB_FOLDER_UNSAFE,
            f"The worker did not begin (exit {worker.poll()}).",
            where=str(job.log),
            cause="The last lines of its log tell why.",
        )
    if begun.error:
        raise begun.error


def ask_to_stop(job: Job) -> bool:
    """Ask the worker to finish the chunk in flight and end; False where none is alive.

    Raises:
        JobError: `job-folder-unsafe`.
    """
    if not job.is_running():
        return False
    pid = job.worker_pid()
    if pid is None:
        return False
    try:
        os.kill(pid, signal.SIGTERM)
    except ProcessLookupError:
        return False
    return True


def _spawn(job: Job, module: str) -> "subprocess.Popen[bytes]":
    """Start the process.

    Raises:
        OSError: the system refuses, or the log cannot be opened.
    """
    log = job.open_log()
    try:
        worker = subprocess.Popen(
            # -P: modules of the folder where the operator happens to be are not ours.
            [sys.executable, "-P", "-m", module, str(job.folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env={name: value for name, value in os.environ.items() if name not in _HIDDEN},
            start_new_session=True,
        )
    finally:
        os.close(log)
    _started[:] = [*(one for one in _started if one.poll() is None), worker]
    return worker


def _begin(worker: "subprocess.Popen[bytes]", orders: bytes) -> Begun | None:
    """Give a worker its orders and hear its answer; None where it ends, or does not begin."""
    assert worker.stdin  # noqa: S101 - both are pipes
    assert worker.stdout  # noqa: S101
    with worker.stdout as answers:
        with suppress(BrokenPipeError), worker.stdin as pipe:
            pipe.write(orders)
        listener = select.poll()
        listener.register(answers, select.POLLIN | select.POLLHUP)
        if not listener.poll(_LONGEST_START * 1000):
            worker.kill()
        said = os.read(answers.fileno(), _ANSWER_BYTES)
    if not said:
        worker.wait()
    return Begun.load(said) if said else None
