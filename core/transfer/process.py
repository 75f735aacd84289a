"""What every worker process does first: hear signals, open its log, say that it began."""

import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import TextIO

from core.transfer.job import Job
from core.transfer.orders import Begun

_FORM = "%(asctime)s %(levelname)-7s %(message)s"

_at_work: ContextVar[Job | None] = ContextVar("at_work", default=None)
"""The job of a thread, where several run in one process; threads hand it on to those they start."""


def stop_on_signals() -> threading.Event:
    """Set by SIGTERM and SIGINT from now on; a terminal that closes does nothing."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    return stop


def answer(*begun: Begun) -> None:
    """Tell whoever started us of each job, in the order in which they were named.

    Nobody listens any more where they have ended meanwhile.
    """
    with suppress(OSError):
        os.write(sys.stdout.fileno(), b"\n".join(one.dump() for one in begun))
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def log_to(job: Job) -> None:
    """Write the log into the job's folder.

    Raises:
        OSError: it cannot be opened.
    """
    log_to_each([job])


def log_to_each(jobs: Sequence[Job]) -> None:
    """Write the log of each job into its folder, and what concerns no job into all.

    Raises:
        OSError: one cannot be opened.
    """
    handlers: list[logging.Handler] = [_OfJob(job) for job in jobs]
    logging.basicConfig(handlers=handlers, level=logging.INFO, format=_FORM)
    # urllib3 logs whole URLs, and those of uploads are signed.
    logging.getLogger("urllib3").setLevel(logging.ERROR)


@contextmanager
def at_work_on(job: Job) -> Iterator[None]:
    """What this thread logs, and those that it starts, goes into the log of the job alone."""
    before = _at_work.set(job)
    try:
        yield
    finally:
        _at_work.reset(before)


class _OfJob(logging.StreamHandler[TextIO]):
    """Writes the log of a job."""

    def __init__(self, job: Job) -> None:
        super().__init__(os.fdopen(job.open_log(), "a"))
        self._job = job

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a line is of this job, or of none."""
        return _at_work.get() in {None, self._job} and bool(super().filter(record))
