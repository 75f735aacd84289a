"""A disk that is really full: an import says so, and goes on when there is room again."""

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from core.demo.sample import Sample
from core.errors import Code, ExitCode, JobError
from core.transfer.reserve import RESERVE_BYTES, give_up_room, keep_room
from core.transfer.states import JobState
from tests.core.transfer.running import Import, of
from tests.fixtures.proxy import Answer, Exchange, Handler, Proxy
from tests.fixtures.small_disk import small_disk_at


@pytest.fixture
def small_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Eight megabytes for the jobs, and no more."""
    with small_disk_at(tmp_path / "disk", "8m") as disk:
        monkeypatch.setenv("XDG_STATE_HOME", str(disk))
        yield disk


def fill(disk: Path) -> Path:
    """Take all the room that there is."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"\0" * 4096)
    assert shutil.disk_usage(disk).free == 0
    return filler


class FillAt(Handler):
    """Somebody else fills the disk when the first request of a kind comes by."""

    def __init__(self, disk: Path, method: str, path: str) -> None:
        self.disk, self.method, self.part = disk, method, path
        self.filled = False

    def request(self, exchange: Exchange) -> Answer | None:
        if exchange.method == self.method and self.part in exchange.path and not self.filled:
            self.filled = True
            fill(self.disk)
        return None


@pytest.mark.parametrize(
    ("method", "path"), [("PUT", "/blobs/uploads/"), ("PUT", "/manifests/"), ("GET", "/v2/")]
)
def test_a_disk_that_fills_up_is_told_and_the_next_run_goes_on(
    method: str,
    path: str,
    small_disk: Path,
    counting_proxy: Proxy,
    namespace: str,
    sample: Sample,
) -> None:
    work = Import(counting_proxy, of(sample), namespace)
    counting_proxy.handler = FillAt(small_disk, method, path)

    assert work.run() is ExitCode.USAGE

    assert work.summary.state is JobState.BROKEN
    assert work.summary.error["code"] == "disk-full"
    assert "df -h" in work.summary.error["mend"]
    assert work.report["verdict"] == "The import could not go on."
    (small_disk / "filler").unlink()
    assert work.run() is ExitCode.DONE


def test_a_disk_that_is_full_at_the_start_is_told(
    small_disk: Path, counting_proxy: Proxy, namespace: str, sample: Sample
) -> None:
    work = Import(counting_proxy, of(sample), namespace)
    assert work.job.folder.is_dir()
    filler = fill(small_disk)
    os.truncate(filler, filler.stat().st_size - 64 * 1024)  # room for the answers
    with pytest.raises(JobError) as caught:
        work.run()
    assert caught.value.code is Code.DISK_FULL
    assert not work.job.is_running()
    assert not work.job.reserve.exists()
    filler.unlink()
    assert work.run() is ExitCode.DONE


def test_the_room_that_is_kept_is_really_taken_and_given_back(tmp_path: Path) -> None:
    reserve = tmp_path / "reserve"
    keep_room(reserve)
    keep_room(reserve)
    assert reserve.stat().st_blocks * 512 >= RESERVE_BYTES
    assert reserve.stat().st_mode & 0o777 == 0o600
    give_up_room(reserve)
    give_up_room(reserve)
    assert not reserve.exists()
