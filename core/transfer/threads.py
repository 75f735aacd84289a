"""A few threads that go through a list of tasks and end together."""

import threading
from collections import deque
from collections.abc import Callable, Iterable
from contextvars import copy_context
from typing import Generic, TypeVar

from core.errors import Interrupted

_Task = TypeVar("_Task")


class Crew:
    """How many threads take work; it may change while they are at it.

    Attributes:
        changed: told when the size changes or a thread ends; guards what both look at.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self.changed = threading.Condition()

    @property
    def size(self) -> int:
        """At least 1."""
        return self._size

    def resize(self, size: int) -> None:
        """More begin at once; one that is too many ends after the task that it has in hand."""
        with self.changed:
            self._size = size
            self.changed.notify_all()


class Gate:
    """Where threads wait while the operator wants a pause.

    Args:
        stop: set when the job is to stop; nobody waits then.
    """

    _LOOK = 0.1

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self._open = threading.Event()
        self._open.set()

    @property
    def closed(self) -> bool:
        """Whether a pause is wanted."""
        return not self._open.is_set()

    def close(self) -> None:
        """Whoever comes next waits."""
        self._open.clear()

    def open(self) -> None:
        """All go on."""
        self._open.set()

    def wait(self) -> None:
        """Wait until it is open.

        Raises:
            Interrupted: the job is to stop.
        """
        # A signal handler sets `stop`, which must not take locks: so it is looked at.
        while not self._open.is_set():
            if self._stop.wait(self._LOOK):
                raise Interrupted


def run_in_threads(
    crew: int | Crew,
    tasks: Iterable[_Task],
    work: Callable[[int, _Task], None],
    stop: threading.Event,
) -> None:
    """Run `work(number of the thread, task)` for every task, in order, some at a time.

    A task that raises ends the whole: the others finish what they have in hand, no new one begins.

    Args:
        crew: how many threads, or a crew whose size may change meanwhile.

    Raises:
        Interrupted: `stop` was set before all tasks were taken.
        BaseException: whatever the first failing task raised.
    """
    _Shift(Crew(crew) if isinstance(crew, int) else crew, tasks, work, stop).run()


class _Shift(Generic[_Task]):
    """One list of tasks, gone through by a crew."""

    def __init__(
        self,
        crew: Crew,
        tasks: Iterable[_Task],
        work: Callable[[int, _Task], None],
        stop: threading.Event,
    ) -> None:
        self._crew = crew
        self._waiting = deque(tasks)
        self._work = work
        self._stop = stop
        self._problems: list[BaseException] = []
        self._at_work: set[int] = set()

    def run(self) -> None:
        """See `run_in_threads`."""
        threads: list[threading.Thread] = []
        with self._crew.changed:
            while self._goes_on:
                threads += self._newcomers()
                self._crew.changed.wait()
        for thread in threads:
            thread.join()
        if self._problems:
            # A real trouble says more than the interruption of another thread.
            real = (one for one in self._problems if not isinstance(one, Interrupted))
            raise next(real, self._problems[0])
        if self._waiting:
            raise Interrupted

    @property
    def _goes_on(self) -> bool:
        return bool(self._waiting) and not self._problems and not self._stop.is_set()

    def _newcomers(self) -> list[threading.Thread]:
        """Start the threads that are missing; whoever calls holds the lock."""
        missing = [one for one in range(self._crew.size) if one not in self._at_work]
        made = []
        for number in missing[: len(self._waiting)]:
            self._at_work.add(number)
            thread = threading.Thread(
                target=copy_context().run, args=(self._run, number), name=f"transfer-{number}"
            )
            thread.start()
            made.append(thread)
        return made

    def _run(self, number: int) -> None:
        while True:
            with self._crew.changed:
                # To leave and to be seen to have left is one thing: nobody is missed or replaced.
                if not self._goes_on or number >= self._crew.size:
                    self._at_work.discard(number)
                    self._crew.changed.notify_all()
                    return
                task = self._waiting.popleft()
            try:
                self._work(number, task)
            except BaseException as error:  # noqa: BLE001 - it is raised again by `run`
                self._problems.append(error)
