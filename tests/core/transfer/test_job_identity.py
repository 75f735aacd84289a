"""Which imports are one job: what is moved where decides, not how it is spelled or done."""

from pathlib import Path

import pytest

from core.answers import (
    Answers,
    ArtifactAnswers,
    CredentialAnswers,
    MappingAnswer,
    RegistryAnswers,
    TransferAnswers,
)
from core.errors import UsageError
from core.transfer.job import job_for

ARTIFACTS = ArtifactAnswers(archive=Path("/srv/images.tar"), kube_versions=("1.30", "1.33"))
ANSWERS = Answers(artifacts=ARTIFACTS, registry=RegistryAnswers(address="harbor.local/eks-a"))
PACKAGES = "783794618700.dkr.ecr.us-west-2.amazonaws.com"


@pytest.mark.parametrize(
    "registry",
    [
        RegistryAnswers(address="harbor.local:443/eks-a"),
        RegistryAnswers(address="Harbor.Local/eks-a/"),
        RegistryAnswers(endpoint="harbor.local", port=443, namespace="eks-a", insecure=True),
        RegistryAnswers(address="harbor.local/eks-a", ca_file=Path("/srv/ca.crt")),
        RegistryAnswers(
            address="harbor.local/eks-a",
            mappings=(MappingAnswer(registry=PACKAGES, namespace="eks-a/eks-anywhere"),),
        ),
    ],
)
def test_one_registry_is_one_job_however_it_is_spelled(registry: RegistryAnswers) -> None:
    other = ANSWERS.model_copy(update={"registry": registry})
    assert job_for(other).name == job_for(ANSWERS).name


def test_the_order_of_versions_and_links_in_a_path_do_not_matter(tmp_path: Path) -> None:
    archive, link = tmp_path / "images.tar", tmp_path / "link.tar"
    archive.touch()
    link.symlink_to(archive)
    one = ArtifactAnswers(archive=archive, kube_versions=("1.30", "1.33"))
    other = ArtifactAnswers(
        archive=tmp_path / "x" / ".." / "link.tar", kube_versions=("v1.33", "1-30", "1.30")
    )
    assert _job(artifacts=one) == _job(artifacts=other)


def test_how_it_is_moved_does_not_matter() -> None:
    assert _job() == _job(
        transfer=TransferAnswers(jobs=1), credentials=CredentialAnswers(username="robot$x")
    )


def test_what_is_moved_and_where_to_matters() -> None:
    names = [
        _job(),
        _job(artifacts=ArtifactAnswers(archive=Path("/srv/images.tar"))),
        _job(artifacts=ARTIFACTS.model_copy(update={"include_all": True})),
        _job(artifacts=ARTIFACTS.model_copy(update={"bundles": Path("/srv/bundles.yaml")})),
        _job(artifacts=ARTIFACTS.model_copy(update={"archive": Path("/srv/other.tar")})),
        _job(registry=RegistryAnswers(address="harbor.local:8443/eks-a")),
        _job(registry=RegistryAnswers(address="harbor.local/eks-b")),
        _job(registry=RegistryAnswers(address="harbor.local")),
        _job(
            registry=RegistryAnswers(
                address="harbor.local/eks-a",
                mappings=(MappingAnswer(registry="docker.io", namespace="dockerhub"),),
            )
        ),
    ]
    assert len(set(names)) == len(names)


def test_the_name_can_be_read() -> None:
    assert _job().startswith("harbor.local-443-eks-a-")
    assert _job(registry=RegistryAnswers(address="[fd00::1]:5000")).startswith("fd00-1-5000-")


def test_without_a_registry_there_is_no_job() -> None:
    with pytest.raises(UsageError, match="No registry was named"):
        _job(registry=RegistryAnswers())


def _job(**changes: object) -> str:
    return job_for(ANSWERS.model_copy(update=changes)).name
