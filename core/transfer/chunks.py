"""A blob on its way out: read, checked, compressed, hashed, cut into chunks of a known length."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from core.archive.model import Blob
from core.errors import ArchiveError, Code
from core.transfer.compression import Compression


@dataclass(frozen=True, slots=True)
class Chunk:
    """Consecutive bytes of what is sent.

    Attributes:
        offset: of the first byte in what is sent.
        length: bytes.
        pieces: the bytes.
        begin: bytes of the stored blob that were read before the first byte of this chunk came out.
        end: after the last.
        digest: of all that is sent; empty in every chunk but the last.
    """

    offset: int
    length: int
    pieces: tuple[bytes, ...] = field(repr=False)
    begin: int
    end: int
    digest: str = ""

    @property
    def is_last(self) -> bool:
        """Whether the blob ends here."""
        return bool(self.digest)

    @property
    def total(self) -> int:
        """Bytes sent when this chunk has arrived."""
        return self.offset + self.length

    def part(self, offset: int, longest: int) -> "Chunk":
        """The bytes from `offset` on, at most `longest`; the digest goes with the end.

        Args:
            offset: within this chunk, counted from the beginning of what is sent.
        """
        skip = offset - self.offset
        length = min(longest, self.length - skip)
        ends = skip + length == self.length
        share = (self.end - self.begin) / max(1, self.length)
        return Chunk(
            offset,
            length,
            tuple(_cut(self.pieces, skip, length)),
            self.begin + round(share * skip),
            self.begin + round(share * (skip + length)),
            self.digest if ends else "",
        )


class Outgoing(Protocol):
    """What a blob becomes on its way out; it can be gone through once."""

    @property
    def position(self) -> int:
        """Bytes of the stored blob that were read for what came out so far."""
        ...

    @property
    def digest(self) -> str:
        """Of all that came out, once it has."""
        ...

    def blocks(self) -> Iterator[bytes]:
        """All of it, in parts of whatever size.

        Raises:
            ArchiveError: `archive-damaged` where the content is not what its digest says; nobody
                has seen its end then.
        """
        ...

    def close(self) -> None:
        """No more is wanted; may be called from another thread than the one that goes through."""


def outgoing(blob: Blob, compression: Compression) -> Outgoing:
    """Read a blob; what is compressible is compressed, all else goes through byte for byte."""
    reader = _Reader(blob)
    return _Compressed(reader, compression) if blob.compressible else reader


def chunks(
    blob: Blob,
    compression: Compression,
    size: Callable[[], int],
    skip: int = 0,
) -> Iterator[Chunk]:
    """Read a blob and cut what it becomes into chunks: see `cut`."""
    return cut(outgoing(blob, compression), blob.size, size, skip)


def cut(source: Outgoing, stored: int, size: Callable[[], int], skip: int = 0) -> Iterator[Chunk]:
    """Cut what a blob becomes into chunks, from byte `skip` on.

    All of the blob is read, also what is skipped: the hashes need it, and what comes out is the
    same on every run. The last chunk, which may be empty, holds the digest.

    Args:
        stored: bytes of the blob as stored.
        size: bytes of the next chunk; asked each time, because a proxy may force it down.

    Raises:
        ArchiveError: `archive-damaged` where the content is not what its digest says, before the
            last chunk is given.
    """
    held: list[bytes] = []
    offset = length = begin = 0
    wanted = size()
    for piece in source.blocks():
        before, offset = offset, offset + len(piece)
        if offset <= skip:
            begin = source.position
            continue
        held.append(piece[max(0, skip - before) :])
        length += len(held[-1])
        # One byte is kept back at least, so that the last chunk is never empty without need.
        while length > wanted:
            start = offset - length
            yield Chunk(start, wanted, tuple(_cut(held, 0, wanted)), begin, source.position)
            held = list(_cut(held, wanted, length - wanted))
            length, begin, wanted = length - wanted, source.position, size()
    yield Chunk(offset - length, length, tuple(held), begin, stored, source.digest)


class _Reader:
    """Reads a blob and compares it with what the archive says of it."""

    def __init__(self, blob: Blob) -> None:
        self._blob = blob
        self._hasher = hashlib.sha256()
        self.position = 0

    def blocks(self) -> Iterator[bytes]:
        for block in self._blob.blocks():
            self._hasher.update(block)
            self.position += len(block)
            yield block
        self._check()

    def close(self) -> None:
        """Nothing is held."""

    @property
    def size(self) -> int:
        """Bytes of the blob as stored."""
        return self._blob.size

    @property
    def digest(self) -> str:
        """Of what was read."""
        return f"sha256:{self._hasher.hexdigest()}"

    def _check(self) -> None:
        if self.digest != self._blob.digest:
            raise ArchiveError(
                Code.ARCHIVE_DAMAGED,
                f"The content should have the digest {self._blob.digest}, but has {self.digest}.",
                where=self._blob.entry,
            )


class _Compressed:
    """What comes out of a reader when it is compressed."""

    def __init__(self, reader: _Reader, compression: Compression) -> None:
        self._reader = reader
        self._compression = compression
        self._hasher = hashlib.sha256()

    def blocks(self) -> Iterator[bytes]:
        for block in self._compression.apply(self._reader.blocks(), self._reader.size):
            self._hasher.update(block)
            yield block

    def close(self) -> None:
        """Nothing is held."""

    @property
    def position(self) -> int:
        """Of the reader."""
        return self._reader.position

    @property
    def digest(self) -> str:
        """Of what came out."""
        return f"sha256:{self._hasher.hexdigest()}"


def _cut(pieces: list[bytes] | tuple[bytes, ...], skip: int, length: int) -> Iterator[bytes]:
    """`length` bytes of `pieces` after the first `skip`; whole pieces are not copied."""
    for piece in pieces:
        if skip >= len(piece):
            skip -= len(piece)
            continue
        part = piece[skip : skip + length]
        skip, length = 0, length - len(part)
        if part:
            yield part
        if length <= 0:
            return
