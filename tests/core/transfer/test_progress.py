"""Counting, rates and the throttle, with a clock that only the test moves."""

import threading
import time
from collections.abc import Callable
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Code, RegistryError
from core.registry.transport import Body
from core.transfer.journal import ArtifactRecord, Journal
from core.transfer.progress import RATE_SECONDS, Progress, Rate, Throttle
from core.transfer.view import JournalView

KIB = 1024


class Clock:
    """Seconds that go on when told, or when somebody waits."""

    def __init__(self) -> None:
        self.now = 100.0
        self.waits: list[float] = []

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


def in_four_threads(act: Callable[[], object], times: int) -> None:
    def run() -> None:
        for _ in range(times):
            act()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def progress(throttle: Throttle | None = None, jobs: int = 2) -> Progress:
    return Progress(jobs, throttle or Throttle(0, lambda _: pytest.fail("nobody waits")))


def test_a_rate_is_that_of_the_last_seconds(clock: Clock) -> None:
    rate = Rate(clock)
    assert rate.value() == 0.0
    for _ in range(100):
        rate.add(1_000)
        clock.now += 1
    assert rate.value() == pytest.approx(1_000, rel=0.1)
    for _ in range(30):
        rate.add(5_000)
        clock.now += 1
    assert rate.value() == pytest.approx(5_000, rel=0.1)


def test_a_rate_falls_when_nothing_comes_any_more(clock: Clock) -> None:
    rate = Rate(clock)
    for _ in range(20):
        rate.add(1_000)
        clock.now += 1
    before = rate.value()
    clock.now += 10 * RATE_SECONDS
    assert rate.value() < before / 5


def test_a_rate_is_nothing_once_nothing_came_for_so_long(clock: Clock) -> None:
    rate = Rate(clock)
    for _ in range(40):
        rate.add(900)
        clock.now += 0.1
        rate.add(100)  # too soon for a mark of its own
        clock.now += 0.4
    clock.now += RATE_SECONDS / 2
    assert rate.value() == pytest.approx(1_000, rel=0.1), "half of the window, at 2,000 a second"
    clock.now += RATE_SECONDS / 2 + 0.1
    assert rate.value() == 0.0


@given(steps=st.lists(st.tuples(st.floats(0, 60), st.integers(0, 10**9)), max_size=60))
def test_a_rate_keeps_few_marks_and_is_never_negative(steps: list[tuple[float, int]]) -> None:
    clock = Clock()
    rate = Rate(clock)
    for seconds, count in steps:
        clock.now += seconds
        rate.add(count)
        assert rate.value() >= 0
    assert len(rate._marks) <= RATE_SECONDS / 0.25 + 2


def test_without_a_limit_nobody_waits(clock: Clock) -> None:
    Throttle(0, clock.wait, clock).take(10**12)
    assert clock.waits == []


def test_the_first_bytes_go_at_once_and_the_next_wait_for_them(clock: Clock) -> None:
    throttle = Throttle(1_000, clock.wait, clock)
    throttle.take(500)
    throttle.take(500)
    throttle.take(1_000)
    assert clock.waits == pytest.approx([0.5, 0.5])


@given(pieces=st.lists(st.integers(1, 5_000), min_size=2, max_size=60))
def test_the_limit_holds_whatever_the_pieces(pieces: list[int]) -> None:
    clock = Clock()
    throttle = Throttle(1_000, clock.wait, clock)
    begun = clock.now
    sent = 0
    for piece in pieces:
        throttle.take(piece)
        assert sent <= 1_000 * (clock.now - begun) + 1e-6
        sent += piece


def test_time_in_which_nothing_was_sent_is_not_saved_up(clock: Clock) -> None:
    throttle = Throttle(1_000, clock.wait, clock)
    throttle.take(1_000)
    clock.now += 3_600
    throttle.take(1_000)
    throttle.take(1_000)
    assert clock.waits == pytest.approx([1.0])


def test_all_threads_together_stay_below_the_limit() -> None:
    """On the real clock: four threads, 100 kB in all, at most 400 kB a second."""
    waited: list[float] = []
    throttle = Throttle(400_000, waited.append)
    in_four_threads(lambda: throttle.take(1_000), times=25)
    assert max(waited) == pytest.approx(99_000 / 400_000, rel=0.3)


@pytest.mark.parametrize("limit", [0, 1_000, 100_000, 10**9])
def test_pieces_are_small_where_the_limit_is_low(limit: int, clock: Clock) -> None:
    """A connection on which nothing moves for a minute is cut by every proxy."""
    step = Throttle(limit, clock.wait, clock).step
    assert 1 <= step <= 256 * KIB
    assert not limit or step <= max(limit, 1024)


def test_a_body_is_counted_while_it_is_sent() -> None:
    one = progress()
    slot = one.slots[0]
    slot.begin("image", 3_000)
    body = one.watched(Body(600, (b"a" * 200, b"b" * 400)), slot, begin=1_000, end=2_000)
    assert body.length == 600

    seen = []
    for piece in body.pieces:
        seen.append((one.sent_bytes, round(slot.done)))
        del piece
    assert b"".join(body.pieces) == b"a" * 200 + b"b" * 400

    # What is counted is what was asked for after: a piece that nobody took was not sent.
    assert seen == [(0, 1_000), (200, 1_333)]
    assert round(slot.done) == 2_000
    assert slot.flight().label == "image"


