"""Archives that real docker and real skopeo write are read as they mean them."""

import gzip
import io
import json
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from core.archive.archive import Archive
from core.archive.model import ImageParts, ReadyManifest, StoredArtifact
from core.archive.open import open_archive
from core.oci import digest_of
from core.reference import Artifact, Kind, Reference
from tests.core.archive.making import (
    BUNDLE,
    BUNDLE_FILE,
    BUNDLE_YAML,
    CHART,
    Entries,
    chart_tgz,
    tar_bytes,
    write,
)
from tests.fixtures.private_docker import PrivateDocker
from tests.fixtures.tools import Skopeo, need

APP = "public.ecr.aws/eks-anywhere/app:v1"
BIG = "public.ecr.aws/eks-anywhere/big:v2"
HUB = "busybox:1.36"


def build(docker: PrivateDocker, name: str, *files: bytes) -> str:
    """An image with one layer for each file; returns its ID."""
    entries: Entries = {f"file{number}": content for number, content in enumerate(files)}
    lines = [f"COPY file{number} /file{number}" for number in range(len(files))]
    entries["Dockerfile"] = "\n".join(["FROM scratch", *lines, 'CMD ["/file0"]']).encode()
    context = io.BytesIO(tar_bytes(entries))
    image, _ = docker.client.images.build(fileobj=context, custom_context=True, tag=name)
    return str(image.id)


@pytest.fixture(scope="module")
def images(private_docker: PrivateDocker) -> dict[str, str]:
    """Names and IDs of three images, of which two share a layer."""
    base = b"shared " * 5000
    return {
        APP: build(private_docker, APP, base, b"app"),
        BIG: build(private_docker, BIG, base, b"big", b"x" * 3_000_000),
        HUB: build(private_docker, HUB, b"hub"),
    }


def docker_save(docker: PrivateDocker, path: Path, *names: str) -> Path:
    need("docker")
    command = ["docker", "--host", docker.host, "save", "-o", str(path), *names]
    subprocess.run(command, check=True, timeout=60, stdin=subprocess.DEVNULL)
    return path


def found(archive: Archive, name: str) -> StoredArtifact:
    full = name if "/" in name else f"docker.io/library/{name}"
    artifact = archive.find(Artifact(Kind.IMAGE, Reference.parse(full)))
    assert artifact is not None, name
    return artifact


def parts(archive: Archive, name: str) -> ImageParts:
    content = found(archive, name).content
    assert isinstance(content, ImageParts)
    return content


def check_against_docker(archive: Archive, images: dict[str, str]) -> None:
    for name, image_id in images.items():
        content = parts(archive, name)
        assert content.config.digest == image_id
        config = json.loads(content.config.read_all())
        assert [item.digest for item in content.layers] == config["rootfs"]["diff_ids"]
        for blob in content.all_blobs():
            assert digest_of(b"".join(blob.blocks())) == blob.digest


def test_docker_save_is_read_as_docker_means_it(
    tmp_path: Path, private_docker: PrivateDocker, images: dict[str, str]
) -> None:
    path = docker_save(private_docker, tmp_path / "images.tar", *images)
    with open_archive(path) as archive:
        check_against_docker(archive, images)
        assert len(archive.artifacts) == len(images)
        assert archive.warnings == ()
        assert parts(archive, APP).layers[0] is parts(archive, BIG).layers[0]


def test_an_image_saved_by_its_id_has_no_name(
    tmp_path: Path, private_docker: PrivateDocker, images: dict[str, str]
) -> None:
    path = docker_save(private_docker, tmp_path / "images.tar", images[APP])
    with open_archive(path) as archive:
        (artifact,) = archive.artifacts
        assert artifact.name == images[APP].removeprefix("sha256:")[:12]
        assert artifact.references == ()
        assert artifact.name in archive.warnings[0]


