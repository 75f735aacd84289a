"""The file through which screens speak to a worker."""

import os
import stat
import threading
from pathlib import Path

import pytest

from core.answers import Answers, RegistryAnswers, TransferAnswers, save_answers
from core.errors import Code, JobError
from core.transfer.controls import (
    Controls,
    change_controls,
    forget_controls,
    read_controls,
    stamp,
    wished,
)
from core.transfer.job import Job


@pytest.fixture
def job(tmp_path: Path) -> Job:
    made = Job(tmp_path)
    registry = RegistryAnswers.model_validate({"address": "r.example/eks-a"})
    answers = Answers(registry=registry, transfer=TransferAnswers(jobs=3, limit_rate=70))
    save_answers(answers, made.answers)
    return made


def test_nothing_changed_is_what_the_answers_say(job: Job) -> None:
    assert read_controls(job) == Controls(paused=False, jobs=3, limit_rate=70)
    assert wished(job) is None
    job.answers.write_text("garbage: [")
    assert read_controls(job) == Controls()


def test_what_is_not_given_stays(job: Job) -> None:
    assert change_controls(job, paused=True) == Controls(paused=True, jobs=3, limit_rate=70)
    assert change_controls(job, jobs=16) == Controls(paused=True, jobs=16, limit_rate=70)
    assert change_controls(job, paused=False, limit_rate=0) == Controls(jobs=16)
    assert read_controls(job) == wished(job) == Controls(jobs=16)
    assert stat.S_IMODE(job.controls.stat().st_mode) == 0o600


@pytest.mark.parametrize("jobs", [0, 17, -1])
def test_a_number_out_of_its_bounds_is_refused_and_nothing_is_written(jobs: int, job: Job) -> None:
    with pytest.raises(ValueError, match="jobs"):
        change_controls(job, jobs=jobs)
    with pytest.raises(ValueError, match="limit_rate"):
        change_controls(job, limit_rate=-1)
    assert not job.controls.exists()


def test_two_who_change_at_once_undo_nothing(job: Job) -> None:
    def pause() -> None:
        for turn in range(20):
            change_controls(job, paused=turn % 2 == 0)
        change_controls(job, paused=True)

    def hire() -> None:
        for turn in range(20):
            change_controls(job, jobs=1 + turn % 16)
        change_controls(job, jobs=9)

    threads = [threading.Thread(target=act) for act in (pause, hire)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert read_controls(job) == Controls(paused=True, jobs=9, limit_rate=70)


@pytest.mark.parametrize(
    "content", [b"", b"nothing", b'{"jobs": true}', b'{"jobs": 40}', b"{" * 9_000, b"\xff\x00"]
)
def test_a_damaged_file_is_as_none_and_is_mended_by_the_next_change(
    content: bytes, job: Job
) -> None:
    job.controls.write_bytes(content)
    assert wished(job) is None
    assert change_controls(job, paused=True) == wished(job)


def test_a_file_is_neither_followed_nor_waited_for(job: Job, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text('{"jobs": 7}')
    job.controls.symlink_to(elsewhere)
    assert wished(job) is None
    job.controls.unlink()
    os.mkfifo(job.controls)
    assert wished(job) is None


def test_each_change_shows_in_the_stamp(job: Job) -> None:
    seen = [stamp(job)]
    for jobs in (2, 3, 4):
        change_controls(job, jobs=jobs)
        seen.append(stamp(job))
    forget_controls(job)
    forget_controls(job)
    assert len(set(seen)) == 4
    assert stamp(job) is seen[0] is None


def test_a_folder_that_is_gone_is_told(tmp_path: Path) -> None:
    with pytest.raises(JobError) as caught:
        change_controls(Job(tmp_path / "gone"), paused=True)
    assert caught.value.code is Code.JOB_FOLDER_UNSAFE
