"""Made-up bytes and the tars that hold them."""

import io
import tarfile
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.demo.content import BLOCK, Content, Entry, program_like, tar_of


def _bytes(content: Content) -> bytes:
    return b"".join(content.blocks())


@given(st.integers(0, 3 * BLOCK), st.text(max_size=10))
def test_content_is_as_long_as_it_says_and_always_the_same(size: int, name: str) -> None:
    content = program_like(name, size)
    assert len(_bytes(content)) == content.size == size
    assert _bytes(content) == _bytes(program_like(name, size))


def test_other_names_give_other_bytes() -> None:
    assert _bytes(program_like("a", 10_000)) != _bytes(program_like("b", 10_000))


def test_no_block_repeats_another() -> None:
    blocks = list(program_like("a", 8 * BLOCK).blocks())
    assert len(set(blocks)) == len(blocks) == 8


@pytest.mark.parametrize("size", [200_000, 8 * BLOCK])
def test_it_compresses_as_image_layers_do(size: int) -> None:
    content = _bytes(program_like("a", size))
    assert 0.33 < len(zlib.compress(content, 6)) / size < 0.41


def test_a_tar_is_what_tarfile_reads() -> None:
    long_name = "deep/" * 30 + "file"
    tar = tar_of(
        [
            Entry("folder/"),
            Entry("folder/run", Content.of(b"#!/bin/sh\n"), executable=True),
            Entry("folder/link", target="../other"),
            Entry(long_name, program_like("long", 1000)),
            Entry("empty", Content.of(b"")),
        ]
    )
    written = _bytes(tar)
    assert len(written) == tar.size
    with tarfile.open(fileobj=io.BytesIO(written)) as read:
        folder, run, link, long, empty = read.getmembers()
        assert folder.isdir()
        assert run.mode == 0o755
        assert link.issym()
        assert link.linkname == "../other"
        assert long.name == long_name
        content = read.extractfile(long)
        assert content is not None
        assert content.read() == _bytes(program_like("long", 1000))
        assert empty.size == 0


def test_a_tar_in_a_tar_is_not_built_in_memory() -> None:
    inner = tar_of([Entry("layer.tar", program_like("big", 64 * BLOCK))])
    outer = tar_of([Entry("images.tar", inner)])
    tracemalloc.start()
    digest = outer.digest()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert outer.size > 64 * BLOCK
    assert peak < 8 * BLOCK
    assert digest == outer.digest()


def test_a_member_beyond_eight_gibibytes_has_a_header() -> None:
    size = 9 * 1024**3
    header = Entry("huge", Content(size, lambda: iter(()))).header()
    with tarfile.open(fileobj=io.BytesIO(header + bytes(1024)), mode="r|") as read:
        member = read.next()
    assert member is not None
    assert member.size == size
