"""OCI image layouts: blobs by digest, an index.json with names; as tarball or as folder.

Manifests and indexes go through byte for byte. The image store of containerd exports indexes that
list platforms which are not in the file: then one manifest, or an index of what is there, is used.

Sources: OCI image specification 1.1 (image-layout.md); containerd
`core/images/archive/exporter.go`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from core.archive.docker_save import MAX_CONFIG, platform_of, read_json
from core.archive.model import Blob, ReadyManifest
from core.archive.tree import MIB, Region, Tree, entry_name
from core.archive.trouble import damaged, hostile
from core.oci import (
    DOCKER_CONFIG,
    DOCKER_LAYER,
    HELM_CONFIG,
    INDEX_TYPES,
    MAX_MANIFEST_BYTES,
    OCI_CONFIG,
    OCI_LAYER,
    Descriptor,
    InvalidContentError,
    Manifest,
    Platform,
    canonical_json,
    digest_of,
    is_attestation,
    parse_descriptor,
    parse_json,
    parse_manifest,
)

INDEX_JSON = "index.json"
FULL_NAME = "io.containerd.image.name"
REF_NAME = "org.opencontainers.image.ref.name"

AS_PUBLISHED = "io.github.eksa-mirror.as-published"
"""Annotation of an index.json that was written from a registry, byte for byte."""

_MAX_INDEX_JSON = 64 * MIB
_MAX_DEPTH = 2
_IMAGE_CONFIGS = frozenset({OCI_CONFIG, DOCKER_CONFIG})
_PLAIN_LAYERS = frozenset({OCI_LAYER, DOCKER_LAYER})


@dataclass(frozen=True, slots=True)
class Named:
    """A descriptor of index.json.

    Attributes:
        descriptor: of a manifest or index.
        full_name: annotation `io.containerd.image.name`, or empty.
        ref_name: annotation `org.opencontainers.image.ref.name`: a reference, only a tag, or empty.
    """

    descriptor: Descriptor
    full_name: str
    ref_name: str


@dataclass(frozen=True, slots=True)
class LayoutContent:
    """What is pushed for a descriptor of index.json.

    Attributes:
        manifest: as it goes to the registry.
        platforms: those that are really there.
        partial: whether the index of upstream lists platforms that are not there.
        configs: digests of the configs below, which tie it to manifest.json.
        config_type: media type of the config; of the first manifest in an index.
        config: the config as JSON where it is that of an image or chart.
        plain: whether it is one image whose layers are uncompressed.
    """

    manifest: ReadyManifest
    platforms: tuple[Platform, ...]
    partial: bool
    configs: tuple[str, ...]
    config_type: str
    config: Any
    plain: bool


def read_index(tree: Tree) -> tuple[Named, ...]:
    """What index.json lists; empty where there is none.

    Raises:
        ArchiveError: `archive-damaged`, `archive-hostile`.
    """
    region = tree.find(INDEX_JSON)
    if region is None:
        return ()
    document = read_json(region, _MAX_INDEX_JSON)
    manifests = document.get("manifests") if isinstance(document, dict) else None
    if not isinstance(manifests, list):
        raise damaged("It must list manifests.", region.entry)
    try:
        return tuple(_named(item) for item in manifests)
    except InvalidContentError as error:
        raise damaged(f"It cannot be understood: {error}.", region.entry) from None


def lists_as_published(tree: Tree) -> bool:
    """Whether index.json says that its manifests are those of upstream."""
    region = tree.find(INDEX_JSON)
    document = read_json(region, _MAX_INDEX_JSON) if region else None
    annotations = document.get("annotations") if isinstance(document, dict) else None
    return isinstance(annotations, dict) and annotations.get(AS_PUBLISHED) == "true"


def blob_name(digest: str) -> str:
    """Where a blob lies in a layout."""
    return "blobs/" + digest.replace(":", "/")


class Layout:
    """Reads manifests and blobs of one layout, each once."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._read: dict[str, ReadyManifest | None] = {}
        self._platforms: dict[str, Platform | None] = {}
        self._configs: dict[str, Any] = {}
        self._missing = ""

    def content(self, descriptor: Descriptor) -> LayoutContent:
        """All that belongs to a descriptor of index.json.

        Raises:
            ArchiveError: `archive-damaged` where something is missing or has another size or
                digest than its descriptor says.
        """
        self._missing = ""
        manifest = self._manifest(descriptor)
        if manifest is None:
            raise self._incomplete(descriptor)
        if manifest.is_index:
            ready, partial = self._best_of(manifest)
        else:
            ready, partial = self._ready(descriptor, 0), False
        if ready is None:
            raise self._incomplete(descriptor)
        return self._described(ready, manifest, partial=partial)

    def _described(
        self, ready: ReadyManifest, upstream: Manifest, *, partial: bool
    ) -> LayoutContent:
        images = _image_manifests(ready)
        platforms: dict[Platform, None] = {}
        told = {item.digest: item.platform for item in upstream.manifests}
        for image in images:
            platform = told.get(image.digest) or self._platforms.get(image.digest)
            if platform is not None and not is_attestation(platform):
                platforms[platform] = None
        configs = tuple(image.blobs[0].digest for image in images)
        first = images[0].blobs[0] if images else None
        plain = len(images) == 1 and not ready.children and not upstream.is_index
        return LayoutContent(
            ready,
            tuple(platforms),
            partial,
            configs,
            first.media_type if first else "",
            self._configs.get(first.digest) if first else None,
            plain and all(blob.media_type in _PLAIN_LAYERS for blob in images[0].blobs[1:]),
        )

    def _best_of(self, index: Manifest) -> tuple[ReadyManifest | None, bool]:
        """The index itself where all of it is there, else what can be made of the rest.

        Attestations count for nothing: a registry can do without them.
        """
        ready = {item.digest: self._ready(item, 1) for item in index.manifests}
        there = [item for item in index.manifests if ready[item.digest] is not None]
        images = [item for item in there if not is_attestation(item.platform)]
        wanted = {i.digest for i in index.manifests if not is_attestation(i.platform)}
        partial = len({item.digest for item in images}) < len(wanted)
        if len(there) == len(index.manifests):
            return _with_children(index.media_type, index.content, there, ready), False
        if len({item.digest for item in images}) == 1:
            return ready[images[0].digest], partial
        if not images:
            return None, partial
        content = self._filtered(index, {item.digest for item in there})
        return _with_children(index.media_type, content, there, ready), partial

    def _filtered(self, index: Manifest, kept: set[str]) -> bytes:
        """An index without the manifests that are not there, the same bytes on every run."""
        document = parse_json(index.content)
        document["manifests"] = [item for item in document["manifests"] if item["digest"] in kept]
        try:
            return canonical_json(document)
        except UnicodeEncodeError:
            raise damaged("It holds broken text.", self._where(index.digest)) from None

    def _ready(self, descriptor: Descriptor, depth: int) -> ReadyManifest | None:
        """The manifest with everything below it; None where a part is not in the archive."""
        if depth > _MAX_DEPTH:
            raise hostile("Indexes are nested beyond reason.", self._where(descriptor.digest))
        if descriptor.digest not in self._read:
            self._read[descriptor.digest] = self._read_ready(descriptor, depth)
        return self._read[descriptor.digest]

    def _read_ready(self, descriptor: Descriptor, depth: int) -> ReadyManifest | None:
        manifest = self._manifest(descriptor)
        if manifest is None:
            return None
        if manifest.is_index:
            below = {item.digest: self._ready(item, depth + 1) for item in manifest.manifests}
            if not all(below.values()):
                return None
            return _with_children(manifest.media_type, manifest.content, manifest.manifests, below)
        blobs = [self._blob(item) for item in manifest.blobs]
        there = tuple(blob for blob in blobs if blob is not None)
        if len(there) < len(blobs):
            return None
        self._read_config(there[0], manifest.digest)
        return ReadyManifest(manifest.digest, manifest.media_type, manifest.content, there)

    def _manifest(self, descriptor: Descriptor) -> Manifest | None:
        region = self._region(descriptor)
        if region is None:
            return None
        content = region.read(MAX_MANIFEST_BYTES)
        if digest_of(content) != descriptor.digest:
            raise damaged("Its content does not have the digest of its name.", region.entry)
        try:
            return parse_manifest(content, descriptor.media_type)
        except InvalidContentError as error:
            raise damaged(f"It cannot be understood: {error}.", region.entry) from None

    def _blob(self, descriptor: Descriptor) -> Blob | None:
        region = self._region(descriptor)
        return region.blob(descriptor.digest, descriptor.media_type) if region else None

    def _region(self, descriptor: Descriptor) -> Region | None:
        region = self._tree.find(blob_name(descriptor.digest))
        if region is None:
            self._missing = self._missing or descriptor.digest
            return None
        if region.size != descriptor.size:
            message = f"It has {region.size:,} bytes, its descriptor says {descriptor.size:,}."
            raise damaged(message, region.entry)
        return region

    def _read_config(self, blob: Blob, manifest_digest: str) -> None:
        if blob.digest not in self._configs:
            if blob.size > MAX_CONFIG:
                raise hostile(f"A config of {blob.size:,} bytes makes no sense.", blob.entry)
            content = blob.read_all()
            if digest_of(content) != blob.digest:
                raise damaged("Its content does not have the digest of its name.", blob.entry)
            self._configs[blob.digest] = _parsed_config(blob, content)
        if blob.media_type in _IMAGE_CONFIGS:
            self._platforms[manifest_digest] = platform_of(self._configs[blob.digest])

    def _incomplete(self, descriptor: Descriptor) -> Exception:
        missing = self._missing or descriptor.digest
        return damaged(
            f"It is needed by {descriptor.digest}, but it is not in the archive.",
            self._where(missing),
        )

    def _where(self, digest: str) -> str:
        return entry_name(self._tree, blob_name(digest))


