"""The tarball of `download images`: charts, package bundles, images, and what else lies in it."""

import gzip
import json
import os
from pathlib import Path

import pytest

from core.archive.open import open_archive
from core.errors import ArchiveError, Code
from core.oci import HELM_CHART, HELM_CONFIG, UNKNOWN_CONFIG, parse_manifest
from core.reference import Artifact, Kind, Reference
from tests.core.archive.making import (
    BUNDLE,
    BUNDLE_FILE,
    BUNDLE_YAML,
    CHART,
    IMAGE,
    OTHER,
    Entries,
    chart_tgz,
    download_images,
    sha,
    tar_bytes,
    write,
    write_folder,
)
from tests.core.archive.opening import ready, refusal


def required(kind: Kind, name: str) -> Artifact:
    return Artifact(kind, Reference.parse(name))


@pytest.mark.parametrize("prefix", ["", "./"])
@pytest.mark.parametrize("folder", [False, True])
def test_everything_in_it_is_found(tmp_path: Path, prefix: str, folder: bool) -> None:
    entries: Entries = {prefix + name: value for name, value in download_images().items()}
    path = (write_folder if folder else write)(tmp_path / "archive", entries)
    with open_archive(path) as archive:
        assert len(archive.artifacts) == 4
        for kind, name in (
            (Kind.IMAGE, IMAGE),
            (Kind.IMAGE, OTHER),
            (Kind.CHART, CHART),
            (Kind.CHART, f"oci://{CHART}"),
            (Kind.PACKAGE_BUNDLE, BUNDLE),
        ):
            assert archive.find(required(kind, name)), name
        assert archive.find(required(Kind.IMAGE, CHART)) is None
        assert archive.find(required(Kind.CHART, "public.ecr.aws/a/b:1")) is None
        assert archive.find(required(Kind.PACKAGE_BUNDLE, BUNDLE.replace("33", "34"))) is None
        assert archive.warnings == ()


def test_layers_that_both_image_tarballs_hold_are_one_blob(tmp_path: Path) -> None:
    with open_archive(write(tmp_path / "a.tar", download_images())) as archive:
        first = archive.find(required(Kind.IMAGE, IMAGE))
        second = archive.find(required(Kind.IMAGE, OTHER))
        assert first is not None
        assert second is not None
        shared = set(first.content.all_blobs()) & set(second.content.all_blobs())
        assert len(shared) == 1


def test_a_chart_is_what_helm_would_push(tmp_path: Path) -> None:
    tgz = chart_tgz()
    with open_archive(write(tmp_path / "a.tar", download_images())) as archive:
        found = archive.find(required(Kind.CHART, CHART))
        content = ready(found)
        assert found is not None
        assert (found.chart_name, found.chart_version) == ("cilium", "1.19.4-1")
        config, layer = content.blobs
        assert (config.media_type, layer.media_type) == (HELM_CONFIG, HELM_CHART)
        assert layer.read_all() == tgz
        assert layer.digest == f"sha256:{sha(tgz)}"
        assert json.loads(config.read_all()) == {
            "apiVersion": "v2",
            "name": "cilium",
            "version": "1.19.4-1",
            "appVersion": "1.10",
            "description": "eBPF-based networking",
            "home": "https://cilium.io/",
            "sources": ["https://github.com/cilium/cilium"],
            "maintainers": [{"name": "Ann", "email": "ann@example.com"}, {"name": "Bob"}],
        }
        manifest = parse_manifest(content.content)
        assert [item.digest for item in manifest.blobs] == [config.digest, layer.digest]
        assert json.loads(content.content)["annotations"] == {
            "org.opencontainers.image.title": "cilium",
            "org.opencontainers.image.version": "1.19.4-1",
            "org.opencontainers.image.description": "eBPF-based networking",
            "org.opencontainers.image.url": "https://cilium.io/",
            "org.opencontainers.image.source": "https://github.com/cilium/cilium",
            "org.opencontainers.image.authors": "Ann (ann@example.com), Bob",
        }


def test_annotations_of_a_chart_cannot_change_its_title(tmp_path: Path) -> None:
    text = (
        "name: c\nversion: '2'\ndeprecated: true\nkeywords: [a, b]\nannotations:\n"
        "  org.opencontainers.image.title: evil\n  org.opencontainers.image.url: u\n  k: 1\n"
        "dependencies:\n- {name: d, version: '1', enabled: false, import-values: [x, {child: y}]}\n"
        "icon: null\nunknown: dropped\n"
    )
    entries = download_images(**{"cilium-1.19.4-1.tgz": chart_tgz(text)})
    with open_archive(write(tmp_path / "a.tar", entries)) as archive:
        content = ready(next(item for item in archive.artifacts if item.kind is Kind.CHART))
        assert json.loads(content.content)["annotations"] == {
            "org.opencontainers.image.title": "c",
            "org.opencontainers.image.version": "2",
            "org.opencontainers.image.url": "u",
            "k": "1",
        }
        config = json.loads(content.blobs[0].read_all())
        assert config["dependencies"] == [
            {
                "name": "d",
                "version": "1",
                "repository": "",
                "import-values": ["x", {"child": "y"}],
            }
        ]
        assert config["deprecated"] is True
        assert {"icon", "unknown"} & set(config) == set()


