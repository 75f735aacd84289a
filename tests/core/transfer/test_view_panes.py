"""What the panes of a screen read from a journal."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from core.errors import Code, RegistryError
from core.transfer.journal import ArtifactRecord, Flight, Journal
from core.transfer.records import Layers
from core.transfer.states import ArtifactState, JobState, PlacementState
from core.transfer.view import JournalView
from tests.core.transfer.making import layer, stored_blob

CONFIG = stored_blob(b"config", media_type="application/vnd.oci.image.config.v1+json")
BASE, APP, READY = layer(b"base"), layer(b"application"), stored_blob(b"packed")
BLOBS = (CONFIG, BASE, APP, READY)


@pytest.fixture
def journal(journal_file: Path) -> Iterator[Journal]:
    with closing(Journal(journal_file)) as opened:
        yield opened


@pytest.fixture
def view(journal: Journal, journal_file: Path) -> Iterator[JournalView]:
    del journal
    with JournalView(journal_file) as opened:
        yield opened


def record(name: str) -> ArtifactRecord:
    digests = [blob.digest for blob in BLOBS]
    return ArtifactRecord("image", name, f"h.example/eks/{name}:1", True, 10, "", digests)


def test_a_look_brings_what_changed_since_the_last(journal: Journal, view: JournalView) -> None:
    assert view.changes().rows == ()
    one, two, three = journal.register(record(name) for name in "abc")
    first = view.changes()
    assert [row.number for row in first.rows] == [one, two, three]
    assert view.changes(first.mark).rows == ()
    journal.set_artifact(two, ArtifactState.SENDING)
    journal.set_artifact(two, ArtifactState.DONE)
    journal.set_verified(one, True)
    second = view.changes(first.mark)
    assert [(row.number, row.state) for row in second.rows] == [
        (one, ArtifactState.WAITING), (two, ArtifactState.DONE),
    ]  # fmt: skip
    journal.set_artifact(two, ArtifactState.DONE)
    assert view.changes(second.mark).rows == (), "nothing is new in it"


def test_what_the_next_plan_holds_no_more_is_told(journal: Journal, view: JournalView) -> None:
    _, two = journal.register(record(name) for name in "ab")
    mark = view.changes().mark
    (one,) = journal.register([record("a")])
    changes = view.changes(mark)
    assert [row.number for row in changes.rows] == [one]
    assert changes.gone == (two,)


def test_a_journal_that_was_begun_anew_shows_all(journal: Journal, tmp_path: Path) -> None:
    journal.register(record(name) for name in "abcdef")
    anew = tmp_path / "anew.sqlite"
    with closing(Journal(anew)) as second:
        second.register([record("a")])
    with JournalView(anew) as later:
        assert len(later.changes(later.changes().mark - 1).rows) == 1
        assert later.changes(mark=1_000).rows


def test_a_look_at_ten_thousand_artifacts_with_few_changes_is_cheap(
    journal: Journal, view: JournalView
) -> None:
    numbers = journal.register(
        ArtifactRecord("image", f"r.example/{n}:1", f"h/{n}:1", True, 10, "", ())
        for n in range(10_000)
    )
    mark = view.changes().mark
    takes = []
    for turn in range(10):
        for number in numbers[turn * 5 : turn * 5 + 5]:
            journal.set_artifact(number, ArtifactState.SENDING)
        begun = time.perf_counter()
        changes = view.changes(mark)
        summary = view.summary()
        takes.append(time.perf_counter() - begun)
        assert len(changes.rows) == 5
        assert summary.artifacts == 10_000
        mark = changes.mark
    assert min(takes) < 0.010


def test_all_of_one_artifact(journal: Journal, view: JournalView) -> None:
    one, other = journal.register(record(name) for name in "ab")
    journal.note_blobs(BLOBS)
    journal.set_known(BASE, "sha256:sent", 3)
    journal.set_placement(BASE, "eks/a", PlacementState.MOUNTED)
    journal.set_placement(APP, "eks/a", PlacementState.SENDING, "https://r/up", 2)
    journal.set_placement(APP, "eks/b", PlacementState.SENT)
    journal.begin_run()
    journal.note_retry("HTTP 504 with all of the answer", one)
    journal.note_retry("of another", other)
    journal.set_failed(one, RegistryError(Code.REGISTRY_FAULT, "again", status=504), final=False)
    details = view.artifact_details(one)
    assert details
    assert details.row.source == "a"
    assert details.row.retries == 1
    config, base, app, ready = details.layers
    assert (config.is_layer, base.is_layer) == (False, True)
    assert config.sent_digest == CONFIG.digest
    assert (base.sent_digest, base.sent_size, base.state) == (
        "sha256:sent", 3, PlacementState.MOUNTED,
    )  # fmt: skip
    assert base.done == base.size == BASE.size
    assert (app.sent_digest, app.state, app.done) == ("", PlacementState.SENDING, 2)
    assert (ready.sent_digest, ready.sent_size, ready.done) == (READY.digest, READY.size, 0)
    assert [(one.kind, one.text) for one in details.tries] == [
        ("retry", "HTTP 504 with all of the answer"), ("artifact-retrying", "again"),
    ]  # fmt: skip
    assert all(time.time() - 60 < one.at <= time.time() for one in details.tries)
    journal.set_flights([Flight(0, "a", APP.size, 7, 1.0, one, APP.digest)])
    flying = view.artifact_details(one)
    assert flying
    assert flying.layers[2].done == 7
    assert view.artifact_details(99) is None


def test_an_artifact_that_was_found_whole_has_all_its_layers(
    journal: Journal, view: JournalView
) -> None:
    (one,) = journal.register([record("a")])
    journal.note_blobs(BLOBS)
    journal.set_artifact(one, ArtifactState.PRESENT)
    details = view.artifact_details(one)
    assert details
    assert {layer.state for layer in details.layers} == {PlacementState.PRESENT}
    assert all(layer.done == layer.size for layer in details.layers)


def test_tries_of_earlier_runs_are_not_told(journal: Journal, view: JournalView) -> None:
    (one,) = journal.register([record("a")])
    journal.note_retry("of the run before", one)
    journal.begin_run()
    journal.register([record("a")])
    details = view.artifact_details(one)
    assert details
    assert (details.tries, details.row.retries) == ((), 0)


def test_threads_keep_their_place_and_idle_ones_are_none(
    journal: Journal, view: JournalView
) -> None:
    assert view.slots() == []
    third = Flight(2, "h/c:1", 10, 5, 1.0, 3, "sha256:3", "HTTP 504")
    journal.set_flights([third], jobs=4)
    assert view.slots() == [None, None, third, None]
    last = Flight(5, "h/d:1", 10, 5, 1.0)
    journal.set_flights([last], jobs=1)
    assert view.slots() == [None] * 5 + [last], "it is shown until it has finished"


def test_layers_in_place_are_counted_and_configs_are_not(
    journal: Journal, view: JournalView
) -> None:
    one, two = journal.register(record(name) for name in "ab")
    journal.note_blobs(BLOBS)
    for blob in (CONFIG, BASE):
        journal.set_placement(blob, "eks/a", PlacementState.SENT)
    assert view.layers_of([one, two, 99]) == {one: Layers(1, 3), two: Layers(0, 3)}


def test_figures_of_a_summary(journal: Journal, view: JournalView) -> None:
    journal.set_flights(
        [], retries=3, jobs=8, paused="no", moved=100.0,
        finishing=2,
    )  # fmt: skip
    journal.set_state(JobState.SENDING)
    journal.set_facts(state_since=90.0)
    summary = view.summary()
    assert (summary.retries, summary.jobs) == (3, 8)
    assert (summary.idle(140.0), summary.idle(99.0), summary.paused) == (40.0, 0.0, False)
    journal.set_facts(paused="yes")
    summary = view.summary()
    assert (summary.paused, summary.finishing, summary.idle(140.0)) == (True, 2, 0.0)


def test_verified_ones_are_counted(journal: Journal, view: JournalView) -> None:
    one, two, _ = journal.register(record(name) for name in "abc")
    journal.set_verified(one, True)
    journal.set_verified(two, True)
    journal.set_failed(two, RegistryError(Code.MIRROR_DIFFERS, "gone"), final=True)
    assert view.summary().verified == 1


def test_a_journal_of_another_version_still_tells_how_it_stands(journal_file: Path) -> None:
    with closing(Journal(journal_file)) as journal:
        journal.register([record("a")])
        journal.set_state(JobState.STOPPED)
    with closing(sqlite3.connect(journal_file)) as db:
        db.executescript("DROP TABLE flight; DROP TABLE change")
    with JournalView(journal_file) as view:
        assert view.summary().state is JobState.STOPPED
