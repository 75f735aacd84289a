"""A few threads that go through tasks and end together."""

import threading
from itertools import repeat

import pytest

from core.errors import Code, Interrupted, JobError
from core.transfer.threads import Crew, Gate, run_in_threads

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


def test_a_crew_grows_while_it_works() -> None:
    crew = Crew(1)
    together = threading.Barrier(4, timeout=SECONDS)
    numbers: set[int] = set()

    def work(number: int, task: int) -> None:
        if task == 0:
            crew.resize(4)
        numbers.add(number)
        together.wait()

    run_in_threads(crew, range(4), work, never())
    assert numbers == {0, 1, 2, 3}


def test_a_crew_that_shrinks_finishes_what_it_has_in_hand() -> None:
    crew = Crew(4)
    together = threading.Barrier(4, timeout=SECONDS)
    done: list[tuple[int, int]] = []

    def work(number: int, task: int) -> None:
        if task < 4:
            together.wait()
            crew.resize(1)
        done.append((number, task))

    run_in_threads(crew, range(40), work, never())
    assert sorted(task for _, task in done) == list(range(40))
    assert all(number == 0 for number, task in done if task >= 4)


def test_a_crew_that_changes_all_the_time_loses_nothing() -> None:
    crew = Crew(3)
    done: list[int] = []

    def work(number: int, task: int) -> None:
        done.append(task)
        crew.resize(1 + (task * 7 + number) % 8)

    run_in_threads(crew, range(2_000), work, never())
    assert sorted(done) == list(range(2_000))
    assert not [one for one in threading.enumerate() if one.name.startswith("transfer-")]


def test_a_stop_ends_a_crew_of_which_all_wait_at_the_gate() -> None:
    stop = threading.Event()
    gate = Gate(stop)
    gate.close()
    waiting = threading.Semaphore(0)

    def work(number: int, task: int) -> None:
        del number, task
        waiting.release()
        gate.wait()

    def halt() -> None:
        for _ in range(3):
            waiting.acquire(timeout=SECONDS)
        stop.set()

    halting = threading.Thread(target=halt)
    halting.start()
    with pytest.raises(Interrupted):
        run_in_threads(3, range(3), work, stop)
    halting.join()


def test_a_gate_that_opens_lets_everybody_on() -> None:
    gate = Gate(never())
    gate.wait()
    gate.close()
    opened = threading.Event()

    def wait() -> None:
        gate.wait()
        opened.set()

    waiting = threading.Thread(target=wait)
    waiting.start()
    assert gate.closed
    assert not opened.is_set()
    gate.open()
    assert opened.wait(SECONDS)
    waiting.join()
