"""Bytes that are made when they are asked for, and tars that are made of them.

A sample archive may be larger than memory. So nothing is built: a piece of content knows its size
and how to make its bytes, block by block, as often as needed, always the same.
"""

import hashlib
import string
import struct
import tarfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

BLOCK = 1024 * 1024
MTIME = 1_785_000_000
"""Time of every entry, in seconds since 1970; fixed, so that the same sample is the same bytes."""

_TAR_BLOCK = 512
_TAR_END = bytes(2 * _TAR_BLOCK)
_WORDS = 1024
_LONGEST_WORD = 16
_TEXT_WORDS = 64 * 1024
_LETTERS = bytes(ord(string.ascii_letters[index % 52]) for index in range(256))
_STRETCH = 4096
_NOISE_IN_STRETCH = 480


@dataclass(frozen=True, slots=True)
class Content:
    """Bytes of known length.

    Attributes:
        size: length in bytes.
        blocks: makes the bytes from the start, in pieces of any length.
    """

    size: int
    blocks: Callable[[], Iterator[bytes]]

    @classmethod
    def of(cls, data: bytes) -> "Content":
        """Bytes that are there already."""
        return cls(len(data), lambda: iter((data,)))

    def digest(self) -> str:
        """`sha256:` and the hash of all bytes in hex; makes every byte once."""
        digest = hashlib.sha256()
        for block in self.blocks():
            digest.update(block)
        return "sha256:" + digest.hexdigest()


Fill = Callable[[str, int], Content]
"""Makes the content of a file from a name, which is its own, and its length in bytes."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a tar: a file, or a folder (name ends with /), or a symlink (has a target)."""

    name: str
    content: Content | None = None
    target: str = ""
    executable: bool = False

    def header(self) -> bytes:
        """The header blocks, extended ones included."""
        info = tarfile.TarInfo(self.name.rstrip("/"))
        info.mtime = MTIME
        info.mode = 0o755 if self.executable or self.content is None else 0o644
        info.size = self.content.size if self.content else 0
        if self.target:
            info.type, info.linkname = tarfile.SYMTYPE, self.target
        elif self.content is None:
            info.type = tarfile.DIRTYPE
        return info.tobuf(tarfile.PAX_FORMAT)


def tar_of(entries: Sequence[Entry]) -> Content:
    """A tar of `entries`, in their order, ended by two empty blocks as Go's writer does."""
    kept = tuple(entries)
    size = sum(len(entry.header()) + _padded(entry) for entry in kept) + len(_TAR_END)
    return Content(size, lambda: _tar_blocks(kept))


def _padded(entry: Entry) -> int:
    size = entry.content.size if entry.content else 0
    return size + -size % _TAR_BLOCK


def _tar_blocks(entries: Sequence[Entry]) -> Iterator[bytes]:
    for entry in entries:
        yield entry.header()
        if entry.content:
            yield from entry.content.blocks()
            yield bytes(-entry.content.size % _TAR_BLOCK)
    yield _TAR_END


def program_like(name: str, size: int) -> Content:
    """Bytes that compress about as well as the files of an image do (gzip to 0.35-0.4).

    Args:
        name: decides the bytes; another name gives other bytes.
        size: length in bytes.
    """
    return Content(size, lambda: _program_blocks(name, size))


def _program_blocks(name: str, size: int) -> Iterator[bytes]:
    for start in range(0, size, BLOCK):
        yield _program_block(f"{name}/{start}", min(BLOCK, size - start))


def _program_block(name: str, size: int) -> bytes:
    """Stretches of text from one pool, each with noise of its own behind."""
    text = _text()
    stretches = -(-size // _STRETCH)
    noise = _noise(name, stretches * _NOISE_IN_STRETCH)
    length = _STRETCH - _NOISE_IN_STRETCH
    pieces = []
    for start in range(0, len(noise), _NOISE_IN_STRETCH):
        offset = int.from_bytes(noise[start : start + 4], "big") % (len(text) - length)
        pieces.append(text[offset : offset + length])
        pieces.append(noise[start : start + _NOISE_IN_STRETCH])
    return b"".join(pieces)[:size]


@cache
def _text() -> bytes:
    """Words in no order, of letters in no order; made once."""
    letters = _noise("letters", _WORDS * _LONGEST_WORD).translate(_LETTERS)
    words = [
        letters[start : start + 3 + letters[start] % (_LONGEST_WORD - 3)]
        for start in range(0, len(letters), _LONGEST_WORD)
    ]
    picks = struct.unpack(f"<{_TEXT_WORDS}H", _noise("text", 2 * _TEXT_WORDS))
    return b" ".join(words[pick % _WORDS] for pick in picks)


def _noise(name: str, size: int) -> bytes:
    return hashlib.shake_128(name.encode()).digest(size)
