"""The layouts of `docker save`, read back with nothing but tarfile."""

import hashlib
import io
import json
import posixpath
import tarfile
from typing import Any

import pytest

from core.demo import catalog
from core.demo.content import Content
from core.demo.docker_save import classic, docker25
from core.demo.images import Image, make_images
from core.oci import digest_of, parse_manifest


@pytest.fixture(scope="module")
def images() -> list[Image]:
    return make_images(catalog.images(9), 200_000, "save")


class _Archive:
    def __init__(self, content: Content) -> None:
        self._tar = tarfile.open(fileobj=io.BytesIO(b"".join(content.blocks())))  # noqa: SIM115 - in memory
        self.members = {member.name: member for member in self._tar.getmembers()}

    def read(self, name: str) -> bytes:
        member = self.members[name]
        if member.issym():
            return self.read(posixpath.normpath(f"{posixpath.dirname(name)}/{member.linkname}"))
        file = self._tar.extractfile(member)
        assert file is not None
        return file.read()

    def json(self, name: str) -> Any:
        return json.loads(self.read(name))


def _check_manifest_json(archive: _Archive, images: list[Image]) -> None:
    listed = archive.json("manifest.json")
    assert [entry["RepoTags"] for entry in listed] == [[str(image.reference)] for image in images]
    for entry, image in zip(listed, images, strict=True):
        assert archive.read(entry["Config"]) == image.config
        diff_ids = json.loads(image.config)["rootfs"]["diff_ids"]
        assert [digest_of(archive.read(layer)) for layer in entry["Layers"]] == diff_ids


def test_the_classic_layout_holds_what_its_manifest_says(images: list[Image]) -> None:
    archive = _Archive(classic(images))
    _check_manifest_json(archive, images)
    names = [name for name in archive.members if name not in {"manifest.json", "repositories"}]
    assert names == sorted(names)


def test_the_classic_layout_stores_no_layer_twice(images: list[Image]) -> None:
    archive = _Archive(classic(images))
    layers = {name: member for name, member in archive.members.items() if "layer.tar" in name}
    stored = [archive.read(name) for name, member in layers.items() if member.isfile()]
    distinct = {layer.diff_id for image in images for layer in image.layers}
    assert sorted(digest_of(layer) for layer in stored) == sorted(distinct)
    assert any(member.issym() for member in layers.values())


def test_the_classic_layout_links_each_layer_to_the_one_below(images: list[Image]) -> None:
    archive = _Archive(classic(images))
    for entry in archive.json("manifest.json"):
        folders = [layer.partition("/")[0] for layer in entry["Layers"]]
        parents = [archive.json(f"{folder}/json").get("parent") for folder in folders]
        assert parents == [None, *folders[:-1]]


def test_the_layout_of_docker_25_is_an_oci_layout_too(images: list[Image]) -> None:
    archive = _Archive(docker25(images))
    _check_manifest_json(archive, images)
    assert archive.json("oci-layout") == {"imageLayoutVersion": "1.0.0"}
    for descriptor, image in zip(archive.json("index.json")["manifests"], images, strict=True):
        content = archive.read(f"blobs/sha256/{descriptor['digest'][7:]}")
        manifest = parse_manifest(content, descriptor["mediaType"])
        assert (manifest.digest, len(content)) == (descriptor["digest"], descriptor["size"])
        assert descriptor["annotations"]["io.containerd.image.name"] == str(image.reference)
        for blob in manifest.blobs:
            stored = archive.read(f"blobs/sha256/{blob.digest[7:]}")
            assert hashlib.sha256(stored).hexdigest() == blob.digest[7:]
            assert len(stored) == blob.size


@pytest.mark.parametrize("save", [classic, docker25])
def test_two_tags_of_one_repository_are_both_in_repositories(
    save: Any, images: list[Image]
) -> None:
    pauses = [image for image in images if image.reference.repository.endswith("/pause")]
    tags = _Archive(save(images)).json("repositories")["public.ecr.aws/eks-distro/kubernetes/pause"]
    assert sorted(tags) == sorted(image.reference.tag for image in pauses)
    assert len(tags) == 2


def test_the_sizes_are_known_before_anything_is_made(images: list[Image]) -> None:
    for save in (classic, docker25):
        content = save(images)
        assert content.size == sum(len(block) for block in content.blocks())
