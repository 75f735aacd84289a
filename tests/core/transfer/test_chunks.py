"""Cutting a blob into chunks: whatever the cuts, what comes out is what was asked for."""

import hashlib
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.archive.model import Blob
from core.errors import ArchiveError, Code
from core.oci import digest_of
from core.transfer.chunks import Chunk, chunks
from core.transfer.compression import LARGE as LARGE_BYTES
from core.transfer.compression import Compression
from core.transfer.pieces import PIECE
from tests.core.transfer.making import GZIP, NONE, CutOff, joined, layer, noise, stored_blob

MIB = 1024 * 1024
LARGE = layer(noise("large", 600_000) * 6)
"""More than one block, so that the compressor gives several pieces."""


def at_once(blob: Blob, compression: Compression) -> bytes:
    """In one piece; only the blocks are those of the archive, which the compressed form shows."""
    return (
        joined(compression.apply(blob.blocks(), blob.size))
        if blob.compressible
        else blob.read_all()
    )


def all_of(blob: Blob, compression: Compression, size: int, skip: int = 0) -> list[Chunk]:
    return list(chunks(blob, compression, lambda: size, skip))


@given(
    content=st.binary(max_size=5_000),
    size=st.integers(1, 6_000),
    skip=st.integers(0, 6_000),
    compressible=st.booleans(),
    compression=st.sampled_from([GZIP, NONE, Compression("gzip", 6)]),
)
def test_all_chunks_together_are_what_compressing_at_once_gives(
    content: bytes, size: int, skip: int, compressible: bool, compression: Compression
) -> None:
    blob = stored_blob(content, compressible=compressible)
    whole = at_once(blob, compression)

    made = all_of(blob, compression, size, skip)

    assert joined(piece for chunk in made for piece in chunk.pieces) == whole[skip:]
    assert [chunk.is_last for chunk in made] == [False] * (len(made) - 1) + [True]
    assert made[-1].digest == digest_of(whole)
    assert made[-1].total == len(whole)
    assert made[0].offset == min(skip, len(whole))
    assert [chunk.offset for chunk in made[1:]] == [chunk.total for chunk in made[:-1]]
    assert all(chunk.length == size for chunk in made[:-1])
    assert all(chunk.length == sum(map(len, chunk.pieces)) for chunk in made)


@settings(deadline=None)  # the content is judged, not the machine
@given(sizes=st.lists(st.integers(1, 900_000), min_size=1, max_size=8), skip=st.integers(0, 10**7))
def test_the_size_of_chunks_may_change_on_the_way(sizes: list[int], skip: int) -> None:
    whole = at_once(LARGE, GZIP)
    wanted = iter(sizes)

    made = list(chunks(LARGE, GZIP, lambda: next(wanted, 2 * MIB), skip))

    assert joined(piece for chunk in made for piece in chunk.pieces) == whole[skip:]
    assert [chunk.length for chunk in made[:-1]] == sizes[: len(made) - 1] + [2 * MIB] * (
        len(made) - 1 - len(sizes)
    )


def test_the_same_bytes_come_out_on_every_run() -> None:
    first, second = (all_of(LARGE, GZIP, 100_000) for _ in range(2))
    assert [chunk.pieces for chunk in first] == [chunk.pieces for chunk in second]


def test_progress_is_told_in_bytes_of_the_stored_blob() -> None:
    made = all_of(LARGE, GZIP, 100_000)
    assert made[0].begin == 0
    assert made[-1].end == LARGE.size
    assert [chunk.begin for chunk in made[1:]] == [chunk.end for chunk in made[:-1]]
    assert all(0 <= chunk.begin <= chunk.end <= LARGE.size for chunk in made)


@pytest.mark.parametrize("compressible", [True, False])
def test_an_empty_blob_is_one_last_chunk(compressible: bool) -> None:
    (only,) = all_of(stored_blob(b"", compressible=compressible), GZIP, 10_000)
    expected = at_once(stored_blob(b"", compressible=compressible), GZIP)
    assert joined(only.pieces) == expected
    assert only.digest == digest_of(expected)


