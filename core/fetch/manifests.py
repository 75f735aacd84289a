"""The manifests that a bundles manifest points to: where they lie, and where they are put.

Source: aws/eks-anywhere `release/api/v1alpha1/artifacts.go` (`VersionsBundle.Manifests`) and
`cmd/eksctl-anywhere/cmd/downloadartifacts.go`, as of v0.26.1.
"""

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import yaml

from core.eksa import DOWNLOADS_FOLDER
from core.mirror.splice import Edit, apply
from core.release.bundles import invalid_bundles
from core.release.fields import PLACEHOLDER
from core.release.plain_yaml import read_documents
from core.yaml_marks import LOADER

_FOLDERS = {
    "clusterAPI": "core-cluster-api",
    "bootstrap": "capi-kubeadm-bootstrap",
    "controlPlane": "capi-kubeadm-control-plane",
    "certManager": "cert-manager",
    "docker": "cluster-api-provider-docker",
    "vSphere": "cluster-api-provider-vsphere",
    "tinkerbell": "cluster-api-provider-tinkerbell",
    "cloudStack": "cluster-api-provider-cloudstack",
    "snow": "cluster-api-provider-snow",
    "nutanix": "cluster-api-provider-nutanix",
    "kindnetd": "kindnetd",
    "eksa": "eks-anywhere-cluster-controller",
    "etcdadmBootstrap": "etcdadm-bootstrap-provider",
    "etcdadmController": "etcdadm-controller",
    "eksD": "eks-distro",
}
"""Component of a versions bundle to the folder of its files."""

_FIELDS = frozenset({"components", "metadata", "clusterTemplate", "manifest"})
_EKSD_FIELDS = frozenset({"components", "manifestUrl"})
_NOTHING = frozenset({"", PLACEHOLDER})


@dataclass(frozen=True, slots=True)
class Pointer:
    """A field of the bundles manifest that names a file.

    Attributes:
        uri: as written.
        path: of the file, below the folder of all downloads.
        start: of the value in the text, in characters.
        end: of the value, behind its last character.
    """

    uri: str
    path: str
    start: int
    end: int

    @property
    def is_eksd(self) -> bool:
        """Whether it is the EKS-D release manifest of a Kubernetes version."""
        return "/eks-distro/kubernetes-" in self.path


def inner_folder(folder: str) -> str:
    """Folder of the versions below `folder`: upstream knows an air gap by its name in the paths.

    Source: `validations.getReleaseManifestFromBundle`, `strings.Contains(…,
    "eks-anywhere-downloads")`.
    """
    return "" if DOWNLOADS_FOLDER in folder else f"{DOWNLOADS_FOLDER}/"


def pointers(text: str, where: str, folder: str) -> list[Pointer]:
    """All fields that name a file, in the order of the text.

    Args:
        text: the bundles manifest.
        where: file or URL of it, for messages.
        folder: in which the downloads will lie.

    Raises:
        ReleaseError: `manifest-invalid`.
    """
    read_documents(text.encode(), where)  # composing recurses: deep nesting is refused before
    try:
        root = yaml.compose(text, Loader=LOADER)
    except yaml.YAMLError as error:
        raise invalid_bundles(where, str(error).splitlines()[0]) from None
    bundles = _get(_get(root, "spec"), "versionsBundles")
    if not isinstance(bundles, yaml.SequenceNode):
        raise invalid_bundles(where, "it holds no spec.versionsBundles")
    found: list[Pointer] = []
    for bundle in bundles.value:
        version = _get(bundle, "kubeVersion")
        if isinstance(version, yaml.ScalarNode):
            home = inner_folder(folder) + version.value
            found += _in_bundle(bundle, home, where)
    return found


def rewritten(text: str, found: list[Pointer], folder: str) -> str:
    """The bundles manifest with paths in place of the addresses; all else byte for byte."""
    return apply(text, [Edit(one.start, one.end, f"{folder}/{one.path}") for one in found])


def _in_bundle(bundle: yaml.Node, home: str, where: str) -> Iterator[Pointer]:
    for component, name in _FOLDERS.items():
        fields = _EKSD_FIELDS if component == "eksD" else _FIELDS
        content = _get(bundle, component)
        for field in sorted(fields):
            value = _get(content, field)
            node = value if component == "eksD" else _get(value, "uri")
            if isinstance(node, yaml.ScalarNode) and node.value.strip() not in _NOTHING:
                yield _pointer(node, f"{home}/{name}", where)


def _pointer(node: yaml.ScalarNode, folder: str, where: str) -> Pointer:
    uri = node.value.strip()
    file = posixpath.basename(urlsplit(uri).path)
    if not file or file in (".", "..") or not file.isprintable() or "\\" in file:
        raise invalid_bundles(where, f"“{uri[:200]}” names no file")
    start, end = node.start_mark.index, node.end_mark.index
    return Pointer(uri, f"{folder}/{file}", start, end)


def _get(node: yaml.Node | None, key: str) -> yaml.Node | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    return next((value for name, value in reversed(node.value) if name.value == key), None)