def test_a_chart_is_found_by_the_name_and_version_in_it(tmp_path: Path) -> None:
    tgz = chart_tgz("name: stack\nversion: 0.6.2+build.1\n")
    entries = download_images(**{"cilium-1.19.4-1.tgz": None, "odd.tgz": tgz})
    with open_archive(write(tmp_path / "a.tar", entries)) as archive:
        name = "public.ecr.aws/eks-anywhere/tinkerbell/stack:0.6.2_build.1"
        assert archive.find(required(Kind.CHART, name))


def test_broken_text_in_a_chart_is_replaced(tmp_path: Path) -> None:
    text = 'name: c\nversion: "1"\ndescription: "a\\ud800b"\nannotations: {"\\udfff": x}\n'
    entries = download_images(**{"cilium-1.19.4-1.tgz": chart_tgz(text)})
    with open_archive(write(tmp_path / "a.tar", entries)) as archive:
        content = ready(next(item for item in archive.artifacts if item.kind is Kind.CHART))
        assert json.loads(content.blobs[0].read_all())["description"] == "a?b"


def test_two_files_with_the_same_chart_are_both_found(tmp_path: Path) -> None:
    entries = download_images(**{"other-2.tgz": chart_tgz()})
    with open_archive(write(tmp_path / "a.tar", entries)) as archive:
        assert archive.find(required(Kind.CHART, CHART))
        assert archive.find(required(Kind.CHART, "public.ecr.aws/a/other:2"))


def test_a_package_bundle_is_what_oras_v1_wrote(tmp_path: Path) -> None:
    with open_archive(write(tmp_path / "a.tar", download_images())) as archive:
        content = ready(archive.find(required(Kind.PACKAGE_BUNDLE, BUNDLE)))
        yaml_digest = f"sha256:{sha(BUNDLE_YAML)}"
        assert content.content.decode() == (
            '{"schemaVersion":2,"config":{"mediaType":"application/vnd.unknown.config.v1+json",'
            '"digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",'
            '"size":2},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar",'
            f'"digest":"{yaml_digest}","size":{len(BUNDLE_YAML)},'
            '"annotations":{"org.opencontainers.image.title":"bundle.yaml"}}]}'
        )
        config, layer = content.blobs
        assert (config.read_all(), config.media_type) == (b"{}", UNKNOWN_CONFIG)
        assert layer.read_all() == BUNDLE_YAML


def test_the_same_tarball_gives_the_same_manifests_on_every_run(tmp_path: Path) -> None:
    digests = []
    for name in ("a.tar", "b.tar"):
        with open_archive(write(tmp_path / name, download_images())) as archive:
            digests.append(
                [a.content.digest for a in archive.artifacts if hasattr(a.content, "digest")]
            )
    assert digests[0] == digests[1]
    assert len(digests[0]) == 2


def test_unknown_entries_are_told_and_left_out(tmp_path: Path) -> None:
    entries = download_images(**{"README": b"hello", "folder/images.tar": b"x", "\x1b[31m": b""})
    with open_archive(write(tmp_path / "a.tar", entries)) as archive:
        (warning,) = archive.warnings
        assert "3 entries" in warning
        assert "README" in warning
        assert "\x1b" not in warning


def test_an_error_page_in_place_of_a_package_bundle_is_told(tmp_path: Path) -> None:
    entries = download_images(**{BUNDLE_FILE: b"<html>403</html>"})
    with open_archive(write(tmp_path / "a.tar", entries)) as archive:
        assert BUNDLE_FILE in archive.warnings[0]


