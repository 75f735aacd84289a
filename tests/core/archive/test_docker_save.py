"""Images of docker save, of every age."""

import gzip
import json
import time
from pathlib import Path

import pytest

from core.archive.archive import Archive
from core.archive.model import Blob, ImageParts, ReadyManifest, StoredArtifact
from core.archive.open import open_archive
from core.errors import ArchiveError, Code
from core.oci import DOCKER_LAYER_GZIP, digest_of, parse_manifest
from tests.core.archive.making import (
    IMAGE,
    OTHER,
    Entries,
    Link,
    Saved,
    classic,
    docker_25,
    layer,
    sha,
    write,
)
from tests.core.archive.opening import image, refusal

BASE, TOP = layer("base"), layer("top")


def parts_of(artifact: StoredArtifact | None) -> ImageParts:
    assert artifact is not None
    assert isinstance(artifact.content, ImageParts)
    return artifact.content


def refused(tmp_path: Path, entries: Entries) -> ArchiveError:
    return refusal(write(tmp_path / "a.tar", entries))


def is_intact(blob: Blob) -> bool:
    return digest_of(b"".join(blob.blocks(700))) == blob.digest


@pytest.mark.parametrize("save", [classic, docker_25])
def test_both_layouts_give_config_and_uncompressed_layers(tmp_path: Path, save: object) -> None:
    saved = [Saved([BASE, TOP]), Saved([BASE], [OTHER])]
    entries = classic(*saved) if save is classic else docker_25(*saved)
    with open_archive(write(tmp_path / "a.tar", entries)) as archive:
        parts = parts_of(archive.find(image(IMAGE)))
        assert parts.config.read_all() == saved[0].config
        assert [item.digest for item in parts.layers] == [f"sha256:{sha(x)}" for x in (BASE, TOP)]
        assert all(item.compressible for item in parts.layers)
        assert all(is_intact(blob) for blob in parts.all_blobs())
        assert [str(item) for item in archive.artifacts[0].platforms] == ["linux/amd64"]
        assert archive.warnings == ()


def test_equal_layers_of_two_images_are_one_blob(tmp_path: Path) -> None:
    entries = classic(Saved([BASE, TOP]), Saved([BASE], [OTHER]))
    with open_archive(write(tmp_path / "a.tar", entries)) as archive:
        first, second = parts_of(archive.find(image(IMAGE))), parts_of(archive.find(image(OTHER)))
        assert first.layers[0] is second.layers[0]


@pytest.mark.parametrize("link", [Link("../deep/real.tar"), Link("deep/real.tar", hard=True)])
def test_a_layer_is_found_through_a_chain_of_links(tmp_path: Path, link: Link) -> None:
    entries = classic(Saved([BASE]))
    name = next(name for name in entries if name.endswith("layer.tar"))
    entries |= {"deep/real.tar": BASE, "deep/again.tar": Link("./real.tar")}
    entries["links/one.tar"] = link
    entries[name] = Link("../links/one.tar")
    with open_archive(write(tmp_path / "a.tar", entries)) as archive:
        assert is_intact(parts_of(archive.find(image(IMAGE))).layers[0])


def test_a_leading_dot_slash_is_tolerated(tmp_path: Path) -> None:
    entries: Entries = {f"./{name}": value for name, value in classic(Saved([BASE])).items()}
    with open_archive(write(tmp_path / "a.tar", entries)) as archive:
        assert archive.find(image(IMAGE))


@pytest.mark.parametrize(
    ("saved", "required"),
    [
        ("busybox:1.36", "docker.io/library/busybox:1.36"),
        ("docker.io/library/busybox:1.36", "docker.io/busybox:1.36"),
        ("org/app:1", "docker.io/org/app:1"),
        ("localhost:5000/app:1", "localhost:5000/app:1"),
    ],
)
def test_familiar_names_of_docker_are_understood(tmp_path: Path, saved: str, required: str) -> None:
    with open_archive(write(tmp_path / "a.tar", classic(Saved([BASE], [saved])))) as archive:
        assert archive.find(image(required))
        assert archive.find(image("docker.io/other/app:1")) is None


