"""Waiting: long enough for a registry that comes back, not for ever where nothing gets through."""

import threading
import time
from functools import partial

import pytest

from core.answers import TransferAnswers
from core.errors import Code, ExitCode
from core.registry.retry import RetryPolicy, Waiter
from core.registry.session import Session
from core.transfer import worker
from core.transfer.states import ArtifactState
from core.transfer.troubles import troubles
from tests.chaos.conftest import When
from tests.core.transfer.running import Import
from tests.faults.conftest import CHUNK
from tests.faults.profiles import Limit
from tests.faults.scripts import FOREVER, On, Say, Script, Together, status
from tests.faults.truth import Truth
from tests.fixtures.proxy import Answer, Exchange, Handler, Hangup, Proxy

UPLOADS = "/blobs/uploads/"


class TurnedClock(Waiter):
    """Waits by turning its clock; `turned` is what all waits took together, in seconds."""

    turned = 0.0

    def __init__(self, stop: threading.Event) -> None:
        super().__init__(stop, lambda: self.turned)

    def wait(self, seconds: float) -> None:
        super().wait(0)
        TurnedClock.turned += seconds


class Away(Handler):
    """Nobody answers for ten minutes of the turned clock, from a certain request on."""

    seconds = 600.0

    def __init__(self, after: int) -> None:
        self.on = On(after=after, times=FOREVER)

    def request(self, exchange: Exchange) -> Answer | None:
        if TurnedClock.turned < self.seconds and self.on.strikes(exchange):
            raise Hangup(reset=True)
        return None


@pytest.mark.parametrize(
    "after",
    [
        pytest.param(2, id="survey", marks=pytest.mark.slow),
        pytest.param(12, id="blobs"),
        pytest.param(40, id="later", marks=pytest.mark.slow),
    ],
)
def test_a_registry_that_is_away_for_ten_minutes_is_outlived(
    after: int,
    work: Import,
    truth: Truth,
    counting_proxy: Proxy,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With the waits of the field, and the patience that is preset."""
    monkeypatch.setattr(worker, "RetryPolicy", RetryPolicy)
    monkeypatch.setattr(worker, "Waiter", TurnedClock)
    monkeypatch.setattr(TurnedClock, "turned", 0.0)
    work.transfer = TransferAnswers(jobs=1, chunk_size=CHUNK)
    counting_proxy.handler = away = Away(after)

    assert work.run() is ExitCode.DONE

    assert away.on.struck > 15
    assert TurnedClock.turned >= Away.seconds
    truth.confirms(work.rows)


class Slowly(Handler):
    """Every answer about an upload takes a while: longer together than a stall may be."""

    pause = 0.25

    def answer(self, exchange: Exchange) -> Answer | None:
        if UPLOADS in exchange.path:
            threading.Event().wait(self.pause)
        return None


class Hangs(Script):
    """The registry takes what is sent, and says nothing until the test is over."""

    def __init__(self, on: On) -> None:
        super().__init__(on)
        self.over = threading.Event()

    def answer(self, exchange: Exchange) -> Answer | None:
        if self.on.strikes(exchange):
            self.over.wait()
            raise Hangup
        return None


def stalls_after(seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "Session", partial(Session, stall=seconds))


def test_slowness_is_no_stall(
    work: Import, truth: Truth, counting_proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    stalls_after(4 * Slowly.pause, monkeypatch)
    work.transfer = TransferAnswers(jobs=8, chunk_size=CHUNK)
    counting_proxy.handler = Slowly()
    assert work.run() is ExitCode.DONE
    assert work.summary.number("retries") == 0
    truth.confirms(work.rows)


def test_a_stall_is_seen_told_and_outlived(
    work: Import, truth: Truth, counting_proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    stalls_after(0.5, monkeypatch)
    counting_proxy.handler = hangs = Hangs(On("PATCH", UPLOADS, after=1))
    try:
        assert work.run() is ExitCode.DONE
    finally:
        hangs.over.set()
    assert hangs.on.struck == 1
    assert any("gave no sign in time" in one.text for one in work.events if one.kind == "retry")
    truth.confirms(work.rows)


@pytest.mark.parametrize(
    "jump",
    [
        pytest.param(-86_400.0, id="back"),
        pytest.param(86_400.0, id="forward", marks=pytest.mark.slow),
    ],
)
def test_a_clock_that_jumps_by_a_day_changes_nothing(
    jump: float,
    work: Import,
    truth: Truth,
    counting_proxy: Proxy,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = time.time

    def set_clock() -> None:
        monkeypatch.setattr(time, "time", lambda: real() + jump)

    counting_proxy.handler = when = When(On("PATCH", UPLOADS, after=1), set_clock)
    begun = time.monotonic()
    assert work.run() is ExitCode.DONE
    assert when.on.struck
    assert time.monotonic() - begun < 30
    truth.confirms(work.rows)
    seconds = work.report["seconds"]
    assert isinstance(seconds, float)
    assert seconds >= 0
    monkeypatch.setattr(time, "time", real)
    counting_proxy.forget()
    assert work.run() is ExitCode.DONE
    assert counting_proxy.bytes_sent() == 0


def test_chunks_that_take_too_long_become_smaller(
    work: Import, truth: Truth, counting_proxy: Proxy
) -> None:
    """A proxy that waits only so long for a body: with less in it, it comes in time."""
    work.transfer = TransferAnswers(jobs=2, chunk_size=4 * CHUNK, patience=1)
    counting_proxy.handler = Limit(CHUNK, lambda: Answer(408))
    assert work.run() is ExitCode.DONE
    truth.confirms(work.rows)


WORDS: dict[int, str] = {408: "client_body_timeout", 504: "proxy_read_timeout"}


@pytest.mark.parametrize("number", WORDS)
def test_where_nothing_gets_through_it_ends_and_says_what_to_do(
    number: int, work: Import, truth: Truth, counting_proxy: Proxy
) -> None:
    """The registry answers all the while: without an end, each blob would take its time in vain."""
    work.transfer = TransferAnswers(jobs=1, chunk_size=CHUNK, patience=0.05)
    counting_proxy.handler = Together(
        Say(On("PATCH", UPLOADS, times=FOREVER), status(number)),
        Say(On("PUT", UPLOADS, times=FOREVER), status(number)),
    )

    assert work.run() is ExitCode.SOME_FAILED

    sent = (*counting_proxy.matching("PATCH", UPLOADS), *counting_proxy.matching("PUT", UPLOADS))
    tried = {one.path for one in sent}
    assert len(tried) <= 2, "blobs that were tried in vain, for one thread"
    failed = [row for row in work.rows if row.state is ArtifactState.FAILED]
    assert len(failed) == len(work.rows)
    (trouble,) = troubles(work.rows)
    assert trouble.title == "The proxy cuts long uploads off"
    assert any(WORDS[number] in line for line in (trouble.mend, *trouble.settings))
    assert trouble.code in (Code.REGISTRY_STALLED, Code.REGISTRY_FAULT)
    truth.confirms(work.rows)
