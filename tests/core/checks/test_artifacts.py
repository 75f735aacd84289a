"""The artifacts: readable, of the right kind, complete, for the right machines, room to work."""

import gzip
import shutil
import tarfile
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from core.checks import artifacts
from core.checks.context import Context
from core.checks.finding import Finding, State
from core.checks.standard import ladder
from core.demo.sample import Sample, SampleSpec
from core.errors import Code
from core.reference import Kind
from tests.core.checks.looking import answers, climb, look, states
from tests.fixtures.samples import SampleFactory

NAMES = ("manifest", "tarball", "images", "charts", "package-bundles", "architecture", "disk")
Check = Callable[[Context], Finding]


def check(one: Check, **chosen: object) -> Finding:
    return look(one, answers(artifacts=chosen))


def test_a_complete_download_passes_every_check_without_a_registry(sample: Sample) -> None:
    found = climb(answers(artifacts={"archive": sample.archive, "bundles": sample.bundles}), *NAMES)
    assert states(found) == dict.fromkeys(NAMES, "pass")
    assert found["manifest"].seen.startswith("kind Bundles, Kubernetes ")
    assert "linux/amd64" in found["tarball"].seen
    assert found["images"].seen.endswith(" found")


def test_before_anything_is_named_every_check_is_skipped() -> None:
    found = climb(answers(), *NAMES)
    assert states(found) == dict.fromkeys(NAMES, "skipped")
    assert found["images"].seen == "no bundle manifest is named yet"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"kind: Release\napiVersion: anywhere.eks.amazonaws.com/v1alpha1\n", "Release"),
        (b"<html>Access denied</html>", ""),
        (b"", ""),
    ],
)
def test_a_manifest_of_the_wrong_kind_fails(tmp_path: Path, content: bytes, words: str) -> None:
    file = tmp_path / "manifest.yaml"
    file.write_bytes(content)
    found = check(artifacts.check_manifest, bundles=file)
    assert found.state is State.FAIL
    assert words in found.seen + found.cause
    assert found.mend


def test_a_manifest_that_is_not_there_fails(tmp_path: Path) -> None:
    found = check(artifacts.check_manifest, bundles=tmp_path / "none.yaml")
    assert (found.state, found.code) == (State.FAIL, Code.MANIFEST_NOT_FOUND)


def test_an_eksd_manifest_that_is_not_beside_it_fails(sample: Sample, tmp_path: Path) -> None:
    alone = tmp_path / "bundle-release.yaml"
    shutil.copy(sample.bundles, alone)
    found = check(artifacts.check_manifest, bundles=alone)
    assert (found.state, found.code) == (State.FAIL, Code.MANIFEST_NOT_FOUND)


def test_a_version_that_is_not_in_the_manifest_fails(sample: Sample) -> None:
    found = check(artifacts.check_manifest, bundles=sample.bundles, kube_versions=["1.99"])
    assert (found.state, found.code) == (State.FAIL, Code.KUBE_VERSION_UNKNOWN)


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda content: content[: len(content) // 2], Code.ARCHIVE_TRUNCATED),
        (lambda _: b"not a tarball at all", Code.ARCHIVE_UNKNOWN_FORMAT),
        (lambda _: b"", Code.ARCHIVE_TRUNCATED),
    ],
)
def test_a_tarball_that_is_spoilt_fails(
    sample: Sample, tmp_path: Path, spoil: Callable[[bytes], bytes], code: Code
) -> None:
    file = tmp_path / "images.tar"
    file.write_bytes(spoil(sample.archive.read_bytes()))
    found = check(artifacts.check_tarball, archive=file)
    assert (found.state, found.code) == (State.FAIL, code)


def test_a_tarball_that_is_not_there_fails_and_what_needs_it_waits(
    sample: Sample, tmp_path: Path
) -> None:
    chosen = {"archive": tmp_path / "none.tar", "bundles": sample.bundles}
    found = climb(answers(artifacts=chosen), *NAMES)
    assert found["tarball"].code == Code.ARCHIVE_NOT_FOUND
    assert found["images"].seen == "waits for Tarball"
    assert found["architecture"].seen == "waits for Tarball"


def test_a_tarball_that_may_be_cut_off_is_a_warning(sample: Sample, tmp_path: Path) -> None:
    with tarfile.open(sample.archive) as tar:
        last = tar.getmembers()[-1]
    end = last.offset_data + (last.size + 511) // 512 * 512
    file = tmp_path / "images.tar"
    file.write_bytes(sample.archive.read_bytes()[:end])
    found = check(artifacts.check_tarball, archive=file)
    assert (found.state, found.command) == (State.WARN, f"sha256sum {file}")


def test_a_tarball_alone_can_be_looked_at(sample: Sample) -> None:
    found = check(artifacts.check_tarball, archive=sample.archive)
    assert found.state is State.PASS
    assert check(artifacts.check_architecture, archive=sample.archive).state is State.PASS


