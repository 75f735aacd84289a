"""The journal is hurt while an import runs: never a wrong "done", and the next run goes on."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest

from core.errors import EksaMirrorError, ExitCode, JobError
from core.transfer.states import JobState
from core.transfer.view import JournalView
from tests.chaos.conftest import When
from tests.core.transfer.running import Import
from tests.faults.conftest import Tarball
from tests.faults.scripts import On
from tests.faults.truth import Truth
from tests.fixtures.proxy import Handler, Proxy
from tests.fixtures.small_disk import small_disk_at
from tests.integration.program import run


def cut(journal: Path) -> None:
    os.truncate(journal, journal.stat().st_size // 2)


def emptied(journal: Path) -> None:
    os.truncate(journal, 0)


def scribbled(journal: Path) -> None:
    with journal.open("r+b") as file:
        file.write(Random(1).randbytes(journal.stat().st_size))  # noqa: S311 - the same each time


def removed(journal: Path) -> None:
    journal.unlink()


def log_scribbled(journal: Path) -> None:
    scribbled(journal.with_name(f"{journal.name}-wal"))


def log_removed(journal: Path) -> None:
    journal.with_name(f"{journal.name}-wal").unlink()


HURTS = [cut, emptied, scribbled, removed, log_scribbled, log_removed]


def said_done(work: Import) -> bool:
    """By the journal that is there afterwards, where it can be read at all."""
    try:
        with JournalView(work.job.journal) as view:
            return view.summary().state is JobState.DONE
    except EksaMirrorError:
        return False


@pytest.mark.parametrize("method", ["PATCH", pytest.param("PUT", marks=pytest.mark.slow)])
@pytest.mark.parametrize("hurt", HURTS)
def test_a_journal_that_is_hurt_while_it_is_written(
    hurt: Callable[[Path], None],
    method: str,
    work: Import,
    truth: Truth,
    counting_proxy: Proxy,
) -> None:
    counting_proxy.handler = when = When(
        On(method, "/blobs/uploads/", after=1), lambda: hurt(work.job.journal)
    )
    try:
        code = work.run()
    except JobError as error:
        code = error.exit_code

    assert when.on.struck
    assert code in (ExitCode.DONE, ExitCode.USAGE)
    if code is ExitCode.DONE or said_done(work):
        truth.confirms(work.rows)
    counting_proxy.handler = Handler()
    assert work.run() is ExitCode.DONE
    truth.confirms(work.rows)
    assert all(row.verified for row in work.rows)


@pytest.mark.parametrize(
    "share",
    [pytest.param(n, marks=() if n == 60 else pytest.mark.slow) for n in range(0, 100, 20)],
)
def test_a_journal_that_lost_its_end_in_a_power_cut(
    share: int, work: Import, truth: Truth, counting_proxy: Proxy
) -> None:
    """Of its log any part may be missing; what is left must not lie."""
    counting_proxy.handler = When(On("PUT", "/manifests/"), work.stop.set)
    assert work.run() is ExitCode.INTERRUPTED
    work.stop.clear()
    counting_proxy.handler = Handler()
    journal = work.job.journal
    os.truncate(journal, journal.stat().st_size * share // 100)

    assert work.run() is ExitCode.DONE

    truth.confirms(work.rows)
    assert all(row.verified for row in work.rows)


@pytest.fixture
def read_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A disk for the jobs that gets read-only, as Linux makes one after errors."""
    with small_disk_at(tmp_path / "disk", "30m") as disk:
        monkeypatch.setenv("XDG_STATE_HOME", str(disk))
        yield disk


def test_a_folder_on_a_read_only_disk_is_told_and_what_is_there_can_be_looked_at(
    read_only: Path, work: Import, tarball: Tarball, counting_proxy: Proxy
) -> None:
    assert work.run() is ExitCode.DONE
    subprocess.run(["mount", "-o", "remount,ro", str(read_only)], check=True)
    source = ("-i", tarball.archive, "--all")
    target = ("-r", f"{counting_proxy.address}/other", "--ca-file", counting_proxy.ca_file)

    ended = run("import", *source, *target, login=counting_proxy)

    assert ended.code == ExitCode.USAGE, ended.err
    assert "job-folder-unsafe" in ended.err
    assert "Read-only file system" in ended.err
    for verb in ("status", "report"):
        looked = run(verb)
        assert looked.code == ExitCode.DONE, (verb, looked.err)
        assert work.namespace[:30] in looked.out, looked.out
