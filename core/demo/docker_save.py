"""Archives as `docker save` writes them, in the layouts of its generations.

Source: moby, daemon/internal/image/tarexport/save.go; the classic layout was compared with what
docker 20.10 writes.
"""

import hashlib
from collections.abc import Sequence
from typing import Any

from core.demo.content import Content, Entry, tar_of
from core.demo.images import CREATED, Image, Layer
from core.oci import OCI_CONFIG, OCI_INDEX, OCI_LAYER, OCI_MANIFEST, canonical_json, digest_of


def classic(images: Sequence[Image]) -> Content:
    """Docker before 25: a folder for each layer; one that is stored already becomes a symlink.

    Entries lie in the order of their names, so a symlink may come before what it points to.
    """
    entries: dict[str, Entry] = {}
    homes: dict[str, str] = {}
    listed: list[dict[str, Any]] = []
    tags: dict[str, dict[str, str]] = {}
    for image in images:
        folders = _layer_folders(image)
        for position, (folder, layer) in enumerate(zip(folders, image.layers, strict=True)):
            parent = folders[position - 1] if position else ""
            for entry in _layer_entries(folder, parent, layer, homes):
                entries.setdefault(entry.name, entry)
        config = f"{_hex(image.config_digest)}.json"
        entries[config] = Entry(config, Content.of(image.config))
        layers = [f"{folder}/layer.tar" for folder in folders]
        listed.append(_listed(image, config, layers))
        tags.setdefault(_name(image), {})[image.reference.tag] = folders[-1]
    in_order = sorted(entries.values(), key=lambda entry: entry.name)
    return tar_of([*in_order, _json("manifest.json", listed), _json("repositories", tags)])


def docker25(images: Sequence[Image]) -> Content:
    """Docker from 25 on: an OCI layout with uncompressed layers, and manifest.json beside it."""
    blobs: dict[str, Content] = {}
    listed: list[dict[str, Any]] = []
    index: list[dict[str, Any]] = []
    tags: dict[str, dict[str, str]] = {}
    for image in images:
        manifest = _oci_manifest(image)
        blobs |= {layer.diff_id: layer.content for layer in image.layers}
        blobs[image.config_digest] = Content.of(image.config)
        blobs[digest_of(manifest)] = Content.of(manifest)
        layers = [_blob(layer.diff_id) for layer in image.layers]
        sources = {layer.diff_id: _descriptor(OCI_LAYER, layer) for layer in image.layers}
        listed.append(
            _listed(image, _blob(image.config_digest), layers) | {"LayerSources": sources}
        )
        index.append(_index_entry(image, manifest))
        tags.setdefault(_name(image), {})[image.reference.tag] = _hex(image.layers[-1].diff_id)
    return tar_of(
        [
            Entry("blobs/"),
            Entry("blobs/sha256/"),
            *(Entry(_blob(digest), blobs[digest]) for digest in sorted(blobs)),
            _json("index.json", {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": index}),
            _json("manifest.json", listed),
            _json("oci-layout", {"imageLayoutVersion": "1.0.0"}),
            _json("repositories", tags),
        ]
    )


def _layer_folders(image: Image) -> list[str]:
    """A name for each layer, made from all below it; the top one also from the config."""
    folders = []
    chain = hashlib.sha256()
    for layer in image.layers:
        chain.update(layer.diff_id.encode())
        folders.append(chain.hexdigest())
    chain.update(image.config)
    return [*folders[:-1], chain.hexdigest()]


def _layer_entries(folder: str, parent: str, layer: Layer, homes: dict[str, str]) -> list[Entry]:
    home = homes.setdefault(layer.diff_id, folder)
    about = {"id": folder, "created": CREATED, "os": "linux"} | (
        {"parent": parent} if parent else {}
    )
    return [
        Entry(f"{folder}/"),
        Entry(f"{folder}/VERSION", Content.of(b"1.0")),
        _json(f"{folder}/json", about),
        Entry(f"{folder}/layer.tar", layer.content)
        if home == folder
        else Entry(f"{folder}/layer.tar", target=f"../{home}/layer.tar"),
    ]


def _listed(image: Image, config: str, layers: Sequence[str]) -> dict[str, Any]:
    return {"Config": config, "RepoTags": [str(image.reference)], "Layers": list(layers)}


def _oci_manifest(image: Image) -> bytes:
    config = {
        "mediaType": OCI_CONFIG,
        "digest": image.config_digest,
        "size": len(image.config),
    }
    layers = [_descriptor(OCI_LAYER, layer) for layer in image.layers]
    return canonical_json(
        {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": layers}
    )


def _index_entry(image: Image, manifest: bytes) -> dict[str, Any]:
    return {
        "mediaType": OCI_MANIFEST,
        "digest": digest_of(manifest),
        "size": len(manifest),
        "annotations": {
            "io.containerd.image.name": str(image.reference),
            "org.opencontainers.image.ref.name": image.reference.tag,
        },
        "platform": {"architecture": "amd64", "os": "linux"},
    }


def _descriptor(media_type: str, layer: Layer) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": layer.diff_id, "size": layer.content.size}


def _name(image: Image) -> str:
    return f"{image.reference.registry}/{image.reference.repository}"


def _blob(digest: str) -> str:
    return f"blobs/sha256/{_hex(digest)}"


def _hex(digest: str) -> str:
    return digest.removeprefix("sha256:")


def _json(name: str, value: object) -> Entry:
    return Entry(name, Content.of(canonical_json(value)))
