"""Two accounts on one machine: neither reads, disturbs or misleads the other."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.answers import save_answers
from core.demo.registry import DemoRegistry
from core.demo.sample import Sample
from core.errors import Code, JobError
from core.transfer.job import existing_jobs, find_job, job_for, jobs_folder
from core.transfer.journal import Journal
from tests.core.transfer.running import Import, of
from tests.integration.program import PROGRAM, import_flags, run

STRANGER = 12_345


@pytest.fixture
def work(registry: DemoRegistry, sample: Sample, namespace: str) -> Import:
    """A job of this account that has begun."""
    begun = Import(registry, of(sample), namespace)
    save_answers(begun.answers, begun.job.answers)
    Journal(begun.job.journal).close()
    begun.job.open_log()
    return begun


_TRIES = """
import os, sys
from pathlib import Path
from core.errors import JobError
from core.transfer import job, stopping, view
from core.transfer.job import Job, existing_jobs

theirs = Job(Path(sys.argv[1]))
tries = {
    "list": lambda: list(theirs.folder.iterdir()),
    "answers": lambda: theirs.answers.read_bytes(),
    "log": lambda: theirs.log.read_bytes(),
    "journal": lambda: view.JournalView(theirs.journal).summary(),
    "lock": lambda: theirs.lock().__enter__(),
    "stop": lambda: stopping.ask_to_stop(theirs),
    "jobs": existing_jobs,
    "write": lambda: theirs.controls.write_text("{}"),
}
os.setresuid(int(sys.argv[2]), int(sys.argv[2]), int(sys.argv[2]))
for name, attempt in tries.items():
    try:
        print(name, "->", attempt() or "nothing")
    except (JobError, PermissionError) as error:
        print(name, "refused")
"""


def as_root() -> None:
    if os.getuid() != 0:
        pytest.skip("only root can become somebody else")


def test_another_account_gets_at_nothing_of_a_job(work: Import, tmp_path: Path) -> None:
    as_root()
    for folder in (*tmp_path.parents, Path(os.environ["HOME"]), Path(os.environ["XDG_STATE_HOME"])):
        if folder.is_relative_to("/tmp") and folder != Path("/tmp"):
            folder.chmod(0o755)  # only the job's own rights are to protect it
    tried = subprocess.run(
        [sys.executable, "-c", _TRIES, str(work.job.folder), str(STRANGER)],
        capture_output=True,
        text=True,
        check=True,
    )
    names = ("list", "answers", "log", "journal", "lock", "stop", "jobs", "write")
    assert tried.stdout.split("\n")[:-1] == [f"{name} refused" for name in names]


@pytest.mark.parametrize("level", ["all jobs", "one job"])
def test_what_another_account_planted_is_not_believed(level: str, work: Import) -> None:
    """Root, through sudo with the user's home, would stop whatever process a lock file names."""
    as_root()
    planted = jobs_folder() if level == "all jobs" else work.job.folder
    os.chown(planted, STRANGER, STRANGER)

    for use in (existing_jobs, find_job, lambda: job_for(work.answers)):
        with pytest.raises(JobError) as caught:
            use()
        assert caught.value.code is Code.JOB_FOLDER_UNSAFE
        assert "another account" in caught.value.message
    for verb in ("stop", "status", "report", "attach"):
        ended = run(verb)
        assert ended.code == 2, (verb, ended.err)
        assert "job-folder-unsafe" in ended.err
    os.chown(planted, 0, 0)


def test_a_job_that_is_reached_through_a_link_is_refused(work: Import, tmp_path: Path) -> None:
    folder = work.job.folder
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    for verb in ("stop", "status", "report"):
        ended = run(verb)
        assert ended.code == 2, (verb, ended.err)
        assert "It is a link" in ended.err
    folder.unlink()


def test_without_a_umask_everything_is_private_all_the_same(
    registry: DemoRegistry, sample: Sample, namespace: str
) -> None:
    login = {
        "REGISTRY_USERNAME": registry.username,
        "REGISTRY_PASSWORD": registry.password.get_secret_value(),
    }
    flags = map(str, import_flags(sample, registry, namespace))
    subprocess.run(
        [PROGRAM, "import", *flags], env=os.environ | login, umask=0, check=True,
        capture_output=True, timeout=90,
    )  # fmt: skip
    found = [jobs_folder(), *jobs_folder().rglob("*")]
    assert len(found) > 6
    for path in found:
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path
