"""Runs the installed program as an operator does, and reads what it says."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.demo.sample import Sample
from core.errors import JobError
from core.transfer.job import Job, existing_jobs
from core.transfer.view import JournalView, Summary
from tests.fixtures.tools import Registry

PROGRAM = Path(sys.executable).with_name("eksa-mirror")
SECONDS = 90.0


@dataclass(frozen=True, slots=True)
class Ended:
    """A run that has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as one JSON document."""
        return json.loads(self.out)

    @property
    def events(self) -> list[dict[str, Any]]:
        """Standard output as a JSON document a line."""
        return [json.loads(line) for line in self.out.splitlines()]


def run(*arguments: str | Path, login: Registry | None = None, **more: str) -> Ended:
    """Run the program to its end.

    Args:
        login: whose user and password are set in the environment.
        more: further variables of the environment.
    """
    done = subprocess.run(
        [PROGRAM, *map(str, arguments)],
        env=environment(login) | more,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def begin(
    *arguments: str | Path,
    login: Registry | None = None,
    program: Sequence[str | Path] = (PROGRAM,),
) -> "subprocess.Popen[str]":
    """Start the program and come back at once."""
    return subprocess.Popen(
        [*map(str, program), *map(str, arguments)],
        env=environment(login),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def environment(login: Registry | None) -> dict[str, str]:
    """The environment of a run, with a login in it."""
    if login is None or not login.username:
        return dict(os.environ)
    return os.environ | {
        "REGISTRY_USERNAME": login.username,
        "REGISTRY_PASSWORD": login.password.get_secret_value(),
    }


def import_flags(sample: Sample, registry: Registry, namespace: str) -> list[str | Path]:
    """The flags of `import` for a sample and a registry."""
    return [
        *("-i", sample.archive, "-b", sample.bundles),
        *("-r", f"{registry.address}/{namespace}", "--ca-file", registry.ca_file),
    ]


def only_job() -> Job:
    """The one job of this test."""
    (job,) = existing_jobs()
    return job


def wait_until(condition: Callable[[Summary], bool], process: "subprocess.Popen[str]") -> Job:
    """Until the journal of the only job fulfils a condition, while the program runs."""
    give_up = time.monotonic() + SECONDS
    while time.monotonic() < give_up:
        for job in existing_jobs():
            if _fulfils(job, condition):
                return job
        if process.poll() is not None:
            out, err = process.communicate()
            raise AssertionError(f"it ended too early ({process.returncode}): {out}{err}")
        time.sleep(0.005)
    raise AssertionError("the condition was not fulfilled in time")


def _fulfils(job: Job, condition: Callable[[Summary], bool]) -> bool:
    """Of a worker that is alive; what the journal says of an earlier one does not count."""
    pid = job.worker_pid()
    # A worker that just begins holds the lock for a moment under the number of the last one.
    if not pid or not job.is_running() or not Path(f"/proc/{pid}").exists():
        return False
    try:
        view = JournalView(job.journal)
    except JobError:  # it has not begun
        return False
    with view:
        summary = view.summary()
    return summary.facts.get("pid") == str(pid) and condition(summary)


def kill_worker(job: Job) -> None:
    """kill -9, as the kernel does where memory is short."""
    pid = job.worker_pid()
    assert pid
    os.kill(pid, signal.SIGKILL)
    while job.is_running():
        time.sleep(0.005)


def files_below(*folders: Path) -> Sequence[Path]:
    """Every file, for tests that search them."""
    return [path for folder in folders for path in folder.rglob("*") if path.is_file()]