def test_all_tags_of_an_image_lead_to_it(tmp_path: Path) -> None:
    for entries in (
        classic(Saved([BASE], [IMAGE, OTHER])),
        docker_25(Saved([BASE], [IMAGE, OTHER])),
    ):
        with open_archive(write(tmp_path / "a.tar", entries)) as archive:
            assert len(archive.artifacts) == 1
            assert archive.find(image(IMAGE)) is archive.find(image(OTHER)) is not None


def test_an_image_that_is_listed_twice_keeps_all_names(tmp_path: Path) -> None:
    for make in (classic, docker_25):
        entries = make(Saved([BASE]), Saved([BASE], [OTHER]))
        with open_archive(write(tmp_path / "a.tar", entries)) as archive:
            assert len(archive.artifacts) == 1
            assert archive.find(image(IMAGE)) is archive.find(image(OTHER)) is not None


@pytest.mark.slow
def test_ten_thousand_images_open_in_seconds(tmp_path: Path) -> None:
    names = [f"public.ecr.aws/eks-distro/app{number}:v1" for number in range(10_000)]
    images = [Saved([layer(name, 10), BASE], [name]) for name in names]
    path = write(tmp_path / "a.tar", classic(*images))
    begun = time.process_time()  # not that of whoever shares the cores
    with open_archive(path) as archive:
        assert all(archive.find(image(name)) for name in names)
    assert time.process_time() - begun < 15  # about 1.3 s on two cores of 2024


@pytest.mark.parametrize("names", [None, []])
def test_an_image_without_names_is_kept_with_a_warning(
    tmp_path: Path, names: list[str] | None
) -> None:
    for make in (classic, docker_25):
        saved = Saved([BASE], names)
        with open_archive(write(tmp_path / "a.tar", make(saved))) as archive:
            (artifact,) = archive.artifacts
            assert artifact.name == sha(saved.config)[:12]
            assert artifact.references == ()
            assert sha(saved.config)[:12] in archive.warnings[0]


def test_a_digest_reference_falls_back_on_its_tag(tmp_path: Path) -> None:
    with open_archive(write(tmp_path / "a.tar", classic(Saved([BASE])))) as archive:
        digest = f"sha256:{'0' * 64}"
        assert archive.find(image(f"{IMAGE}@{digest}"))
        assert archive.find(image(f"{IMAGE.rpartition(':')[0]}@{digest}")) is None


def test_compressed_layers_get_a_docker_manifest(tmp_path: Path) -> None:
    saved = Saved([BASE, TOP])
    zipped = [gzip.compress(item, mtime=0) for item in saved.layers]
    listed = {
        "Config": f"sha256:{sha(saved.config)}",
        "RepoTags": [IMAGE],
        "Layers": [f"{sha(zipped[0])}.tar.gz", "oddly-named"],
    }
    entries: Entries = {
        f"sha256:{sha(saved.config)}": saved.config,
        f"{sha(zipped[0])}.tar.gz": zipped[0],
        "oddly-named": zipped[1],
        "manifest.json": json.dumps([listed]).encode(),
    }
    with open_archive(write(tmp_path / "a.tar", entries)) as archive:
        found = archive.find(image(IMAGE))
        assert found is not None
        assert isinstance(found.content, ReadyManifest)
        manifest = parse_manifest(found.content.content)
        assert manifest.digest == found.content.digest
        assert [item.media_type for item in manifest.layers] == [DOCKER_LAYER_GZIP] * 2
        assert [item.digest for item in manifest.blobs] == [b.digest for b in found.content.blobs]
        assert all(is_intact(blob) for blob in found.content.all_blobs())


def test_the_same_name_with_different_content_is_told(tmp_path: Path) -> None:
    entries = classic(Saved([BASE]), Saved([TOP]))
    with open_archive(write(tmp_path / "a.tar", entries)) as archive:
        assert parts_of(archive.find(image(IMAGE))).layers[0].digest == f"sha256:{sha(BASE)}"
        assert any("twice" in warning and IMAGE in warning for warning in archive.warnings)


def config_name(entries: Entries) -> str:
    return next(name for name in entries if name.endswith(".json") and len(name) > 60)


