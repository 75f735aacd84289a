"""A running worker, a process of its own, that is told from outside to do otherwise."""

import os
import signal
import subprocess
import time
from collections.abc import Callable

import pytest

from core.answers import TransferAnswers
from core.demo.registry import DemoRegistry
from core.demo.sample import SampleSpec
from core.registry.credentials import Credentials
from core.transfer.controls import Controls, change_controls, read_controls
from core.transfer.job import Job
from core.transfer.launch import start
from core.transfer.orders import Orders
from core.transfer.records import Flight
from core.transfer.standing import Stand, look_at, overview
from core.transfer.states import JobState
from core.transfer.stopping import ask_to_stop
from core.transfer.view import JournalView, Summary
from tests.core.transfer.running import Import, of
from tests.fixtures.samples import SampleFactory

pytestmark = pytest.mark.usefixtures("workers")

SECONDS = 30
SLOW = 300_000


@pytest.fixture
def work(registry: DemoRegistry, make_sample: SampleFactory, namespace: str) -> Import:
    """Some megabytes, so slowly that it does not end before a test is through."""
    sample = make_sample(SampleSpec(megabytes=6))
    slow = TransferAnswers(jobs=1, limit_rate=SLOW, chunk_size=64 * 1024, patience=5)
    return Import(registry, of(sample), namespace, slow)


@pytest.fixture
def job(work: Import) -> Job:
    """At work, with the first bytes on their way."""
    login = Credentials(work.registry.username, work.registry.password, "test")
    started = start(work.answers, Orders(login))
    until(lambda: summary(started).number("sent_bytes") > 0)
    return started


def until(condition: Callable[[], bool], seconds: float = SECONDS) -> None:
    give_up = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up, "it took too long"
        time.sleep(0.01)


def summary(job: Job) -> Summary:
    with JournalView(job.journal) as view:
        return view.summary()


def flights(job: Job) -> list[Flight]:
    with JournalView(job.journal) as view:
        return view.flights()


def stand(job: Job) -> Stand:
    return look_at(job)[0].stand


def halt(job: Job) -> None:
    """Paused, and every thread has finished its chunk."""
    change_controls(job, paused=True)
    until(lambda: summary(job).paused and not summary(job).finishing)


def events(job: Job) -> list[str]:
    with JournalView(job.journal) as view:
        return [event.kind for event in view.events()]


def test_a_pause_lets_nothing_through_until_it_goes_on(work: Import, job: Job) -> None:
    assert stand(job) is Stand.RUNNING
    halt(job)
    assert stand(job) is Stand.PAUSED
    before = summary(job)
    # It looks and writes on: two more of its looks, and not a byte was sent.
    until(lambda: summary(job).number("moved") > before.number("moved") + 1)
    assert summary(job).number("sent_bytes") == before.number("sent_bytes")
    assert flights(job), "what was begun is kept in hand"
    change_controls(job, paused=False, limit_rate=0)
    until(lambda: not job.is_running())
    assert stand(job) is Stand.DONE
    assert [kind for kind in events(job) if kind in ("paused", "going-on")] == [
        "paused", "going-on",
    ]  # fmt: skip
    assert not job.controls.exists()
    with JournalView(job.journal) as view:
        assert all(row.verified for row in view.artifacts() if row.state.arrived)


def test_threads_come_and_go_while_it_runs(job: Job) -> None:
    until(lambda: len(flights(job)) == 1 and summary(job).jobs == 1)
    change_controls(job, jobs=8, limit_rate=2 * SLOW)
    until(lambda: len(flights(job)) > 2)
    with JournalView(job.journal) as view:
        slots = view.slots()
    assert len(slots) == 8
    assert all(one is None or one.slot == place for place, one in enumerate(slots))
    change_controls(job, jobs=2, limit_rate=0)
    until(lambda: not job.is_running())
    assert stand(job) is Stand.DONE
    assert events(job).count("jobs") == 2


def test_threads_that_are_too_many_end_after_what_they_have_in_hand(job: Job) -> None:
    change_controls(job, jobs=8)
    until(lambda: len(flights(job)) > 4)
    change_controls(job, jobs=2)
    until(lambda: summary(job).jobs == 2)
    held = {flight.blob for flight in flights(job) if flight.slot >= 2}
    assert held, "nothing is thrown away"
    change_controls(job, limit_rate=10 * SLOW)
    until(lambda: all(flight.slot < 2 for flight in flights(job)))
    with JournalView(job.journal) as view:
        there = {digest for digest, _ in view.places()}
        assert held <= there
        assert len(view.slots()) == 2 or view.summary().state is not JobState.SENDING


