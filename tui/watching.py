"""Following a running import from another process, until it ends or is let go."""

import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from types import FrameType
from typing import Protocol

from core.errors import Code, ExitCode, JobError
from core.transfer.job import Job
from core.transfer.records import Flight
from core.transfer.states import JobState
from core.transfer.stopping import ask_all_to_stop, ask_to_stop
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


_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class EarlySignals:
    """Notes a Ctrl-C that comes while a worker is being started, for whoever watches it then.

    Without it the command would end, and the worker that it has just started would go on.
    """

    def __init__(self) -> None:
        self.came = False

    def __enter__(self) -> "EarlySignals":
        self._before = {number: signal.signal(number, self._note) for number in _SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self.came = True


def watch(
    job: Job, display: Display, *, stop_on_signal: bool, early: EarlySignals | None = None
) -> ExitCode:
    """Show a job until it ends.

    Args:
        stop_on_signal: Ctrl-C asks the worker to stop; else it only ends the watching.
        early: what came while the job was started.

    Returns:
        The exit code that the worker's end means.

    Raises:
        JobError: the worker was killed.
    """
    stop = partial(ask_to_stop, job) if stop_on_signal else None
    try:
        with JournalView(job.journal) as view, _signals(stop, early) as asked:
            return _follow(_Watched(job, view, display), asked)
    finally:
        display.close()


def watch_together(
    shown: Mapping[Job, Display], early: EarlySignals | None = None
) -> dict[Job, ExitCode]:
    """Show jobs that were started together until all have ended; Ctrl-C asks all to stop.

    Args:
        early: what came while they were started.

    Returns:
        The exit code that each end means; a worker that was killed counts as interrupted.
    """
    codes: dict[Job, ExitCode] = {}
    with ExitStack() as open_views:
        watched = []
        for job, display in shown.items():
            open_views.callback(display.close)
            view = open_views.enter_context(JournalView(job.journal))
            watched.append(_Watched(job, view, display))
        open_views.enter_context(_signals(partial(ask_all_to_stop, list(shown)), early))
        while len(codes) < len(watched):
            for one in watched:
                if one.job not in codes and (code := _code(one)) is not None:
                    codes[one.job] = code
            time.sleep(_INTERVAL)
    return codes


class _Asked:
    """Whether the operator pressed Ctrl-C."""

    leave = False


class _Watched:
    """A job that is looked at again and again."""

    def __init__(self, job: Job, view: JournalView, display: Display) -> None:
        self.job = job
        self._view = view
        self._display = display
        self._names: dict[int, str] = {}
        self._last = view.summary().events_before

    def look(self) -> Summary | None:
        """Show what is new; how it ended, once it has."""
        if self.job.is_running():
            self._show(self._view.flights())
            return None
        # What the worker wrote between our last look and its end is shown before we go.
        summary = self._view.summary()
        if summary.state.ended:
            return self._show([])
        self._show_events()  # it was killed: its rate and the time left are true no more
        return summary

    def _show(self, flights: list[Flight]) -> Summary:
        summary = self._view.summary()
        self._show_events()
        self._display.update(summary, flights)
        return summary

    def _show_events(self) -> None:
        names = self._names
        while events := self._view.events(after=self._last):
            if any(event.artifact not in names for event in events if event.artifact):
                names.update({row.number: row.source for row in self._view.artifacts()})
            for event in events:
                self._display.event(event, names.get(event.artifact or 0, ""))
            self._last = events[-1].number


def _follow(watched: _Watched, asked: _Asked) -> ExitCode:
    while True:
        ended = watched.look()
        if asked.leave:
            return ExitCode.DONE
        if ended:
            return end_of(watched.job, ended)
        time.sleep(_INTERVAL)


def _code(watched: _Watched) -> ExitCode | None:
    """What the end of one among several means; None where it goes on."""
    ended = watched.look()
    if ended is None:
        return None
    try:
        return end_of(watched.job, ended)
    except WorkerGoneError as error:
        return error.exit_code


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
def _signals(
    stop: Callable[[], object] | None, early: EarlySignals | None = None
) -> Iterator[_Asked]:
    """Ctrl-C calls `stop`; without one it only ends the watching."""
    asked = _Asked()

    def on_signal(*_: object) -> None:
        if stop:
            stop()
        else:
            asked.leave = True

    before = {number: signal.signal(number, on_signal) for number in _SIGNALS}
    try:
        if early and early.came:
            on_signal()
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
