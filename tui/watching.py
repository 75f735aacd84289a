"""Following a running import from another process, until it ends or is let go."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Protocol

from core.errors import Code, ExitCode, JobError
from core.transfer.job import Job
from core.transfer.journal import Flight
from core.transfer.launch import ask_to_stop
from core.transfer.states import JobState
from core.transfer.view import Event, JournalView, Summary

_INTERVAL = 0.1


class Display(Protocol):
    """Shows a running import; one for a terminal, one for a log, one for programs."""

    def event(self, event: Event, artifact: str) -> None:
        """Something happened; `artifact` is the name of what it happened to, or empty."""

    def update(self, summary: Summary, flights: list[Flight]) -> None:
        """How far it is now."""

    def close(self) -> None:
        """Nothing more comes."""


def watch(job: Job, display: Display, *, stop_on_signal: bool) -> ExitCode:
    """Show a job until it ends.

    Args:
        stop_on_signal: Ctrl-C asks the worker to stop; else it only ends the watching.

    Returns:
        The exit code that the worker's end means.

    Raises:
        JobError: the worker was killed.
    """
    try:
        with JournalView(job.journal) as view, _signals(job, stop_on_signal) as asked:
            return _follow(job, view, display, asked)
    finally:
        display.close()


class _Asked:
    """Whether the operator pressed Ctrl-C."""

    leave = False


def _follow(job: Job, view: JournalView, display: Display, asked: _Asked) -> ExitCode:
    names: dict[int, str] = {}
    last = view.summary().events_before
    while True:
        alive = job.is_running()
        summary = view.summary()
        last = _show_events(view, display, last, names)
        display.update(summary, view.flights())
        if asked.leave:
            return ExitCode.DONE
        if not alive:
            # What the worker wrote between our look and its end is shown before we go.
            summary = view.summary()
            _show_events(view, display, last, names)
            display.update(summary, [])
            return end_of(job, summary)
        time.sleep(_INTERVAL)


def _show_events(view: JournalView, display: Display, last: int, names: dict[int, str]) -> int:
    while events := view.events(after=last):
        if any(event.artifact not in names for event in events if event.artifact):
            names.update({row.number: row.source for row in view.artifacts()})
        for event in events:
            display.event(event, names.get(event.artifact or 0, ""))
        last = events[-1].number
    return last


def end_of(job: Job, summary: Summary) -> ExitCode:
    """What the end of a worker means.

    Raises:
        JobError: it was killed, and has come to no end.
    """
    if summary.state is JobState.DONE:
        return ExitCode.DONE
    if summary.state is JobState.SOME_FAILED:
        return ExitCode.SOME_FAILED
    if summary.state is JobState.STOPPED:
        return ExitCode.INTERRUPTED
    if summary.state is JobState.BROKEN:
        return ExitCode(int(summary.error["exit"]))
    raise WorkerGoneError(job)


class WorkerGoneError(JobError):
    """The worker was killed, or the machine went down; the next start goes on."""

    exit_code = ExitCode.INTERRUPTED

    def __init__(self, job: Job) -> None:
        super().__init__(
            Code.INTERRUPTED,
            "The worker of this import was killed.",
            where=str(job.folder),
            cause="Somebody killed it, the machine ran out of memory, or it was shut down.",
        )


@contextmanager
def _signals(job: Job, stop_on_signal: bool) -> Iterator[_Asked]:
    asked = _Asked()

    def on_signal(number: int, frame: FrameType | None) -> None:
        del number, frame
        if stop_on_signal:
            ask_to_stop(job)
        else:
            asked.leave = True

    before = {
        number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
