"""OCI layouts, and what the image store of containerd exports."""

import gzip
import json
from pathlib import Path

import pytest

from core.archive.model import ImageParts
from core.archive.open import open_archive
from core.errors import Code
from core.oci import (
    HELM_CHART,
    HELM_CONFIG,
    OCI_INDEX,
    OCI_MANIFEST,
    UNKNOWN_CONFIG,
    digest_of,
    parse_manifest,
)
from core.reference import Artifact, Kind, Reference
from tests.core.archive.making import (
    ATTESTATION,
    BUNDLE,
    BUNDLE_YAML,
    CHART,
    IMAGE,
    OTHER,
    Entries,
    LayoutMaker,
    Link,
    Saved,
    classic,
    for_platform,
    layer,
    sha,
    write,
    write_folder,
)
from tests.core.archive.opening import image, ready, refusal

AMD, ARM = layer("amd"), layer("arm")


def multi_arch(*, arm_there: bool = True) -> tuple[LayoutMaker, dict[str, str]]:
    """An index of amd64 and arm64 under IMAGE; the maker and the digests of its parts."""
    maker = LayoutMaker()
    amd = for_platform(maker.image([AMD]), "amd64")
    arm = for_platform(maker.image([ARM], architecture="arm64", store=arm_there), "arm64")
    index = maker.index(amd, arm)
    maker.name(index, full=IMAGE, ref="v1")
    return maker, {"amd": amd["digest"], "arm": arm["digest"], "index": index["digest"]}


@pytest.mark.parametrize("folder", [False, True])
def test_a_multi_arch_index_is_kept_whole(tmp_path: Path, folder: bool) -> None:
    maker, digests = multi_arch()
    entries = maker.finish()
    path = tmp_path / "a"
    with open_archive((write_folder if folder else write)(path, entries)) as archive:
        found = archive.find(image(IMAGE))
        content = ready(found)
        assert found is not None
        assert content.digest == digests["index"] == digest_of(content.content)
        assert content.media_type == OCI_INDEX
        assert [child.digest for child in content.children] == [digests["amd"], digests["arm"]]
        assert [str(platform) for platform in found.platforms] == ["linux/amd64", "linux/arm64"]
        blobs = list(content.all_blobs())
        assert [digest_of(blob.read_all()) for blob in blobs] == [blob.digest for blob in blobs]
        assert not any(blob.compressible for blob in blobs)
        assert archive.warnings == ()


def test_an_index_with_one_platform_there_gives_its_manifest_untouched(tmp_path: Path) -> None:
    maker, digests = multi_arch(arm_there=False)
    with open_archive(write(tmp_path / "a.tar", maker.finish())) as archive:
        found = archive.find(image(IMAGE))
        assert found is not None
        assert ready(found).digest == digests["amd"]
        assert [str(platform) for platform in found.platforms] == ["linux/amd64"]
        assert "linux/amd64 only" in archive.warnings[0]


def test_an_index_with_some_platforms_there_is_filtered(tmp_path: Path) -> None:
    maker = LayoutMaker()
    there = [
        for_platform(maker.image([AMD]), "amd64"),
        for_platform(maker.image([ARM], architecture="arm64"), "arm64"),
    ]
    absent = for_platform(maker.image([layer("s390x")], store=False), "s390x")
    maker.name(maker.index(*there, absent), full=IMAGE)
    entries = maker.finish()
    contents = []
    for name in ("a.tar", "b.tar"):
        with open_archive(write(tmp_path / name, entries)) as archive:
            content = ready(archive.find(image(IMAGE)))
            contents.append(content.content)
            assert content.digest == digest_of(content.content)
            listed = parse_manifest(content.content).manifests
            assert [item.digest for item in listed] == [item["digest"] for item in there]
            assert [item.digest for item in content.children] == [i["digest"] for i in there]
            assert "linux/amd64, linux/arm64 only" in archive.warnings[0]
    assert contents[0] == contents[1]


