"""Gzip-ed archives: unzipped into scratch, or read in place."""

import gzip
import os
import random
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import pytest

from core.archive.open import open_archive
from core.archive.zipped import GzipBytes, scratch_needed
from core.errors import ArchiveError, Code
from core.oci import digest_of
from core.reference import Artifact, Kind, Reference
from tests.core.archive.making import (
    CHART,
    IMAGE,
    Saved,
    classic,
    download_images,
    tar_bytes,
)
from tests.fixtures.small_disk import small_disk_at


def noise(size: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size)  # noqa: S311 - no secret


def zipped(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "images.tar"  # the suffix tells nothing
    path.write_bytes(gzip.compress(content, 1))
    return path


def open_paths() -> list[str]:
    entries = list(Path("/proc/self/fd").iterdir())
    return [str(entry.readlink()) for entry in entries if entry.is_symlink()]


@pytest.fixture(params=["scratch", "in place"])
def scratch(request: pytest.FixtureRequest, tmp_path: Path) -> Path | None:
    return tmp_path / "job" / "scratch" if request.param == "scratch" else None


def test_both_ways_give_the_same_artifacts(tmp_path: Path, scratch: Path | None) -> None:
    content = tar_bytes(download_images())
    path = zipped(tmp_path, content)
    (tmp_path / "plain.tar").write_bytes(content)
    with (
        open_archive(path, scratch=scratch) as archive,
        open_archive(tmp_path / "plain.tar") as plain,
    ):
        assert archive.artifacts == plain.artifacts
        for artifact in archive.artifacts:
            for blob in artifact.content.all_blobs():
                assert digest_of(b"".join(blob.blocks(1000))) == blob.digest
        assert archive.find(Artifact(Kind.IMAGE, Reference.parse(IMAGE)))
        assert archive.find(Artifact(Kind.CHART, Reference.parse(CHART)))


def test_the_scratch_copy_is_gone_after_close_and_never_has_a_name(tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    content = tar_bytes(download_images())
    with open_archive(zipped(tmp_path, content), scratch=scratch) as archive:
        assert list(scratch.iterdir()) == []
        assert any(str(scratch) in name for name in open_paths())
        assert archive.artifacts
    assert not any(str(scratch) in name for name in open_paths())


def test_nothing_is_written_without_scratch(tmp_path: Path) -> None:
    path = zipped(tmp_path, tar_bytes(download_images()))
    with open_archive(path):
        assert list(tmp_path.iterdir()) == [path]


def test_progress_reaches_the_end(tmp_path: Path, scratch: Path | None) -> None:
    path = zipped(tmp_path, tar_bytes(classic(Saved([noise(3_000_000)]))))
    told: list[tuple[int, int]] = []
    with open_archive(path, scratch=scratch, on_progress=lambda *step: told.append(step)):
        total = path.stat().st_size
        assert {step[1] for step in told} == {total}
        assert [step[0] for step in told] == sorted(step[0] for step in told)
        assert told[-1][0] == total


def test_several_gzip_members_are_one_archive(tmp_path: Path, scratch: Path | None) -> None:
    content = tar_bytes(download_images())
    path = tmp_path / "a.tar.gz"
    cuts = [0, 700, 5000, len(content)]
    parts = [gzip.compress(content[a:b]) for a, b in pairwise(cuts)]
    path.write_bytes(b"".join(parts))
    assert scratch_needed(path) == len(content)
    with open_archive(path, scratch=scratch) as archive:
        assert len(archive.artifacts) == 4


def test_scratch_needed_is_exact(tmp_path: Path) -> None:
    content = tar_bytes(classic(Saved([noise(2_000_000), bytes(9_000_000)])))
    assert scratch_needed(zipped(tmp_path, content)) == len(content)
    plain = tmp_path / "plain.tar.gz"
    plain.write_bytes(content)
    assert scratch_needed(plain) is None
    assert scratch_needed(tmp_path) is None


@pytest.mark.parametrize("kept", [0.0001, 0.3, 0.9, 0.999999])
def test_a_cut_is_told(tmp_path: Path, scratch: Path | None, kept: float) -> None:
    path = zipped(tmp_path, tar_bytes(classic(Saved([noise(3_000_000)]))))
    size = path.stat().st_size
    os.truncate(path, max(30, int(size * kept)))
    with pytest.raises(ArchiveError) as caught:
        open_archive(path, scratch=scratch)
    assert caught.value.code is Code.ARCHIVE_TRUNCATED


@pytest.mark.parametrize("place", [0.5, -6])
def test_damage_is_told(tmp_path: Path, scratch: Path | None, place: float) -> None:
    path = zipped(tmp_path, tar_bytes(classic(Saved([noise(3_000_000)]))))
    content = bytearray(path.read_bytes())
    position = int(place * len(content)) if 0 < place < 1 else int(place)
    content[position] ^= 0x55
    path.write_bytes(content)
    with pytest.raises(ArchiveError) as caught:
        open_archive(path, scratch=scratch)
    assert caught.value.code is Code.ARCHIVE_DAMAGED


def test_what_follows_the_gzip_stream_is_refused(tmp_path: Path, scratch: Path | None) -> None:
    path = zipped(tmp_path, tar_bytes(download_images()))
    path.write_bytes(path.read_bytes() + b"garbage" * 100)
    with pytest.raises(ArchiveError) as caught:
        open_archive(path, scratch=scratch)
    assert caught.value.code is Code.ARCHIVE_DAMAGED


def test_a_full_disk_stops_the_unzipping_cleanly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = zipped(tmp_path, tar_bytes(download_images()))
    monkeypatch.setattr("core.archive.zipped.KEEP_FREE", 2**60)
    with pytest.raises(ArchiveError) as caught:
        open_archive(path, scratch=tmp_path / "scratch")
    assert caught.value.code is Code.NO_SCRATCH_SPACE
    assert list((tmp_path / "scratch").iterdir()) == []


def test_a_disk_that_is_really_full_stops_it_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = zipped(tmp_path, tar_bytes(classic(Saved([noise(6_000_000)]))))
    monkeypatch.setattr("core.archive.zipped.KEEP_FREE", 0)
    with small_disk_at(tmp_path / "disk", "4m") as disk:
        free = os.statvfs(disk).f_bfree
        with pytest.raises(ArchiveError) as caught:
            open_archive(path, scratch=disk)
        assert caught.value.code is Code.NO_SCRATCH_SPACE
        assert os.statvfs(disk).f_bfree == free


def test_a_scratch_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    path = zipped(tmp_path, tar_bytes(download_images()))
    (tmp_path / "file").touch()
    with pytest.raises(ArchiveError) as caught:
        open_archive(path, scratch=tmp_path / "file" / "scratch")
    assert caught.value.code is Code.NO_SCRATCH_SPACE


def test_eight_threads_read_the_right_bytes(tmp_path: Path, scratch: Path | None) -> None:
    content = noise(20_000_000)
    path = zipped(tmp_path, tar_bytes(classic(Saved([content]))))
    with open_archive(path, scratch=scratch) as archive:
        blob = list(archive.artifacts[0].content.all_blobs())[1]
        start = threading.Barrier(8)

        def read(seed: int) -> bool:
            dice = random.Random(seed)  # noqa: S311 - no secret
            start.wait()
            for _ in range(40):
                offset = dice.randrange(len(content))
                length = min(dice.randrange(1, 200_000), len(content) - offset)
                piece = blob.source.read_at(blob.offset + offset, length)
                if piece != content[offset : offset + length]:
                    return False
            return True

        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(read, range(8)))


def test_a_closed_reader_says_so_and_has_no_threads_left(tmp_path: Path) -> None:
    path = zipped(tmp_path, tar_bytes(classic(Saved([noise(9_000_000)]))))

    def threads() -> int:
        return int(re.findall(r"Threads:\s+(\d+)", Path("/proc/self/status").read_text())[0])

    before = threads()
    source = GzipBytes(path)
    assert len(source.read_at(100, 50)) == 50
    source.close()
    source.close()
    assert threads() == before
    with pytest.raises(ArchiveError) as caught:
        source.read_at(0, 1)
    assert caught.value.code is Code.ARCHIVE_UNREADABLE
    assert str(path) not in open_paths()
