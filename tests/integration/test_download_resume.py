"""Downloads that are killed, cut, altered or refused, and what the next start makes of them."""

import signal
import time
from pathlib import Path
from threading import Event

import pytest

from core.demo.sample import Sample
from core.oci import OCI_INDEX, digest_of
from tests.fixtures.proxy import Answer, Exchange, Handler, Hangup, Proxy
from tests.fixtures.registries import ProxyFactory, RegistryFactory
from tests.integration.clients import content_of, session_with
from tests.integration.downloads import an_image, check_whole, command, fetch
from tests.integration.program import begin
from tests.integration.upstream import (
    Upstream,
    fill_upstream,
    publish_manifest,
)

BIG = content_of("a large layer", 9_000_000)
SECONDS = 30.0
LOST_BY_A_KILL = 900_000
"""What is not recorded yet, in hand, or still in the sockets."""


@pytest.fixture
def large(fresh_registry: RegistryFactory, sample: Sample) -> Upstream:
    """With a layer of 9 MB, and free to be changed."""
    return fill_upstream(fresh_registry(), sample, BIG)


class Hold(Handler):
    """Stops the large layer after some bytes, until it is let go."""

    def __init__(self, after: int) -> None:
        self.after = after
        self.reached, self.go = Event(), Event()

    def download(self, exchange: Exchange, block: bytes) -> bytes:
        if exchange.path.endswith(digest_of(BIG)) and exchange.received > self.after:
            self.reached.set()
            self.go.wait(SECONDS)
        return block


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=["kill", "term"])
def test_after_a_kill_it_goes_on_in_the_middle_of_a_blob(
    large: Upstream, sample: Sample, proxy_for: ProxyFactory, tmp_path: Path, number: int
) -> None:
    held = Hold(5_000_000)
    proxy, archive = proxy_for(large.registry, held), tmp_path / "images.tar"
    process = begin(*command(proxy, sample, archive), "--jobs", "1")
    assert held.reached.wait(SECONDS)
    process.send_signal(number)
    if number == signal.SIGTERM:
        held.go.set()
    _, err = process.communicate(timeout=SECONDS)
    held.go.set()
    assert process.returncode == (4 if number == signal.SIGTERM else -9), err
    assert not archive.exists()

    proxy.handler = Handler()
    proxy.forget()
    result = fetch(proxy, sample, archive)

    assert result.code == 0, result.err
    assert proxy.matching("GET", "/manifests/") == []  # they were kept
    (again,) = proxy.matching("GET", digest_of(BIG))
    assert again.status == 206
    assert 0 < again.received < len(BIG) - 3_000_000
    check_whole(archive, large)


def test_many_kills_cost_little_more_than_none(
    large: Upstream, sample: Sample, proxy_for: ProxyFactory, tmp_path: Path
) -> None:
    proxy, archive = proxy_for(large.registry), tmp_path / "images.tar"
    answered = (2_500_000, 500_000, 2_500_000)
    for after in answered:
        stop_in_the_middle(large, sample, proxy, archive, after)

    result = fetch(proxy, sample, archive)

    assert result.code == 0, result.err
    (last,) = proxy.matching("GET", digest_of(BIG))
    assert last.received <= len(BIG) - sum(answered) + len(answered) * LOST_BY_A_KILL
    check_whole(archive, large)


def stop_in_the_middle(
    large: Upstream, sample: Sample, proxy: Proxy, archive: Path, after: int = 5_000_000
) -> None:
    held = Hold(after)
    proxy.handler = held
    process = begin(*command(proxy, sample, archive), "--jobs", "1")
    assert held.reached.wait(SECONDS)
    process.kill()
    process.communicate(timeout=SECONDS)
    held.go.set()
    proxy.handler = Handler()
    proxy.forget()


def test_a_damaged_partial_file_is_noticed_and_fetched_again(
    large: Upstream, sample: Sample, proxy_for: ProxyFactory, tmp_path: Path
) -> None:
    proxy, archive = proxy_for(large.registry), tmp_path / "images.tar"
    stop_in_the_middle(large, sample, proxy, archive)
    partial = tmp_path / "images.tar.partial" / "archive.tar"
    content = partial.read_bytes()
    place = content.index(BIG[:1000])
    with partial.open("r+b") as file:
        file.seek(place + 500)
        file.write(b"damaged")

    result = fetch(proxy, sample, archive)

    assert result.code == 0, result.err
    assert [one.status for one in proxy.matching("GET", digest_of(BIG))] == [206, 200]
    check_whole(archive, large)


def test_a_tag_that_moves_between_two_starts_does_not_mix_contents(
    large: Upstream, sample: Sample, proxy_for: ProxyFactory, tmp_path: Path
) -> None:
    proxy, archive = proxy_for(large.registry), tmp_path / "images.tar"
    stop_in_the_middle(large, sample, proxy, archive)
    moved = an_image(large)
    with session_with(large.registry) as session:
        other = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []}
        publish_manifest(session, moved, moved.tag, other)

    assert fetch(proxy, sample, archive).code == 0

    check_whole(archive, large)