def test_what_is_beyond_the_end_gives_an_empty_chunk_that_tells_where_the_end_is() -> None:
    (only,) = all_of(stored_blob(b"short"), GZIP, 100, skip=1_000)
    assert (only.offset, only.length, only.total) == (5, 0, 5)
    assert only.digest == digest_of(b"short")


def test_a_blob_that_was_sent_but_for_its_end_gives_an_empty_last_chunk() -> None:
    (only,) = all_of(stored_blob(b"x" * 500), GZIP, 100, skip=500)
    assert (only.offset, only.length, only.is_last) == (500, 0, True)


@pytest.mark.parametrize("compressible", [True, False])
def test_damage_is_told_with_the_entry_before_the_last_chunk(compressible: bool) -> None:
    right = digest_of(b"what it should be")
    blob = stored_blob(
        noise("damaged", 300_000),
        compressible=compressible,
        entry="images.tar: abc/layer.tar",
        digest=right,
    )
    given: list[Chunk] = []
    with pytest.raises(ArchiveError, match=right) as caught:
        given.extend(chunks(blob, GZIP, lambda: 50_000))
    assert caught.value.code is Code.ARCHIVE_DAMAGED
    assert caught.value.where == "images.tar: abc/layer.tar"
    assert not any(chunk.is_last for chunk in given)


def test_a_cut_off_blob_never_gives_its_last_chunk() -> None:
    content = noise("cut", 3 * MIB)
    blob = replace(stored_blob(content), source=CutOff(content[:-1], len(content)))
    with pytest.raises(ArchiveError) as caught:
        all_of(blob, GZIP, MIB)
    assert caught.value.code is Code.ARCHIVE_TRUNCATED


@given(
    length=st.integers(0, 3_000),
    start=st.integers(0, 10_000),
    cut=st.integers(0, 3_000),
    longest=st.integers(1, 4_000),
    last=st.booleans(),
)
def test_a_part_of_a_chunk_is_those_bytes_and_ends_only_with_it(
    length: int, start: int, cut: int, longest: int, last: bool
) -> None:
    cut = min(cut, length)
    content = noise("part", length)
    pieces = tuple(content[i : i + 700] for i in range(0, length, 700))
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}" if last else ""
    chunk = Chunk(start, length, pieces, begin=100, end=900, digest=digest)

    part = chunk.part(start + cut, longest)

    assert joined(part.pieces) == content[cut : cut + longest]
    assert part.offset == start + cut
    assert part.length == len(content[cut : cut + longest])
    assert part.is_last == (last and part.total == chunk.total)
    assert 100 <= part.begin <= part.end <= 900
    assert part.end == 900 or part.total < chunk.total or length == 0


def test_whole_pieces_are_not_copied() -> None:
    content = noise("whole", 3 * MIB)
    blob = stored_blob(content)
    read = [piece for chunk in all_of(blob, GZIP, 8 * MIB) for piece in chunk.pieces]
    (chunk,) = all_of(blob, GZIP, 8 * MIB)
    parts = chunk.part(0, 8 * MIB).pieces
    assert [len(piece) for piece in read] == [MIB, MIB, MIB]
    assert all(one is other for one, other in zip(parts, chunk.pieces, strict=True))


def test_a_layer_in_pieces_is_gone_on_with_at_any_byte() -> None:
    part = noise("piece", 2**15) + bytes(MIB - 2**15)
    blob = layer(part * (LARGE_BYTES // MIB + 3))
    whole = at_once(blob, GZIP)
    assert whole.count(b"\x1f\x8b\x08") >= LARGE_BYTES // PIECE, "it is made in pieces"
    for skip in (0, len(whole) // 3, len(whole) - 1):
        made = all_of(blob, GZIP, 300_000, skip)
        assert joined(piece for chunk in made for piece in chunk.pieces) == whole[skip:]
        assert made[-1].digest == digest_of(whole)
        assert made[-1].end == blob.size
