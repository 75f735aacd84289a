"""Compression: the same bytes on every run, and names that cannot be misunderstood."""

import gzip
import sys
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Code, UsageError
from core.oci import (
    DOCKER_CONFIG,
    DOCKER_LAYER,
    DOCKER_LAYER_GZIP,
    DOCKER_LAYER_ZSTD,
    DOCKER_MANIFEST,
    OCI_CONFIG,
    OCI_LAYER,
    OCI_LAYER_GZIP,
    OCI_LAYER_ZSTD,
    OCI_MANIFEST,
)
from core.transfer.compression import LARGE, Compression
from core.transfer.pieces import PIECE
from tests.core.transfer.making import joined, noise

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

LEVELS = [Compression("gzip", level) for level in range(10)]
ZSTD = [Compression("zstd", level) for level in range(1, 10)]
UNPACKING: dict[str, Callable[[bytes], bytes]] = {
    "gzip:1": gzip.decompress,
    "gzip:5": gzip.decompress,
    "zstd:3": zstd.decompress,
    "none": bytes,
}
CONTENT = noise("content", 40_000) + b"text that comes again and again. " * 5_000


def blocks(content: bytes, size: int = 30_000) -> list[bytes]:
    return [content[start : start + size] for start in range(0, len(content), size)]


@pytest.mark.parametrize("compression", LEVELS, ids=str)
def test_it_is_gzip_and_the_same_on_every_run(compression: Compression) -> None:
    first, second = (joined(compression.apply(blocks(CONTENT))) for _ in range(2))
    assert first == second
    assert gzip.decompress(first) == CONTENT


@pytest.mark.parametrize("compression", LEVELS, ids=str)
def test_no_time_and_no_name_stand_in_the_header(compression: Compression) -> None:
    header = joined(compression.apply(blocks(CONTENT)))[:10]
    assert header[:3] == b"\x1f\x8b\x08"
    assert header[3] == 0, "flags for a name or a comment"
    assert header[4:8] == b"\0\0\0\0", "the time"


@pytest.mark.parametrize("compression", ZSTD, ids=str)
def test_it_is_zstd_and_the_same_however_it_is_cut(compression: Compression) -> None:
    first, second = (joined(compression.apply(blocks(CONTENT, size))) for size in (30_000, 70_001))
    assert first == second
    assert zstd.decompress(first) == CONTENT


