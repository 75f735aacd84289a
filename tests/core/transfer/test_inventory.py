"""What was carried in, against what is required, by Kubernetes version."""

import threading
from pathlib import Path

import pytest

from core.demo.sample import Sample
from core.errors import ArchiveError, Interrupted
from core.transfer.inventory import Inventory, Line, read_inventory


def read(sample: Sample) -> Inventory:
    return read_inventory(sample.archive, sample.bundles, stop=threading.Event())


def by_label(lines: tuple[Line, ...]) -> dict[str, Line]:
    return {line.label: line for line in lines}


def test_everything_of_a_whole_sample_is_found(sample: Sample) -> None:
    lines = by_label(read(sample).table())
    total = lines["To import"]
    assert total.required == total.found == len(sample.required)
    assert {lines[name].state for name in ("Images", "Helm charts", "Package bundles")} == {"pass"}


def test_fewer_versions_need_less_and_leave_more_over(sample: Sample) -> None:
    inventory = read(sample)
    first = inventory.versions[0].name
    every, one = by_label(inventory.table()), by_label(inventory.table([first]))
    left = every["To import"].required - one["To import"].required
    assert left > 0
    assert one["EKS-D manifests"].required == 1
    extra = "Extra, left out"
    assert one[extra].found == every[extra].found + left
    assert one["To import"].size < every["To import"].size


def test_without_a_tarball_nothing_is_found(sample: Sample) -> None:
    inventory = read_inventory(None, sample.bundles, stop=threading.Event())
    lines = by_label(inventory.table())
    assert inventory.stored is None
    assert lines["Images"].found == 0
    assert lines["Images"].state == "fail"
    assert lines["Package bundles"].state == "warn"


def test_a_file_that_is_no_tarball_is_told(sample: Sample, tmp_path: Path) -> None:
    other = tmp_path / "images.tar"
    other.write_text("no tarball")
    with pytest.raises(ArchiveError):
        read_inventory(other, sample.bundles, stop=threading.Event())


def test_reading_a_gzip_ed_tarball_can_be_given_up(sample: Sample, tmp_path: Path) -> None:
    import gzip

    packed = tmp_path / "images.tar.gz"
    packed.write_bytes(gzip.compress(sample.archive.read_bytes()))
    stop = threading.Event()
    stop.set()
    with pytest.raises(Interrupted):
        read_inventory(packed, sample.bundles, stop=stop)
