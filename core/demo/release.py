"""The manifests of the sample, in the folder that `download artifacts` leaves."""

import hashlib
from collections.abc import Sequence
from typing import Any

import yaml

from core.demo.catalog import (
    BUILD,
    CHARTS,
    KUBE_VERSIONS,
    RELEASE,
    KubeVersion,
    ReleaseChart,
    ReleaseImage,
)
from core.reference import Reference

DOWNLOADS = "eks-anywhere-downloads"
BUNDLES_FILE = f"{DOWNLOADS}/bundle-release.yaml"

_EKSD_FIELD = "eks-d: "
_PLACEHOLDER = {"uri": "<placeholder>"}
_COMPONENTS = {
    "eksa.components": "eks-anywhere-cluster-controller/eksa-components.yaml",
    "clusterAPI.components": "core-cluster-api/core-components.yaml",
    "clusterAPI.metadata": "core-cluster-api/metadata.yaml",
    "certManager.manifest": "cert-manager/cert-manager.yaml",
}
"""Fields that point to other manifests on the disk, never to something in a registry."""


def release_files(images: Sequence[ReleaseImage]) -> dict[str, bytes]:
    """Every file of the folder, by its path.

    Args:
        images: what the release requires, and what the EKS-D manifest names beside it.
    """
    files = {f"{DOWNLOADS}/manifest.yaml": _yaml(_release())}
    files[BUNDLES_FILE] = _yaml(_bundles(images))
    for kube in KUBE_VERSIONS:
        folder = f"{DOWNLOADS}/{kube.name}"
        files[f"{folder}/eks-distro/{kube.eksd_name}.yaml"] = _yaml(_eksd(kube, images))
        files[f"{folder}/eks-distro/releases.distro.eks.amazonaws.com-v1alpha1.yaml"] = _yaml(
            _manifest("CustomResourceDefinition", "releases.distro.eks.amazonaws.com")
        )
        for path in _COMPONENTS.values():
            files[f"{folder}/{path}"] = _yaml(_manifest("ConfigMap", path))
    return files


def package_bundle_yaml(kube: KubeVersion) -> bytes:
    """A package bundle: one curated package with a chart and an image."""
    package = "hello-eks-anywhere"
    version = {
        "name": f"0.1.2-{kube.dashed}",
        "digest": _made_up_digest(f"{package} chart {kube.name}"),
        "images": [{"repository": package, "digest": _made_up_digest(f"{package} {kube.name}")}],
    }
    source = {"repository": package, "versions": [version]}
    return _yaml(
        {
            "apiVersion": "packages.eks.amazonaws.com/v1alpha1",
            "kind": "PackageBundle",
            "metadata": {"name": f"v{kube.dashed}-115", "namespace": "eksa-packages"},
            "spec": {"packages": [{"name": package, "source": source}]},
        }
    )


def _release() -> dict[str, Any]:
    """The list of releases; people give it in place of the Bundles manifest."""
    release = {
        "version": RELEASE,
        "number": 115,
        "date": "2026-07-25 17:20:00 +0000 UTC",
        "bundleManifestUrl": "https://anywhere-assets.eks.amazonaws.com/releases/bundles/115/manifest.yaml",
    }
    return _manifest("Release", "eks-anywhere") | {
        "spec": {"latestVersion": RELEASE, "releases": [release]}
    }


def _bundles(images: Sequence[ReleaseImage]) -> dict[str, Any]:
    return _manifest("Bundles", "bundles-115") | {
        "spec": {
            "number": 115,
            "cliMinVersion": RELEASE,
            "cliMaxVersion": RELEASE,
            "versionsBundles": [_versions_bundle(kube, images) for kube in KUBE_VERSIONS],
        },
        "status": {},
    }


