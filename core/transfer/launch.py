"""Starting a worker, and hearing that it has begun."""

import os
import select
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from core.answers import Answers, save_answers
from core.errors import Code, JobError
from core.transfer.job import Job, folder_troubles, job_for
from core.transfer.orders import Begun, Orders

_LONGEST_START = 60.0
_ANSWER_BYTES = 64 * 1024
_HIDDEN = frozenset({"REGISTRY_PASSWORD"})
"""The worker gets its login through a pipe; its environment could be read as long as it lives."""


def start(answers: Answers, orders: Orders) -> Job:
    """Start the worker of an import in a session of its own, and come back when it has begun.

    Closing the terminal, or the end of the process that called this, does nothing to it.

    Raises:
        JobError: `job-running`, or the worker cannot start: `job-folder-unsafe`, `disk-full`.
    """
    job = _prepared(answers)
    start_worker(job, "core.transfer.worker", orders.dump())
    return job


@dataclass(frozen=True, slots=True)
class Started:
    """One of several imports that were to be started together.

    Attributes:
        job: with its folder.
        error: why it did not begin; None where it did.
    """

    job: Job
    error: JobError | None = None


def start_together(imports: Sequence[tuple[Answers, Orders]]) -> list[Started]:
    """Start imports of one tarball into several registries in one process: it is read once.

    Returns:
        One for each, in their order; those that cannot begin do not keep the others from it.

    Raises:
        EksaMirrorError: an address makes no job, or no process can be started.
    """
    outcome: dict[Job, JobError | None] = {}
    ready: dict[Job, Orders] = {}
    for answers, orders in imports:
        job = job_for(answers)
        try:
            ready[_prepared(answers)] = orders
        except JobError as error:
            outcome[job] = error
        else:
            outcome[job] = None
    if ready:
        pipe = b"\n".join(one.dump() for one in ready.values())
        told = _begun(tuple(ready), "core.transfer.fleet", pipe)
        outcome |= {job: one.error for job, one in zip(ready, told, strict=True)}
    return [Started(job, error) for job, error in outcome.items()]


def start_worker(job: Job, module: str, orders: bytes) -> None:
    """Start a process that works in a job's folder, and come back when it has begun.

    Args:
        module: what it runs, with the folder as its argument.
        orders: what it reads from its standard input.

    Raises:
        JobError: it cannot start: `job-running`, `job-folder-unsafe`, `disk-full`.
    """
    (begun,) = _begun((job,), module, orders)
    if begun.error:
        raise begun.error


def did_not_begin(job: Job, code: int | None = None) -> JobError:
    """A worker said nothing.

    Args:
        code: with which it ended; None where that is not known.
    """
    return JobError(
        Code.JOB_FOLDER_UNSAFE,
        "The worker did not begin." if code is None else f"The worker did not begin (exit {code}).",
        where=str(job.log),
        cause="The last lines of its log tell why.",
    )


def _prepared(answers: Answers) -> Job:
    """The job of an import, with its answers written, where nobody is at work on it.

    Raises:
        JobError: `job-running`, `job-folder-unsafe`, `disk-full`.
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
    return job


def _begun(jobs: Sequence[Job], module: str, orders: bytes) -> list[Begun]:
    """Start a process for jobs, and hear of each.

    Raises:
        JobError: it cannot start, or says nothing.
    """
    with folder_troubles(jobs[0].folder):
        worker = _spawn(jobs, module)
    said = _hear(worker, orders)
    if not said:
        raise did_not_begin(jobs[0], worker.poll())
    return [Begun.load(line) for line in said.splitlines()]


def _spawn(jobs: Sequence[Job], module: str) -> "subprocess.Popen[bytes]":
    """Start the process; what nobody foresaw goes into the log of the first job.

    Raises:
        OSError: the system refuses, or the log cannot be opened.
    """
    log = jobs[0].open_log()
    try:
        worker = subprocess.Popen(
            # -P: modules of the folder where the operator happens to be are not ours.
            [sys.executable, "-P", "-m", module, *(str(job.folder) for job in jobs)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env={name: value for name, value in os.environ.items() if name not in _HIDDEN},
            start_new_session=True,
        )
    finally:
        os.close(log)
    # Somebody must wait for it, or it stays behind as a zombie for as long as this program lives.
    threading.Thread(target=worker.wait, name=f"reaper-{worker.pid}", daemon=True).start()
    return worker


def _hear(worker: "subprocess.Popen[bytes]", orders: bytes) -> bytes:
    """Give a worker its orders and hear its answer; empty where it ends, or does not begin."""
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
    return said
