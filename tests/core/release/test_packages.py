"""Package bundles are read for later use."""

import pytest

from core.errors import Code, ReleaseError
from core.release.packages import load_package_bundle
from tests.core.release.manifests import DIGEST, as_yaml


def bundle(*packages: object, name: str = "v1-33-116") -> bytes:
    return as_yaml(
        {
            "apiVersion": "packages.eks.amazonaws.com/v1alpha1",
            "kind": "PackageBundle",
            "metadata": {"name": name, "annotations": {"eksa.aws.com/signature": "MEUC"}},
            "spec": {"packages": list(packages)},
        }
    )


def package(**source: object) -> dict[str, object]:
    version = {"name": "0.1.2-abc", "digest": DIGEST, "schema": "H4sI", "images": None}
    base = {"repository": "metallb/metallb", "versions": [version]}
    return {"name": "metallb", "workloadonly": True, "source": base | source}


def test_packages_charts_and_images_are_read() -> None:
    image = {"repository": "metallb/controller", "digest": DIGEST}
    version = {"name": "0.1", "digest": DIGEST, "images": [image], "dependencies": ["crds"]}
    read = load_package_bundle(bundle(package(), package(versions=[version])), "p.yaml")
    assert (read.name, read.kube_version) == ("v1-33-116", "1.33")
    first, second = read.packages
    assert first.repository == "metallb/metallb"
    assert first.versions[0].images == ()
    assert second.versions[0].images[0].repository == "metallb/controller"


def test_a_name_without_a_version_gives_none() -> None:
    assert load_package_bundle(bundle(name="mine"), "p.yaml").kube_version == ""


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (package(versions=None), "source.versions"),
        (package(repository=None), "source.repository"),
        ("text", "spec.packages.0"),
        (package(versions=[{"name": "x"}]), "versions.0.digest"),
    ],
)
def test_what_is_wrong_is_named(wrong: object, field: str) -> None:
    with pytest.raises(ReleaseError) as caught:
        load_package_bundle(bundle(wrong), "p.yaml")
    assert caught.value.code is Code.MANIFEST_INVALID
    assert field in caught.value.message
    assert "pydantic" not in caught.value.message