def test_a_config_with_another_hash_than_its_name_is_refused(tmp_path: Path) -> None:
    entries = classic(Saved([BASE]))
    name = config_name(entries)
    content = entries[name]
    assert isinstance(content, bytes)
    entries[name] = content.replace(b"linux", b"linus")
    error = refused(tmp_path, entries)
    assert error.code is Code.ARCHIVE_DAMAGED
    assert error.where == name


def test_a_missing_layer_is_named(tmp_path: Path) -> None:
    entries = classic(Saved([BASE, TOP]))
    name = next(name for name in entries if name.endswith("layer.tar"))
    del entries[name]
    error = refused(tmp_path, entries)
    assert (error.code, error.where) == (Code.ARCHIVE_DAMAGED, name)


def test_a_missing_config_is_named(tmp_path: Path) -> None:
    entries = classic(Saved([BASE]))
    name = config_name(entries)
    del entries[name]
    error = refused(tmp_path, entries)
    assert (error.code, error.where) == (Code.ARCHIVE_DAMAGED, name)


def test_a_dangling_link_is_named(tmp_path: Path) -> None:
    entries = classic(Saved([BASE]))
    name = next(name for name in entries if name.endswith("layer.tar"))
    entries[name] = Link("../gone/layer.tar")
    error = refused(tmp_path, entries)
    assert (error.code, error.where) == (Code.ARCHIVE_DAMAGED, name)
    assert "gone/layer.tar" in error.message


def test_more_layers_than_diff_ids_are_refused(tmp_path: Path) -> None:
    entries = classic(Saved([BASE, TOP]))
    listing = entries["manifest.json"]
    assert isinstance(listing, bytes)
    document = json.loads(listing)
    document[0]["Layers"].pop()
    entries["manifest.json"] = json.dumps(document).encode()
    error = refused(tmp_path, entries)
    assert error.code is Code.ARCHIVE_DAMAGED
    assert "2 layers" in error.message


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[1]",
        b"[{}]",
        b'[{"Config":1,"Layers":[]}]',
        b'[{"Config":"a.json","Layers":"x"}]',
        b'[{"Config":"a.json","Layers":[1]}]',
        b"[" * 100_000,
        b"\xff\xfe",
    ],
)
def test_a_malformed_manifest_json_is_refused(tmp_path: Path, content: bytes) -> None:
    error = refused(tmp_path, {"manifest.json": content})
    assert error.code is Code.ARCHIVE_DAMAGED
    assert error.where in {"manifest.json", "a.json"}


@pytest.mark.parametrize(
    "config",
    [b"[]", b"{", b'{"rootfs":{"diff_ids":"x"}}', b'{"rootfs":{"diff_ids":["md5:1"]}}'],
)
def test_a_malformed_config_is_refused(tmp_path: Path, config: bytes) -> None:
    listed = [{"Config": "a.json", "RepoTags": [IMAGE], "Layers": []}]
    entries: Entries = {"a.json": config, "manifest.json": json.dumps(listed).encode()}
    error = refused(tmp_path, entries)
    assert (error.code, error.where) == (Code.ARCHIVE_DAMAGED, "a.json")


def test_an_image_without_layers_is_fine(tmp_path: Path) -> None:
    with open_archive(write(tmp_path / "a.tar", classic(Saved([])))) as archive:
        assert parts_of(archive.find(image(IMAGE))).layers == ()


def test_one_diff_id_for_two_contents_is_refused(tmp_path: Path) -> None:
    entries = classic(Saved([BASE]), Saved([BASE, TOP], [OTHER]))
    link = next(name for name, content in entries.items() if isinstance(content, Link))
    entries[link] = BASE + b"\0" * 512
    error = refused(tmp_path, entries)
    assert (error.code, error.where) == (Code.ARCHIVE_DAMAGED, link)


def test_close_makes_blobs_unreadable(tmp_path: Path) -> None:
    archive: Archive = open_archive(write(tmp_path / "a.tar", classic(Saved([BASE]))))
    blob = parts_of(archive.artifacts[0]).layers[0]
    archive.close()
    archive.close()
    with pytest.raises(ArchiveError) as caught:
        blob.read_all()
    assert caught.value.code is Code.ARCHIVE_UNREADABLE
