"""Compressing layers on the way out, to the same bytes on every run.

A layer's digest in the mirror is that of its compressed form. Were it to change between two runs,
nothing that was sent could be found again; so codec, level and block size are part of a job, and
no time stamp goes into the header.
"""

import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from isal import isal_zlib

from core.errors import Code, UsageError
from core.oci import DOCKER_LAYER, DOCKER_LAYER_GZIP, OCI_LAYER, OCI_LAYER_GZIP

_GZIP_WINDOW = 31
_ISAL_LEVELS = range(4)
_MEDIA_TYPES = {
    "gzip": (DOCKER_LAYER_GZIP, OCI_LAYER_GZIP),
    "none": (DOCKER_LAYER, OCI_LAYER),
}
"""How docker and OCI name a layer of each codec."""


class _Compressor(Protocol):
    def compress(self, data: bytes, /) -> bytes: ...

    def flush(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Compression:
    """How uncompressed layers are sent.

    Attributes:
        codec: `gzip` or `none`.
        level: of the codec. gzip 0 to 3 is done by isal (many times faster than zlib and as small
            at these levels), 4 to 9 by zlib.
    """

    codec: str = "gzip"
    level: int = 1

    @classmethod
    def parse(cls, text: str) -> "Compression":
        """Read `gzip`, `gzip:LEVEL` or `none`.

        Raises:
            UsageError: anything else.
        """
        if text == "none":
            return cls("none", 0)
        if found := re.fullmatch(r"gzip(?::([0-9]))?", text):
            return cls("gzip", int(found[1] or 1))
        raise UsageError(
            Code.BAD_USAGE,
            f"“{text}” is not a compression.",
            where="--compression",
            mend="Use gzip:0 to gzip:9, or none.",
        )

    @property
    def media_type(self) -> str:
        """Media type of a layer that was sent this way."""
        return _MEDIA_TYPES[self.codec][0]

    def makes(self, media_type: str) -> bool:
        """Whether a layer of that type could have been made this way, whoever made it."""
        return media_type in _MEDIA_TYPES[self.codec]

    def apply(self, blocks: Iterable[bytes]) -> Iterator[bytes]:
        """The compressed form of `blocks`, in pieces of whatever size."""
        if self.codec == "none":
            yield from blocks
            return
        compressor = self._compressor()
        for block in blocks:
            if piece := compressor.compress(block):
                yield piece
        yield compressor.flush()

    def _compressor(self) -> _Compressor:
        if self.level in _ISAL_LEVELS:
            compressor: _Compressor = isal_zlib.compressobj(self.level, wbits=_GZIP_WINDOW)
            return compressor
        return zlib.compressobj(self.level, wbits=_GZIP_WINDOW)

    def __str__(self) -> str:
        return "none" if self.codec == "none" else f"{self.codec}:{self.level}"