def without(sample: Sample, name: str, folder: Path) -> Path:
    """The sample's tarball without one of its entries."""
    file = folder / "images.tar"
    with tarfile.open(sample.archive) as whole, tarfile.open(file, "w") as part:
        for member in whole:
            if member.name != name:
                part.addfile(member, whole.extractfile(member))
    return file


def test_an_image_that_is_missing_fails_by_name(sample: Sample, make_sample: SampleFactory) -> None:
    name = next(str(one) for one in sample.required if one.kind is Kind.IMAGE)
    other = make_sample(SampleSpec(leave_out=name))
    found = check(artifacts.check_images, archive=other.archive, bundles=other.bundles)
    assert (found.state, found.seen) == (State.FAIL, "1 image is not in the tarball")
    assert found.details == (name,)
    assert found.code == Code.NOT_IN_ARCHIVE


def test_a_package_bundle_that_is_missing_is_a_warning(sample: Sample, tmp_path: Path) -> None:
    archive = without(sample, "eks-anywhere-packages-bundles-v1-34-latest.yaml", tmp_path)
    found = check(artifacts.check_package_bundles, archive=archive, bundles=sample.bundles)
    assert (found.state, found.seen) == (
        State.WARN,
        "1 of 2 found, v1-34-latest not in the tarball",
    )
    assert "Curated packages" in found.effect


def test_a_chart_that_is_missing_fails(sample: Sample, tmp_path: Path) -> None:
    archive = without(sample, "cilium-1.19.4-1.tgz", tmp_path)
    found = check(artifacts.check_charts, archive=archive, bundles=sample.bundles)
    assert (found.state, found.seen) == (State.FAIL, "1 chart is not in the tarball")
    assert found.details == ("public.ecr.aws/eks/cilium/cilium:1.19.4-1",)


@pytest.mark.parametrize(
    ("platforms", "state"),
    [
        ([], State.PASS),
        (["linux/amd64"], State.PASS),
        (["linux/arm64"], State.WARN),
        (["linux/amd64", "linux/arm64"], State.WARN),
    ],
)
def test_images_are_held_against_the_nodes(
    sample: Sample, platforms: list[str], state: State
) -> None:
    found = check(artifacts.check_architecture, archive=sample.archive, platforms=platforms)
    assert found.state is state
    if state is State.WARN:
        assert found.seen == "all images are for amd64 only"
        assert found.details


def disk(archive: Path, free: int, **transfer: object) -> Finding:
    given = answers(artifacts={"archive": archive})
    given = given.model_copy(update={"transfer": given.transfer.model_copy(update=transfer)})
    return look(lambda context: artifacts.check_disk(context, free=lambda _: free), given)


def test_a_plain_tar_needs_no_disk(sample: Sample) -> None:
    found = disk(sample.archive, 10**12)
    assert (found.state, found.seen) == (
        State.PASS,
        "a plain tar needs no disk, 1000.0 GB are free",
    )


def test_without_room_for_a_journal_nothing_can_start(sample: Sample) -> None:
    found = disk(sample.archive, 10**6)
    assert (found.state, found.code) == (State.FAIL, Code.DISK_FULL)


def test_a_zipped_tar_needs_the_room_that_it_unzips_to(sample: Sample, tmp_path: Path) -> None:
    file = tmp_path / "images.tar.gz"
    content = sample.archive.read_bytes()
    file.write_bytes(gzip.compress(content, 1))
    needed = len(content) + artifacts.JOURNAL_BYTES
    assert disk(file, needed).state is State.PASS
    found = disk(file, needed - 1)
    assert (found.state, found.code) == (State.WARN, Code.NO_SCRATCH_SPACE)
    assert "slower" in found.effect


def test_the_disk_is_that_of_the_scratch_folder(sample: Sample, tmp_path: Path) -> None:
    scratch = tmp_path / "not" / "there" / "yet"
    given = answers(artifacts={"archive": sample.archive})
    given = given.model_copy(
        update={"transfer": given.transfer.model_copy(update={"scratch": scratch})}
    )
    found = look(artifacts.check_disk, given)
    assert found.state is State.PASS
    assert str(scratch) in found.details[0]
    assert not scratch.exists()


def test_reading_a_zipped_tar_can_be_stopped(sample: Sample, tmp_path: Path) -> None:
    file = tmp_path / "images.tar.gz"
    file.write_bytes(gzip.compress(sample.archive.read_bytes(), 1))
    stop = threading.Event()
    stop.set()
    given = answers(artifacts={"archive": file})
    found = ladder(given, environment={}).run(only=("tarball", "disk"), stop=stop)
    assert [one.seen for one in found] == ["stopped", "stopped"]


def test_nothing_is_written_beside_the_tarball(sample: Sample, tmp_path: Path) -> None:
    folder = tmp_path / "usb"
    folder.mkdir()
    file = folder / "images.tar.gz"
    file.write_bytes(gzip.compress(sample.archive.read_bytes(), 1))
    climb(answers(artifacts={"archive": file, "bundles": sample.bundles}), *NAMES)
    assert list(folder.iterdir()) == [file]
