"""Compression: the same bytes on every run, and names that cannot be misunderstood."""

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Code, UsageError
from core.oci import (
    DOCKER_LAYER,
    DOCKER_LAYER_GZIP,
    DOCKER_LAYER_ZSTD,
    OCI_LAYER,
    OCI_LAYER_GZIP,
)
from core.transfer.compression import Compression
from tests.core.transfer.making import joined, noise

LEVELS = [Compression("gzip", level) for level in range(10)]
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


@given(content=st.binary(max_size=3_000), size=st.integers(1, 4_000))
def test_nothing_is_lost_whatever_the_blocks(content: bytes, size: int) -> None:
    for compression in (Compression("gzip", 1), Compression("gzip", 5), Compression("none", 0)):
        out = joined(compression.apply(blocks(content, size)))
        back = out if compression.codec == "none" else zlib.decompress(out, wbits=31)
        assert back == content


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
    ],
)
def test_names_are_read(text: str, expected: Compression) -> None:
    assert Compression.parse(text) == expected
    assert Compression.parse(str(expected)) == expected


@pytest.mark.parametrize(
    "text",
    ["", "zstd", "gzip:", "gzip:10", "gzip:-1", "gzip:²", "gzip:٣", "gzip:1 ", "GZIP", "none:1"],
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
