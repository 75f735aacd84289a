"""A few threads that go through a list of tasks and end together."""

import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import TypeVar

from core.errors import Interrupted

_Task = TypeVar("_Task")


def run_in_threads(
    count: int, tasks: Iterable[_Task], work: Callable[[int, _Task], None], stop: threading.Event
) -> None:
    """Run `work(number of the thread, task)` for every task, in order, `count` at a time.

    A task that raises ends the whole: the others finish what they have in hand, no new one begins.

    Raises:
        Interrupted: `stop` was set before all tasks were taken.
        BaseException: whatever the first failing task raised.
    """
    waiting = deque(tasks)
    problems: list[BaseException] = []

    def run(number: int) -> None:
        while not stop.is_set() and not problems:
            try:
                task = waiting.popleft()
            except IndexError:
                return
            try:
                work(number, task)
            except BaseException as error:  # noqa: BLE001 - it is raised again below
                problems.append(error)

    threads = [
        threading.Thread(target=run, args=(number,), name=f"transfer-{number}")
        for number in range(min(count, max(1, len(waiting))))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if problems:
        # A real trouble says more than the interruption of another thread.
        raise next((p for p in problems if not isinstance(p, Interrupted)), problems[0])
    if waiting:
        raise Interrupted
