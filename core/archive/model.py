"""What an archive gives: artifacts, and the blobs that they are made of, read by offset.

Everything here is immutable and may be used from several threads at once.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from core.oci import Platform
from core.reference import Kind, Reference

BLOCK = 1024 * 1024
"""Bytes read at a time; large enough that hashing and compressing release the interpreter lock."""


class RandomAccess(Protocol):
    """Bytes that can be read at any offset from any thread."""

    @property
    def size(self) -> int:
        """Length in bytes."""
        ...

    def read_at(self, offset: int, length: int) -> bytes:
        """Exactly `length` bytes from `offset`.

        Raises:
            ArchiveError: `archive-truncated` where fewer are there, `archive-unreadable` where the
                disk gives an error.
        """
        ...


@dataclass(frozen=True, slots=True)
class Blob:
    """A piece of content that an archive holds.

    Attributes:
        digest: sha256 of the bytes as they are stored. For an uncompressed layer this is its diff
            ID. It is what the manifest or config *says*; whoever reads all bytes compares.
        size: bytes as stored.
        media_type: as stored.
        entry: where it lies, in words for messages: `images.tar: 3f9a…/layer.tar`.
        source: the bytes that hold it.
        offset: where it begins in `source`.
        compressible: an uncompressed layer of `docker save`, compressed on the way out; all else
            goes through byte for byte.
    """

    digest: str
    size: int
    media_type: str
    entry: str
    source: RandomAccess = field(repr=False, compare=False)
    offset: int = 0
    compressible: bool = False

    def descriptor(self) -> dict[str, str | int]:
        """Its descriptor as a manifest lists it, ready for JSON."""
        return {"mediaType": self.media_type, "digest": self.digest, "size": self.size}

    def read_all(self) -> bytes:
        """The whole content; for configs, charts and other small blobs."""
        return self.source.read_at(self.offset, self.size)

    def blocks(self, block: int = BLOCK) -> Iterator[bytes]:
        """The content in pieces of `block` bytes, the last one shorter."""
        for start in range(0, self.size, block):
            yield self.source.read_at(self.offset + start, min(block, self.size - start))


@dataclass(frozen=True, slots=True)
class ReadyManifest:
    """A manifest or index that goes to the registry byte for byte.

    Attributes:
        digest: of `content`.
        media_type: what the registry is told.
        content: the exact bytes.
        blobs: config and layers, in manifest order; empty for an index.
        children: the manifests that an index lists, pushed before it; empty for a manifest.
    """

    digest: str
    media_type: str
    content: bytes = field(repr=False)
    blobs: tuple[Blob, ...] = ()
    children: tuple["ReadyManifest", ...] = ()

    def all_blobs(self) -> Iterator[Blob]:
        """Every blob below, children first; one that is listed twice comes twice."""
        for child in self.children:
            yield from child.all_blobs()
        yield from self.blobs


@dataclass(frozen=True, slots=True)
class ImageParts:
    """An image of `docker save`: its manifest can only be made once its layers are compressed.

    Attributes:
        config: the image's config, byte for byte.
        layers: uncompressed layers, lowest first, one for each diff ID of the config.
    """

    config: Blob
    layers: tuple[Blob, ...]

    def all_blobs(self) -> Iterator[Blob]:
        """The config and every layer; a layer that is used twice comes twice."""
        yield self.config
        yield from self.layers


@dataclass(frozen=True, slots=True)
class StoredArtifact:
    """An artifact as an archive holds it.

    Attributes:
        kind: image, chart or package bundle.
        name: its name in the archive, for people: a reference, or a file name.
        references: upstream references under which the archive knows it; empty for charts, whose
            file names do not tell where they come from.
        content: what is pushed.
        platforms: for images, the platforms that are really there.
        chart_name: name in Chart.yaml; charts only.
        chart_version: version in Chart.yaml; charts only.
    """

    kind: Kind
    name: str
    references: tuple[Reference, ...]
    content: ReadyManifest | ImageParts
    platforms: tuple[Platform, ...] = ()
    chart_name: str = ""
    chart_version: str = ""

    @property
    def size(self) -> int:
        """Bytes of its distinct blobs as stored."""
        return sum({blob.digest: blob.size for blob in self.content.all_blobs()}.values())
