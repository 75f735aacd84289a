"""The sample is judged by the readers of the real thing, which know nothing of it."""

import pytest

from core.archive.open import open_archive
from core.demo import catalog
from core.demo.sample import Layout, Sample, SampleSpec
from core.reference import Artifact, Kind
from core.release.bundles import load_bundles
from core.release.locate import ManifestLocator
from core.release.required import required_artifacts
from tests.fixtures.samples import SampleFactory

SPECS = [
    SampleSpec(),
    SampleSpec(layout=Layout.DOCKER25, gzip=True),
    SampleSpec(images=catalog.MOST_IMAGES),
]


def _required(sample: Sample, *kube_versions: str) -> tuple[Artifact, ...]:
    bundles = load_bundles(sample.bundles.read_bytes(), str(sample.bundles))
    found = required_artifacts(bundles, ManifestLocator(sample.bundles), kube_versions)
    assert found.release == catalog.RELEASE
    return tuple(one.artifact for one in found.artifacts)


@pytest.mark.parametrize("spec", SPECS)
def test_the_manifests_require_what_the_sample_says(
    spec: SampleSpec, make_sample: SampleFactory
) -> None:
    sample = make_sample(spec)
    assert _required(sample) == sample.required


@pytest.mark.parametrize("spec", SPECS)
def test_the_archive_holds_what_the_sample_says(
    spec: SampleSpec, make_sample: SampleFactory
) -> None:
    sample = make_sample(spec)
    with open_archive(sample.archive, scratch=sample.folder) as archive:
        assert not archive.warnings
        assert all(archive.find(artifact) for artifact in sample.required)
        for image in sample.images:
            stored = archive.find(Artifact(Kind.IMAGE, image.reference))
            assert stored is not None
            digests = {blob.digest for blob in stored.content.all_blobs()}
            assert digests == {image.config_digest, *(layer.diff_id for layer in image.layers)}


def test_one_kubernetes_version_requires_less(sample: Sample) -> None:
    only = set(_required(sample, "1.33"))
    beside = {str(artifact) for artifact in set(sample.required) - only}
    assert beside == {
        "public.ecr.aws/eks-distro/kubernetes/pause:v1.34.9-eks-1-34-21",
        "public.ecr.aws/eks-anywhere/eks-anywhere-packages-bundles:v1-34-latest",
    }
