"""The search for what was carried in."""

import io
import os
import tarfile
from pathlib import Path

import pytest

from core.archive.at_hand import look_for, places_to_look, removable_media
from core.demo.sample import Sample


def make_tar(path: Path, *names: str, mode: str = "w") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, mode) as tar:  # type: ignore[call-overload]
        for name in names:
            tar.addfile(tarfile.TarInfo(name), io.BytesIO())
    return path


def test_finds_the_sample_and_its_manifest(sample: Sample) -> None:
    found = look_for([sample.archive.parent, sample.bundles.parent])

    assert found.archive == sample.archive
    assert found.size == sample.archive.stat().st_size
    assert found.bundles == sample.bundles


def test_looks_in_the_downloads_folder_of_each_place(tmp_path: Path) -> None:
    stick = tmp_path / "stick"
    archive = make_tar(stick / "images.tar.gz", "images.tar", mode="w:gz")
    manifest = stick / "eks-anywhere-downloads" / "bundle-release.yaml"
    manifest.parent.mkdir()
    manifest.write_text("kind: Bundles\n")

    found = look_for(places_to_look(tmp_path, [stick]))

    assert (found.archive, found.bundles) == (archive, manifest)


def test_the_tarball_of_the_downloads_is_a_manifest_too(tmp_path: Path) -> None:
    """What `download artifacts` and the wizard's own preparation leave: no folder."""
    carried = make_tar(tmp_path / "eks-anywhere-downloads.tar.gz", "eks-anywhere-downloads/")
    assert look_for(places_to_look(tmp_path)).bundles == carried

    unpacked = tmp_path / "eks-anywhere-downloads" / "bundle-release.yaml"
    unpacked.parent.mkdir()
    unpacked.write_text("kind: Bundles\n")
    assert look_for(places_to_look(tmp_path)).bundles == unpacked


def test_the_working_folder_goes_before_a_stick_and_the_newest_before_others(
    tmp_path: Path,
) -> None:
    stick, here = tmp_path / "stick", tmp_path / "here"
    make_tar(stick / "images.tar", "oci-layout")
    old = make_tar(here / "a.tar", "manifest.json")
    new = make_tar(here / "b.tar", "./blobs/sha256/" + "0" * 64)
    os.utime(old, (1, 1))

    assert look_for(places_to_look(here, [stick])).archive == new


@pytest.mark.parametrize("content", ["other", "broken", "gzip", "empty", "folder"])
def test_what_is_no_tarball_of_images_is_not_proposed(tmp_path: Path, content: str) -> None:
    path = tmp_path / "x.tar"
    if content == "other":
        make_tar(path, "eks-anywhere-downloads/bundle-release.yaml", "etc/passwd")
    elif content == "folder":
        path.mkdir()
    else:
        path.write_bytes({"broken": b"x" * 5000, "gzip": b"\x1f\x8bxx", "empty": b""}[content])

    assert look_for([tmp_path]).archive is None


def test_a_place_that_is_not_there_counts_as_empty(tmp_path: Path) -> None:
    found = look_for(places_to_look(tmp_path / "gone"))

    assert (found.archive, found.size, found.bundles) == (None, 0, None)


def test_media_are_told_by_where_they_are_mounted(tmp_path: Path) -> None:
    table = tmp_path / "mounts"
    table.write_text(
        "/dev/sda1 / ext4 rw 0 0\n"
        "/dev/sdb1 /media/op/My\\040Stick vfat rw 0 0\n"
        "/dev/sdc1 /run/media/op/disk ext4 rw 0 0\n"
        "/dev/sdd1 /mnt/usb ext4 rw 0 0\n"
        "filer:/x /mnt/filer nfs4 rw 0 0\n"
        "odd\n"
    )

    assert list(map(str, removable_media(table))) == [
        "/media/op/My Stick",
        "/run/media/op/disk",
        "/mnt/usb",
    ]


def test_without_a_table_there_are_no_media(tmp_path: Path) -> None:
    assert removable_media(tmp_path / "none") == []