def _parsed_config(blob: Blob, content: bytes) -> Any:
    if blob.media_type not in _IMAGE_CONFIGS and blob.media_type != HELM_CONFIG:
        return None
    try:
        return parse_json(content)
    except InvalidContentError as error:
        raise damaged(f"It is {error}.", blob.entry) from None


def _with_children(
    media_type: str,
    content: bytes,
    listed: Iterable[Descriptor],
    ready: dict[str, ReadyManifest | None],
) -> ReadyManifest:
    below = {item.digest: ready[item.digest] for item in listed}
    children = tuple(child for child in below.values() if child is not None)
    return ReadyManifest(digest_of(content), media_type, content, children=children)


def _image_manifests(ready: ReadyManifest) -> list[ReadyManifest]:
    if not ready.children:
        return [ready] if ready.media_type not in INDEX_TYPES else []
    return [image for child in ready.children for image in _image_manifests(child)]


def _named(item: object) -> Named:
    descriptor = parse_descriptor(item)
    annotations = item.get("annotations") if isinstance(item, dict) else None
    if not isinstance(annotations, dict):
        annotations = {}
    full_name, ref_name = annotations.get(FULL_NAME), annotations.get(REF_NAME)
    return Named(
        descriptor,
        full_name if isinstance(full_name, str) else "",
        ref_name if isinstance(ref_name, str) else "",
    )