@pytest.mark.parametrize("way", ["plain", "scratch", "in place"])
def test_the_tarball_of_download_images_is_read_whole(
    tmp_path: Path, private_docker: PrivateDocker, images: dict[str, str], way: str
) -> None:
    tools = docker_save(private_docker, tmp_path / "tools-image.tar", APP)
    others = docker_save(private_docker, tmp_path / "images.tar", BIG, HUB)
    entries: Entries = {
        "cilium-1.19.4-1.tgz": chart_tgz(),
        BUNDLE_FILE: BUNDLE_YAML,
        "images.tar": others.read_bytes(),
        "tools-image.tar": tools.read_bytes(),
    }
    path = write(tmp_path / "all.tar", entries)
    if way != "plain":
        path.write_bytes(gzip.compress(path.read_bytes(), 1))
    scratch = tmp_path / "scratch" if way == "scratch" else None
    with open_archive(path, scratch=scratch) as archive:
        check_against_docker(archive, images)
        assert archive.find(Artifact(Kind.CHART, Reference.parse(CHART)))
        assert archive.find(Artifact(Kind.PACKAGE_BUNDLE, Reference.parse(BUNDLE)))
        assert archive.warnings == ()


def test_a_tarball_packed_by_gnu_tar_is_read(
    tmp_path: Path, private_docker: PrivateDocker, images: dict[str, str]
) -> None:
    """Somebody may have unpacked the tarball and packed it again, with `./` in front."""
    folder = tmp_path / "unpacked"
    with tarfile.open(docker_save(private_docker, tmp_path / "a.tar", *images)) as tar:
        tar.extractall(folder, filter="data")
    for form in ("gnu", "posix", "ustar"):
        path = tmp_path / f"{form}.tar"
        subprocess.run(
            ["tar", f"--format={form}", "-C", str(folder), "-cf", str(path), "."], check=True
        )
        with open_archive(path) as archive:
            check_against_docker(archive, images)


@pytest.fixture
def saved(tmp_path: Path, private_docker: PrivateDocker, images: dict[str, str]) -> Path:
    return docker_save(private_docker, tmp_path / "saved.tar", *images)


@pytest.mark.parametrize("transport", ["oci-archive", "oci"])
def test_layouts_of_skopeo_go_through_byte_for_byte(
    tmp_path: Path, skopeo: Skopeo, saved: Path, transport: str
) -> None:
    target = f"{transport}:{tmp_path / 'layout'}:{BIG}"
    skopeo.run("copy", f"docker-archive:{saved}:{BIG}", target)
    with open_archive(tmp_path / "layout") as archive:
        artifact = found(archive, BIG)
        assert isinstance(artifact.content, ReadyManifest)
        assert artifact.content.content == skopeo.run("inspect", "--raw", target)
        assert [str(platform) for platform in artifact.platforms] == ["linux/amd64"]
        for blob in artifact.content.all_blobs():
            assert digest_of(b"".join(blob.blocks())) == blob.digest
        assert archive.warnings == ()


def test_a_layout_of_skopeo_with_several_images_holds_them_all(
    tmp_path: Path, skopeo: Skopeo, saved: Path, images: dict[str, str]
) -> None:
    for name in images:
        full = name if "/" in name else f"docker.io/library/{name}"
        source = f"docker-archive:{saved}:{full}"
        skopeo.run("copy", source, f"oci:{tmp_path / 'layout'}:{full}")
    shutil.make_archive(str(tmp_path / "packed"), "tar", tmp_path / "layout")
    for path in (tmp_path / "layout", tmp_path / "packed.tar"):
        with open_archive(path) as archive:
            assert {found(archive, name).name for name in images}
            assert len(archive.artifacts) == len(images)


def test_a_docker_archive_of_skopeo_is_read(tmp_path: Path, skopeo: Skopeo, saved: Path) -> None:
    target = tmp_path / "again.tar"
    skopeo.run("copy", f"docker-archive:{saved}:{BIG}", f"docker-archive:{target}:{BIG}")
    with open_archive(target) as archive:
        for blob in parts(archive, BIG).all_blobs():
            assert digest_of(b"".join(blob.blocks())) == blob.digest


def test_docker_loads_what_is_read_under_the_same_id(
    tmp_path: Path, private_docker: PrivateDocker, images: dict[str, str]
) -> None:
    """The parts, put together again by hand, are the same image for docker."""
    with open_archive(docker_save(private_docker, tmp_path / "a.tar", APP)) as archive:
        content = parts(archive, APP)
        layers: Entries = {
            f"{position}.tar": layer.read_all() for position, layer in enumerate(content.layers)
        }
        listed = [{"Config": "c.json", "RepoTags": ["again:1"], "Layers": list(layers)}]
        entries = layers | {
            "c.json": content.config.read_all(),
            "manifest.json": json.dumps(listed).encode(),
        }
    (image,) = private_docker.client.images.load(tar_bytes(entries))
    assert image.id == images[APP]
