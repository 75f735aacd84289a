"""What `status` says of imports that do not simply run."""

import json
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from core.answers import Answers, RegistryAnswers, save_answers
from core.transfer.job import Job, jobs_folder
from core.transfer.journal import ArtifactRecord, Journal
from core.transfer.states import JobState
from tests.integration.program import run


@pytest.fixture
def job() -> Job:
    folder = jobs_folder() / "site-a"
    folder.mkdir(mode=0o700, parents=True)
    made = Job(folder)
    registry = RegistryAnswers.model_validate({"address": "r.example/eks-a"})
    save_answers(Answers(registry=registry), made.answers)
    return made


@pytest.fixture
def journal(job: Job) -> Iterator[Journal]:
    """Of a job that sends and has sent a byte just now."""
    with closing(Journal(job.journal)) as made:
        made.register([ArtifactRecord("image", "a", "h/a:1", True, 10, "", ())])
        made.set_state(JobState.SENDING)
        now = time.time()
        made.set_facts(started=now, moved=now, total_bytes=10, mirror="r.example/eks-a")
        yield made


def state(job: Job) -> tuple[str, str]:
    """As people read it, and as programs do."""
    with job.lock():
        return run("status").out.splitlines()[1], run("status", "--json").json[0]["state"]


def test_it_runs(job: Job, journal: Journal) -> None:
    words, told = state(job)
    assert words.startswith("  sending (")
    assert "process " in words
    assert told == "sending"


def test_it_is_paused(job: Job, journal: Journal) -> None:
    journal.set_facts(paused="yes")
    words, told = state(job)
    assert words.startswith("  paused (")
    assert told == "paused"


def test_it_is_stalled(job: Job, journal: Journal) -> None:
    before = time.time() - 40
    journal.set_facts(moved=before, state_since=before)
    words, told = state(job)
    assert words.startswith("  stalled, no data for 4")
    assert told == "stalled"


def test_it_was_cut_off(job: Job, journal: Journal) -> None:
    journal.set_facts(paused="yes")
    lines = run("status").out.splitlines()
    assert lines[1].startswith("  cut off (")
    assert lines[-1] == f"  go on: eksa-mirror import --answers {job.answers}"
    assert run("status", "--json").json[0]["state"] == "cut-off", "the word of programs stays"


def test_it_could_not_begin(job: Job, journal: Journal) -> None:
    """Where to and why is told, although the registry was never reached."""
    journal.set_facts(mirror="", error=json.dumps({"message": "No answer: refused."}))
    journal.set_state(JobState.BROKEN)
    lines = run("status").out.splitlines()
    assert lines[1].startswith("  could not go on (")
    assert lines[1].endswith(" to r.example/eks-a")
    assert lines[3:] == [
        "  No answer: refused.",
        f"  go on: eksa-mirror import --answers {job.answers}",
    ]


def test_it_has_not_begun(job: Job) -> None:
    assert "has no journal" in run("status").out
