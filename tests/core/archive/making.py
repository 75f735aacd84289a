"""Makes archives as docker, containerd, skopeo and `download images` write them."""

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.oci import (
    DOCKER_CONFIG,
    DOCKER_LAYER_GZIP,
    DOCKER_MANIFEST,
    OCI_CONFIG,
    OCI_INDEX,
    OCI_LAYER,
    OCI_LAYER_GZIP,
    OCI_MANIFEST,
)

IMAGE = "public.ecr.aws/eks-distro/pause:v1"
OTHER = "public.ecr.aws/eks-anywhere/cli-tools:v0.26.0"
CHART = "public.ecr.aws/eks-anywhere/cilium:1.19.4-1"
BUNDLE = "public.ecr.aws/eks-anywhere/eks-anywhere-packages-bundles:v1-33-latest"
BUNDLE_FILE = "eks-anywhere-packages-bundles-v1-33-latest.yaml"
BUNDLE_YAML = b"apiVersion: packages.eks.amazonaws.com/v1alpha1\nkind: PackageBundle\nspec: {}\n"
ATTESTATION = {"os": "unknown", "architecture": "unknown"}


@dataclass(frozen=True)
class Link:
    """A symbolic link, or a hard link, as an entry of a tarball."""

    target: str
    hard: bool = False


Entries = dict[str, bytes | Link]


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def layer(text: str, size: int = 2000) -> bytes:
    """An uncompressed layer with one file."""
    return tar_bytes({f"{text}.txt": (text * size)[:size].encode()})


def config_json(layers: Iterable[bytes], **more: Any) -> bytes:
    diff_ids = [f"sha256:{sha(item)}" for item in layers]
    rootfs = {"type": "layers", "diff_ids": diff_ids}
    return json.dumps({"architecture": "amd64", "os": "linux", "rootfs": rootfs} | more).encode()