def test_broken_text_in_an_index_that_must_be_filtered_is_refused(tmp_path: Path) -> None:
    maker = LayoutMaker()
    there = [for_platform(maker.image([item]), "amd64") for item in (AMD, ARM)]
    absent = for_platform(maker.image([layer("x")], store=False), "arm64")
    index = maker.index(*there, absent | {"annotations": {"a": "\ud800"}})
    maker.name(index, full=IMAGE)
    with open_archive(write(tmp_path / "a.tar", maker.finish())) as archive:
        assert len(ready(archive.find(image(IMAGE))).children) == 2
    maker.listed.clear()
    maker.name(maker.index(there[0], there[1] | {"annotations": {"a": "\ud800"}}, absent))
    assert refusal(write(tmp_path / "a.tar", maker.finish())).code is Code.ARCHIVE_DAMAGED


def test_the_blob_that_is_missing_is_named_not_one_of_an_earlier_image(tmp_path: Path) -> None:
    maker, _ = multi_arch(arm_there=False)
    broken_image = maker.image([layer("gone")])
    maker.name(broken_image, full=OTHER)
    gone = f"blobs/sha256/{sha(gzip.compress(layer('gone'), mtime=0))}"
    del maker.entries[gone]
    error = refusal(write(tmp_path / "a.tar", maker.finish()))
    assert error.where == gone
    assert broken_image["digest"] in error.message


def test_an_absent_attestation_costs_no_warning(tmp_path: Path) -> None:
    maker = LayoutMaker()
    amd = for_platform(maker.image([AMD]), "amd64")
    note = maker.image([layer("note")], store=False) | {"platform": ATTESTATION}
    del maker.entries[f"blobs/sha256/{note['digest'][7:]}"]
    maker.name(maker.index(amd, note), full=IMAGE)
    with open_archive(write(tmp_path / "a.tar", maker.finish())) as archive:
        assert ready(archive.find(image(IMAGE))).digest == amd["digest"]
        assert archive.warnings == ()


def test_a_present_attestation_keeps_the_index_whole(tmp_path: Path) -> None:
    maker = LayoutMaker()
    amd = for_platform(maker.image([AMD]), "amd64")
    note = maker.image([layer("note")]) | {"platform": ATTESTATION}
    index = maker.index(amd, note)
    maker.name(index, full=IMAGE)
    with open_archive(write(tmp_path / "a.tar", maker.finish())) as archive:
        found = archive.find(image(IMAGE))
        assert found is not None
        assert ready(found).digest == index["digest"]
        assert [str(platform) for platform in found.platforms] == ["linux/amd64"]


def test_an_index_of_which_nothing_is_there_is_refused(tmp_path: Path) -> None:
    maker = LayoutMaker()
    amd = for_platform(maker.image([AMD], store=False), "amd64")
    maker.name(maker.index(amd), full=IMAGE)
    error = refusal(write(tmp_path / "a.tar", maker.finish()))
    assert error.code is Code.ARCHIVE_DAMAGED
    assert error.where.startswith("blobs/sha256/")


def test_the_export_of_containerd_keeps_compressed_layers_and_all_names(tmp_path: Path) -> None:
    maker, digests = multi_arch(arm_there=False)
    config = f"blobs/sha256/{sha(Saved([AMD]).config)}"
    stored = f"blobs/sha256/{sha(gzip.compress(AMD, mtime=0))}"
    listed = {"Config": config, "RepoTags": [IMAGE, OTHER], "Layers": [stored]}
    with open_archive(write(tmp_path / "a.tar", maker.finish([listed]))) as archive:
        assert len(archive.artifacts) == 1
        assert ready(archive.find(image(OTHER))).digest == digests["amd"]


def test_an_image_that_only_manifest_json_lists_is_kept(tmp_path: Path) -> None:
    maker, _ = multi_arch()
    entries = maker.finish() | classic(Saved([layer("more")], [OTHER]))
    with open_archive(write(tmp_path / "a.tar", entries)) as archive:
        assert archive.find(image(IMAGE))
        found = archive.find(image(OTHER))
        assert found is not None
        assert isinstance(found.content, ImageParts)