@pytest.mark.parametrize(
    ("compression", "mark", "unpack", "length"),
    [
        (Compression("gzip", 1), b"\x1f\x8b\x08\0\0\0\0\0", gzip.decompress, PIECE),
        (Compression("gzip", 6), b"\x1f\x8b\x08\0\0\0\0\0", gzip.decompress, PIECE),
        (Compression("zstd", 1), b"\x28\xb5\x2f\xfd", zstd.decompress, 2 * PIECE),
    ],
    ids=["gzip:1", "gzip:6", "zstd:1"],
)
def test_a_large_layer_is_several_members_that_are_one_content(
    compression: Compression, mark: bytes, unpack: Callable[[bytes], bytes], length: int
) -> None:
    block = noise("large", 2**16) + bytes(2**20 - 2**16)
    given_blocks = [block] * (LARGE // 2**20 + 1)
    size = LARGE + 2**20

    whole = joined(compression.apply(given_blocks, size))

    assert whole.count(mark) == -(-size // length)
    assert unpack(whole) == block * len(given_blocks)
    each = length // 2**20
    pieces = [given_blocks[at : at + each] for at in range(0, len(given_blocks), each)]
    assert whole == joined(joined(compression.apply(piece)) for piece in pieces)


def test_a_layer_of_just_that_size_stays_in_one_piece() -> None:
    whole = joined(Compression("gzip", 0).apply([bytes(2**20)] * 64, LARGE))
    member = zlib.decompressobj(wbits=31)
    assert len(member.decompress(whole)) == LARGE
    assert not member.unused_data


@given(content=st.binary(max_size=3_000), size=st.integers(1, 4_000))
def test_nothing_is_lost_whatever_the_blocks(content: bytes, size: int) -> None:
    for name, unpack in UNPACKING.items():
        out = joined(Compression.parse(name).apply(blocks(content, size)))
        assert unpack(out) == content


def test_none_passes_the_very_blocks_through() -> None:
    given_blocks = blocks(CONTENT)
    assert list(Compression("none", 0).apply(given_blocks)) == given_blocks


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("gzip", Compression("gzip", 1)),
        ("gzip:0", Compression("gzip", 0)),
        ("gzip:9", Compression("gzip", 9)),
        ("none", Compression("none", 0)),
        ("zstd", Compression("zstd", 3)),
        ("zstd:1", Compression("zstd", 1)),
        ("zstd:9", Compression("zstd", 9)),
        ("auto", Compression("gzip", 1, auto=True)),
        ("zstd:auto", Compression("zstd", 1, auto=True)),
    ],
)
def test_names_are_read(text: str, expected: Compression) -> None:
    assert Compression.parse(text) == expected
    assert Compression.parse(str(expected)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "gzip:",
        "gzip:10",
        "gzip:-1",
        "gzip:²",
        "gzip:٣",
        "gzip:1 ",
        "GZIP",
        "gzip:auto",
        "none:1",
        "auto:1",
        "zstd:",
        "zstd:0",
        "zstd:10",
        "zstd:auto ",
        "lzma",
    ],
)
def test_other_names_are_refused_with_the_flag(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        Compression.parse(text)
    assert caught.value.code is Code.BAD_USAGE
    assert caught.value.where == "--compression"
    assert "gzip:0 to gzip:9" in caught.value.mend


def test_media_types_are_those_of_docker_and_layers_of_others_are_told_apart() -> None:
    packed, plain = Compression("gzip", 6), Compression("none", 0)
    assert packed.media_type == DOCKER_LAYER_GZIP
    assert plain.media_type == DOCKER_LAYER
    assert all(map(packed.makes, (DOCKER_LAYER_GZIP, OCI_LAYER_GZIP)))
    assert not any(map(packed.makes, (DOCKER_LAYER, OCI_LAYER, DOCKER_LAYER_ZSTD)))
    assert all(map(plain.makes, (DOCKER_LAYER, OCI_LAYER)))
    assert {packed.manifest_type, plain.manifest_type} == {DOCKER_MANIFEST}
    assert {packed.config_type, plain.config_type} == {DOCKER_CONFIG}


def test_an_image_with_zstd_is_one_of_oci() -> None:
    tight = Compression("zstd", 3)
    assert tight.media_type == OCI_LAYER_ZSTD
    assert (tight.manifest_type, tight.config_type) == (OCI_MANIFEST, OCI_CONFIG)
    assert tight.makes(OCI_LAYER_ZSTD)
    # In a manifest of OCI a layer with docker's media type would be none.
    assert not any(map(tight.makes, (DOCKER_LAYER_ZSTD, DOCKER_LAYER_GZIP, OCI_LAYER)))


@pytest.mark.parametrize(
    ("asked", "rate", "cores", "chosen"),
    [
        ("auto", 12.5e6, 1, "gzip:6"),
        ("auto", 25e6, 2, "gzip:6"),
        ("auto", 30e6, 2, "gzip:6"),
        ("auto", 31e6, 2, "gzip:1"),
        ("auto", 100e6, 8, "gzip:6"),
        ("zstd:auto", 24e6, 2, "zstd:6"),
        ("zstd:auto", 25e6, 2, "zstd:3"),
        ("zstd:auto", 90e6, 2, "zstd:3"),
        ("zstd:auto", 91e6, 2, "zstd:1"),
        ("gzip:9", 1e9, 2, "gzip:9"),
        ("none", 1e3, 2, "none"),
    ],
)
def test_the_slower_the_link_the_stronger_the_codec(
    asked: str, rate: float, cores: int, chosen: str
) -> None:
    assert str(Compression.parse(asked).decided(rate, cores)) == chosen
