"""A few threads that go through tasks and end together."""

import threading
from itertools import repeat

import pytest

from core.errors import Code, Interrupted, JobError
from core.transfer.threads import run_in_threads

SECONDS = 10


def never() -> threading.Event:
    return threading.Event()


def test_every_task_is_done_once() -> None:
    done: list[int] = []
    run_in_threads(4, range(500), lambda _, task: done.append(task), never())
    assert sorted(done) == list(range(500))


def test_one_thread_keeps_the_order() -> None:
    done: list[int] = []
    run_in_threads(1, range(50), lambda _, task: done.append(task), never())
    assert done == list(range(50))


def test_each_thread_has_a_number_of_its_own_and_so_many_run_at_once() -> None:
    together = threading.Barrier(3, timeout=SECONDS)
    numbers: set[int] = set()

    def work(number: int, task: int) -> None:
        del task
        together.wait()
        numbers.add(number)

    run_in_threads(3, range(3), work, never())
    assert numbers == {0, 1, 2}


def test_a_task_that_fails_ends_all_and_its_error_comes_out() -> None:
    done: list[int] = []
    failing = threading.Event()

    def work(_: int, task: int) -> None:
        if task == 1:
            failing.set()
            raise KeyError("task 1")
        failing.wait(SECONDS)
        done.append(task)

    with pytest.raises(KeyError, match="task 1"):
        run_in_threads(2, range(100), work, never())
    assert len(done) <= 2, "what was in hand is finished, nothing new begins"


@pytest.mark.parametrize("interrupted_first", [True, False])
def test_an_interruption_loses_against_a_real_error(interrupted_first: bool) -> None:
    together = threading.Barrier(2, timeout=SECONDS)
    first = threading.Event()

    def work(_: int, task: str) -> None:
        together.wait()
        if (task == "interrupted") != interrupted_first:
            first.wait(SECONDS)
        try:
            if task == "interrupted":
                raise Interrupted
            raise JobError(Code.DISK_FULL, "no room")
        finally:
            first.set()

    with pytest.raises(JobError, match="no room"):
        run_in_threads(2, ["interrupted", "failing"], work, never())


def test_a_stop_is_heeded_before_the_next_task() -> None:
    stop = threading.Event()
    done: list[int] = []

    def work(_: int, task: int) -> None:
        done.append(task)
        stop.set()

    with pytest.raises(Interrupted):
        run_in_threads(1, range(10), work, stop)
    assert done == [0]


def test_a_stop_after_the_last_task_is_no_interruption() -> None:
    stop = threading.Event()
    run_in_threads(2, range(1), lambda _, __: stop.set(), stop)


def test_nothing_to_do_is_no_interruption_even_when_stopped() -> None:
    stop = threading.Event()
    stop.set()
    run_in_threads(2, [], lambda _, __: pytest.fail("there is no task"), stop)


def test_no_thread_stays_behind() -> None:
    run_in_threads(8, repeat(None, 20), lambda _, __: None, never())
    assert not [one for one in threading.enumerate() if one.name.startswith("transfer-")]