def test_an_image_is_found_by_the_digest_of_its_manifest(tmp_path: Path) -> None:
    maker, digests = multi_arch()
    with open_archive(write(tmp_path / "a.tar", maker.finish())) as archive:
        repository = IMAGE.rpartition(":")[0]
        assert archive.find(image(f"{repository}@{digests['index']}"))
        assert archive.find(image(f"{repository}@sha256:{'0' * 64}")) is None


def test_a_name_with_a_digest_is_a_reference(tmp_path: Path) -> None:
    maker = LayoutMaker()
    name = f"public.ecr.aws/a/b@sha256:{'1' * 64}"
    maker.name(maker.image([AMD]), full=name)
    with open_archive(write(tmp_path / "a.tar", maker.finish())) as archive:
        assert archive.find(image(name))


@pytest.mark.parametrize("ref", [IMAGE, "docker.io/library/busybox:1", "busybox:1"])
def test_a_full_name_in_the_ref_annotation_is_a_reference(tmp_path: Path, ref: str) -> None:
    maker = LayoutMaker()
    maker.name(maker.image([AMD]), ref=ref)
    with open_archive(write(tmp_path / "a.tar", maker.finish())) as archive:
        assert len(archive.artifacts[0].references) == 1
        assert archive.warnings == ()


def test_a_bare_tag_is_a_name_without_reference(tmp_path: Path) -> None:
    maker = LayoutMaker()
    maker.name(maker.image([AMD]), ref="v1")
    with open_archive(write(tmp_path / "a.tar", maker.finish())) as archive:
        (artifact,) = archive.artifacts
        assert (artifact.name, artifact.references) == ("v1", ())
        assert "v1" in archive.warnings[0]


def test_uncompressed_layers_without_manifest_json_go_through_as_they_are(tmp_path: Path) -> None:
    maker = LayoutMaker()
    descriptor = maker.image([AMD], zipped=False)
    maker.name(descriptor, full=IMAGE)
    with open_archive(write(tmp_path / "a.tar", maker.finish())) as archive:
        content = ready(archive.find(image(IMAGE)))
        assert content.digest == descriptor["digest"]
        assert content.media_type == OCI_MANIFEST


def test_charts_in_a_layout_are_charts_even_under_one_tag(tmp_path: Path) -> None:
    maker = LayoutMaker()
    for name in ("cilium", "stack"):
        config = json.dumps({"name": name, "version": "1.19.4-1"}).encode()
        document = {
            "schemaVersion": 2,
            "config": maker.blob(config, HELM_CONFIG),
            "layers": [maker.blob(b"tgz", HELM_CHART)],
        }
        maker.name(maker.blob(json.dumps(document).encode(), OCI_MANIFEST), ref="1.19.4-1")
    with open_archive(write(tmp_path / "a.tar", maker.finish())) as archive:
        assert len(archive.artifacts) == 2
        found = archive.find(Artifact(Kind.CHART, Reference.parse(CHART)))
        assert found is archive.artifacts[0]
        assert (found.kind, found.chart_name) == (Kind.CHART, "cilium")
        assert found.chart_version == "1.19.4-1"


def test_a_package_bundle_in_a_layout_is_one(tmp_path: Path) -> None:
    maker = LayoutMaker()
    document = {
        "schemaVersion": 2,
        "config": maker.blob(b"{}", UNKNOWN_CONFIG),
        "layers": [maker.blob(BUNDLE_YAML, "application/vnd.oci.image.layer.v1.tar")],
    }
    maker.name(maker.blob(json.dumps(document).encode(), OCI_MANIFEST), full=BUNDLE)
    with open_archive(write(tmp_path / "a.tar", maker.finish())) as archive:
        assert archive.find(Artifact(Kind.PACKAGE_BUNDLE, Reference.parse(BUNDLE)))
        assert archive.find(image(BUNDLE)) is None


