"""The journal's file: what a kill, a full disk or a broken disk does to it."""

import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from core.errors import Code, JobError
from core.transfer.journal import SCHEMA_VERSION, ArtifactRecord, Journal
from core.transfer.states import ArtifactState, PlacementState
from core.transfer.view import JournalView
from tests.core.transfer.making import layer
from tests.fixtures.small_disk import small_disk_at

LAYER = layer(b"layer")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    with closing(Journal(path)) as opened:
        yield opened


def record(name: str, size: int = 10) -> ArtifactRecord:
    return ArtifactRecord("image", name, "mirror/x:1", True, size, "linux/amd64", ())


def events(path: Path) -> list[tuple[str, str]]:
    with JournalView(path) as view:
        return [(event.kind, event.text) for event in view.events()]


_WRITER = """
import sys
from pathlib import Path
from core.transfer.journal import Journal
journal = Journal(Path(sys.argv[1]))
number = 0
while True:
    number += 1
    with journal.together():
        journal.set_facts(first=number)
        journal.set_facts(second=number)
    print(number, flush=True)
"""


def test_kill_9_in_the_middle_loses_nothing_that_was_written(path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(path)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        for _ in range(50):
            said = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
        rest = process.stdout.read().split()
    last = int(rest[-1]) if rest else said
    with closing(Journal(path)) as journal:
        assert int(journal.fact("first")) >= last
        assert journal.fact("first") == journal.fact("second")


def test_threads_write_at_once_and_nothing_gets_lost(journal: Journal, path: Path) -> None:
    numbers = journal.register([record(str(number)) for number in range(8)])

    def work(number: int) -> None:
        for position in range(1, 40):
            journal.set_placement(LAYER, f"r{number}", PlacementState.SENDING, "u", position)
            journal.set_artifact(number, ArtifactState.SENDING)
            with journal.together(durable=False):
                journal.event("tick")
                journal.set_verified(number, True)

    threads = [threading.Thread(target=work, args=(number,)) for number in numbers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(journal.placement(LAYER, f"r{number}").position == 39 for number in numbers)
    assert sum(kind == "tick" for kind, _ in events(path)) == 8 * 39
    assert all(one.verified for one in journal.artifacts())


def test_a_thread_does_not_write_into_the_transaction_of_another(journal: Journal) -> None:
    inside, tried = threading.Event(), threading.Event()

    def other() -> None:
        inside.wait(10)
        tried.set()
        journal.set_facts(other="kept")

    thread = threading.Thread(target=other)
    thread.start()

    def fail() -> None:
        inside.set()
        tried.wait(10)
        journal.set_facts(mine=1)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), journal.together():
        fail()
    thread.join()
    assert journal.fact("other") == "kept"
    assert journal.fact("mine") == ""


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o777])
def test_all_its_files_are_private_whatever_the_umask(path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        with closing(Journal(path)) as journal:
            journal.event("written")
            rights = {one.name: stat.S_IMODE(one.stat().st_mode) for one in path.parent.iterdir()}
    finally:
        os.umask(before)
    names = ("journal.sqlite", "journal.sqlite-shm", "journal.sqlite-wal")
    assert rights == dict.fromkeys(names, 0o600)


def test_closing_leaves_one_file(path: Path) -> None:
    Journal(path).close()
    assert [one.name for one in path.parent.iterdir()] == ["journal.sqlite"]


def _garbage(path: Path) -> None:
    path.write_bytes(b"no database at all. " * 1_000)


def _truncated(path: Path) -> None:
    with closing(Journal(path)) as journal:
        journal.register([record(str(number), size=number) for number in range(2_000)])
    os.truncate(path, path.stat().st_size // 2)


def _scribbled(path: Path) -> None:
    with closing(Journal(path)) as journal:
        journal.register([record(str(number), size=number) for number in range(2_000)])
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(20_000))


def _somebody_elses(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE fact (name TEXT)")
        database.commit()


def _of_another_version(path: Path) -> None:
    with closing(Journal(path)) as journal:
        journal.set_facts(schema=SCHEMA_VERSION + 1)


@pytest.mark.parametrize(
    "damage", [_garbage, _truncated, _scribbled, _somebody_elses, _of_another_version]
)
def test_a_file_that_cannot_be_used_is_set_aside(path: Path, damage: object) -> None:
    assert callable(damage)
    damage(path)
    size = path.stat().st_size

    with pytest.raises(JobError) as caught:
        Journal(path)
    assert caught.value.code is Code.JOURNAL_DAMAGED
    assert caught.value.where == str(path)

    journal, aside = Journal.open(path)
    with closing(journal):
        assert aside
        assert aside.name.startswith("journal.damaged.")
        assert aside.stat().st_size >= size
        assert journal.artifacts() == []
        assert journal.fact("schema") == str(SCHEMA_VERSION)


def test_a_whole_file_is_not_set_aside(path: Path) -> None:
    Journal(path).close()
    journal, aside = Journal.open(path)
    journal.close()
    assert aside is None


def test_another_version_is_named(path: Path) -> None:
    _of_another_version(path)
    with pytest.raises(JobError, match=rf"Another version .* \(form {SCHEMA_VERSION + 1}\)"):
        Journal(path)


def fill(journal: Journal) -> None:
    for number in range(10_000):
        journal.event("filling", f"{number}" * 100)


@contextmanager
def pages(journal: Journal, count: int) -> Iterator[None]:
    """As on a disk that has no more room."""
    with journal._database.writing() as db:
        used = db.execute("PRAGMA page_count").fetchone()[0]
        db.execute(f"PRAGMA max_page_count = {used + count}")
    yield
    with journal._database.writing() as db:
        db.execute("PRAGMA max_page_count = 1000000")


def test_a_full_disk_is_told_and_nothing_is_half_written(journal: Journal) -> None:
    journal.set_facts(before="kept")
    with pages(journal, 2), pytest.raises(JobError) as caught, journal.together():
        fill(journal)
    assert caught.value.code is Code.DISK_FULL
    assert "disk is full" in caught.value.message
    assert "df -h" in caught.value.mend
    assert journal.fact("before") == "kept"
    journal.set_facts(after="works")
    assert journal.fact("after") == "works"


def test_a_disk_that_is_really_full_is_told_and_the_journal_survives(tmp_path: Path) -> None:
    with small_disk_at(tmp_path / "disk", "512k") as disk:
        journal = Journal(disk / "journal.sqlite")
        journal.set_facts(before="kept")
        with pytest.raises(JobError) as caught:
            fill(journal)
        assert caught.value.code is Code.DISK_FULL
        journal.close()
        with closing(Journal(disk / "journal.sqlite")) as again:
            assert again.fact("before") == "kept"


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    missing = tmp_path / "gone" / "journal.sqlite"
    with pytest.raises(JobError) as caught:
        Journal(missing)
    assert caught.value.code is Code.JOB_FOLDER_UNSAFE
    assert caught.value.where == str(missing)


def test_a_folder_that_another_account_owns_is_told(tmp_path: Path) -> None:
    """Root may write everywhere, so somebody else tries."""
    if os.getuid() != 0:
        tmp_path.chmod(0o500)
        with pytest.raises(JobError) as caught:
            Journal(tmp_path / "journal.sqlite")
        assert caught.value.code is Code.JOB_FOLDER_UNSAFE
        return
    tried = subprocess.run(
        [sys.executable, "-c", _STRANGER, str(tmp_path / "journal.sqlite"), str(tmp_path / "own")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert tried.stdout.strip() == "job-folder-unsafe", tried.stderr


_STRANGER = """
import os, sys
from pathlib import Path
from core.errors import JobError
from core.transfer.journal import Journal
Journal(Path(sys.argv[2])).close()  # loads all that a stranger might not be able to read
os.seteuid(12345)
try:
    Journal(Path(sys.argv[1]))
except JobError as error:
    print(error.code)
"""
