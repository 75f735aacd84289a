"""Counters and flights in the journal, while the engine works."""

import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import cast

import pytest

from core.errors import Code, JobError
from core.transfer import reporter
from core.transfer.engine import Engine, Totals
from core.transfer.journal import Flight, Journal
from core.transfer.progress import Progress, Throttle
from core.transfer.reporter import Reporter
from core.transfer.view import JournalView


class Counting:
    """All that a reporter asks of an engine."""

    def __init__(self) -> None:
        self.totals = Totals(total=1_000)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


@pytest.fixture
def journal(path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Journal]:
    monkeypatch.setattr(reporter, "INTERVAL", 0.01)
    with closing(Journal(path)) as opened:
        yield opened


def reporting(journal: Journal, progress: Progress, engine: Counting) -> Reporter:
    return Reporter(journal, progress, cast("Engine", engine))


def progress() -> Progress:
    return Progress(2, Throttle(0, threading.Event().wait))


def test_what_is_under_way_shows_while_it_is(journal: Journal, path: Path) -> None:
    one, engine = progress(), Counting()
    with reporting(journal, one, engine), JournalView(path) as view:
        one.slots[1].begin("h/image:1", 500)
        one.slots[1].reached(200)
        engine.totals.done = 300
        give_up = time.monotonic() + 10
        while not view.flights():
            assert time.monotonic() < give_up
        (flight,) = view.flights()
        assert (flight.slot, flight.label, flight.size, flight.done) == (1, "h/image:1", 500, 200)
        while view.summary().number("done_bytes") != 500:
            assert time.monotonic() < give_up
        one.slots[1].end()
        engine.totals.done = 1_000
    with JournalView(path) as view:
        assert view.flights() == []
        assert view.summary().number("done_bytes") == 1_000


def test_the_last_word_is_written_at_the_end_and_is_never_beyond_the_whole(
    journal: Journal, path: Path
) -> None:
    one, engine = progress(), Counting()
    with reporting(journal, one, engine):
        engine.totals = Totals(total=1_000, done=990, present=5, mounted=7)
        one.slots[0].begin("sent again", 500)
        one.slots[0].reached(400)
        one.count_sent(123)
        one.count_retry()
    with JournalView(path) as view:
        facts = view.summary().facts
        assert view.flights() == [Flight(0, "sent again", 500, 400, view.flights()[0].rate)]
    told = {name: int(facts[f"{name}_bytes"]) for name in ("total", "done", "present", "mounted")}
    assert told == {"total": 1_000, "done": 1_000, "present": 5, "mounted": 7}
    assert (facts["sent_bytes"], facts["retries"]) == ("123", "1")


def test_no_thread_stays_behind(journal: Journal) -> None:
    with reporting(journal, progress(), Counting()):
        assert "reporter" in [thread.name for thread in threading.enumerate()]
    assert "reporter" not in [thread.name for thread in threading.enumerate()]


def test_a_journal_that_cannot_be_written_is_told_once_and_hides_no_other_error(
    journal: Journal, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object, **__: object) -> None:
        raise JobError(Code.DISK_FULL, "no room")

    monkeypatch.setattr(journal, "set_flights", full)
    with pytest.raises(ZeroDivisionError), reporting(journal, progress(), Counting()):
        raise ZeroDivisionError
    assert "no room" in caplog.text
    with pytest.raises(JobError, match="no room"), reporting(journal, progress(), Counting()):
        pass
