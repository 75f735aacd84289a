"""`copy packages` through what stands between two registries: limits, cuts, manners, a rate."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from core.demo.registry import DemoRegistry
from core.oci import digest_of
from tests.fixtures.proxy import Answer, Exchange, Handler, Hangup
from tests.fixtures.registries import ProxyFactory, RegistryFactory
from tests.fixtures.tools import Skopeo
from tests.integration.clients import content_of
from tests.integration.curated import IMAGES, Packages, publish_packages
from tests.integration.program import Ended, run

LARGE = content_of("a large layer of a package", 3_000_000)


@pytest.fixture
def published(fresh_registry: RegistryFactory) -> Packages:
    return publish_packages(fresh_registry(), fresh_registry(), LARGE)


def copy(packages: Packages, address: str, ca_file: Path, *more: str) -> Ended:
    return run(
        "copy", "packages", f"{address}/m", *packages.flags, "--kube-version", "1.33",
        "--dst-cert", ca_file, *more,
    )  # fmt: skip


def check(skopeo: Skopeo, mirror: DemoRegistry, packages: Packages) -> None:
    for name, digest in packages.digests.items():
        assert digest_of(skopeo.raw(mirror, f"m/{name}")) == digest, name
    blobs = mirror.storage / "docker/registry/v2/blobs/sha256"
    hexadecimal = digest_of(LARGE).partition(":")[2]
    assert (blobs / hexadecimal[:2] / hexadecimal / "data").read_bytes() == LARGE


class Limit(Handler):
    """A proxy that takes bodies of half a megabyte at the most."""

    def request(self, exchange: Exchange) -> Answer | None:
        length = int(exchange.headers["Content-Length"] or 0)
        return Answer(413) if length > 500_000 else None


class CutOnce(Handler):
    """The connection breaks once in the middle of a chunk."""

    def __init__(self) -> None:
        self.cut = False

    def upload(self, exchange: Exchange, block: bytes) -> bytes:
        if not self.cut and exchange.sent > 1_000_000:
            self.cut = True
            raise Hangup
        return block


class NoChunks(Handler):
    """A registry that takes a blob in one PUT alone."""

    def request(self, exchange: Exchange) -> Answer | None:
        return Answer(405) if exchange.method == "PATCH" else None


class Forgetful(Handler):
    """A registry that forgets the first session as soon as it holds something."""

    def __init__(self) -> None:
        self.forgot = False

    def request(self, exchange: Exchange) -> Answer | None:
        if exchange.method == "PATCH" and not self.forgot:
            self.forgot = True
            return Answer(404, {}, b"{}")
        return None


@pytest.mark.parametrize("handler", [Limit, CutOnce, NoChunks, Forgetful])
def test_a_large_layer_arrives_whatever_stands_before_the_destination(
    published: Packages,
    fresh_registry: RegistryFactory,
    proxy_for: ProxyFactory,
    skopeo: Skopeo,
    handler: Callable[[], Handler],
) -> None:
    mirror = fresh_registry()
    proxy = proxy_for(mirror, handler())

    result = copy(published, proxy.address, mirror.ca_file, "--chunk-size", "2M")

    assert result.code == 0, result.err
    check(skopeo, mirror, published)


def test_a_refused_chunk_costs_that_chunk_alone(
    published: Packages, fresh_registry: RegistryFactory, proxy_for: ProxyFactory, skopeo: Skopeo
) -> None:
    class Busy(Handler):
        """The third chunk finds a proxy that is being reloaded."""

        chunks = 0

        def request(self, exchange: Exchange) -> Answer | None:
            self.chunks += exchange.method == "PATCH"
            refused = exchange.method == "PATCH" and self.chunks == 3
            return Answer(503, {"Retry-After": "0"}) if refused else None

    mirror, handler = fresh_registry(), Busy()
    proxy = proxy_for(mirror, handler)

    result = copy(published, proxy.address, mirror.ca_file, "--chunk-size", "512K")

    assert result.code == 0, result.err
    places = [one.headers["Content-Range"].split("-")[0] for one in proxy.matching("PATCH")]
    again = places.pop(2)
    assert places.count(again) == 1
    assert len(set(places)) == len(places)
    check(skopeo, mirror, published)


def test_upstream_is_read_on_from_where_it_broke(
    published: Packages, fresh_registry: RegistryFactory, proxy_for: ProxyFactory, skopeo: Skopeo
) -> None:
    class CutSource(Handler):
        cut = False

        def download(self, exchange: Exchange, block: bytes) -> bytes:
            if not self.cut and exchange.received > 2_500_000:
                self.cut = True
                raise Hangup
            return block

    mirror = fresh_registry()
    source = proxy_for(published.images, CutSource())
    more = ("--upstream-mirror", f"{IMAGES}={source.address}", "--chunk-size", "1M")

    result = copy(published, mirror.address, mirror.ca_file, *more)

    assert result.code == 0, result.err
    first, again = source.matching("GET", digest_of(LARGE))
    assert (first.status, again.status) == (200, 206)
    assert again.received <= len(LARGE) - 2_000_000
    check(skopeo, mirror, published)


def test_a_rate_limit_of_ones_own_is_kept(
    published: Packages, fresh_registry: RegistryFactory
) -> None:
    mirror, began = fresh_registry(), time.monotonic()

    result = copy(published, mirror.address, mirror.ca_file, "--limit-rate", "1M")

    assert result.code == 0, result.err
    assert time.monotonic() - began > len(LARGE) / 1_000_000 - 0.5
