"""The sample release as its readers find it."""

import gzip
import io
import json
import tarfile
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from core.demo import catalog
from core.demo.images import make_images
from core.demo.sample import BENCHMARK, Layout, Sample, SampleSpec, write_sample
from core.errors import Code, EksaMirrorError, UsageError
from core.reference import Kind, Reference
from tests.fixtures.samples import SampleFactory


def _names(sample: Sample) -> list[str]:
    with tarfile.open(sample.archive) as archive:
        return archive.getnames()


def _repo_tags(sample: Sample, name: str) -> list[str]:
    with tarfile.open(sample.archive) as archive:
        content = archive.extractfile(name)
        assert content is not None
        with tarfile.open(fileobj=io.BytesIO(content.read())) as inner:
            manifest = inner.extractfile("manifest.json")
            assert manifest is not None
            return [entry["RepoTags"][0] for entry in json.load(manifest)]


def _load(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def _uris(tree: Any) -> list[str]:
    if isinstance(tree, dict):
        own = [tree["uri"]] if "uri" in tree else []
        return own + [uri for value in tree.values() for uri in _uris(value)]
    return [uri for value in tree for uri in _uris(value)] if isinstance(tree, list) else []


@pytest.mark.parametrize("spec", [SampleSpec(), SampleSpec(gzip=True, layout=Layout.DOCKER25)])
def test_the_same_spec_gives_the_same_bytes(spec: SampleSpec, tmp_path: Path) -> None:
    first, second = write_sample(tmp_path / "a", spec), write_sample(tmp_path / "b", spec)
    assert first.archive.read_bytes() == second.archive.read_bytes()
    assert first.bundles.read_bytes() == second.bundles.read_bytes()
    assert first.downloads.read_bytes() == second.downloads.read_bytes()


def test_another_seed_gives_other_layers(make_sample: SampleFactory, sample: Sample) -> None:
    other = make_sample(SampleSpec(seed="other"))
    assert [i.reference for i in other.images] == [i.reference for i in sample.images]
    mine, theirs = (
        {layer.diff_id for image in s.images for layer in image.layers} for s in (sample, other)
    )
    assert not mine & theirs


def test_the_tarball_holds_what_download_images_stores(sample: Sample) -> None:
    assert _names(sample) == [
        "cilium-1.19.4-1.tgz",
        "eks-anywhere-packages-0.4.17-eks-a-115.tgz",
        "eks-anywhere-packages-bundles-v1-33-latest.yaml",
        "eks-anywhere-packages-bundles-v1-34-latest.yaml",
        "images.tar",
        "tinkerbell-chart-0.2.7-eks-a-115.tgz",
        "tools-image.tar",
    ]
    tools, *others = [str(image.reference) for image in sample.images]
    assert _repo_tags(sample, "tools-image.tar") == [tools]
    assert _repo_tags(sample, "images.tar") == others == sorted(others)


def test_a_gzipped_tarball_is_the_plain_one_in_one_member(make_sample: SampleFactory) -> None:
    plain, zipped = make_sample(SampleSpec()), make_sample(SampleSpec(gzip=True))
    assert zipped.archive.name == "images.tar.gz"
    assert gzip.decompress(zipped.archive.read_bytes()) == plain.archive.read_bytes()


def test_everything_required_is_there_and_one_image_more(sample: Sample) -> None:
    stored = {image.reference for image in sample.images}
    required = {a.reference for a in sample.required if a.kind is Kind.IMAGE}
    (extra,) = stored - required
    assert required < stored
    assert extra.repository.startswith("csi-components/")
    for kind, files in ((Kind.CHART, sample.charts), (Kind.PACKAGE_BUNDLE, sample.package_bundles)):
        wanted = {a.reference for a in sample.required if a.kind is kind}
        assert {file.reference for file in files} == wanted
        assert {file.name for file in files} <= set(_names(sample))


def test_the_manifests_name_exactly_the_required_images(sample: Sample) -> None:
    bundles = _load(sample.bundles)
    named = set()
    for bundle in bundles["spec"]["versionsBundles"]:
        eksd = _load(sample.folder / bundle["eksD"]["manifestUrl"])
        named |= set(_uris(bundle)) | set(_uris(eksd))
    named = {uri for uri in named if uri.startswith("public.ecr.aws/")}
    required = {str(a) for a in sample.required if a.kind is not Kind.PACKAGE_BUNDLE}
    beside = {uri.rpartition("/")[2].partition(":")[0] for uri in named - required}
    assert required < named
    assert beside == {"credential-provider-package", "livenessprobe"}


def test_every_path_in_the_manifest_leads_to_a_file(sample: Sample) -> None:
    for bundle in _load(sample.bundles)["spec"]["versionsBundles"]:
        paths = [uri for uri in _uris(bundle) if uri.startswith("eks-anywhere-downloads/")]
        paths += [bundle["eksD"]["manifestUrl"], bundle["eksD"]["components"]]
        assert len(paths) == 6
        for path in paths:
            assert _load(sample.folder / path)["kind"]


def test_the_downloads_tarball_holds_the_folder(sample: Sample, tmp_path: Path) -> None:
    with tarfile.open(sample.downloads) as archive:
        archive.extractall(tmp_path, filter="data")
    there = {path.relative_to(tmp_path) for path in tmp_path.rglob("*.yaml")}
    assert there == {
        path.relative_to(sample.folder)
        for path in (sample.folder / "eks-anywhere-downloads").rglob("*.yaml")
    }
    bundles = (tmp_path / "eks-anywhere-downloads/bundle-release.yaml").read_bytes()
    assert bundles == sample.bundles.read_bytes()


def test_images_of_different_repositories_share_layers(sample: Sample) -> None:
    owners: dict[str, set[str]] = {}
    for image in sample.images:
        for layer in image.layers:
            owners.setdefault(layer.diff_id, set()).add(image.reference.repository)
    assert sum(len(repositories) > 1 for repositories in owners.values()) == 6


def test_an_image_and_a_chart_share_a_repository(sample: Sample) -> None:
    images = {a.reference.repository for a in sample.required if a.kind is Kind.IMAGE}
    charts = {a.reference.repository for a in sample.required if a.kind is Kind.CHART}
    assert images & charts == {"eks/cilium/cilium", "eks-anywhere/eks-anywhere-packages"}


def test_one_image_can_be_left_out(make_sample: SampleFactory) -> None:
    missing = "public.ecr.aws/eks/cilium/operator-generic:v1.19.4-1"
    sample = make_sample(SampleSpec(leave_out=missing))
    assert Reference.parse(missing) in {a.reference for a in sample.required}
    assert missing not in _repo_tags(sample, "images.tar")
    assert len(sample.images) == len(catalog.ALWAYS) - 1


def test_the_tools_image_can_be_left_out(make_sample: SampleFactory) -> None:
    sample = make_sample(SampleSpec(leave_out=str(catalog.TOOLS.reference)))
    assert "tools-image.tar" not in _names(sample)
    assert len(_repo_tags(sample, "images.tar")) == len(catalog.ALWAYS) - 1


def test_one_image_more_can_be_stored(make_sample: SampleFactory) -> None:
    extra = "ghcr.io/example/not-required:1"
    sample = make_sample(SampleSpec(extra=extra))
    assert extra in _repo_tags(sample, "images.tar")
    assert extra not in {str(a) for a in sample.required}
    assert sample.image(Reference.parse(extra)).layers


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        (SampleSpec(images=8), "9 to"),
        (SampleSpec(images=1000), "not 1000"),
        (SampleSpec(leave_out="public.ecr.aws/no/such:1"), "no/such"),
        (SampleSpec(extra="no reference"), "no reference"),
        (SampleSpec(extra=str(catalog.TOOLS.reference)), "has it already"),
    ],
)
def test_a_spec_that_cannot_be_met_is_refused(spec: SampleSpec, says: str, tmp_path: Path) -> None:
    with pytest.raises(EksaMirrorError, match=says):
        write_sample(tmp_path / "sample", spec)
    assert not (tmp_path / "sample").exists()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(EksaMirrorError) as raised:
        write_sample(file / "sample")
    assert raised.value.code is Code.BAD_USAGE
    assert raised.value.where == str(file / "sample")


