"""Which files a bundles manifest points to, and what it says once they lie on the disk."""

from pathlib import Path

import pytest
import yaml

from core.errors import ReleaseError
from core.fetch.manifests import pointers, rewritten

DATA = Path(__file__).parents[4] / "shared/data"
FOLDER = "eks-anywhere-downloads"
TEXT = """\
# ümläuts before the addresses move every character
kind: Bundles
spec:
  versionsBundles:
  - kubeVersion: "1.33"
    clusterAPI:
      components:
        uri: "https://assets.example/capi/v1/core-components.yaml"
      controller:
        uri: public.ecr.aws/eks-anywhere/controller:v1
      metadata: {uri: 'https://assets.example/capi/v1/metadata.yaml?x=1', size: 3}
    cloudStack:
      components:
        uri: <placeholder>
      metadata:
        uri: ""
    eksD:
      components: https://distro.example/crds/releases.yaml   # kept
      manifestUrl: https://distro.example/kubernetes-1-33/kubernetes-1-33-eks-30.yaml
      crictl:
        uri: https://assets.example/crictl.tar.gz
"""


def test_only_the_addresses_of_manifests_change() -> None:
    found = pointers(TEXT, "b", FOLDER)
    text = rewritten(TEXT, found, FOLDER)

    changed = {
        before.strip(): after.strip()
        for before, after in zip(TEXT.splitlines(), text.splitlines(), strict=True)
        if before != after
    }
    home = f"{FOLDER}/1.33"
    assert list(changed.values()) == [
        f"uri: {home}/core-cluster-api/core-components.yaml",
        f"metadata: {{uri: {home}/core-cluster-api/metadata.yaml, size: 3}}",
        f"components: {home}/eks-distro/releases.yaml   # kept",
        f"manifestUrl: {home}/eks-distro/kubernetes-1-33-eks-30.yaml",
    ]
    assert [one.is_eksd for one in found].count(True) == 1


@pytest.mark.parametrize(
    ("folder", "below"),
    [
        ("eks-anywhere-downloads", ""),
        ("/data/eks-anywhere-downloads-v0.26", ""),
        ("elsewhere", "eks-anywhere-downloads/"),
    ],
)
def test_the_name_of_an_air_gap_is_in_every_path(folder: str, below: str) -> None:
    paths = [one.path for one in pointers(TEXT, "b", folder)]

    assert all(path.startswith(f"{below}1.33/") for path in paths)


@pytest.mark.parametrize(
    "text",
    [
        "a: [",
        "kind: Bundles",
        "spec: {versionsBundles: {}}",
        TEXT.replace("releases.yaml", ""),
        TEXT.replace("/releases.yaml", "/.."),
    ],
)
def test_what_cannot_be_used_is_told(text: str) -> None:
    with pytest.raises(ReleaseError) as raised:
        pointers(text, "b.yaml", FOLDER)

    assert raised.value.where.partition(":")[0] == "b.yaml"


@pytest.mark.skipif(not DATA.is_dir(), reason=f"no manifests of real releases in {DATA}")
def test_a_real_release() -> None:
    text = (DATA / "main-bundle-release.yaml").read_text()
    found = pointers(text, "real", FOLDER)
    before = yaml.safe_load(text)
    after = yaml.safe_load(rewritten(text, found, FOLDER))

    first = after["spec"]["versionsBundles"][0]
    version = first["kubeVersion"]
    assert first["vSphere"]["clusterTemplate"]["uri"] == (
        f"{FOLDER}/{version}/cluster-api-provider-vsphere/cluster-template.yaml"
    )
    assert len({one.path for one in found}) == len(found) == 7 * 29
    for bundle in (*before["spec"]["versionsBundles"], *after["spec"]["versionsBundles"]):
        for component in bundle.values():
            if isinstance(component, dict):
                for name in ("components", "metadata", "clusterTemplate", "manifest"):
                    component.pop(name, None)
                component.pop("manifestUrl", None)
    assert before == after