BROKEN_CHARTS = {
    "empty": (b"", Code.ARCHIVE_DAMAGED),
    "no gzip": (b"not gzip", Code.ARCHIVE_DAMAGED),
    "cut": (chart_tgz()[:-9], Code.ARCHIVE_TRUNCATED),
    "wrong checksum": (chart_tgz()[:-8] + b"abcdefgh", Code.ARCHIVE_DAMAGED),
    "no tar": (gzip.compress(b"no tar"), Code.ARCHIVE_DAMAGED),
    "no Chart.yaml": (gzip.compress(tar_bytes({"cilium/a.yaml": b"a: 1"})), Code.ARCHIVE_DAMAGED),
    "no YAML": (chart_tgz("name: [\n"), Code.ARCHIVE_DAMAGED),
    "a list": (chart_tgz("- a list\n"), Code.ARCHIVE_DAMAGED),
    "no version": (chart_tgz("name: only\n"), Code.ARCHIVE_DAMAGED),
    "alias": (chart_tgz("a: &a [x]\nname: n\nversion: v\nkeywords: *a\n"), Code.ARCHIVE_DAMAGED),
    "nested": (chart_tgz("[" * 5000), Code.ARCHIVE_DAMAGED),
    "control character": (chart_tgz("name: x\nversion: \x00\n"), Code.ARCHIVE_DAMAGED),
    "long Chart.yaml": (chart_tgz("name: " + "x" * 2**20), Code.ARCHIVE_HOSTILE),
    "bomb": (gzip.compress(bytes(101 * 2**20), 1), Code.ARCHIVE_HOSTILE),
}


@pytest.mark.parametrize("what", BROKEN_CHARTS)
def test_a_broken_chart_is_named(tmp_path: Path, what: str) -> None:
    content, code = BROKEN_CHARTS[what]
    entries = download_images(**{"cilium-1.19.4-1.tgz": content})
    error = refusal(write(tmp_path / "a.tar", entries))
    assert error.code is code
    assert error.where.startswith("cilium-1.19.4-1.tgz")


@pytest.mark.parametrize("what", ["empty", "no tar", "other"])
def test_an_image_tarball_without_images_is_named(tmp_path: Path, what: str) -> None:
    content = {"empty": b"", "no tar": b"not a tar", "other": tar_bytes({"x": b""})}[what]
    error = refusal(write(tmp_path / "a.tar", download_images(**{"images.tar": content})))
    assert (error.code, error.where) == (Code.ARCHIVE_DAMAGED, "images.tar")


MANIFESTS = tar_bytes({"eks-anywhere-downloads/bundle-release.yaml": b"a"})
OTHER_FILES = {
    "chart": (chart_tgz(), "single chart"),
    "manifests": (gzip.compress(MANIFESTS), "-b"),
    "plain manifests": (tar_bytes({"bundle-release.yaml": b"a", "1.33/x.yaml": b""}), "-b"),
    "yaml": (b"apiVersion: anywhere.eks.amazonaws.com/v1alpha1\nkind: Bundles\n", "-b"),
    "zstd": (b"\x28\xb5\x2f\xfdxxxx", "unzstd"),
    "xz": (b"\xfd7zXZ\x00xxxx", "unxz"),
    "zip": (b"PK\x03\x04xxxx", "download images"),
    "zipped text": (gzip.compress(b"just text"), "no tarball"),
    "web page": (b"<html>404</html>", "no tarball"),
    "zeros": (bytes(10240), "no tarball"),
    "other tarball": (tar_bytes({"a": b"b"}), "no image"),
}


@pytest.mark.parametrize("what", OTHER_FILES)
def test_other_files_are_refused_with_what_they_are(tmp_path: Path, what: str) -> None:
    content, words = OTHER_FILES[what]
    path = tmp_path / "images.tar"
    path.write_bytes(content)
    for scratch in (None, tmp_path):
        with pytest.raises(ArchiveError) as caught:
            open_archive(path, scratch=scratch)
        assert caught.value.code is Code.ARCHIVE_UNKNOWN_FORMAT
        assert words in f"{caught.value.message} {caught.value.mend}"


def test_paths_that_lead_nowhere_are_told_apart(tmp_path: Path) -> None:
    assert refusal(tmp_path / "gone").code is Code.ARCHIVE_NOT_FOUND
    assert refusal(tmp_path).code is Code.ARCHIVE_UNKNOWN_FORMAT
    (tmp_path / "file").touch()
    assert refusal(tmp_path / "file" / "x").code is Code.ARCHIVE_NOT_FOUND
    assert refusal(tmp_path / "a\0b").code is Code.ARCHIVE_NOT_FOUND
    manifests = write_folder(tmp_path / "downloads", {"bundle-release.yaml": b"a"})
    assert "-b" in refusal(manifests).mend
    os.mkfifo(tmp_path / "pipe")
    assert refusal(tmp_path / "pipe").code is Code.ARCHIVE_UNKNOWN_FORMAT
    (tmp_path / "empty").touch()
    assert refusal(tmp_path / "empty").code is Code.ARCHIVE_TRUNCATED


def test_the_fingerprint_tells_a_replaced_file(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tar", download_images())
    fingerprints = []
    for _ in range(2):
        with open_archive(path) as archive:
            fingerprints.append(archive.fingerprint)
    os.utime(path, ns=(1, 1))
    with open_archive(path) as archive:
        fingerprints.append(archive.fingerprint)
    assert fingerprints[0] == fingerprints[1] != fingerprints[2]