def test_the_benchmark_has_20_images_and_44_layers() -> None:
    images = make_images(catalog.images(BENCHMARK.images), 1_000_000, BENCHMARK.seed)
    assert len(images) == 20
    assert len({layer.diff_id for image in images for layer in image.layers}) == 44


def test_a_large_sample_needs_little_memory(tmp_path: Path) -> None:
    tracemalloc.start()
    sample = write_sample(tmp_path, replace(BENCHMARK, megabytes=40))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert 39_000_000 < sample.layer_bytes < 41_000_000
    assert peak < 10_000_000


def test_the_whole_catalog_makes_a_release(make_sample: SampleFactory) -> None:
    sample = make_sample(SampleSpec(images=catalog.MOST_IMAGES))
    references = [image.reference for image in sample.images]
    assert len(set(references)) == len(references) == catalog.MOST_IMAGES
    for bundle in _load(sample.bundles)["spec"]["versionsBundles"]:
        assert "public.ecr.aws/eks-anywhere/aws/upgrader" in bundle["upgrader"]["upgrader"]["uri"]
        assert bundle["kubeVersion"].replace(".", "-") in bundle["upgrader"]["upgrader"]["uri"]


def test_no_two_images_claim_one_field_of_one_version() -> None:
    claimed = [
        (kube.name, field)
        for image in catalog.images(catalog.MOST_IMAGES)
        for kube in image.kube_versions
        for field in image.fields
        if not field.startswith("eks-d: ")
    ]
    assert len(set(claimed)) == len(claimed)


def test_a_usage_error_names_the_limits() -> None:
    with pytest.raises(UsageError, match=f"9 to {catalog.MOST_IMAGES}"):
        catalog.images(3)
