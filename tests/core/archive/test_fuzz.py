"""Whatever is done to an archive, it opens or is refused; nothing else ever comes out."""

import gzip
import json
import tarfile
import time
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.archive.downloads import Downloads, is_downloads
from core.archive.open import open_archive
from core.errors import ArchiveError
from tests.core.archive.making import (
    IMAGE,
    LayoutMaker,
    Saved,
    chart_tgz,
    classic,
    docker_25,
    download_images,
    for_platform,
    layer,
    tar_bytes,
)


def small_layout() -> bytes:
    maker = LayoutMaker()
    amd = for_platform(maker.image([layer("a", 10)]), "amd64")
    arm = for_platform(maker.image([layer("b", 10)], architecture="arm64", store=False), "arm64")
    maker.name(maker.index(amd, arm), full=IMAGE, ref="v1")
    return tar_bytes(maker.finish(), tarfile.PAX_FORMAT)


ARCHIVES = {
    "classic": tar_bytes(classic(Saved([layer("a", 10), layer("b", 10)]), Saved([layer("a", 10)]))),
    "docker 25": tar_bytes(docker_25(Saved([layer("a", 10)]))),
    "layout": small_layout(),
    "download images": tar_bytes(download_images()),
    "long names": tar_bytes({"x" * 200 + "/Chart.yaml": b"name: x", "y" * 150: b""}),
    "zipped": gzip.compress(tar_bytes(download_images())),
    "chart": chart_tgz(),
}
SECONDS = 5

Edit = tuple[str, int, bytes]
edits = st.lists(
    st.tuples(
        st.sampled_from(["replace", "insert", "cut", "drop", "swap"]),
        st.integers(0, 200_000),
        st.binary(min_size=1, max_size=24),
    ),
    min_size=1,
    max_size=4,
)


def edited(content: bytes, changes: list[Edit]) -> bytes:
    for what, number, data in changes:
        at = number % (len(content) + 1)
        match what:
            case "replace":
                content = content[:at] + data + content[at + len(data) :]
            case "insert":
                content = content[:at] + data + content[at:]
            case "cut":
                content = content[:at]
            case "swap":
                block = at // 512 * 512
                content = content[:block] + content[block + 512 :] + content[block : block + 512]
            case _:
                content = content[:at] + content[at + len(data) * 20 :]
    return content


def mended(content: bytes) -> bytes:
    """Give every header a right checksum, so that the edits in it are really read."""
    blocks = [content[at : at + 512] for at in range(0, len(content), 512)]
    return b"".join(with_checksum(block) if b"ustar" in block else block for block in blocks)


def with_checksum(block: bytes) -> bytes:
    if len(block) < 512:
        return block
    total = sum(block[:148]) + 8 * 32 + sum(block[156:])
    return block[:148] + b"%06o\0 " % (total & 0o777777) + block[156:]


def read_all(path: Path, scratch: Path | None) -> list[str]:
    """Read everything as an archive; the words for the operator."""
    try:
        with open_archive(path, scratch=scratch) as archive:
            for artifact in archive.artifacts:
                for blob in artifact.content.all_blobs():
                    assert sum(map(len, blob.blocks())) == blob.size
            return list(archive.warnings)
    except ArchiveError as error:
        return [str(error)]


def read_downloads(path: Path) -> None:
    with suppress(ArchiveError), Downloads.open(path) as downloads:
        for name in downloads.names():
            downloads.read(name)


def try_everything(path: Path, scratch: Path | None) -> None:
    begun = time.process_time()
    words = read_all(path, scratch)
    assert "\x1b" not in "".join(words)
    assert is_downloads(path) in {True, False}
    read_downloads(path)
    assert time.process_time() - begun < SECONDS


@pytest.mark.parametrize("which", ARCHIVES)
@pytest.mark.parametrize("mend", [False, True])
@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(changes=edits)
def test_a_mutated_archive_opens_or_is_refused(
    tmp_path: Path, which: str, mend: bool, changes: list[Edit]
) -> None:
    content = edited(ARCHIVES[which], changes)
    path = tmp_path / "a.tar"
    path.write_bytes(mended(content) if mend else content)
    try_everything(path, None)
    if which == "zipped":
        try_everything(path, tmp_path)


KEYS = (
    *("manifests", "config", "layers", "digest", "size", "mediaType", "platform", "os"),
    *("Config", "Layers", "RepoTags", "rootfs", "diff_ids", "annotations", "name"),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(KEYS),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(index=JSON, manifest=JSON, config=JSON)
def test_any_json_in_the_listings_opens_or_is_refused(
    tmp_path: Path, index: object, manifest: object, config: object
) -> None:
    maker = LayoutMaker()
    blob = maker.blob(json.dumps(manifest).encode(), "application/vnd.oci.image.manifest.v1+json")
    maker.name(blob, ref="v1")
    entries = maker.finish() | {
        "manifest.json": json.dumps(index).encode(),
        "c.json": json.dumps(config).encode(),
    }
    path = tmp_path / "a.tar"
    path.write_bytes(tar_bytes(entries))
    try_everything(path, None)