def test_a_rate_is_heeded_at_once_both_ways(job: Job) -> None:
    change_controls(job, limit_rate=20_000)
    until(lambda: summary(job).number("limit_rate") == 20_000)
    # The piece that waited at the old rate is through with the next bytes that are counted.
    before = summary(job).number("sent_bytes")
    until(lambda: summary(job).number("sent_bytes") > before)
    begun, sent = time.monotonic(), summary(job).number("sent_bytes")
    until(lambda: summary(job).number("sent_bytes") > sent + 30_000)
    moved = summary(job).number("sent_bytes") - sent
    assert moved / (time.monotonic() - begun) < 40_000
    change_controls(job, limit_rate=0)
    until(lambda: not job.is_running())
    assert stand(job) is Stand.DONE


def test_a_stop_while_it_is_paused_ends_it_cleanly(
    job: Job, workers: list["subprocess.Popen[bytes]"]
) -> None:
    halt(job)
    begun = time.monotonic()
    assert ask_to_stop(job)
    until(lambda: not job.is_running())
    assert time.monotonic() - begun < 5
    assert workers[-1].wait(SECONDS) == 4
    assert stand(job) is Stand.STOPPED
    assert not summary(job).paused
    assert not job.controls.exists()


def test_a_start_begins_unpaused_with_what_the_answers_say(work: Import, job: Job) -> None:
    change_controls(job, paused=True, jobs=9, limit_rate=7)
    os.kill(job.worker_pid() or 0, signal.SIGKILL)
    until(lambda: not job.is_running())
    assert job.controls.exists(), "a kill leaves it behind"
    work.transfer = work.transfer.model_copy(update={"limit_rate": 0})
    login = Credentials(work.registry.username, work.registry.password, "test")
    start(work.answers, Orders(login))
    assert not job.controls.exists()
    assert read_controls(job) == Controls(jobs=1)
    until(lambda: not job.is_running())
    assert stand(job) is Stand.DONE


def test_a_kill_is_seen_within_two_seconds_with_the_time_of_it(job: Job) -> None:
    pid = job.worker_pid()
    assert pid
    killed = time.time()
    os.kill(pid, signal.SIGKILL)
    until(lambda: stand(job) is Stand.CUT_OFF, seconds=2)
    standing, _ = look_at(job)
    assert standing.ended == pytest.approx(killed, abs=2)
    seen = overview(job)
    assert seen.standing.stand is Stand.CUT_OFF
    assert seen.registry == summary(job).facts["mirror"]
    assert 0 <= seen.per_cent < 100


@pytest.mark.parametrize("content", [b"garbage", b"[]", b'{"jobs": 99}', b'{"paused": "yes"}', b""])
def test_damaged_controls_change_nothing(content: bytes, job: Job) -> None:
    job.controls.write_bytes(content)
    until(lambda: "cannot be read" in job.log.read_text())
    assert summary(job).jobs == 1
    assert not summary(job).paused
    change_controls(job, limit_rate=0)
    until(lambda: not job.is_running())
    assert stand(job) is Stand.DONE


def test_a_worker_that_does_not_move_counts_as_stalled(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.transfer.standing.STALLED_SECONDS", 1.0)
    pid = job.worker_pid()
    assert pid
    os.kill(pid, signal.SIGSTOP)
    try:
        until(lambda: stand(job) is Stand.STALLED)
        assert look_at(job)[0].idle >= 1.0
    finally:
        os.kill(pid, signal.SIGCONT)
    until(lambda: stand(job) is Stand.RUNNING)


def test_what_it_has_in_hand_is_told_with_its_artifact_and_layers(job: Job) -> None:
    until(lambda: bool(flights(job)))
    with JournalView(job.journal) as view:
        (flight,) = view.flights()
        details = view.artifact_details(flight.artifact)
        layers = view.layers_of([flight.artifact])[flight.artifact]
    assert details
    assert details.row.destination == flight.label
    assert flight.blob in [layer.digest for layer in details.layers]
    assert layers.total == sum(layer.is_layer for layer in details.layers)
    assert layers.done <= layers.total
