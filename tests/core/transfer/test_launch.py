"""Starting a worker as a process of its own, and asking it to stop."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from core.answers import RegistryAnswers
from core.demo.registry import DemoRegistry
from core.demo.sample import Sample
from core.errors import Code, JobError
from core.registry.credentials import Credentials
from core.transfer import launch
from core.transfer.job import Job
from core.transfer.launch import start
from core.transfer.orders import Orders
from core.transfer.states import JobState
from core.transfer.stopping import ask_to_stop
from core.transfer.view import JournalView, Summary
from tests.core.transfer.running import Import, of

pytestmark = pytest.mark.usefixtures("workers")

Workers = list["subprocess.Popen[bytes]"]
SECONDS = 30


@pytest.fixture
def work(registry: DemoRegistry, sample: Sample, namespace: str) -> Import:
    return Import(registry, of(sample), namespace)


def orders(work: Import) -> Orders:
    return Orders(Credentials(work.registry.username, work.registry.password, "test"))


def until(condition: Callable[[], bool]) -> None:
    give_up = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < give_up, "it took too long"
        time.sleep(0.01)


def end_of(job: Job) -> Summary:
    until(lambda: not job.is_running())
    with JournalView(job.journal) as view:
        return view.summary()


def test_a_worker_runs_on_its_own_and_the_journal_speaks_of_it_at_once(
    work: Import, workers: Workers
) -> None:
    job = start(work.answers, orders(work))
    with JournalView(job.journal) as view:
        facts = view.summary().facts
    assert facts["pid"] == str(workers[-1].pid)
    assert end_of(job).state is JobState.DONE
    assert workers[-1].wait(SECONDS) == 0
    assert job.report("html").exists()


def test_it_lives_in_a_session_of_its_own_without_our_password(
    work: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGISTRY_PASSWORD", "in-the-environment")
    monkeypatch.setenv("REGISTRY_USERNAME", "somebody")
    work.transfer = work.transfer.model_copy(update={"limit_rate": 1_000})
    job = start(work.answers, orders(work))
    pid = job.worker_pid()
    assert pid
    assert os.getsid(pid) == pid != os.getsid(0)
    environment = Path(f"/proc/{pid}/environ").read_bytes()
    assert b"REGISTRY_USERNAME=somebody" in environment
    assert b"in-the-environment" not in environment
    secret = work.registry.password.get_secret_value().encode()
    assert secret not in environment
    assert secret not in Path(f"/proc/{pid}/cmdline").read_bytes()


def test_modules_in_the_folder_where_the_operator_is_are_not_taken_for_ours(
    work: Import, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "core").mkdir()
    (tmp_path / "core" / "__init__.py").write_text("raise SystemExit('not ours')")
    (tmp_path / "yaml.py").write_text("raise SystemExit('not ours either')")
    monkeypatch.chdir(tmp_path)
    assert end_of(start(work.answers, orders(work))).state is JobState.DONE


def test_a_second_worker_of_one_job_is_refused(work: Import) -> None:
    with work.job.lock(), pytest.raises(JobError) as caught:
        start(work.answers, orders(work))
    assert caught.value.code is Code.JOB_RUNNING
    assert str(os.getpid()) in caught.value.message


def test_who_loses_the_race_for_the_lock_is_told_the_same(
    work: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between our look and the worker's beginning somebody else began."""
    monkeypatch.setattr(Job, "is_running", lambda _: False)
    with work.job.lock(), pytest.raises(JobError) as caught:
        start(work.answers, orders(work))
    assert caught.value.code is Code.JOB_RUNNING
    assert f"process {os.getpid()}" in caught.value.message


def test_a_worker_that_cannot_open_its_journal_says_why(work: Import) -> None:
    work.job.journal.mkdir()
    with pytest.raises(JobError) as caught:
        start(work.answers, orders(work))
    assert caught.value.code is Code.JOB_FOLDER_UNSAFE
    assert "unable to open database file" in caught.value.message


def test_a_worker_that_dies_before_it_begins_points_to_its_log(
    work: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.transfer.launch.sys.executable", "/bin/false")
    with pytest.raises(JobError, match="did not begin") as caught:
        start(work.answers, orders(work))
    assert caught.value.where == str(work.job.log)


def test_a_worker_that_does_not_begin_in_time_is_ended(
    work: Import, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sleeper = tmp_path / "python"
    sleeper.write_text("#!/bin/sh\nexec sleep 600\n")
    sleeper.chmod(0o755)
    monkeypatch.setattr("core.transfer.launch.sys.executable", str(sleeper))
    monkeypatch.setattr(launch, "_LONGEST_START", 0.2)
    with pytest.raises(JobError, match=r"did not begin \(exit -9\)"):
        start(work.answers, orders(work))


def test_a_log_that_cannot_be_written_is_told(work: Import, tmp_path: Path) -> None:
    work.job.log.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(JobError) as caught:
        start(work.answers, orders(work))
    assert caught.value.code is Code.JOB_FOLDER_UNSAFE
    assert not (tmp_path / "elsewhere").exists()


def test_asking_it_to_stop_ends_it_soon_whatever_the_rate(work: Import, workers: Workers) -> None:
    work.transfer = work.transfer.model_copy(update={"limit_rate": 2_000})
    job = start(work.answers, orders(work))

    def is_sending() -> bool:
        with JournalView(job.journal) as view:
            return view.summary().number("sent_bytes") > 0

    until(is_sending)
    begun = time.monotonic()
    assert ask_to_stop(job)
    assert end_of(job).state is JobState.STOPPED
    assert time.monotonic() - begun < 10
    assert workers[-1].wait(SECONDS) == 4
    assert not ask_to_stop(job)


def test_after_kill_9_it_counts_as_gone_and_the_next_start_goes_on(work: Import) -> None:
    work.transfer = work.transfer.model_copy(update={"limit_rate": 20_000})
    job = start(work.answers, orders(work))
    pid = job.worker_pid()
    assert pid
    os.kill(pid, signal.SIGKILL)
    summary = end_of(job)
    assert not summary.state.ended
    assert not ask_to_stop(job)
    work.transfer = work.transfer.model_copy(update={"limit_rate": 0})
    assert end_of(start(work.answers, orders(work))).state is JobState.DONE


def test_a_worker_that_ended_leaves_no_zombie_though_no_other_is_started(work: Import) -> None:
    pid = start(work.answers, orders(work)).worker_pid()
    assert pid
    until(lambda: not Path(f"/proc/{pid}").exists())  # a zombie would be there yet


def test_an_address_that_makes_no_job_starts_no_worker(work: Import, workers: Workers) -> None:
    answers = work.answers.model_copy(update={"registry": RegistryAnswers()})
    with pytest.raises(Exception, match="No registry was named"):
        start(answers, orders(work))
    assert workers == []
