"""Compressing layers on the way out, to the same bytes on every run.

A layer's digest in the mirror is that of its compressed form. Were it to change between two runs,
nothing that was sent could be found again; so codec, level and the sizes of blocks and pieces are
part of a job, and no time stamp goes into the header.
"""

import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

from isal import isal_zlib
from zlib_ng import zlib_ng

from core.errors import Code, UsageError
from core.oci import (
    DOCKER_CONFIG,
    DOCKER_LAYER,
    DOCKER_LAYER_GZIP,
    DOCKER_MANIFEST,
    OCI_CONFIG,
    OCI_LAYER,
    OCI_LAYER_GZIP,
    OCI_LAYER_ZSTD,
    OCI_MANIFEST,
)
from core.transfer.pieces import HELPERS, PIECE, pieces_of

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

LARGE = 64 * 1024 * 1024
"""Bytes of a layer as stored above which it is compressed in pieces."""

_PIECES = {"gzip": PIECE, "zstd": 2 * PIECE}
"""Bytes of a piece as stored. What it begins with finds nothing before it that it could repeat: a
layer of programs grows by 0.1 % with gzip in pieces of 2 MiB. zstd looks back farther and loses
more, zstd:6 1.9 % in pieces of 2 MiB and 0.9 % in pieces of 4."""

_GZIP_WINDOW = 31
_ISAL_LEVELS = range(4)

_FORMS = "gzip:0 to gzip:9, zstd:1 to zstd:9, auto, zstd:auto, or none"
_FORM = re.compile(
    r"(?P<none>none)|(?P<auto>auto)|gzip(?::(?P<gzip>[0-9]))?"
    r"|zstd(?::(?P<zstd>auto|[1-9]))?"
)


class _Names(NamedTuple):
    """What an image is called whose layers have a codec.

    Attributes:
        manifest: media type of its manifest.
        config: of its config.
        layers: of its layers; the first is ours, the others are made by others.
    """

    manifest: str
    config: str
    layers: tuple[str, ...]


_NAMES = {
    "gzip": _Names(DOCKER_MANIFEST, DOCKER_CONFIG, (DOCKER_LAYER_GZIP, OCI_LAYER_GZIP)),
    "none": _Names(DOCKER_MANIFEST, DOCKER_CONFIG, (DOCKER_LAYER, OCI_LAYER)),
    # Docker's own formats know no zstd: such an image is an OCI image. The config is the same.
    "zstd": _Names(OCI_MANIFEST, OCI_CONFIG, (OCI_LAYER_ZSTD,)),
}

_BY_RATE = {"gzip": ((15e6, 6),), "zstd": ((12e6, 6), (45e6, 3))}
"""Up to so many bytes a second for each core a level pays; on faster links level 1 does.

A core compresses about 420 MB/s to 0.38 with gzip:1 and 67 MB/s to 0.34 with gzip:6: the better one
wins only where the link takes longer than the cores do.
"""


class _Compressor(Protocol):
    def compress(self, data: bytes, /) -> bytes: ...

    def flush(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Compression:
    """How uncompressed layers are sent.

    Attributes:
        codec: `gzip`, `zstd` or `none`.
        level: of the codec. gzip 0 to 3 is done by isal (many times faster than zlib), 4 to 9 by
            zlib-ng.
        auto: the level holds until the rate of the link is known; then `decided` tells another.
    """

    codec: str = "gzip"
    level: int = 1
    auto: bool = False

    @classmethod
    def parse(cls, text: str) -> "Compression":
        """Read `gzip`, `gzip:LEVEL`, `zstd`, `zstd:LEVEL`, `auto`, `zstd:auto` or `none`.

        Raises:
            UsageError: anything else.
        """
        found = _FORM.fullmatch(text)
        if found is None:
            raise UsageError(
                Code.BAD_USAGE,
                f"“{text}” is not a compression.",
                where="--compression",
                mend=f"Use {_FORMS}.",
            )
        if found["none"]:
            return cls("none", 0)
        if found["auto"] or found["zstd"] == "auto":
            return cls("gzip" if found["auto"] else "zstd", 1, auto=True)
        if text.startswith("gzip"):
            return cls("gzip", int(found["gzip"] or 1))
        return cls("zstd", int(found["zstd"] or 3))

    def decided(self, rate: float, cores: int) -> "Compression":
        """What suits a link; itself where it was chosen on purpose.

        Args:
            rate: bytes a second that the registry takes.
            cores: that compress.
        """
        if not self.auto:
            return self
        fitting = (level for most, level in _BY_RATE[self.codec] if rate <= most * cores)
        return replace(self, level=next(fitting, 1), auto=False)

    @property
    def media_type(self) -> str:
        """Media type of a layer that was sent this way."""
        return _NAMES[self.codec].layers[0]

    @property
    def manifest_type(self) -> str:
        """Media type of the manifest of an image with such layers."""
        return _NAMES[self.codec].manifest

    @property
    def config_type(self) -> str:
        """Media type of the config of such an image."""
        return _NAMES[self.codec].config

    def makes(self, media_type: str) -> bool:
        """Whether a layer of that type could have been made this way, whoever made it."""
        return media_type in _NAMES[self.codec].layers

    def apply(self, blocks: Iterable[bytes], size: int = 0) -> Iterator[bytes]:
        """The compressed form of `blocks`, in parts of whatever size.

        A large layer becomes several gzip members, or zstd frames, one after the other, which all
        cores make; where they are cut depends on nothing but the blocks.

        Args:
            size: of all blocks together, bytes; where it is not told they are no large layer.
        """
        if self.codec == "none":
            yield from blocks
        elif size > LARGE:
            for parts in HELPERS.each(self._whole, pieces_of(blocks, _PIECES[self.codec])):
                yield from parts
        else:
            yield from self._stream(blocks)

    def _whole(self, blocks: Iterable[bytes]) -> list[bytes]:
        return list(self._stream(blocks))

    def _stream(self, blocks: Iterable[bytes]) -> Iterator[bytes]:
        compressor = self._compressor()
        for block in blocks:
            if part := compressor.compress(block):
                yield part
        yield compressor.flush()

    def _compressor(self) -> _Compressor:
        if self.codec == "zstd":
            return zstd.ZstdCompressor(self.level)
        if self.level in _ISAL_LEVELS:
            compressor: _Compressor = isal_zlib.compressobj(self.level, wbits=_GZIP_WINDOW)
            return compressor
        return zlib_ng.compressobj(self.level, wbits=_GZIP_WINDOW)

    def __str__(self) -> str:
        if self.auto:
            return "auto" if self.codec == "gzip" else f"{self.codec}:auto"
        return "none" if self.codec == "none" else f"{self.codec}:{self.level}"
