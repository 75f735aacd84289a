"""The lock that tells whether a worker is alive."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.transfer.lock import hold, holder, is_held

_HOLDER = """
import sys, time
from pathlib import Path
from core.transfer.lock import hold
with hold(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "worker.lock"


@contextmanager
def other_process(path: Path) -> Iterator["subprocess.Popen[str]"]:
    """Holds the lock until its standard input is closed, or it is killed."""
    with subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        yield process


def test_nobody_holds_what_is_not_there(path: Path) -> None:
    assert not is_held(path)
    assert holder(path) is None
    assert not path.exists(), "who only asks makes nothing"


def test_a_second_holder_is_refused_also_within_one_process(path: Path) -> None:
    with hold(path):
        assert is_held(path)
        assert holder(path) == os.getpid()
        with pytest.raises(BlockingIOError), hold(path):
            pytest.fail("it was held twice")
        assert is_held(path)
    assert not is_held(path)
    assert holder(path) is None


def test_another_process_is_seen_and_refuses_us(path: Path) -> None:
    with other_process(path) as process:
        assert is_held(path)
        assert holder(path) == process.pid
        with pytest.raises(BlockingIOError), hold(path):
            pytest.fail("it was held twice")
        process.communicate()
    assert not is_held(path)


def test_kill_9_sets_it_free(path: Path) -> None:
    with other_process(path) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert not is_held(path)
        with hold(path):
            assert holder(path) == os.getpid()


def test_asking_never_takes_it(path: Path) -> None:
    """A screen that looks twice a second must not be what a worker stumbles over."""
    done = threading.Event()

    def ask() -> None:
        while not done.is_set():
            is_held(path)

    askers = [threading.Thread(target=ask) for _ in range(3)]
    for asker in askers:
        asker.start()
    try:
        for _ in range(500):
            with hold(path):
                pass
    finally:
        done.set()
        for asker in askers:
            asker.join()


def test_the_file_is_private_whatever_the_umask(path: Path) -> None:
    before = os.umask(0)
    try:
        with hold(path):
            assert path.stat().st_mode & 0o777 == 0o600
        path.unlink()
        os.umask(0o777)
        with hold(path):
            assert path.stat().st_mode & 0o777 == 0o600
    finally:
        os.umask(before)


def test_a_link_is_not_followed(path: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    path.symlink_to(victim)
    with pytest.raises(OSError, match="symbolic links"), hold(path):
        pytest.fail("it was held")
    with pytest.raises(OSError, match="symbolic links"):
        is_held(path)
    assert victim.read_text() == "precious"


def test_a_file_with_other_words_names_no_process(path: Path) -> None:
    path.write_text("not a number")
    assert holder(path) is None
