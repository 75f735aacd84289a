"""Looking ahead: order, errors in their place, and no thread that stays behind."""

import threading
from collections.abc import Iterator

import pytest

from core.transfer.lookahead import LookAhead

SECONDS = 10


def threads() -> int:
    return sum(thread.name == "look-ahead" for thread in threading.enumerate())


@pytest.fixture(autouse=True)
def _no_thread_stays_behind() -> Iterator[None]:
    yield
    assert threads() == 0


@pytest.mark.parametrize("depth", [1, 3])
def test_items_come_in_order(depth: int) -> None:
    with LookAhead(range(200), depth) as items:
        assert list(items) == list(range(200))


def test_an_error_comes_where_its_item_would_have_come() -> None:
    def broken() -> Iterator[int]:
        yield 1
        yield 2
        raise KeyError("the third")

    taken: list[int] = []
    with pytest.raises(KeyError, match="the third"), LookAhead(broken()) as items:
        taken.extend(iter(items.__next__, None))
    assert taken == [1, 2]


def test_the_next_item_is_made_while_one_is_in_hand() -> None:
    made = [threading.Event() for _ in range(3)]

    def making() -> Iterator[int]:
        for number, event in enumerate(made):
            event.set()
            yield number

    with LookAhead(making()) as items:
        assert next(items) == 0
        assert made[1].wait(SECONDS)
        assert not made[2].is_set(), "two at a time are enough, and memory is dear"
        assert next(items) == 1
        assert made[2].wait(SECONDS)


def test_it_does_not_run_further_ahead_than_it_may() -> None:
    made: list[int] = []
    fourth = threading.Event()

    def making() -> Iterator[int]:
        for number in range(100):
            made.append(number)
            if number == 3:
                fourth.set()
            yield number

    with LookAhead(making(), depth=3) as items:
        next(items)
        assert fourth.wait(SECONDS)
        assert len(made) == 4


def test_leaving_early_ends_the_thread_even_where_it_waits_for_room() -> None:
    with LookAhead(range(10_000)) as items:
        assert next(items) == 0
    assert threads() == 0


def test_leaving_with_an_error_of_the_taker_ends_the_thread() -> None:
    with pytest.raises(ZeroDivisionError), LookAhead(range(10_000)) as items:
        sum(10 // number for number in items)
    assert threads() == 0


def test_leaving_waits_for_the_item_that_is_being_made() -> None:
    begun, go_on = threading.Event(), threading.Event()
    ended = []

    def making() -> Iterator[int]:
        yield 0
        begun.set()
        go_on.wait(SECONDS)
        ended.append(True)
        yield 1

    with LookAhead(making()) as items:
        next(items)
        assert begun.wait(SECONDS)
        threading.Timer(0.05, go_on.set).start()
    assert ended == [True]


def test_nothing_to_do_ends_at_once() -> None:
    nothing: list[int] = []
    with LookAhead(nothing) as items:
        assert list(items) == []


def test_an_error_after_the_taker_has_left_is_nobodys() -> None:
    asked = threading.Event()

    def making() -> Iterator[int]:
        yield 0
        asked.wait(SECONDS)
        raise KeyError("nobody hears it")

    with LookAhead(making()) as items:
        next(items)
        asked.set()
