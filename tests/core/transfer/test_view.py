"""Reading a journal that somebody else writes."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from core.errors import Code, JobError
from core.transfer.journal import ArtifactRecord, Flight, Journal
from core.transfer.states import ArtifactState, JobState, PlacementState
from core.transfer.view import JournalView
from tests.core.transfer.making import layer

BASE, APP = layer(b"base"), layer(b"app")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal #1 100%.sqlite"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    with closing(Journal(path)) as opened:
        yield opened


def record(name: str) -> ArtifactRecord:
    return ArtifactRecord("image", name, f"h/{name}:1", True, 10, "", ())


def test_a_job_that_has_not_begun_has_nothing_to_show(path: Path) -> None:
    with pytest.raises(JobError) as caught:
        JournalView(path)
    assert caught.value.code is Code.JOB_NOT_FOUND
    path.touch()
    with pytest.raises(JobError, match="has not begun"):
        JournalView(path)


def test_a_summary_counts_artifacts_by_state(journal: Journal, path: Path) -> None:
    numbers = journal.register(record(name) for name in "abcde")
    journal.set_artifact(numbers[0], ArtifactState.DONE)
    journal.set_artifact(numbers[1], ArtifactState.PRESENT)
    journal.set_artifact(numbers[2], ArtifactState.SKIPPED)
    journal.set_failed(numbers[3], JobError(Code.DISK_FULL, "full"), final=True)
    journal.set_state(JobState.SENDING)
    journal.set_facts(total_bytes=100, rate="no number")
    with JournalView(path) as view:
        summary = view.summary()
    assert summary.state is JobState.SENDING
    assert (summary.artifacts, summary.arrived, summary.failed) == (4, 2, 1)
    assert summary.number("total_bytes") == 100
    assert summary.number("rate") == summary.number("missing") == 0
    assert summary.error == {}


def test_before_the_first_state_it_is_starting(journal: Journal, path: Path) -> None:
    assert journal.fact("state") == ""
    with JournalView(path) as view:
        assert view.summary().state is JobState.STARTING


def test_events_come_in_portions_and_none_twice(journal: Journal, path: Path) -> None:
    with journal.together():
        for number in range(25):
            journal.event("tick", str(number))
    with JournalView(path) as view:
        seen: list[str] = []
        last = 0
        while events := view.events(after=last, most=10):
            seen += [event.text for event in events]
            last = events[-1].number
        assert seen == [str(number) for number in range(25)]
        assert view.last_event() == last


def test_layers_places_and_uploads_are_told(journal: Journal, path: Path) -> None:
    journal.set_known(BASE, "sha256:1", 5)
    journal.set_placement(BASE, "eks/a", PlacementState.SENT)
    journal.set_placement(BASE, "eks/b", PlacementState.MOUNTED)
    journal.set_placement(BASE, "eks/c", PlacementState.PRESENT)
    journal.set_placement(APP, "eks/a", PlacementState.SENDING, "https://r/up", 5)
    journal.set_placement(APP, "eks/b", PlacementState.WAITING)
    with JournalView(path) as view:
        assert view.sent_layers() == {BASE.digest: ("sha256:1", 5)}
        assert sorted(view.places()) == [(BASE.digest, f"eks/{name}") for name in "abc"]
        assert [one.location for one in view.open_uploads()] == ["https://r/up"]


def test_it_reads_while_a_transaction_is_open_and_sees_only_what_is_finished(
    journal: Journal, path: Path
) -> None:
    journal.set_facts(mark="before")
    with JournalView(path) as view:
        with journal.together():
            journal.set_facts(mark="within")
            assert view.summary().facts["mark"] == "before"
        assert view.summary().facts["mark"] == "within"


_WRITER = """
import sys
from pathlib import Path
from core.transfer.journal import ArtifactRecord, Flight, Journal
from core.transfer.states import ArtifactState
journal = Journal(Path(sys.argv[1]))
names = [ArtifactRecord("image", str(n), f"h/{n}:1", True, 1, "", ()) for n in range(20)]
numbers = journal.register(names)
print("ready", flush=True)
for turn in range(60):
    with journal.together():
        for number in numbers:
            state = ArtifactState.SENDING if turn % 2 else ArtifactState.DONE
            journal.set_artifact(number, state)
        journal.set_facts(turn=turn)
    journal.set_flights([Flight(n, "x", 10, n, 1.0) for n in range(4)], sent_bytes=turn)
journal.close()
"""


def test_it_reads_whole_moments_while_another_process_writes(path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(path)], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout
        assert writer.stdout.readline() == "ready\n"
        looks, turn = 0, -1
        with JournalView(path) as view:
            while writer.poll() is None:
                summary = view.summary()
                assert sum(summary.counts.values()) == 20
                assert len(summary.counts) == 1, "all changed together"
                assert len(view.artifacts()) == 20
                assert len(view.flights()) in (0, 4)
                assert int(summary.facts.get("turn", -1)) >= turn
                turn = int(summary.facts.get("turn", -1))
                looks += 1
        assert writer.returncode == 0
    assert looks > 1
    with JournalView(path) as view:
        assert view.flights() == [Flight(n, "x", 10, n, 1.0) for n in range(4)]
        assert view.summary().facts["turn"] == "59"


def test_a_view_never_changes_the_journal(path: Path) -> None:
    Journal(path).close()
    before = path.read_bytes()
    with JournalView(path) as view:
        view.summary()
    assert path.read_bytes() == before


def test_garbage_is_told_as_such(path: Path) -> None:
    path.write_bytes(b"garbage " * 2_000)
    with pytest.raises(JobError) as caught:
        JournalView(path)
    assert caught.value.code is Code.JOURNAL_DAMAGED
    assert caught.value.where == str(path)


def test_words_that_are_none_of_ours_are_told_as_damage(journal: Journal, path: Path) -> None:
    journal.set_facts(state="flying")
    with JournalView(path) as view, pytest.raises(JobError, match="flying") as caught:
        view.summary()
    assert caught.value.code is Code.JOURNAL_DAMAGED


def test_a_journal_that_is_damaged_while_it_is_read_is_told(path: Path) -> None:
    with closing(Journal(path)) as journal:
        journal.register(record(str(number)) for number in range(3_000))
    with JournalView(path) as view:
        path.write_bytes(path.read_bytes()[:4096] + b"\xff" * 200_000)
        with pytest.raises(JobError) as caught:
            view.artifacts()
    assert caught.value.code is Code.JOURNAL_DAMAGED