def _versions_bundle(kube: KubeVersion, images: Sequence[ReleaseImage]) -> dict[str, Any]:
    bundle: dict[str, Any] = {
        "kubeVersion": kube.name,
        "endOfStandardSupport": "2027-08-31",
        "cloudStack": {"version": "deprecated", "clusterAPIController": _PLACEHOLDER},
    }
    for image in images:
        for field in image.fields if kube in image.kube_versions else ():
            if not field.startswith(_EKSD_FIELD):
                _put(bundle, field, _image(image))
    for chart in CHARTS:
        _put(bundle, chart.field, _chart(chart))
    for field, path in _COMPONENTS.items():
        _put(bundle, field, {"uri": f"{DOWNLOADS}/{kube.name}/{path}"})
    for field, value in _eksd_pointer(kube).items():
        _put(bundle, f"eksD.{field}", value)
    unused = f"public.ecr.aws/eks-anywhere/credential-provider-package:v0.4.17-{BUILD}"
    _put(bundle, "packageController.credentialProviderPackage", {"os": "linux", "uri": unused})
    _put(bundle, "eksa.version", f"{RELEASE}+115")
    return bundle


def _eksd_pointer(kube: KubeVersion) -> dict[str, str]:
    folder = f"{DOWNLOADS}/{kube.name}/eks-distro"
    return {
        "channel": kube.dashed,
        "components": f"{folder}/releases.distro.eks.amazonaws.com-v1alpha1.yaml",
        "kubeVersion": kube.patch,
        "manifestUrl": f"{folder}/{kube.eksd_name}.yaml",
        "name": kube.eksd_name,
    }


def _eksd(kube: KubeVersion, images: Sequence[ReleaseImage]) -> dict[str, Any]:
    components: dict[str, list[dict[str, Any]]] = {}
    for image in images:
        for field in image.fields if kube in image.kube_versions else ():
            if field.startswith(_EKSD_FIELD):
                assets = components.setdefault(field.removeprefix(_EKSD_FIELD), [])
                assets.append(_eksd_asset(image))
    components.setdefault("cni-plugins", []).append(_eksd_archive(kube))
    listed = [{"name": name, "assets": assets} for name, assets in components.items()]
    return {
        "apiVersion": "distro.eks.amazonaws.com/v1alpha1",
        "kind": "Release",
        "metadata": {"name": kube.eksd_name},
        "spec": {"channel": kube.dashed, "number": kube.eksd_number},
        "status": {"components": listed, "date": "2026-07-25T17:20:00Z"},
    }


def _eksd_asset(image: ReleaseImage) -> dict[str, Any]:
    name = image.reference.repository.rpartition("/")[2]
    return {
        "arch": ["amd64", "arm64"],
        "description": f"{name} container image",
        "image": {"imageDigest": published_digest(image.reference), "uri": str(image.reference)},
        "name": f"{name}-image",
        "os": "linux",
        "type": "Image",
    }


def _eksd_archive(kube: KubeVersion) -> dict[str, Any]:
    """An asset without an image."""
    name = "cni-plugins-linux-amd64-v1.9.0.tar.gz"
    uri = f"https://distro.eks.amazonaws.com/{kube.eksd_name}/artifacts/plugins/v1.9.0/{name}"
    return {
        "arch": ["amd64"],
        "archive": {"uri": uri, "sha256": _made_up_digest(uri).removeprefix("sha256:")},
        "name": name,
        "os": "linux",
        "type": "Archive",
    }


def _image(image: ReleaseImage) -> dict[str, Any]:
    name = image.reference.repository.rpartition("/")[2]
    return {
        "arch": ["amd64"],
        "description": f"Container image for {name} image",
        "imageDigest": published_digest(image.reference),
        "name": name,
        "os": "linux",
        "uri": str(image.reference),
    }


def _chart(chart: ReleaseChart) -> dict[str, Any]:
    name = chart.reference.repository.rpartition("/")[2]
    return {
        "description": f"Helm chart for {name}",
        "imageDigest": published_digest(chart.reference),
        "name": name,
        "uri": str(chart.reference),
    }


def published_digest(reference: Reference) -> str:
    """What the manifests tell: the digest of upstream's index, so never that of a pushed image."""
    return _made_up_digest(str(reference))


def _made_up_digest(text: str) -> str:
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def _put(tree: dict[str, Any], field: str, value: object) -> None:
    *folders, leaf = field.split(".")
    for folder in folders:
        tree = tree.setdefault(folder, {})
    tree[leaf] = value


def _manifest(kind: str, name: str) -> dict[str, Any]:
    version = "anywhere.eks.amazonaws.com/v1alpha1"
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}}


def _yaml(value: object) -> bytes:
    return yaml.safe_dump(value, width=1000).encode()
