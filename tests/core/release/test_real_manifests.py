"""The counts that EKS Anywhere itself arrives at, on manifests of real releases.

These files are public but not part of the project; without them the tests say so and are skipped.
"""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from core.reference import Kind
from core.release.bundles import load_bundles
from core.release.eksd import load_eksd
from core.release.locate import ManifestLocator
from core.release.packages import load_package_bundle
from core.release.required import required_artifacts
from tests.core.release.manifests import as_yaml, eksd

DATA = Path(__file__).parents[4] / "shared/data"

pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason=f"the manifests of real releases are not in {DATA}"
)

UPSTREAM_IMAGE_FIELDS = """
bootstrap: controller kubeProxy
bottlerocketHostContainers: admin control kubeadmBootstrap
bottlerocketBootstrapContainers: multiNetworkBootstrap
certManager: acmesolver cainjector controller startupapicheck webhook
cilium: cilium operator
clusterAPI: controller kubeProxy
controlPlane: controller kubeProxy
eksD: kindNode
eksa: cliTools clusterController diagnosticCollector
flux: helmController kustomizeController notificationController sourceController
etcdadmBootstrap: controller kubeProxy
etcdadmController: controller kubeProxy
haproxy: image
packageController: packageController tokenRefresher
upgrader: upgrader
docker: kubeProxy manager
vSphere: clusterAPIController kubeProxy kubeVip manager
cloudStack: clusterAPIController kubeRbacProxy kubeVip
snow: kubeVip manager bottlerocketBootstrapSnow
nutanix: clusterAPIController cloudProvider
tinkerbell: clusterAPIController kubeVip envoy
tinkerbell.tinkerbellStack: boots
tinkerbell.tinkerbellStack.actions: cexec kexec imageToDisk ociToDisk writeFile reboot
tinkerbell.tinkerbellStack.hook: bootkit docker kernel
tinkerbell.tinkerbellStack.tink: tinkRelayInit
"""
"""The list that v0.26.1 carries in its code; a second way to the same set."""


def uri_at(entry: Any, path: str) -> str:
    for key in path.split("."):
        entry = entry.get(key) or {} if isinstance(entry, dict) else {}
    return str(entry.get("uri") or "")


def upstream_images(content: bytes) -> set[str]:
    document = yaml.load(content, Loader=yaml.CSafeLoader)
    uris = {
        uri_at(entry, f"{group}.{name}")
        for entry in document["spec"]["versionsBundles"]
        for group, _, found in (line.partition(": ") for line in UPSTREAM_IMAGE_FIELDS.split("\n"))
        for name in found.split()
    }
    return uris - {"", "<placeholder>"}


def test_a_current_release_requires_what_upstream_imports() -> None:
    content = (DATA / "main-bundle-release.yaml").read_bytes()
    found = required_artifacts(load_bundles(content, "main"), None)
    assert Counter(one.artifact.kind for one in found.artifacts) == {
        Kind.IMAGE: 86,
        Kind.CHART: 5,
        Kind.PACKAGE_BUNDLE: 7,
    }
    images = {str(one.artifact) for one in found.artifacts if one.artifact.kind is Kind.IMAGE}
    assert images == upstream_images(content)
    assert found.release == "v0.26.0"
    assert found.kube_versions == ("1.30", "1.31", "1.32", "1.33", "1.34", "1.35", "1.36")


def test_an_early_release_with_its_eks_d_requires_what_upstream_imports() -> None:
    path = DATA / "bundles-embed-eksd.yaml"
    content = path.read_bytes()
    locator = ManifestLocator(path)
    found = required_artifacts(
        load_bundles(content, "embed"), lambda uri: locator(uri) or as_yaml(eksd("1.29"))
    )
    images = {str(one.artifact) for one in found.artifacts if one.artifact.kind is Kind.IMAGE}
    eksd_images = {
        image.uri
        for file in DATA.glob("kubernetes-1-*.yaml")
        for component in load_eksd(file.read_bytes(), file.name).components
        for image in component.images
    }
    assert len(eksd_images) == 68
    assert len(images) == 167
    assert images == upstream_images(content) | eksd_images


def test_a_real_package_bundle_is_read() -> None:
    read = load_package_bundle((DATA / "package-bundle.yaml").read_bytes(), "package-bundle.yaml")
    assert (read.name, read.kube_version) == ("v1-24-116", "1.24")
    assert len(read.packages) == 11
    digests = [image.digest for one in read.packages for v in one.versions for image in v.images]
    assert digests
    assert all(digest.startswith("sha256:") for digest in digests)
