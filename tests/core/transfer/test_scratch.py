"""Room to unzip: said beforehand, and gone afterwards."""

from pathlib import Path

import pytest

from core.demo.sample import Sample, SampleSpec
from core.errors import ArchiveError, Code, ExitCode, JobError
from core.transfer import scratch
from core.transfer.scratch import Scratch, choose_scratch
from core.transfer.states import ArtifactState
from tests.core.transfer.running import Import, of
from tests.fixtures.proxy import Proxy
from tests.fixtures.samples import SampleFactory


@pytest.fixture
def zipped(make_sample: SampleFactory) -> Sample:
    return make_sample(SampleSpec(gzip=True))


def no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scratch, "SPARE_BYTES", 10**18)


def test_a_plain_tarball_needs_no_room(sample: Sample, tmp_path: Path) -> None:
    assert choose_scratch(sample.archive, tmp_path / "scratch") == Scratch(None)
    assert not (tmp_path / "scratch").exists()


def test_where_there_is_room_it_is_used_and_both_numbers_are_said(
    zipped: Sample, tmp_path: Path
) -> None:
    told: list[tuple[int, int]] = []
    chosen = choose_scratch(
        zipped.archive, tmp_path / "scratch", lambda done, total: told.append((done, total))
    )
    assert chosen.folder == tmp_path / "scratch"
    assert chosen.folder.stat().st_mode & 0o777 == 0o700
    assert "Unzipping needs" in chosen.words
    assert str(chosen.folder) in chosen.words
    size = zipped.archive.stat().st_size
    assert told[-1] == (size, size)


def test_where_there_is_no_room_it_is_read_in_place_and_the_way_out_is_said(
    zipped: Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_room(monkeypatch)
    chosen = choose_scratch(zipped.archive, tmp_path)
    assert chosen.folder is None
    assert "read in place" in chosen.words
    assert "--scratch" in chosen.words


def test_a_folder_that_cannot_be_made_is_told(zipped: Sample) -> None:
    with pytest.raises(JobError) as caught:
        choose_scratch(zipped.archive, zipped.bundles / "below a file")
    assert caught.value.code is Code.JOB_FOLDER_UNSAFE
    assert "--scratch" in caught.value.mend


def test_a_cut_off_tarball_is_told_before_anything_is_written(
    zipped: Sample, tmp_path: Path
) -> None:
    zipped.archive.write_bytes(zipped.archive.read_bytes()[:-100])
    with pytest.raises(ArchiveError) as caught:
        choose_scratch(zipped.archive, tmp_path / "scratch")
    assert caught.value.code is Code.ARCHIVE_TRUNCATED
    assert not (tmp_path / "scratch").exists()


@pytest.mark.parametrize("room", [True, False], ids=["with room", "without"])
def test_a_gzipped_tarball_arrives_and_leaves_nothing_on_the_disk(
    room: bool,
    counting_proxy: Proxy,
    namespace: str,
    zipped: Sample,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if not room:
        no_room(monkeypatch)
    work = Import(counting_proxy, of(zipped), namespace)
    assert work.run() is ExitCode.DONE
    assert work.summary.counts[ArtifactState.DONE] == len(zipped.required)
    (said,) = [event.text for event in work.events if event.kind == "scratch"]
    assert ("read in place" in said) is not room
    assert not work.job.scratch.exists()
    assert int(work.summary.number("unzip_done")) == zipped.archive.stat().st_size
