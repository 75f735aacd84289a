"""How a job stands, in one value."""

import os
import time
from pathlib import Path

import pytest

from core.answers import Answers, RegistryAnswers, save_answers
from core.errors import Code, JobError
from core.transfer.job import Job
from core.transfer.journal import ArtifactRecord, Journal
from core.transfer.standing import (
    Stand,
    look_at,
    overview,
    per_cent,
    seconds_left,
    standing_of,
)
from core.transfer.states import ArtifactState, JobState
from core.transfer.view import Summary

NOW = 10_000.0


@pytest.fixture
def job(tmp_path: Path) -> Job:
    made = Job(tmp_path)
    registry = RegistryAnswers.model_validate({"address": "r.example:8443/eks-a"})
    save_answers(Answers(registry=registry), made.answers)
    return made


def summary(state: JobState, **facts: float | str) -> Summary:
    told = {"started": NOW - 100, "state_since": NOW - 90, "moved": NOW} | facts
    counts = {ArtifactState.DONE: 2, ArtifactState.FAILED: 1}
    return Summary(state, {key: str(value) for key, value in told.items()}, counts)


@pytest.mark.parametrize(
    ("state", "facts", "alive", "stand"),
    [
        (JobState.STARTING, {}, True, Stand.RUNNING),
        (JobState.SENDING, {}, True, Stand.RUNNING),
        (JobState.SENDING, {"moved": NOW - 29}, True, Stand.RUNNING),
        (JobState.SENDING, {"moved": NOW - 31}, True, Stand.STALLED),
        (JobState.SENDING, {"moved": NOW - 31, "state_since": NOW - 5}, True, Stand.RUNNING),
        (JobState.PLANNING, {"moved": 0}, True, Stand.RUNNING),
        (JobState.SENDING, {"moved": NOW - 31, "paused": "yes"}, True, Stand.PAUSED),
        (JobState.SENDING, {"paused": "yes"}, False, Stand.CUT_OFF),
        (JobState.VERIFYING, {"paused": "yes"}, True, Stand.VERIFYING),
        (JobState.SENDING, {}, False, Stand.CUT_OFF),
        (JobState.DONE, {}, False, Stand.DONE),
        (JobState.DONE, {}, True, Stand.DONE),
        (JobState.SOME_FAILED, {}, False, Stand.FAILED),
        (JobState.STOPPED, {}, False, Stand.STOPPED),
        (JobState.BROKEN, {}, False, Stand.BROKEN),
    ],
)
def test_states_become_one_word(
    state: JobState, facts: dict[str, float | str], alive: bool, stand: Stand, job: Job
) -> None:
    standing = standing_of(job, summary(state, **facts), alive=alive, now=NOW)
    assert standing.stand is stand
    assert standing.failed == 1
    assert (standing.idle > 30) == (stand is Stand.STALLED)
    assert (standing.ended is None) == stand.lives


def test_times_are_those_of_the_run(job: Job) -> None:
    running = standing_of(job, summary(JobState.SENDING), alive=True, now=NOW)
    assert running.seconds == 100
    ended = standing_of(job, summary(JobState.DONE, ended=NOW - 40), alive=False, now=NOW)
    assert (ended.seconds, ended.ended) == (60, NOW - 40)


def test_a_job_that_has_not_begun_is_ready(job: Job) -> None:
    standing, told = look_at(job)
    assert (standing.stand, told) == (Stand.READY, None)
    with job.lock():
        assert look_at(job)[0].stand is Stand.RUNNING
    seen = overview(job)
    assert (seen.registry, seen.per_cent, seen.standing.stand) == (
        "r.example:8443/eks-a", 0, Stand.READY,
    )  # fmt: skip


def test_what_was_cut_off_ended_when_it_last_wrote(job: Job) -> None:
    journal = Journal(job.journal)
    journal.register([ArtifactRecord("image", "a", "h/a:1", True, 10, "", ())])
    journal.set_state(JobState.SENDING)
    job.log.write_text("a line")
    wal = job.journal.with_name(job.journal.name + "-wal")
    assert wal.stat().st_size
    for seconds, file in enumerate((wal, job.journal, job.log)):
        os.utime(file, (NOW - seconds, NOW - seconds))
    for _ in range(2):
        standing, _ = look_at(job)
        assert (standing.stand, standing.ended) == (Stand.CUT_OFF, NOW)
    journal.close()
    os.utime(job.journal, (NOW - 5, NOW - 5))
    standing, _ = look_at(job)
    assert standing.ended == NOW - 2, "the log is the newest; the empty file of a reader is not"


def test_a_journal_that_is_damaged_is_told_and_ends_no_list(job: Job) -> None:
    job.journal.write_bytes(b"garbage " * 2_000)
    with pytest.raises(JobError) as caught:
        look_at(job)
    assert caught.value.code is Code.JOURNAL_DAMAGED
    seen = overview(job)
    assert seen.standing.stand is Stand.BROKEN
    assert "cannot be read" in seen.trouble


def test_per_cent_is_rounded_down_and_whole_only_at_the_end() -> None:
    half = summary(JobState.SENDING, total_bytes=1_000, done_bytes=589)
    assert per_cent(half) == 58
    assert per_cent(summary(JobState.VERIFYING, total_bytes=10, done_bytes=10)) == 99
    assert per_cent(summary(JobState.DONE)) == 100
    assert per_cent(summary(JobState.PLANNING)) == 0


def test_the_time_left_is_told_when_it_is_known() -> None:
    facts = {"total_bytes": 1_000, "done_bytes": 400, "rate": 100}
    assert seconds_left(summary(JobState.SENDING, **facts), NOW) == 6
    early = summary(JobState.SENDING, **facts, state_since=NOW - 9)
    assert seconds_left(early, NOW) is None
    assert seconds_left(summary(JobState.SENDING, **facts | {"rate": 0}), NOW) is None
    assert seconds_left(summary(JobState.VERIFYING, **facts), NOW) is None
    paused = summary(JobState.SENDING, **facts, paused="yes")
    assert seconds_left(paused, time.time()) is None