class WithoutRanges(Handler):
    """A cache that always sends the whole."""

    def request(self, exchange: Exchange) -> None:
        del exchange.headers["Range"]


def test_a_server_that_cannot_go_on_in_the_middle_sends_all_again(
    large: Upstream, sample: Sample, proxy_for: ProxyFactory, tmp_path: Path
) -> None:
    proxy, archive = proxy_for(large.registry), tmp_path / "images.tar"
    stop_in_the_middle(large, sample, proxy, archive)
    proxy.handler = WithoutRanges()

    result = fetch(proxy, sample, archive)

    assert result.code == 0, result.err
    assert [one.status for one in proxy.matching("GET", digest_of(BIG))] == [200]
    check_whole(archive, large)


def test_a_rate_limit_of_ones_own_is_kept(large: Upstream, sample: Sample, tmp_path: Path) -> None:
    began = time.monotonic()

    result = fetch(large, sample, tmp_path / "images.tar", "--limit-rate", "3M")

    assert result.code == 0, result.err
    assert time.monotonic() - began > len(BIG) / 3_000_000 - 0.5


def test_other_flags_do_not_spoil_an_unfinished_download(
    large: Upstream, sample: Sample, proxy_for: ProxyFactory, tmp_path: Path
) -> None:
    proxy, archive = proxy_for(large.registry), tmp_path / "images.tar"
    stop_in_the_middle(large, sample, proxy, archive)

    other = fetch(proxy, sample, archive, "--platform", "linux/amd64")
    assert other.code == 2
    assert "--restart" in other.err
    restarted = fetch(proxy, sample, archive, "--platform", "linux/amd64", "--restart")

    assert restarted.code == 0, restarted.err


class Troubles(Handler):
    """Every blob is first refused as too many, then cut, then let through."""

    def __init__(self) -> None:
        self.seen: dict[str, int] = {}

    def request(self, exchange: Exchange) -> Answer | None:
        if "/blobs/" not in exchange.path:
            return None
        self.seen[exchange.path] = self.seen.get(exchange.path, 0) + 1
        if self.seen[exchange.path] == 1:
            return Answer(429, {"Retry-After": "0"}, b"toomanyrequests: Rate exceeded")
        return None

    def download(self, exchange: Exchange, block: bytes) -> bytes:
        if self.seen.get(exchange.path) == 2 and exchange.received > 100_000:
            raise Hangup
        return block


def test_rate_limits_are_obeyed_and_cut_connections_taken_up_again(
    large: Upstream, sample: Sample, proxy_for: ProxyFactory, tmp_path: Path
) -> None:
    proxy, archive = proxy_for(large.registry, Troubles()), tmp_path / "images.tar"

    result = fetch(proxy, sample, archive, "--jobs", "8")

    assert result.code == 0, result.err
    assert "Trying again" in result.err
    statuses = [one.status for one in proxy.matching("GET", digest_of(BIG))]
    assert statuses == [429, 200, 206]
    check_whole(archive, large)


class Altered(Handler):
    """A proxy that changes a byte of the large layer every time."""

    def download(self, exchange: Exchange, block: bytes) -> bytes:
        if exchange.path.endswith(digest_of(BIG)):
            return b"#" + block[1:]
        return block


def test_altered_bytes_never_become_a_tarball(
    large: Upstream, sample: Sample, proxy_for: ProxyFactory, tmp_path: Path
) -> None:
    proxy, archive = proxy_for(large.registry, Altered()), tmp_path / "images.tar"

    result = fetch(proxy, sample, archive)

    assert result.code == 1
    assert "other bytes" in result.err
    assert not archive.exists()
    proxy.handler = Handler()
    assert fetch(proxy, sample, archive).code == 0
    check_whole(archive, large)


def test_what_upstream_lacks_is_named_and_can_be_left_out(
    large: Upstream, sample: Sample, tmp_path: Path
) -> None:
    lost = an_image(large)
    tags = large.registry.storage / "docker/registry/v2/repositories" / lost.repository
    tag = tags / "_manifests/tags" / lost.tag / "current/link"
    tag.unlink()
    archive = tmp_path / "images.tar"

    refused = fetch(large, sample, archive)
    allowed = fetch(large, sample, archive, "--allow-missing")

    assert refused.code == allowed.code == 1
    assert str(lost) in refused.err
    assert str(lost) in allowed.err
    del large.digests[str(lost)]
    check_whole(archive, large)


def test_two_downloads_do_not_write_the_same_file(
    large: Upstream, sample: Sample, proxy_for: ProxyFactory, tmp_path: Path
) -> None:
    held = Hold(1_000_000)
    proxy, archive = proxy_for(large.registry, held), tmp_path / "images.tar"
    process = begin(*command(proxy, sample, archive))
    assert held.reached.wait(SECONDS)

    second = fetch(large, sample, archive)
    held.go.set()
    _, err = process.communicate(timeout=SECONDS)

    assert second.code == 2
    assert "Another download" in second.err
    assert process.returncode == 0, err
