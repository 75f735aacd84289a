"""Which projects an import needs: from the artifacts and the answers, never from a fixed list."""

import shutil
from pathlib import Path

import pytest

from core.checks.wanted import ProjectNeed, project_needs
from core.demo.sample import Sample
from tests.core.checks.looking import answers, context

HUB = [{"registry": "docker.io", "namespace": "dockerhub/mirror"}]


def needs(
    address: str, artifacts: dict[str, object] | None = None, **registry: object
) -> list[ProjectNeed]:
    with context(answers(address, artifacts=artifacts, **registry)) as made:
        return list(project_needs(made))


def test_without_a_namespace_the_projects_follow_from_the_artifacts(sample: Sample) -> None:
    found = needs("registry.example", {"bundles": sample.bundles})
    assert {one.name for one in found} >= {"eks-anywhere", "eks-distro", "bottlerocket"}
    assert all(one.is_real and one.repository.startswith(f"{one.name}/") for one in found)
    assert all(one.upstreams == ("public.ecr.aws",) for one in found)


def test_with_a_namespace_one_project_holds_them_all(sample: Sample) -> None:
    (found,) = needs("registry.example/eks-a/site", {"bundles": sample.bundles})
    assert (found.name, found.is_real) == ("eks-a", True)
    assert found.repository.startswith("eks-a/site/")


def test_other_artifacts_need_other_projects(sample: Sample, tmp_path: Path) -> None:
    downloads = tmp_path / "eks-anywhere-downloads"
    shutil.copytree(sample.bundles.parent, downloads)
    bundles = downloads / sample.bundles.name
    bundles.write_text(bundles.read_text().replace("/bottlerocket/", "/another/"))
    found = {one.name for one in needs("registry.example", {"bundles": bundles})}
    assert "another" in found
    assert "bottlerocket" not in found


def test_a_mapping_needs_its_project_too(sample: Sample) -> None:
    found = needs("registry.example/eks-a", {"bundles": sample.bundles}, mappings=HUB)
    assert [(one.name, one.is_real, one.upstreams) for one in found] == [
        ("dockerhub", False, ("docker.io",)),
        ("eks-a", True, ("public.ecr.aws",)),
    ]
    assert found[0].repository == "dockerhub/mirror/eksa-mirror-check"


def test_before_the_artifacts_are_named_the_answers_alone_tell() -> None:
    (found,) = needs("registry.example/eks-a")
    assert (found.name, found.is_real) == ("eks-a", False)
    assert needs("registry.example") == []


def test_artifacts_that_cannot_be_read_do_not_hide_the_namespaces(tmp_path: Path) -> None:
    (found,) = needs("registry.example/eks-a", {"bundles": tmp_path / "none.yaml"})
    assert found.name == "eks-a"


def test_a_tarball_alone_tells_what_all_of_it_needs(sample: Sample) -> None:
    artifacts = {"archive": sample.archive, "include_all": True}
    assert {one.name for one in needs("registry.example", artifacts)} >= {"eks-distro"}


@pytest.mark.parametrize("namespace", ["", "eks-a"])
def test_nothing_is_needed_for_development_builds(sample: Sample, namespace: str) -> None:
    address = f"registry.example/{namespace}".rstrip("/")
    found = needs(address, {"bundles": sample.bundles})
    assert "x3k6m8v0" not in {one.name for one in found}
