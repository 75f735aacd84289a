"""What is written aside is written in order, and nobody waits longer than they must."""

import errno
import threading
from collections.abc import Iterator

import pytest
from textual.message import Message

from tui.messages import Failed, Saved
from tui.saver import Saver


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """A disk that answers once this is set."""
    opened = threading.Event()
    yield opened
    opened.set()


def full() -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_all_is_written_in_the_order_in_which_it_came(gate: threading.Event) -> None:
    written: list[int] = []
    told: list[Message] = []
    saver = Saver(told.append)
    saver.put(gate.wait)
    for number in range(5):
        saver.put(lambda number=number: written.append(number))  # type: ignore[misc]
    assert saver.busy
    assert not written

    gate.set()
    assert saver.finish()

    assert written == [0, 1, 2, 3, 4]
    assert [type(one) for one in told] == [Saved] * 6
    assert not saver.busy


def test_a_disk_that_does_not_answer_is_waited_for_no_longer_than_said(
    gate: threading.Event,
) -> None:
    saver = Saver(lambda _: None)
    saver.put(gate.wait)

    assert not saver.finish(0.01)
    gate.set()
    assert saver.finish()


def test_a_full_disk_is_told_until_something_could_be_written_again() -> None:
    told: list[Message] = []
    saver = Saver(told.append)

    saver.put(full)
    assert saver.finish()
    assert saver.trouble == "No space left on device"
    saver.put(lambda: None)
    assert saver.finish()

    assert [one.trouble for one in told if isinstance(one, Saved)] == [
        "No space left on device",
        "",
    ]
    assert not saver.trouble


def test_a_defect_is_handed_on_and_does_not_end_the_writing() -> None:
    told: list[Message] = []
    saver, written = Saver(told.append), threading.Event()

    saver.put(lambda: 1 / 0)
    saver.put(written.set)
    assert saver.finish()

    (failed,) = [one for one in told if isinstance(one, Failed)]
    assert isinstance(failed.error, ZeroDivisionError)
    assert written.is_set()
