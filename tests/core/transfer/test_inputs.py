"""From answers to a plan: what is missing is told before anything is opened."""

from pathlib import Path

import pytest

from core.answers import Answers, ArtifactAnswers, MappingAnswer, RegistryAnswers
from core.demo.sample import Sample
from core.errors import ArchiveError, Code, ReleaseError, UsageError
from core.transfer.inputs import open_inputs, read_requirements
from core.transfer.settings import connection_of, mirror_of


def answers(
    artifacts: ArtifactAnswers | None = None,
    address: str = "harbor.local/eks-a",
    **registry: object,
) -> Answers:
    return Answers(
        artifacts=artifacts or ArtifactAnswers(),
        registry=RegistryAnswers.model_validate({"address": address} | registry),
    )


def test_a_mirror_has_the_mappings_of_the_answers() -> None:
    quay = MappingAnswer(registry="quay.io", namespace="quay")
    mirror = mirror_of(answers(mappings=(quay,)))
    assert str(mirror) == "harbor.local/eks-a"
    assert mirror.namespace_for("quay.io") == "quay"
    assert mirror.namespace_for("public.ecr.aws") == "eks-a"


def test_without_a_registry_the_flag_is_named() -> None:
    with pytest.raises(UsageError) as caught:
        mirror_of(Answers())
    assert caught.value.where == "--registry"
    assert "-r HOST" in caught.value.mend


def test_a_connection_is_as_safe_as_the_answers_say() -> None:
    safe = connection_of(answers(ca_file=Path("/srv/ca.crt")))
    assert safe.address == "harbor.local"
    assert safe.tls.ca_file == Path("/srv/ca.crt")
    assert safe.tls.verify
    assert not safe.plain_http
    unsafe = connection_of(answers(insecure=True, trusted_hosts=("auth.local",)))
    assert not unsafe.tls.verify
    assert unsafe.trusted_hosts == ("auth.local",)
    assert connection_of(answers(plain_http=True)).plain_http


def test_everything_is_read_and_the_archive_closed_at_the_end(sample: Sample) -> None:
    chosen = ArtifactAnswers(archive=sample.archive, bundles=sample.bundles)
    with open_inputs(answers(chosen)) as inputs:
        assert inputs.requirements
        assert inputs.archive
        moved = [one for one in inputs.plan.artifacts if one.to_move]
        assert {one.source for one in moved} == {str(one) for one in sample.required}
        blob = next(iter(moved[0].blobs()))
        assert blob.read_all()
    with pytest.raises(ArchiveError):
        blob.read_all()


def test_the_manifests_may_lie_in_the_tarball_of_downloads(sample: Sample) -> None:
    inside = read_requirements(sample.downloads)
    beside = read_requirements(sample.bundles)
    assert inside.artifacts == beside.artifacts
    assert inside.release == beside.release


def test_only_the_chosen_kubernetes_versions_are_required(sample: Sample) -> None:
    everything, some = (read_requirements(sample.bundles, chosen) for chosen in ((), ("1.33",)))
    assert some.kube_versions == ("1.33",)
    names = {one.artifact for one in everything.artifacts}
    assert {one.artifact for one in some.artifacts} < names


@pytest.mark.parametrize(
    ("artifacts", "flag"),
    [
        (ArtifactAnswers(), "--input"),
        (ArtifactAnswers(archive=Path("/srv/images.tar")), "--bundles"),
    ],
)
def test_a_choice_that_says_too_little_names_the_flag(
    artifacts: ArtifactAnswers, flag: str
) -> None:
    with pytest.raises(UsageError) as caught, open_inputs(answers(artifacts)):
        pytest.fail("it was opened")
    assert caught.value.where == flag
    assert caught.value.mend


def test_an_archive_alone_will_do_with_all(sample: Sample) -> None:
    chosen = ArtifactAnswers(archive=sample.archive, include_all=True)
    with open_inputs(answers(chosen)) as inputs:
        assert inputs.requirements is None
        assert not any(one.required or one.skipped for one in inputs.plan.artifacts)


def test_manifests_alone_make_a_plan_without_an_archive(sample: Sample) -> None:
    with open_inputs(answers(ArtifactAnswers(bundles=sample.bundles))) as inputs:
        assert inputs.archive is None
        assert len(inputs.plan.artifacts) == len(sample.required)


def test_manifests_that_are_not_there_are_told(sample: Sample, tmp_path: Path) -> None:
    for missing in (tmp_path / "bundle-release.yaml", tmp_path):
        with pytest.raises(ReleaseError) as caught:
            read_requirements(missing)
        assert caught.value.code is Code.MANIFEST_NOT_FOUND
        assert str(missing) in caught.value.where


def test_an_archive_that_is_not_there_is_told(sample: Sample, tmp_path: Path) -> None:
    chosen = ArtifactAnswers(archive=tmp_path / "images.tar", bundles=sample.bundles)
    with pytest.raises(ArchiveError) as caught, open_inputs(answers(chosen)):
        pytest.fail("it was opened")
    assert caught.value.code is Code.ARCHIVE_NOT_FOUND
