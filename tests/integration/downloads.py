"""Runs `download images` against an upstream of the tests, and judges the tarball."""

from pathlib import Path

from core.archive.open import open_archive
from core.demo.sample import Sample
from core.oci import digest_of
from core.reference import Reference
from tests.fixtures.proxy import Proxy
from tests.integration.program import Ended, run
from tests.integration.upstream import (
    Upstream,
    flags_for,
)


def fetch(
    upstream: Upstream | Proxy, sample: Sample, target: Path, *more: str, bundles: str = ""
) -> Ended:
    return run(*command(upstream, sample, target, bundles), *more)


def command(
    upstream: Upstream | Proxy, sample: Sample, target: Path, bundles: str = ""
) -> list[str | Path]:
    flags = upstream.flags if isinstance(upstream, Upstream) else flags_for(upstream)
    return ["download", "images", "-o", target, "-b", bundles or sample.bundles, *flags]


def an_image(upstream: Upstream) -> Reference:
    return Reference.parse(min(upstream.amd64))


def blobs_of(proxy: Proxy) -> list[str]:
    return [one.path.rpartition("/")[2] for one in proxy.matching("GET", "/blobs/sha256")]


def check_whole(path: Path, upstream: Upstream) -> None:
    """Every byte has the digest that upstream gave it."""
    with open_archive(path) as archive:
        stored = {str(ref): one for one in archive.artifacts for ref in one.references}
        assert stored.keys() >= upstream.digests.keys()
        for source, digest in upstream.digests.items():
            content = stored[source].content
            assert content.digest == digest  # type: ignore[union-attr]
            for blob in content.all_blobs():
                assert digest_of(blob.read_all()) == blob.digest