def broken(part: str) -> Entries:
    maker = LayoutMaker()
    descriptor = maker.image([AMD])
    maker.name(descriptor, full=IMAGE)
    entries = maker.finish()
    config = f"blobs/sha256/{sha(Saved([AMD]).config)}"
    stored = f"blobs/sha256/{sha(gzip.compress(AMD, mtime=0))}"
    name = {"manifest": f"blobs/sha256/{descriptor['digest'][7:]}", "config": config}.get(
        part.partition(" ")[2], stored
    )
    content = entries[name]
    assert isinstance(content, bytes)
    match part.partition(" ")[0]:
        case "missing":
            del entries[name]
        case "longer":
            entries[name] = content + b" "
        case "altered":
            entries[name] = content[:-1] + b"?"
    return entries


@pytest.mark.parametrize("what", ["missing", "longer", "altered"])
@pytest.mark.parametrize("which", ["manifest", "config", "layer"])
def test_blobs_are_checked_against_their_descriptors(tmp_path: Path, what: str, which: str) -> None:
    path = write(tmp_path / "a.tar", broken(f"{what} {which}"))
    if (what, which) == ("altered", "layer"):
        # Layers are too large to hash at opening: whoever sends one compares.
        with open_archive(path) as archive:
            blob = ready(archive.find(image(IMAGE))).blobs[1]
            assert digest_of(blob.read_all()) != blob.digest
        return
    error = refusal(path)
    assert error.code is Code.ARCHIVE_DAMAGED
    assert error.where.startswith("blobs/sha256/")


@pytest.mark.parametrize(
    "content",
    [
        b"[]",
        b"{}",
        b'{"manifests":[{}]}',
        b'{"manifests":[{"mediaType":"x","digest":"sha256:../../etc/passwd","size":1}]}',
    ],
)
def test_a_malformed_index_json_is_refused(tmp_path: Path, content: bytes) -> None:
    error = refusal(write(tmp_path / "a.tar", {"oci-layout": b"{}", "index.json": content}))
    assert (error.code, error.where) == (Code.ARCHIVE_DAMAGED, "index.json")


def test_indexes_nested_beyond_reason_are_refused(tmp_path: Path) -> None:
    maker = LayoutMaker()
    inner = maker.image([AMD])
    for _ in range(4):
        inner = maker.index(inner)
    maker.name(inner, full=IMAGE)
    assert refusal(write(tmp_path / "a.tar", maker.finish())).code is Code.ARCHIVE_HOSTILE


def test_an_index_in_an_index_is_kept(tmp_path: Path) -> None:
    maker = LayoutMaker()
    outer = maker.index(maker.index(maker.image([AMD])))
    maker.name(outer, full=IMAGE)
    with open_archive(write(tmp_path / "a.tar", maker.finish())) as archive:
        assert ready(archive.find(image(IMAGE))).digest == outer["digest"]


@pytest.mark.parametrize("target", ["../../outside", "/etc/passwd", "circle"])
def test_a_folder_with_links_that_leave_it_is_refused(tmp_path: Path, target: str) -> None:
    maker, digests = multi_arch()
    entries = maker.finish()
    (tmp_path / "outside").write_bytes(b"x")
    name = f"blobs/sha256/{digests['index'][7:]}"
    entries[name] = Link("../../../outside" if "outside" in target else target)
    if target == "circle":
        entries["blobs/sha256/circle"] = Link(name.rpartition("/")[2])
    error = refusal(write_folder(tmp_path / "layout", entries))
    assert error.code is Code.ARCHIVE_HOSTILE


def test_the_fingerprint_of_a_folder_follows_its_index(tmp_path: Path) -> None:
    maker, _ = multi_arch()
    path = write_folder(tmp_path / "layout", maker.finish())
    with open_archive(path) as archive:
        first = archive.fingerprint
    with open_archive(path) as archive:
        assert archive.fingerprint == first
    (path / "index.json").write_bytes((path / "index.json").read_bytes() + b"\n")
    with open_archive(path) as archive:
        assert archive.fingerprint != first