def tar_bytes(entries: Entries, form: int = tarfile.GNU_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as tar:
        for name, content in entries.items():
            info = tarfile.TarInfo(name)
            if isinstance(content, Link):
                info.type = tarfile.LNKTYPE if content.hard else tarfile.SYMTYPE
                info.linkname = content.target
                tar.addfile(info)
            else:
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


@dataclass
class Saved:
    """An image for `docker save`."""

    layers: list[bytes]
    names: list[str] | None = field(default_factory=lambda: [IMAGE])
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def config(self) -> bytes:
        return config_json(self.layers, **self.more)


def classic(*images: Saved) -> Entries:
    """docker save up to 24: `<hex>.json`, `<id>/layer.tar`, a repeated layer as a link."""
    entries: Entries = {}
    listed, places = [], dict[bytes, str]()
    for number, image in enumerate(images):
        names = []
        for position, content in enumerate(image.layers):
            folder = sha(f"{number}/{position}".encode())
            name = f"{folder}/layer.tar"
            if content in places:
                entries[name] = Link(f"../{places[content]}")
            else:
                entries[name] = content
                places[content] = name
            entries[f"{folder}/VERSION"] = b"1.0"
            names.append(name)
        config_name = f"{sha(image.config)}.json"
        entries[config_name] = image.config
        listed.append({"Config": config_name, "RepoTags": image.names, "Layers": names})
    entries["manifest.json"] = json.dumps(listed).encode()
    return entries


class LayoutMaker:
    """An OCI layout: blobs are added, descriptors come back."""

    def __init__(self) -> None:
        self.entries: Entries = {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}'}
        self.listed: list[dict[str, Any]] = []

    def blob(self, content: bytes, media_type: str, *, store: bool = True) -> dict[str, Any]:
        if store:
            self.entries[f"blobs/sha256/{sha(content)}"] = content
        return {
            "mediaType": media_type,
            "digest": f"sha256:{sha(content)}",
            "size": len(content),
        }

    def image(
        self,
        layers: list[bytes],
        *,
        architecture: str = "amd64",
        zipped: bool = True,
        docker: bool = False,
        store: bool = True,
        config: tuple[bytes, str] | None = None,
    ) -> dict[str, Any]:
        """A manifest with config and layers; `store=False` leaves out all but the manifest."""
        plain = config_json(layers, architecture=architecture)
        layer_type = (DOCKER_LAYER_GZIP if docker else OCI_LAYER_GZIP) if zipped else OCI_LAYER
        config_content, config_type = config or (plain, DOCKER_CONFIG if docker else OCI_CONFIG)
        stored = [gzip.compress(item, mtime=0) if zipped else item for item in layers]
        media_type = DOCKER_MANIFEST if docker else OCI_MANIFEST
        document = {
            "schemaVersion": 2,
            "mediaType": media_type,
            "config": self.blob(config_content, config_type, store=store),
            "layers": [self.blob(item, layer_type, store=store) for item in stored],
        }
        return self.blob(json.dumps(document).encode(), media_type)

    def index(self, *manifests: dict[str, Any]) -> dict[str, Any]:
        document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": list(manifests)}
        return self.blob(json.dumps(document, indent=1).encode(), OCI_INDEX)

    def name(self, descriptor: dict[str, Any], **annotations: str) -> None:
        """List a descriptor in index.json; `full` and `ref` are the two annotations for names."""
        keys = {"full": "io.containerd.image.name", "ref": "org.opencontainers.image.ref.name"}
        named = {keys[key]: value for key, value in annotations.items()}
        self.listed.append(descriptor | ({"annotations": named} if named else {}))

    def finish(self, manifest_json: list[dict[str, Any]] | None = None) -> Entries:
        document = {"schemaVersion": 2, "manifests": self.listed}
        self.entries["index.json"] = json.dumps(document).encode()
        if manifest_json is not None:
            self.entries["manifest.json"] = json.dumps(manifest_json).encode()
        return self.entries


def for_platform(
    descriptor: dict[str, Any], architecture: str, os: str = "linux"
) -> dict[str, Any]:
    return descriptor | {"platform": {"os": os, "architecture": architecture}}


def docker_25(*images: Saved) -> Entries:
    """docker save since 25: a layout with uncompressed layers, and manifest.json."""
    maker = LayoutMaker()
    listed = []
    for image in images:
        config = (image.config, OCI_CONFIG)
        descriptor = maker.image(image.layers, zipped=False, config=config)
        for name in image.names or []:
            maker.name(descriptor, full=name, ref=name.rpartition(":")[2])
        if not image.names:
            maker.name(descriptor)
        listed.append(
            {
                "Config": f"blobs/sha256/{sha(image.config)}",
                "RepoTags": image.names,
                "Layers": [f"blobs/sha256/{sha(item)}" for item in image.layers],
            }
        )
    return maker.finish(listed)


def chart_tgz(chart_yaml: str = "", folder: str = "cilium") -> bytes:
    text = chart_yaml or (
        "apiVersion: v2\nname: cilium\nversion: 1.19.4-1\nappVersion: 1.10\n"
        "description: eBPF-based networking\nhome: https://cilium.io/\n"
        "sources:\n- https://github.com/cilium/cilium\n"
        "maintainers:\n- name: Ann\n  email: ann@example.com\n- name: Bob\n"
    )
    entries: Entries = {f"{folder}/Chart.yaml": text.encode(), f"{folder}/values.yaml": b"a: 1\n"}
    return gzip.compress(tar_bytes(entries), mtime=0)


def download_images(**changes: bytes | None) -> Entries:
    """The tarball of `download images`; an entry can be replaced, or left out with None."""
    shared = layer("shared")
    entries: Entries = {
        "cilium-1.19.4-1.tgz": chart_tgz(),
        BUNDLE_FILE: BUNDLE_YAML,
        "images.tar": tar_bytes(classic(Saved([shared, layer("pause")]))),
        "tools-image.tar": tar_bytes(classic(Saved([shared, layer("tools")], [OTHER]))),
    }
    for name, content in changes.items():
        if content is None:
            entries.pop(name)
        else:
            entries[name] = content
    return entries


def write(path: Path, entries: Entries, form: int = tarfile.GNU_FORMAT) -> Path:
    path.write_bytes(tar_bytes(entries, form))
    return path


def write_folder(path: Path, entries: Entries) -> Path:
    for name, content in entries.items():
        place = path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, Link):
            place.symlink_to(content.target)
        else:
            place.write_bytes(content)
    return path
