"""What the journal keeps."""

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from core.errors import Code, EksaMirrorError, JobError, RegistryError
from core.transfer.journal import (
    ArtifactRecord,
    ArtifactRow,
    Flight,
    Journal,
    OpenUpload,
    Placement,
)
from core.transfer.states import ArtifactState, JobState, PlacementState
from core.transfer.view import JournalView
from tests.core.transfer.making import layer, stored_blob

LAYER = layer(b"layer")
OTHER = layer(b"other")
BLOB = stored_blob(b"config")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    with closing(Journal(path)) as opened:
        yield opened


def record(name: str, *blobs: str, size: int = 10) -> ArtifactRecord:
    return ArtifactRecord("image", name, "mirror/x:1", True, size, "linux/amd64", blobs)


def row(journal: Journal, number: int) -> ArtifactRow:
    (found,) = [one for one in journal.artifacts() if one.number == number]
    return found


def events(path: Path) -> list[tuple[str, str]]:
    with JournalView(path) as view:
        return [(event.kind, event.text) for event in view.events()]


def test_facts_survive_closing_and_the_last_word_counts(path: Path) -> None:
    with closing(Journal(path)) as journal:
        assert journal.fact("release") == ""
        journal.set_facts(release="v1", total_bytes=10)
        journal.set_facts(release="v2")
    with closing(Journal(path)) as journal:
        assert journal.fact("release") == "v2"
        assert journal.fact("total_bytes") == "10"


def test_a_state_is_a_fact_and_an_event(journal: Journal, path: Path) -> None:
    journal.set_state(JobState.SENDING)
    assert journal.fact("state") == "sending"
    assert events(path) == [("job-sending", "")]


def test_an_artifact_goes_through_its_states(journal: Journal, path: Path) -> None:
    (number,) = journal.register([record("pause")])
    assert row(journal, number).state is ArtifactState.WAITING

    journal.set_artifact(number, ArtifactState.SENDING)
    journal.set_artifact(number, ArtifactState.SENDING)
    sending = row(journal, number)
    assert sending.started
    assert sending.ended is None

    error = RegistryError(Code.QUOTA_EXCEEDED, "No room.", where="mirror/pause", status=403)
    journal.set_failed(number, error, final=False)
    retrying = row(journal, number)
    assert (retrying.state, retrying.attempts) == (ArtifactState.RETRYING, 1)
    assert (retrying.code, retrying.message) == ("quota-exceeded", "No room.")
    assert (retrying.place, retrying.status) == ("mirror/pause", 403)
    assert retrying.cause
    assert retrying.mend

    journal.set_artifact(number, ArtifactState.DONE, digest="sha256:1", note="late")
    done = row(journal, number)
    assert (done.state, done.digest, done.note) == (ArtifactState.DONE, "sha256:1", "late")
    assert (done.code, done.message, done.place, done.mend, done.status) == ("", "", "", "", 0)
    assert done.ended
    assert [kind for kind, _ in events(path)] == [
        "artifact-sending", "artifact-retrying", "artifact-done",
    ]  # fmt: skip


def test_registering_again_forgets_how_the_last_run_ended_but_not_that_it_was_done(
    journal: Journal,
) -> None:
    numbers = journal.register([record("pause"), record("coredns")])
    journal.set_artifact(numbers[0], ArtifactState.DONE, digest="sha256:1")
    journal.set_verified(numbers[0], True)
    journal.set_failed(numbers[1], EksaMirrorError(Code.NOT_IN_ARCHIVE, "Not there."), final=True)
    assert journal.unsettled() == []

    assert journal.register([record("pause"), record("coredns")]) == numbers

    assert journal.unsettled() == numbers
    again, other = (row(journal, number) for number in numbers)
    assert journal.was_done(again.number)
    assert not journal.was_done(other.number)
    assert not again.verified, "what the last run saw is not what this one saw"
    assert (again.started, again.ended) == (None, None)
    assert (other.code, other.message, other.attempts) == ("", "", 0)


def test_what_is_no_longer_in_the_plan_is_gone(journal: Journal) -> None:
    first = journal.register([record("a", "sha256:1"), record("b", "sha256:2")])
    (kept,) = journal.register([record("b", "sha256:3", "sha256:4")])
    assert kept == first[1]
    assert [one.source for one in journal.artifacts()] == ["b"]
    assert journal.blobs_of(kept) == ["sha256:3", "sha256:4"]
    assert journal.blobs_of(first[0]) == []


def test_artifacts_keep_the_order_of_the_plan(journal: Journal) -> None:
    names = ["zeta", "alpha", "mid"]
    journal.register([record(name) for name in names])
    assert [one.source for one in journal.artifacts()] == names


def test_a_layer_is_known_once_its_end_was_reached_and_other_blobs_always(journal: Journal) -> None:
    assert journal.known_as(LAYER) is None
    assert journal.known_as(BLOB) == (BLOB.digest, BLOB.size)
    journal.set_known(LAYER, "sha256:sent", 7)
    assert journal.known_as(LAYER) == ("sha256:sent", 7)
    journal.set_known(LAYER, "sha256:again", 8)
    assert journal.known_as(LAYER) == ("sha256:again", 8)


