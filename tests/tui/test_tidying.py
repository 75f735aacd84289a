"""Python's search for garbage waits until nobody types."""

import gc
from collections.abc import Iterator
from weakref import ref

import pytest

from tui.tidying import QUIET_SECONDS, Tidying


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


class Loop:
    """Garbage that only a search finds."""

    def __init__(self) -> None:
        self.me = self


@pytest.fixture
def clock() -> Iterator[Clock]:
    yield Clock()
    gc.unfreeze()
    gc.collect()


def test_what_a_screen_brings_is_set_aside_at_once_and_searched_in_a_quiet_moment(
    clock: Clock,
) -> None:
    tidying, garbage = Tidying(clock), Loop()
    gone = ref(garbage)
    del garbage
    aside = gc.get_freeze_count()

    tidying.look("a screen")
    assert gc.get_freeze_count() > aside
    assert gone() is not None, "nobody searches while keys may come"

    clock.now += QUIET_SECONDS - 0.1
    tidying.heard()
    clock.now += QUIET_SECONDS - 0.1
    tidying.look("a screen")
    assert gone() is not None

    clock.now += 0.1
    tidying.look("a screen")
    assert gone() is None


def test_a_screen_that_stays_is_searched_once(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    searched: list[float] = []
    monkeypatch.setattr(gc, "collect", lambda: searched.append(clock.now))
    tidying = Tidying(clock)

    for screen in ("first", "first", "first", "second", "second"):
        clock.now += QUIET_SECONDS
        tidying.look(screen)

    assert searched == [102.0, 108.0]
