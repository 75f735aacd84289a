"""The small parts of a download: flags that are read, pins, the partial file, room on the disk."""

import json
import shutil
from pathlib import Path

import pytest

from core.errors import Code, JobError, UsageError
from core.fetch.partial import Partial, check_room, hold_folder
from core.fetch.pins import Pins
from core.fetch.platforms import chosen, fits, parse_platforms
from core.fetch.shape import Shape
from core.fetch.upstreams import Place, parse_places
from core.oci import OCI_MANIFEST, Descriptor, Platform, canonical_json, digest_of, parse_manifest

LAYER = b"layer" * 1000
DIGEST = digest_of(LAYER)
MANIFEST = parse_manifest(
    canonical_json(
        {
            "mediaType": OCI_MANIFEST,
            "config": {"mediaType": "c", "digest": DIGEST, "size": 1},
            "layers": [],
        }
    )
)


def shape(size: int = 12_000) -> Shape:
    return Shape(size, ((0, b"head"),), {DIGEST: (100, 6000)}, {DIGEST: len(LAYER)})


@pytest.mark.parametrize("text", ["", "linux", "linux/", "/amd64", "a/b/c/d"])
def test_what_is_no_platform(text: str) -> None:
    with pytest.raises(UsageError):
        parse_platforms([text])


def test_a_platform_without_variant_takes_any() -> None:
    (wanted,) = parse_platforms(["linux/arm64"])

    assert fits(Platform("linux", "arm64", "v8"), [wanted])
    assert not fits(Platform("linux", "amd64"), [wanted])
    assert not fits(None, [wanted])
    assert not fits(Platform("linux", "arm64"), parse_platforms(["linux/arm64/v8"]))


def test_all_platforms_take_the_records_of_the_build_too() -> None:
    listed = [
        Descriptor(OCI_MANIFEST, DIGEST, 1, Platform("linux", "amd64")),
        Descriptor(OCI_MANIFEST, DIGEST, 1, Platform("unknown", "unknown")),
    ]

    assert chosen(listed, parse_platforms(["linux/amd64", "all"])) == tuple(listed)
    assert chosen(listed, parse_platforms(["linux/amd64"])) == (listed[0],)


def test_places_of_upstream() -> None:
    places = parse_places(["public.ecr.aws=cache.example:5000/ecr/public/", "a.example=b.example"])

    assert places["public.ecr.aws"] == Place("cache.example:5000", "ecr/public")
    assert places["public.ecr.aws"].below("eks/x") == "ecr/public/eks/x"
    assert places["a.example"].below("eks/x") == "eks/x"


@pytest.mark.parametrize("text", ["", "a", "=b", "a=", "a/b=c", "a=b/UPPER"])
def test_what_is_no_place(text: str) -> None:
    with pytest.raises(UsageError, match="cannot be used"):
        parse_places([text])


def test_pins_outlive_the_process_and_a_torn_line(tmp_path: Path) -> None:
    Pins(tmp_path).keep(MANIFEST, "a.example/b:1")
    with (tmp_path / "pins.jsonl").open("a") as file:
        file.write('{"reference": "a.exa')

    again = Pins(tmp_path)

    found = again.root("a.example/b:1")
    assert found
    assert found.content == MANIFEST.content
    assert again.root("a.example/b:2") is None


def test_a_damaged_pin_is_asked_for_again(tmp_path: Path) -> None:
    Pins(tmp_path).keep(MANIFEST, "a.example/b:1")
    (file,) = tmp_path.glob("manifest-*.json")
    file.write_text("{}")

    assert Pins(tmp_path).root("a.example/b:1") is None


def test_a_blob_lies_in_all_its_places_and_the_record_is_kept(tmp_path: Path) -> None:
    target = tmp_path / "images.tar"
    with hold_folder(target) as folder:
        partial = Partial(folder, shape())
        partial.write(DIGEST, 0, LAYER)
        partial.copy_around(DIGEST)
        partial.note(DIGEST, len(LAYER))
        partial.close()
        with (folder / "blobs.jsonl").open("a") as file:
            file.write('{"digest":')
        again = Partial(folder, shape())
        assert again.recorded(DIGEST) == len(LAYER)
        assert b"".join(again.read(DIGEST, len(LAYER), 333)) == LAYER
        again.finish(target)
        again.close()

    content = target.read_bytes()
    assert len(content) == shape().size
    assert content[:4] == b"head"
    assert content[100 : 100 + len(LAYER)] == content[6000 : 6000 + len(LAYER)] == LAYER


def test_a_record_never_counts_for_more_than_the_blob(tmp_path: Path) -> None:
    with hold_folder(tmp_path / "images.tar") as folder:
        line = json.dumps({"digest": DIGEST, "bytes": 10**9})
        (folder / "blobs.jsonl").write_text(line + "\n")
        partial = Partial(folder, shape())
        partial.close()

    assert partial.recorded(DIGEST) == len(LAYER)


def test_another_archive_is_not_written_over_an_unfinished_one(tmp_path: Path) -> None:
    with hold_folder(tmp_path / "images.tar") as folder:
        Partial(folder, shape()).close()
        with pytest.raises(UsageError, match="another content"):
            Partial(folder, shape(13_000))
    with hold_folder(tmp_path / "images.tar", restart=True) as folder:
        Partial(folder, shape(13_000)).close()


def test_one_holder_at_a_time(tmp_path: Path) -> None:
    target = tmp_path / "images.tar"
    with (
        hold_folder(target),
        pytest.raises(JobError, match="Another download") as raised,
        hold_folder(target),
    ):
        pass

    assert raised.value.code is Code.JOB_RUNNING


def test_a_disk_without_room_is_told_before_anything_is_written(tmp_path: Path) -> None:
    need = shutil.disk_usage(tmp_path).free + 10**12

    with pytest.raises(JobError) as raised:
        check_room(tmp_path, need)

    assert raised.value.code is Code.DISK_FULL
    assert f"{need:,} bytes" in raised.value.message


def test_what_is_allocated_already_is_not_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    monkeypatch.setattr("core.fetch.partial.check_room", lambda _, need: asked.append(need))
    big = Shape(5_000_000, (), {DIGEST: (0,)}, {DIGEST: len(LAYER)})
    with hold_folder(tmp_path / "images.tar") as folder:
        (folder / "archive.tar").write_bytes(b"x" * 4_000_000)
        Partial(folder, big).close()

    assert asked[0] <= 1_000_000
