"""The archive, byte by byte, before there is a byte of it: where each blob will lie.

Manifests tell the size of every blob, so the place of each in the finished tarball is known before
the first is fetched. Blobs are written straight to their places, by several threads and in any
order: nothing is kept twice on the way, and the size of the file is exact.

The file is that of `eksctl anywhere download images`: charts and package bundles as files,
`images.tar` and `tools-image.tar` as `docker load` takes them. Both are OCI layouts at the same
time, as docker writes them since release 25, but with the manifests and the compressed layers of
upstream. `oci-artifacts.tar`, which eksctl passes over, holds the manifests of charts and package
bundles.
"""

import tarfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from core.archive.charts import chart_file_name
from core.archive.layout import AS_PUBLISHED, FULL_NAME, REF_NAME, blob_name
from core.eksa import PACKAGE_BUNDLES
from core.fetch.platforms import fits
from core.fetch.resolve import Resolved
from core.oci import OCI_INDEX, Manifest, Platform, canonical_json, digest_of
from core.reference import Kind

IMAGES, TOOLS, ARTIFACTS = "images.tar", "tools-image.tar", "oci-artifacts.tar"

_BLOCK = 512
_END = bytes(2 * _BLOCK)
_DOCKER_PLATFORM = (Platform("linux", "amd64"),)
"""docker load takes one platform of each image: that of the clusters' nodes, where there is it."""


@dataclass(frozen=True, slots=True)
class _Slot:
    """Room for a blob."""

    digest: str
    size: int


_Part = bytes | _Slot


@dataclass(frozen=True, slots=True)
class Shape:
    """The finished file.

    Attributes:
        size: bytes in all.
        fixed: offset and content of all that is no blob.
        places: digest of a blob to the offsets where it lies, at least one.
        sizes: digest of a blob to its bytes.
    """

    size: int
    fixed: tuple[tuple[int, bytes], ...] = field(repr=False)
    places: dict[str, tuple[int, ...]] = field(repr=False)
    sizes: dict[str, int] = field(repr=False)

    @property
    def fetched(self) -> int:
        """Bytes of all distinct blobs: what comes over the network."""
        return sum(self.sizes.values())

    @property
    def fingerprint(self) -> str:
        """A digest that is the same for the same file."""
        fixed = [[offset, digest_of(content)] for offset, content in self.fixed]
        return digest_of(canonical_json([self.size, fixed, self.places]))


def shape_of(artifacts: Sequence[Resolved], tools: str) -> Shape:
    """Lay the archive out.

    Args:
        artifacts: what goes into it.
        tools: reference of the image that eksctl loads first; empty where there is none.
    """
    images = [one for one in artifacts if one.artifact.kind is Kind.IMAGE]
    first = [one for one in images if str(one.artifact.reference) == tools]
    others = [one for one in images if str(one.artifact.reference) != tools]
    files = [one for one in artifacts if one.artifact.kind is not Kind.IMAGE]
    parts: list[_Part] = []
    for name, slot in sorted(_files(files).items()):
        parts += _entry(name, slot.size, [slot])
    for name, group in ((ARTIFACTS, files), (IMAGES, others), (TOOLS, first)):
        if group:
            nested = list(_layout(group))
            parts += _entry(name, _size(nested), nested)
    parts.append(_END)
    return _placed(parts)


def _files(artifacts: Iterable[Resolved]) -> dict[str, _Slot]:
    """Charts and package bundles under the names that eksctl looks for."""
    found = {}
    for one in artifacts:
        reference = one.artifact.reference
        is_chart = one.artifact.kind is Kind.CHART
        name = f"{PACKAGE_BUNDLES}-{reference.tag}.yaml"
        if is_chart:
            name = chart_file_name(reference.tagged(reference.tag))
        if layers := one.taken[0].layers:
            found[name] = _Slot(layers[0].digest, layers[0].size)
    return found


def _layout(artifacts: Sequence[Resolved]) -> Iterator[_Part]:
    """The tarball of an OCI layout that docker load takes, too."""
    yield from _file("oci-layout", canonical_json({"imageLayoutVersion": "1.0.0"}))
    yield from _file("index.json", canonical_json(_index(artifacts)))
    saved = [_saved(one) for one in artifacts if one.artifact.kind is Kind.IMAGE]
    if saved:
        yield from _file("manifest.json", canonical_json(saved))
    manifests = {one.digest: one for item in artifacts for one in item.manifests()}
    for digest in sorted(manifests):
        yield from _file(blob_name(digest), manifests[digest].content)
    blobs = {blob.digest: blob.size for item in artifacts for blob in item.blobs()}
    for digest in sorted(blobs.keys() - manifests.keys()):
        yield from _entry(blob_name(digest), blobs[digest], [_Slot(digest, blobs[digest])])
    yield _END


def _index(artifacts: Iterable[Resolved]) -> dict[str, object]:
    return {
        "schemaVersion": 2,
        "mediaType": OCI_INDEX,
        "manifests": [_listed(one) for one in artifacts],
        "annotations": {AS_PUBLISHED: "true"},
    }


def _listed(one: Resolved) -> dict[str, object]:
    reference = one.artifact.reference
    names = {FULL_NAME: str(reference)}
    if reference.tag:
        names[REF_NAME] = reference.tag
    return {
        "mediaType": one.root.media_type,
        "digest": one.root.digest,
        "size": len(one.root.content),
        "annotations": names,
    }


def _saved(one: Resolved) -> dict[str, object]:
    """The image for docker load; a digest becomes the tag by which eksctl calls it."""
    reference = one.artifact.reference
    tag = reference.tag or reference.digest.partition(":")[2]
    manifest = _for_docker(one)
    return {
        "Config": blob_name(manifest.blobs[0].digest),
        "RepoTags": [f"{reference.registry}/{reference.repository}:{tag}"],
        "Layers": [blob_name(layer.digest) for layer in manifest.layers],
    }


def _for_docker(one: Resolved) -> Manifest:
    suits = (m for m in one.taken if fits(one.platforms.get(m.digest), _DOCKER_PLATFORM))
    return next(suits, one.taken[0])


def _file(name: str, content: bytes) -> list[_Part]:
    return _entry(name, len(content), [content])


def _entry(name: str, size: int, content: Sequence[_Part]) -> list[_Part]:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o644
    return [info.tobuf(tarfile.GNU_FORMAT), *content, bytes(-size % _BLOCK)]


def _size(parts: Iterable[_Part]) -> int:
    return sum(len(part) if isinstance(part, bytes) else part.size for part in parts)


def _placed(parts: Iterable[_Part]) -> Shape:
    offset = 0
    fixed: list[tuple[int, bytes]] = []
    places: dict[str, list[int]] = {}
    sizes: dict[str, int] = {}
    for part in parts:
        if isinstance(part, bytes):
            fixed.append((offset, part))
            offset += len(part)
        else:
            places.setdefault(part.digest, []).append(offset)
            sizes[part.digest] = part.size
            offset += part.size
    return Shape(
        offset, tuple(fixed), {digest: tuple(found) for digest, found in places.items()}, sizes
    )