def test_a_second_attempt_counts_its_bytes_again_and_begins_where_the_first_did() -> None:
    one = progress()
    slot = one.slots[0]
    slot.begin("image", 1_000)
    body = one.watched(Body(100, (b"x" * 50, b"y" * 50)), slot, begin=500, end=600)

    first = iter(body.pieces)
    next(first)
    next(first)
    assert one.sent_bytes == 50

    again = iter(body.pieces)
    next(again)
    assert slot.done == 500
    assert list(again) == [b"y" * 50]
    assert one.sent_bytes == 150
    assert slot.done == 600


def test_an_empty_body_counts_nothing() -> None:
    one = progress()
    slot = one.slots[0]
    slot.begin("image", 10)
    assert list(one.watched(Body(0, ()), slot, begin=10, end=10).pieces) == []
    assert (one.sent_bytes, slot.done) == (0, 10)


@given(length=st.integers(0, 2_000_000), limit=st.sampled_from([0, 50_000, 10**9]))
def test_no_piece_is_larger_than_the_throttles_step(length: int, limit: int) -> None:
    clock = Clock()
    throttle = Throttle(limit, clock.wait, clock)
    one = progress(throttle)
    content = b"\x01" * length
    pieces = list(one.watched(Body.of(content), one.slots[0], 0, 1).pieces)
    assert b"".join(pieces) == content
    assert all(len(piece) <= throttle.step for piece in pieces)


def test_a_slot_that_has_nothing_in_hand_shows_nothing() -> None:
    slot = progress().slots[1]
    slot.begin("chart", 100)
    slot.reached(40)
    assert (slot.flight().slot, slot.flight().size, slot.flight().done) == (1, 100, 40)
    slot.end()
    assert (slot.flight().label, slot.flight().size, slot.flight().done) == ("", 0, 0)


def test_retries_of_all_threads_are_counted() -> None:
    one = progress()
    in_four_threads(one.count_retry, times=1_000)
    assert one.retries == 4_000


def test_progress_within_a_body_never_goes_back() -> None:
    one = progress()
    slot = one.slots[0]
    slot.begin("image", 10_000)
    body = one.watched(Body.of(bytes(1_000_000)), slot, 0, 10_000)
    seen = [slot.done for _ in body.pieces]
    assert all(earlier <= later for earlier, later in pairwise(seen))


def test_a_new_limit_holds_from_the_next_piece_and_owes_nothing_of_the_old(clock: Clock) -> None:
    throttle = Throttle(10, clock.wait, clock)
    throttle.take(1_000)
    throttle.limit = 1_000
    throttle.take(500)
    assert clock.waits == []
    throttle.take(500)
    assert clock.waits == pytest.approx([0.5])
    throttle.limit = 0
    throttle.take(10**9)
    assert throttle.limit == 0
    assert clock.waits == pytest.approx([0.5])


def test_a_limit_that_falls_in_the_middle_of_a_body_makes_its_pieces_smaller(clock: Clock) -> None:
    throttle = Throttle(0, clock.wait, clock)
    one = progress(throttle)
    pieces = iter(one.watched(Body.of(bytes(1_000_000)), one.slots[0], 0, 1).pieces)
    assert len(next(pieces)) == 256 * KIB
    throttle.limit = 8_000
    next(pieces)
    assert len(next(pieces)) == 2_000


def test_what_is_in_flight_when_a_pause_is_wanted_goes_out_at_once(clock: Clock) -> None:
    one = progress(Throttle(10, clock.wait, clock))
    one.gate.close()
    assert sum(map(len, one.watched(Body.of(bytes(50_000)), one.slots[0], 0, 1).pieces)) == 50_000
    assert clock.waits == []


def test_a_thread_that_waits_for_the_end_of_a_pause_shows_it() -> None:
    one = progress()
    one.gate.close()
    waiting = threading.Thread(target=lambda: one.pause(one.take_slot(1)))
    waiting.start()
    give_up = time.monotonic() + 10
    while not one.slots[1].waits:
        assert time.monotonic() < give_up
    one.gate.open()
    waiting.join(10)
    assert not one.slots[1].waits


def test_the_slot_of_a_thread_is_known_while_it_has_something_in_hand() -> None:
    one = progress()
    seen = [one.own_slot]
    slot = one.take_slot(1)
    seen.append(one.own_slot)
    slot.begin("image", 10, 7, "sha256:1")
    seen.append(one.own_slot)
    assert seen == [None, None, slot]
    assert one.in_hand == [slot]
    assert (slot.flight().artifact, slot.flight().blob) == (7, "sha256:1")


def test_a_trouble_is_shown_until_bytes_move(journal_file: Path) -> None:
    one = progress()
    slot = one.take_slot(0)
    with closing(Journal(journal_file)) as journal:
        record = ArtifactRecord("image", "a", "h/a:1", True, 10, "", ())
        (number,) = journal.register([record])
        slot.begin("image", 10, number, "sha256:1")
        slot.reached(4)
        error = RegistryError(Code.REGISTRY_FAULT, "HTTP 504 and all that", status=504)
        one.note_retry(journal, one.own_slot, error)
        assert slot.flight().trouble == "HTTP 504"
        slot.reached(4)
        assert slot.trouble
        slot.reached(5)
        assert not slot.trouble
        one.note_retry(journal, None, RegistryError(Code.REGISTRY_BUSY, "slowly"))
        (row,) = journal.artifacts()
    assert row.retries == 1
    with JournalView(journal_file) as view:
        told = [(event.artifact, event.text) for event in view.events() if event.kind == "retry"]
        details = view.artifact_details(number)
    assert told == [(number, "HTTP 504 and all that"), (None, "slowly")]
    assert details
    assert [one.text for one in details.tries] == ["HTTP 504 and all that"]
