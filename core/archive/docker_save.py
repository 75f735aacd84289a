"""Images of `docker save`: manifest.json tells which entries are configs and layers.

Layers are uncompressed there, so what comes out are parts; the manifest is made on the way to the
registry. Other tools write the same format with compressed layers: those get a docker manifest
here, and go through byte for byte.

Sources: moby `daemon/internal/image/tarexport/save.go`, docker image specification 1.2.
"""

import hashlib
import re
from dataclasses import dataclass
from typing import Any

from core.archive.model import Blob, ImageParts, ReadyManifest
from core.archive.tree import MIB, Region, Tree, require
from core.archive.trouble import damaged
from core.oci import (
    DOCKER_CONFIG,
    DOCKER_LAYER,
    DOCKER_LAYER_GZIP,
    DOCKER_LAYER_ZSTD,
    DOCKER_MANIFEST,
    InvalidContentError,
    Platform,
    canonical_json,
    digest_of,
    is_digest,
    parse_json,
)

MANIFEST_JSON = "manifest.json"
MAX_MANIFEST_JSON = 64 * MIB
MAX_CONFIG = 8 * MIB

_HEX_NAME = re.compile(r"(?:.*/)?(?:sha256:)?([0-9a-f]{64})(?:\.json|\.tar|\.tar\.gz)?")

LayerPool = dict[str, Blob]
"""Layers by diff ID, so that equal ones of all images of an archive are one blob."""


@dataclass(frozen=True, slots=True)
class SavedImage:
    """An image as manifest.json lists it.

    Attributes:
        config: name of the entry that holds its config.
        layers: names of the entries that hold its layers, lowest first.
        names: what docker calls it, familiar names as they are; empty for images saved by digest.
    """

    config: str
    layers: tuple[str, ...]
    names: tuple[str, ...]


def read_saved_images(tree: Tree) -> tuple[SavedImage, ...]:
    """Read manifest.json; empty where there is none.

    Raises:
        ArchiveError: `archive-damaged` where it is not what docker writes, `archive-hostile`
            where it is absurdly large.
    """
    region = tree.find(MANIFEST_JSON)
    if region is None:
        return ()
    document = read_json(region, MAX_MANIFEST_JSON)
    if not isinstance(document, list) or not all(isinstance(item, dict) for item in document):
        raise damaged("It must be a list of images.", region.entry)
    return tuple(_saved_image(item, region.entry) for item in document)


def read_json(region: Region, limit: int) -> Any:
    """Read JSON out of an archive.

    Raises:
        ArchiveError: `archive-damaged`, or `archive-hostile` above `limit` bytes.
    """
    try:
        return parse_json(region.read(limit))
    except InvalidContentError as error:
        raise damaged(f"It is {error}.", region.entry) from None


def read_config(tree: Tree, name: str) -> tuple[Blob, Any]:
    """The config of an image, its hash compared with its name where that is one.

    Raises:
        ArchiveError: `archive-damaged`, `archive-hostile`.
    """
    region = require(tree, name)
    content = region.read(MAX_CONFIG)
    digest = digest_of(content)
    expected = digest_in_name(name)
    if expected and expected != digest:
        raise damaged(f"Its content has the digest {digest}, not that of its name.", region.entry)
    try:
        document = parse_json(content)
    except InvalidContentError as error:
        raise damaged(f"It is {error}.", region.entry) from None
    if not isinstance(document, dict):
        raise damaged("It must be a JSON object.", region.entry)
    return region.blob(digest, DOCKER_CONFIG), document


def digest_in_name(name: str) -> str:
    """The digest that the name of an entry promises; empty where it promises none."""
    found = _HEX_NAME.fullmatch(name)
    return f"sha256:{found[1]}" if found else ""


def platform_of(config: Any) -> Platform | None:
    """For which machines an image is, from its config."""
    if not isinstance(config, dict):
        return None
    parts = [config.get(key) or "" for key in ("os", "architecture", "variant")]
    if not all(isinstance(part, str) for part in parts) or not any(parts):
        return None
    return Platform(*parts)


def saved_content(
    tree: Tree, image: SavedImage, pool: LayerPool
) -> tuple[ImageParts | ReadyManifest, Platform | None]:
    """What is pushed for an image, and for which machines it is.

    Raises:
        ArchiveError: `archive-damaged` where config and layers do not fit together or something
            is missing, `archive-hostile` for names and links that lead elsewhere.
    """
    config, document = read_config(tree, image.config)
    diff_ids = _diff_ids(document, config.entry)
    if len(diff_ids) != len(image.layers):
        raise damaged(
            f"It lists {len(diff_ids)} layers, {MANIFEST_JSON} lists {len(image.layers)}.",
            config.entry,
        )
    regions = [require(tree, name) for name in image.layers]
    platform = platform_of(document)
    if any(region.packed for region in regions):
        return _packed_image(config, diff_ids, image.layers, regions), platform
    layers = zip(diff_ids, regions, strict=True)
    return ImageParts(config, tuple(_layer(diff, at, pool) for diff, at in layers)), platform


def _layer(diff_id: str, region: Region, pool: LayerPool) -> Blob:
    layer = pool.get(diff_id)
    if layer is None:
        layer = region.blob(diff_id, DOCKER_LAYER, compressible=True)
        pool[diff_id] = layer
    if layer.size != region.size:
        raise damaged(f"It is called the same layer as {layer.entry}, but is not.", region.entry)
    return layer


def _packed_image(
    config: Blob, diff_ids: list[str], names: tuple[str, ...], regions: list[Region]
) -> ReadyManifest:
    layers = tuple(map(_packed_layer, diff_ids, names, regions))
    content = canonical_json(
        {
            "schemaVersion": 2,
            "mediaType": DOCKER_MANIFEST,
            "config": config.descriptor(),
            "layers": [layer.descriptor() for layer in layers],
        }
    )
    return ReadyManifest(digest_of(content), DOCKER_MANIFEST, content, (config, *layers))


def _packed_layer(diff_id: str, name: str, region: Region) -> Blob:
    if not region.packed:
        return region.blob(diff_id, DOCKER_LAYER)
    gzipped = region.source.read_at(region.offset, 1) == b"\x1f"
    media_type = DOCKER_LAYER_GZIP if gzipped else DOCKER_LAYER_ZSTD
    digest = digest_in_name(name)
    if not digest or digest == diff_id:
        digest = _digest_of_region(region)
    return region.blob(digest, media_type)


def _digest_of_region(region: Region) -> str:
    sha256 = hashlib.sha256()
    for block in region.blob("", "").blocks():
        sha256.update(block)
    return f"sha256:{sha256.hexdigest()}"


def _saved_image(item: dict[str, Any], where: str) -> SavedImage:
    config, layers, names = item.get("Config"), item.get("Layers"), item.get("RepoTags")
    if not isinstance(config, str) or not config:
        raise damaged("An image in it has no Config.", where)
    return SavedImage(config, _strings(layers, "Layers", where), _strings(names, "RepoTags", where))


def _strings(value: object, key: str, where: str) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise damaged(f"{key} of an image in it must be a list of names.", where)
    return tuple(value)


def _diff_ids(config: Any, where: str) -> list[str]:
    rootfs = config.get("rootfs")
    diff_ids = rootfs.get("diff_ids") if isinstance(rootfs, dict) else None
    if diff_ids is None:
        diff_ids = []
    if not isinstance(diff_ids, list) or not all(is_digest(item) for item in diff_ids):
        raise damaged("Its diff_ids are not a list of sha256 digests.", where)
    return diff_ids
