"""Job folders: private, found by name, one worker at a time."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.answers import Answers, RegistryAnswers, save_answers
from core.errors import Code, JobError
from core.transfer.job import (
    JOURNAL,
    Job,
    begin_anew,
    existing_jobs,
    find_job,
    job_for,
    jobs_folder,
)
from core.transfer.journal import Journal
from core.transfer.view import JournalView


def to(address: str) -> Answers:
    return Answers(registry=RegistryAnswers.model_validate({"address": address}))


def begun(address: str) -> Job:
    """A job as it is once it was started."""
    job = job_for(to(address))
    save_answers(to(address), job.answers)
    return job


def rights(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(params=[0o000, 0o022, 0o777], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


@pytest.mark.usefixtures("umask")
def test_folders_and_files_are_private_whatever_the_umask() -> None:
    job = job_for(to("harbor.local"))
    os.close(job.open_log())
    with job.lock():
        pass
    assert rights(jobs_folder()) == rights(job.folder) == 0o700
    assert {path.name: rights(path) for path in job.folder.iterdir()} == {
        "worker.log": 0o600,
        "worker.lock": 0o600,
    }


def test_a_folder_that_others_may_enter_is_closed() -> None:
    job = job_for(to("harbor.local"))
    job.folder.chmod(0o777)
    assert rights(job_for(to("harbor.local")).folder) == 0o700


def test_a_link_in_place_of_a_folder_is_refused(tmp_path: Path) -> None:
    job = job_for(to("harbor.local"))
    elsewhere = tmp_path / "elsewhere"
    job.folder.rename(elsewhere)
    job.folder.symlink_to(elsewhere)
    with pytest.raises(JobError, match="is a link") as caught:
        job_for(to("harbor.local"))
    assert caught.value.code is Code.JOB_FOLDER_UNSAFE
    assert caught.value.where == str(job.folder)


def test_a_link_in_place_of_the_folder_of_all_jobs_is_refused(tmp_path: Path) -> None:
    jobs_folder().symlink_to(tmp_path)
    with pytest.raises(JobError, match="is a link"):
        job_for(to("harbor.local"))


def test_a_file_in_place_of_a_folder_is_refused() -> None:
    job = job_for(to("harbor.local"))
    job.folder.rmdir()
    job.folder.write_text("in the way")
    with pytest.raises(JobError) as caught:
        job_for(to("harbor.local"))
    assert caught.value.code is Code.JOB_FOLDER_UNSAFE


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_another_account_is_refused() -> None:
    job = job_for(to("harbor.local"))
    os.chown(job.folder, 12345, 12345)
    with pytest.raises(JobError, match="another account") as caught:
        job_for(to("harbor.local"))
    assert caught.value.code is Code.JOB_FOLDER_UNSAFE


def test_a_state_folder_that_cannot_be_made_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file" / "below"))
    with pytest.raises(JobError) as caught:
        job_for(to("harbor.local"))
    assert caught.value.code is Code.JOB_FOLDER_UNSAFE
    assert existing_jobs() == []


def test_the_lock_excludes_a_second_worker_and_names_the_first() -> None:
    job = job_for(to("harbor.local"))
    assert not job.is_running()
    with job.lock():
        assert job.is_running()
        assert job.worker_pid() == os.getpid()
        with pytest.raises(JobError, match=f"process {os.getpid()}") as caught, job.lock():
            pytest.fail("two workers at once")
        assert caught.value.code is Code.JOB_RUNNING
    assert not job.is_running()


def test_troubles_of_whoever_holds_the_lock_are_not_taken_for_those_of_the_lock() -> None:
    job = job_for(to("harbor.local"))
    with pytest.raises(FileNotFoundError), job.lock():
        Path("/there/is/no/such/file").read_bytes()


def test_a_link_in_place_of_the_lock_is_refused(tmp_path: Path) -> None:
    job = job_for(to("harbor.local"))
    (job.folder / "worker.lock").symlink_to(tmp_path / "victim")
    with pytest.raises(JobError) as caught, job.lock():
        pytest.fail("it was taken")
    assert caught.value.code is Code.JOB_FOLDER_UNSAFE
    assert not (tmp_path / "victim").exists()


def test_jobs_are_found_by_the_beginning_of_their_name() -> None:
    one, other = begun("harbor.local/one"), begun("harbor.local/other")
    assert find_job(one.name) == one
    assert find_job(other.name[:-4]) == other
    with pytest.raises(JobError, match="is not the name of one import") as caught:
        find_job("harbor.local")
    assert caught.value.code is Code.JOB_NOT_FOUND
    assert one.name in caught.value.message
    with pytest.raises(JobError):
        find_job("nexus")


def test_without_a_name_it_is_the_job_that_was_started_last() -> None:
    first, second = begun("one.local"), begun("two.local")
    os.utime(first.answers, (2_000_000_000, 2_000_000_000))
    assert find_job() == first
    os.utime(second.answers, (2_000_000_001, 2_000_000_001))
    assert find_job() == second
    assert existing_jobs() == [second, first]


def test_a_name_that_is_the_beginning_of_another_is_found_all_the_same() -> None:
    one = begun("one.local")
    longer = one.folder.with_name(f"{one.name}-more")
    longer.mkdir()
    save_answers(to("one.local"), longer / "answers.yaml")
    assert find_job(one.name) == one


def test_before_the_first_import_there_is_none() -> None:
    assert existing_jobs() == []
    with pytest.raises(JobError, match="No import was ever started"):
        find_job()


def test_folders_without_answers_are_no_jobs() -> None:
    job_for(to("harbor.local"))
    assert existing_jobs() == []


def test_beginning_anew_sets_the_journal_aside_with_all_that_it_holds() -> None:
    job = job_for(to("harbor.local"))
    journal = Journal(job.journal)
    journal.set_facts(mark="kept")
    # Not closed: as after a kill, what was written last lies in the write-ahead log.
    assert job.journal.with_name(f"{JOURNAL}-wal").stat().st_size

    aside = begin_anew(job)

    assert aside
    assert not list(job.folder.glob(f"{JOURNAL}*"))
    with JournalView(aside) as view:
        assert view.summary().facts["mark"] == "kept"
    journal.close()


def test_beginning_anew_again_in_the_same_second_loses_nothing() -> None:
    job = job_for(to("harbor.local"))
    asides = []
    for number in range(3):
        journal = Journal(job.journal)
        journal.set_facts(number=number)
        journal.close()
        asides.append(begin_anew(job))
    assert len(set(asides)) == 3
    for number, aside in enumerate(asides):
        assert aside
        with JournalView(aside) as view:
            assert view.summary().facts["number"] == str(number)


def test_there_may_be_no_journal_to_set_aside() -> None:
    assert begin_anew(job_for(to("harbor.local"))) is None