def test_a_placement_remembers_its_upload_until_it_is_there(journal: Journal) -> None:
    assert journal.placement(LAYER, "eks/a") == Placement()
    journal.set_placement(LAYER, "eks/a", PlacementState.SENDING, "https://r/up?_state=x", 8)
    found = journal.placement(LAYER, "eks/a")
    assert found == Placement(PlacementState.SENDING, "https://r/up?_state=x", 8)
    upload = OpenUpload(LAYER.digest, "eks/a", "https://r/up?_state=x")
    assert journal.open_uploads() == [upload]
    assert "_state" not in repr(upload), "it is signed: whoever has it may write"

    journal.set_placement(LAYER, "eks/a", PlacementState.SENT)
    assert journal.placement(LAYER, "eks/a") == Placement(PlacementState.SENT)
    assert journal.open_uploads() == []


def test_an_upload_is_not_forgotten_because_the_blob_turned_up(journal: Journal) -> None:
    journal.set_placement(LAYER, "eks/a", PlacementState.SENDING, "https://r/up", 8)
    journal.set_placements([LAYER, OTHER], "eks/a", PlacementState.PRESENT)
    assert journal.placement(LAYER, "eks/a").state is PlacementState.PRESENT
    (upload,) = journal.open_uploads()
    journal.forget_upload(upload)
    assert journal.open_uploads() == []
    assert journal.placement(LAYER, "eks/a") == Placement(PlacementState.PRESENT)


def test_forgetting_placements_leaves_uploads_alone(journal: Journal) -> None:
    journal.set_placement(LAYER, "eks/a", PlacementState.SENDING, "https://r/up", 8)
    journal.set_placements([OTHER, BLOB], "eks/a", PlacementState.PRESENT)
    journal.set_placements([OTHER], "eks/b", PlacementState.PRESENT)

    journal.forget_placements("eks/a", [LAYER.digest, OTHER.digest])

    assert journal.placement(LAYER, "eks/a").position == 8
    assert journal.placement(OTHER, "eks/a") == Placement()
    assert journal.placement(BLOB, "eks/a").state.is_there
    assert journal.placement(OTHER, "eks/b").state.is_there


def test_holders_are_those_that_we_know_and_then_those_that_others_told_of(
    journal: Journal,
) -> None:
    journal.set_placement(LAYER, "eks/sending", PlacementState.SENDING, "https://r/up", 8)
    journal.set_placement(LAYER, "eks/mounted", PlacementState.MOUNTED)
    journal.set_placement(OTHER, "eks/other", PlacementState.SENT)
    told = [(LAYER.digest, "eks/heard"), (LAYER.digest, "eks/mounted"), (OTHER.digest, "eks/x")]
    journal.set_hearsay(told)
    assert journal.holders(LAYER) == ["eks/mounted", "eks/heard"]
    journal.set_hearsay([])
    assert journal.holders(LAYER) == ["eks/mounted"]


def test_flights_are_replaced_with_the_counters_of_the_moment(journal: Journal, path: Path) -> None:
    journal.set_flights([Flight(0, "a", 10, 5, 1.0), Flight(1, "b", 20, 5, 2.0)], sent_bytes=10)
    journal.set_flights([Flight(1, "b", 20, 9, 2.0)], sent_bytes=14)
    with JournalView(path) as view:
        assert view.flights() == [Flight(1, "b", 20, 9, 2.0)]
        assert view.summary().number("sent_bytes") == 14


def test_a_run_begins_with_nothing_under_way_and_knows_where_its_events_begin(
    journal: Journal, path: Path
) -> None:
    journal.set_flights([Flight(0, "left by a kill", 10, 5, 1.0)])
    journal.event("old")
    journal.begin_run()
    journal.event("new")
    with JournalView(path) as view:
        assert view.flights() == []
        before = int(view.summary().number("events_before"))
        assert [event.kind for event in view.events(after=before)] == ["new"]


def test_a_journal_that_is_used_for_years_does_not_grow_without_end(
    journal: Journal, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.transfer.journal._EVENTS_KEPT", 5)
    with JournalView(path) as view:
        for _ in range(4):
            journal.begin_run()
            with journal.together():
                for number in range(10):
                    journal.event("tick", str(number))
        kept = view.events()
        assert len(kept) == 5 + 10
        assert kept[-1].number == 40, "numbers never come again: who follows misses nothing"


def test_several_things_are_written_together_or_not_at_all(journal: Journal, path: Path) -> None:
    with journal.together():
        journal.set_facts(a=1)
        journal.event("told")
    with pytest.raises(ZeroDivisionError), journal.together():
        _write_and_fail(journal)
    assert journal.fact("a") == "1"
    assert events(path) == [("told", "")]


def _write_and_fail(journal: Journal) -> None:
    journal.set_facts(a=2)
    journal.event("never told", str(1 // 0))


def test_names_that_are_no_text_are_kept_as_escapes(journal: Journal, path: Path) -> None:
    odd = os.fsdecode(b"/srv/im\xffages.tar")
    journal.set_facts(archive=odd)
    journal.event("retry", odd)
    (number,) = journal.register([record(odd)])
    journal.set_failed(number, JobError(Code.DISK_FULL, odd, where=odd), final=True)
    journal.set_known(layer(b"x"), "sha256:1", 1)
    journal.set_artifact(number, ArtifactState.SKIPPED, note=odd)
    assert journal.fact("archive") == r"/srv/im\udcffages.tar"
    assert events(path)[0] == ("retry", r"/srv/im\udcffages.tar")
    assert row(journal, number).source == r"/srv/im\udcffages.tar"
    assert journal.register([record(odd)]) == [number]
