"""The manifests of `download artifacts`."""

import gzip
from pathlib import Path

import pytest

from core.archive.downloads import Downloads, is_downloads
from core.errors import ArchiveError, Code
from tests.core.archive.making import (
    Entries,
    Link,
    download_images,
    tar_bytes,
    write_folder,
)

EKSD = "1.33/eks-distro/kubernetes-1-33-eks-30.yaml"
FILES: Entries = {
    "bundle-release.yaml": b"kind: Bundles",
    "manifest.yaml": b"kind: Release",
    EKSD: b"kind: Release # eks-d",
}


@pytest.fixture(params=["tar.gz", "tar", "folder", "bare tar"])
def downloads(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The same files in each form; the suffix of the files tells nothing."""
    prefixed: Entries = {f"eks-anywhere-downloads/{name}": data for name, data in FILES.items()}
    path = tmp_path / "d"
    match request.param:
        case "tar.gz":
            path.write_bytes(gzip.compress(tar_bytes(prefixed)))
        case "tar":
            path.write_bytes(tar_bytes(prefixed))
        case "bare tar":
            path.write_bytes(tar_bytes(FILES))
        case _:
            write_folder(tmp_path, prefixed)
            path = tmp_path / "eks-anywhere-downloads"
    return path


def test_every_form_is_recognised_and_read(downloads: Path) -> None:
    assert is_downloads(downloads)
    with Downloads.open(downloads) as found:
        assert len(found.names()) == 3
        for name in FILES:
            assert found.read(name) == FILES[name]
            assert found.read(f"./{name}") == FILES[name]
        assert all(found.read(name) is not None for name in found.names())
        for name in ("nope.yaml", "", "..", "../x", "/etc/passwd", "a//b", "a\0b"):
            assert found.read(name) is None


def test_paths_of_the_other_machine_are_understood(tmp_path: Path) -> None:
    path = tmp_path / "d.tgz"
    entries: Entries = {f"eks-anywhere-downloads/{name}": data for name, data in FILES.items()}
    path.write_bytes(gzip.compress(tar_bytes(entries)))
    with Downloads.open(path) as found:
        for front in ("eks-anywhere-downloads/", "/home/ann/eks-anywhere-downloads/"):
            assert found.read(front + EKSD) == FILES[EKSD]
        assert found.read("/home/ann/other/" + EKSD) is None


def test_other_files_are_not_taken_for_it(tmp_path: Path) -> None:
    for name, content in {
        "images.tar": tar_bytes(download_images()),
        "images.tar.gz": gzip.compress(tar_bytes(download_images())),
        "cut.tar.gz": gzip.compress(tar_bytes(download_images()))[:-400],
        "bundle.yaml": b"kind: Bundles",
        "empty": b"",
        "zeros": bytes(2000),
        "broken.gz": b"\x1f\x8b\x08broken",
    }.items():
        (tmp_path / name).write_bytes(content)
        assert not is_downloads(tmp_path / name), name
    assert not is_downloads(tmp_path)
    assert not is_downloads(tmp_path / "gone")


def test_what_is_no_tarball_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bundle.yaml"
    for content, code in (
        (b"kind: Bundles", Code.ARCHIVE_UNKNOWN_FORMAT),
        (b"", Code.ARCHIVE_UNKNOWN_FORMAT),
        (gzip.compress(tar_bytes(FILES))[:-5], Code.ARCHIVE_TRUNCATED),
    ):
        path.write_bytes(content)
        with pytest.raises(ArchiveError) as caught:
            Downloads.open(path)
        assert caught.value.code is code


def test_a_file_above_its_limit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "d").write_bytes(tar_bytes(FILES))
    monkeypatch.setattr("core.archive.downloads.MAX_FILE", 5)
    with Downloads.open(tmp_path / "d") as found, pytest.raises(ArchiveError) as caught:
        found.read("manifest.yaml")
    assert caught.value.code is Code.ARCHIVE_HOSTILE


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"x")
    entries = FILES | {"evil.yaml": Link("../secret")}
    with (
        Downloads.open(write_folder(tmp_path / "d", entries)) as found,
        pytest.raises(ArchiveError) as caught,
    ):
        found.read("evil.yaml")
    assert caught.value.code is Code.ARCHIVE_HOSTILE
