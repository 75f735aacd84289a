"""Tarballs that are cut off, altered or made to do harm."""

import hashlib
import io
import os
import random
import tarfile
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest

from core.archive.open import open_archive
from core.archive.sources import MemoryBytes
from core.archive.tarindex import TarTree
from core.errors import ArchiveError, Code
from core.reference import Artifact, Kind, Reference
from tests.core.archive.making import (
    IMAGE,
    Entries,
    Link,
    Saved,
    classic,
    docker_25,
    download_images,
    layer,
    tar_bytes,
    write,
)
from tests.core.archive.opening import refusal


def refused(path: Path, content: bytes) -> ArchiveError:
    path.write_bytes(content)
    return refusal(path)


def end_of_entries(content: bytes) -> int:
    """Where the zeros begin that end a tarball."""
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        last = tar.getmembers()[-1]
    return last.offset_data + -(-last.size // 512) * 512


@pytest.mark.parametrize("make", [classic, docker_25])
def test_a_cut_anywhere_is_told(tmp_path: Path, make: Callable[..., Entries]) -> None:
    """Every cut but one in the closing zeros is refused, or leaves all images readable."""
    content = tar_bytes(make(Saved([layer("a"), layer("b")]), Saved([layer("c")], ["other:1"])))
    end = end_of_entries(content)
    for cut in range(1, end, 499):
        error = refused(tmp_path / "a.tar", content[:cut])
        assert error.code in {Code.ARCHIVE_TRUNCATED, Code.ARCHIVE_DAMAGED} or cut < 512, cut
    for cut in (end, end + 1, end + 512):
        (tmp_path / "a.tar").write_bytes(content[:cut])
        with open_archive(tmp_path / "a.tar") as archive:
            assert "no end mark" in archive.warnings[0]


@pytest.mark.parametrize(
    ("cut", "words"), [(512 + 100, "bytes are missing"), (512 + 10240 + 100, "in the header")]
)
def test_a_truncated_tar_names_the_entry(cut: int, words: str) -> None:
    content = tar_bytes({"first/layer.tar": layer("a"), "second": b"x" * 100})
    with pytest.raises(ArchiveError) as caught:
        TarTree(MemoryBytes(content[:cut]), "images.tar")
    assert caught.value.code is Code.ARCHIVE_TRUNCATED
    assert words in caught.value.message
    assert "first/layer.tar" in str(caught.value)


def test_a_cut_between_two_entries_shows_in_the_missing_end() -> None:
    content = tar_bytes({"first/layer.tar": layer("a"), "second": b"x" * 100})
    assert TarTree(MemoryBytes(content)).ends_well
    assert not TarTree(MemoryBytes(content[: 512 + 10240])).ends_well


def test_a_cut_in_the_padding_of_the_last_entry_is_told() -> None:
    content = tar_bytes({"a": b"x" * 100})
    with pytest.raises(ArchiveError) as caught:
        TarTree(MemoryBytes(content[: 512 + 200]), where="a.tar")
    assert caught.value.code is Code.ARCHIVE_TRUNCATED


@pytest.mark.parametrize("garbage", [b"\1" * 512, b"\0" * 511 + b"\1", bytes(512)])
def test_a_broken_header_in_the_middle_is_not_taken_for_the_end(
    tmp_path: Path, garbage: bytes
) -> None:
    content = tar_bytes({"a": b"x" * 512, "b": b"y" * 512, "c": b""})
    altered = content[:1024] + garbage + content[1536:]
    error = refused(tmp_path / "a.tar", altered)
    assert error.code is Code.ARCHIVE_DAMAGED
    assert "1,024" in error.message
    assert "after a" in error.message


def test_a_broken_first_header_is_damage(tmp_path: Path) -> None:
    content = bytearray(tar_bytes(classic(Saved([layer("a")]))))
    content[10] ^= 1
    assert refused(tmp_path / "a.tar", bytes(content)).code is Code.ARCHIVE_DAMAGED


def test_two_tarballs_in_one_file_are_refused(tmp_path: Path) -> None:
    content = tar_bytes(classic(Saved([layer("a")])))
    assert refused(tmp_path / "a.tar", content + content).code is Code.ARCHIVE_DAMAGED


@pytest.mark.parametrize("name", ["../evil", "a/../../evil", "/evil"])
def test_names_that_climb_out_are_refused(tmp_path: Path, name: str) -> None:
    entries = download_images(**{name: b""})
    error = refused(tmp_path / "a.tar", tar_bytes(entries))
    assert error.code is Code.ARCHIVE_HOSTILE
    entries = classic(Saved([layer("a")]))
    entries["manifest.json"] = (
        b'[{"Config":"' + name.encode() + b'","RepoTags":["a:1"],"Layers":[]}]'
    )
    assert refused(tmp_path / "a.tar", tar_bytes(entries)).code is Code.ARCHIVE_HOSTILE


@pytest.mark.parametrize(
    "link",
    [
        Link("../../../etc/passwd"),
        Link("/etc/passwd"),
        Link("layer.tar"),
        Link("../circle/one"),
        Link("../evil", hard=True),
        Link("/evil", hard=True),
    ],
)
def test_links_that_leave_or_circle_are_refused(tmp_path: Path, link: Link) -> None:
    entries = classic(Saved([layer("a")]))
    name = next(name for name in entries if name.endswith("layer.tar"))
    entries |= {name: link, "circle/one": Link("two"), "circle/two": Link("one")}
    error = refused(tmp_path / "a.tar", tar_bytes(entries))
    assert error.code is Code.ARCHIVE_HOSTILE
    assert name in error.where


def test_what_is_no_regular_file_is_refused(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    entries = classic(Saved([layer("a")]))
    name = next(name for name in entries if name.endswith("layer.tar"))
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        pipe = tarfile.TarInfo(name)
        pipe.type = tarfile.FIFOTYPE
        tar.addfile(pipe)
        for other, content in entries.items():
            if other != name and isinstance(content, bytes):
                info = tarfile.TarInfo(other)
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
    error = refused(tmp_path / "a.tar", buffer.getvalue())
    assert (error.code, error.where) == (Code.ARCHIVE_DAMAGED, name)


def header(name: str, size: bytes, kind: bytes = b"0") -> bytes:
    """A tar header with any size field, and a right checksum."""
    block = bytearray(tarfile.TarInfo(name).tobuf(tarfile.GNU_FORMAT)[:512])
    block[124:136] = size
    block[156:157] = kind
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


@pytest.mark.parametrize("kind", [b"0", b"x", b"L", b"g", b"K"])
@pytest.mark.parametrize("size", [b"\xff" * 12, b"\x80" + b"\xff" * 11, b"77777777777\0"])
def test_absurd_sizes_are_refused(tmp_path: Path, kind: bytes, size: bytes) -> None:
    content = tar_bytes({"a": b"x"})[:1024] + header("b", size, kind) + bytes(10240)
    error = refused(tmp_path / "a.tar", content)
    assert error.code in {Code.ARCHIVE_HOSTILE, Code.ARCHIVE_TRUNCATED, Code.ARCHIVE_DAMAGED}


def test_endless_chains_of_extended_headers_are_refused(tmp_path: Path) -> None:
    link = header("x", b"%011o\0" % 10, b"x") + b"10 path=a\n".ljust(512, b"\0")
    error = refused(tmp_path / "a.tar", link * 5000 + header("a", b"0" * 11 + b"\0"))
    assert error.code is Code.ARCHIVE_DAMAGED


def sparse_entry(name: str, content: bytes) -> bytes:
    """An entry as `tar --sparse` writes it: GNU.sparse 1.0 in a PAX header."""
    info = tarfile.TarInfo(f"GNUSparseFile.0/{name}")
    stored = f"1\n0\n{len(content)}\n".encode().ljust(512, b"\0") + content
    info.size = len(stored)
    info.pax_headers = {
        "GNU.sparse.major": "1",
        "GNU.sparse.minor": "0",
        "GNU.sparse.name": name,
        "GNU.sparse.realsize": str(len(content)),
    }
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        tar.addfile(info, io.BytesIO(stored))
    return buffer.getvalue()[: end_of_entries(buffer.getvalue())]


def test_a_sparse_entry_is_refused_as_a_blob(tmp_path: Path) -> None:
    entries = classic(Saved([layer("a")]))
    name = next(name for name in entries if name.endswith("layer.tar"))
    del entries[name]
    error = refused(tmp_path / "a.tar", sparse_entry(name, layer("a")) + tar_bytes(entries))
    assert (error.code, error.where) == (Code.ARCHIVE_UNKNOWN_FORMAT, name)
    assert "--sparse" in error.mend


def write_sparsely(path: Path, size: int, form: Literal[1, 2]) -> None:
    """A docker save file whose one layer is `size` zeros, as a hole on the disk."""
    digest = hashlib.sha256(b"not checked at opening").hexdigest()
    config = b'{"rootfs":{"diff_ids":["sha256:%s"]}}' % digest.encode()
    listed = b'[{"Config":"c.json","RepoTags":["%s"],"Layers":["big/layer.tar"]}]' % IMAGE.encode()
    with path.open("wb") as file:
        info = tarfile.TarInfo("big/layer.tar")
        info.size = size
        file.write(info.tobuf(form))
        file.seek(-(-size // 512) * 512, os.SEEK_CUR)
        file.write(tar_bytes({"c.json": config, "manifest.json": listed}))


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_entries_beyond_8_gib_are_read(tmp_path: Path, form: Literal[1, 2]) -> None:
    size = 9 * 2**30 + 5
    path = tmp_path / "a.tar"
    write_sparsely(path, size, form)
    with open_archive(path) as archive:
        found = archive.find(Artifact(Kind.IMAGE, Reference.parse(IMAGE)))
        assert found is not None
        blob = list(found.content.all_blobs())[1]
        assert blob.size == size
        assert blob.source.read_at(blob.offset + size - 8, 8) == bytes(8)
    os.truncate(path, 2**33)
    with pytest.raises(ArchiveError) as caught:
        open_archive(path)
    assert (caught.value.code, caught.value.where) == (Code.ARCHIVE_TRUNCATED, "big/layer.tar")


def test_json_beyond_its_limit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    with path.open("wb") as file:
        info = tarfile.TarInfo("manifest.json")
        info.size = 65 * 2**20
        file.write(info.tobuf())
        file.seek(info.size + 1024, os.SEEK_CUR)
        file.truncate()
    with pytest.raises(ArchiveError) as caught:
        open_archive(path)
    assert (caught.value.code, caught.value.where) == (Code.ARCHIVE_HOSTILE, "manifest.json")


def test_a_file_that_shrinks_while_it_is_read_is_told(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tar", classic(Saved([layer("a")])))
    with open_archive(path) as archive:
        blob = list(archive.artifacts[0].content.all_blobs())[1]
        os.truncate(path, blob.offset + 10)
        with pytest.raises(ArchiveError) as caught:
            blob.read_all()
    assert caught.value.code is Code.ARCHIVE_TRUNCATED


def test_too_many_entries_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.archive.tarindex.MAX_ENTRIES", 10)
    with pytest.raises(ArchiveError) as caught:
        TarTree(MemoryBytes(tar_bytes({str(number): b"" for number in range(11)})))
    assert caught.value.code is Code.ARCHIVE_HOSTILE


def test_the_index_keeps_no_headers_in_memory() -> None:
    source = MemoryBytes(tar_bytes({f"{number:064x}/layer.tar": b"" for number in range(20_000)}))
    tracemalloc.start()
    tree = TarTree(source)
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(list(tree.names())) == 20_000
    assert used / 20_000 < 500  # a TarInfo alone takes more than a kilobyte


def test_random_bytes_are_never_an_archive(tmp_path: Path) -> None:
    dice = random.Random(7)  # noqa: S311 - no secret
    for size in (1, 511, 512, 513, 20_000):
        assert refused(tmp_path / "a.tar", dice.randbytes(size)).code.startswith("archive-")
