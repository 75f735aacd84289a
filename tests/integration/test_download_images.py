"""From upstream into a tarball, and from there into the mirror: the same digests on both sides."""

import json
import signal
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest

from core.archive.open import open_archive
from core.demo.certificates import Authority
from core.demo.registry import DemoRegistry
from core.demo.sample import Sample
from core.oci import OCI_INDEX, digest_of
from core.reference import Kind, Reference
from tests.fixtures.private_docker import PrivateDocker
from tests.fixtures.proxy import Answer, Exchange, Handler, Hangup, Proxy
from tests.fixtures.registries import ProxyFactory, RegistryFactory
from tests.fixtures.tools import Skopeo, need
from tests.integration.clients import content_of, session_with
from tests.integration.program import Ended, begin, run
from tests.integration.upstream import (
    Upstream,
    fill_upstream,
    flags_for,
    publish_manifest,
)

BIG = content_of("a large layer", 9_000_000)
SECONDS = 30.0


@pytest.fixture(scope="module")
def upstream(
    tmp_path_factory: pytest.TempPathFactory, authority: Authority, sample: Sample
) -> Iterator[Upstream]:
    """Shared by the tests of this file, which only read from it."""
    need("docker-registry")
    with DemoRegistry(tmp_path_factory.mktemp("upstream"), authority=authority) as running:
        yield fill_upstream(running, sample)


@pytest.fixture
def large(fresh_registry: RegistryFactory, sample: Sample) -> Upstream:
    """With a layer of 9 MB, and free to be changed."""
    return fill_upstream(fresh_registry(), sample, BIG)


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


def test_round_trip_keeps_every_digest_of_upstream(
    upstream: Upstream,
    sample: Sample,
    fresh_registry: RegistryFactory,
    skopeo: Skopeo,
    tmp_path: Path,
) -> None:
    archive, mirror = tmp_path / "images.tar", fresh_registry()

    fetched = fetch(upstream, sample, archive)
    assert fetched.code == 0, fetched.err
    flags = ("-i", archive, "-b", sample.bundles, "-r", f"{mirror.address}/m")
    trusted = ("--ca-file", mirror.ca_file)
    imported = run("import", *flags, *trusted)
    verified = run("verify", *flags, *trusted)

    assert imported.code == 0, imported.err
    assert verified.code == 0, verified.err
    assert len(upstream.digests) == len(sample.required)
    for source, digest in upstream.digests.items():
        reference = Reference.parse(source)
        name = f"m/{reference.repository}:{reference.tag}"
        assert digest_of(skopeo.raw(mirror, name)) == digest, source
    assert "skipped" not in imported.err
    assert not (tmp_path / "images.tar.partial").exists()


def test_docker_loads_both_tarballs_of_images(
    upstream: Upstream, sample: Sample, private_docker: PrivateDocker, tmp_path: Path
) -> None:
    """As eksctl does, one after the other; docker checks every layer against the config."""
    need("docker")
    archive = tmp_path / "images.tar"
    assert fetch(upstream, sample, archive).code == 0
    with tarfile.open(archive) as tar:
        tar.extractall(tmp_path / "unpacked", filter="data")

    for name in ("tools-image.tar", "images.tar"):
        docker = ["docker", "--host", private_docker.host]
        file = tmp_path / "unpacked" / name
        subprocess.run([*docker, "load", "-i", str(file)], check=True, timeout=90)

    for image in sample.images:
        if str(image.reference) in upstream.digests:
            loaded = private_docker.client.images.get(str(image.reference))
            assert loaded.attrs["Architecture"] == "amd64"
            diff_ids = [layer.diff_id for layer in image.layers]
            assert loaded.attrs["RootFS"]["Layers"] == diff_ids


def test_the_tarball_holds_the_names_that_eksctl_looks_for(
    upstream: Upstream, sample: Sample, tmp_path: Path
) -> None:
    assert fetch(upstream, sample, tmp_path / "images.tar").code == 0

    with tarfile.open(tmp_path / "images.tar") as tar:
        names = tar.getnames()
        for stored in (*sample.charts, *sample.package_bundles):
            member = tar.extractfile(stored.name)
            assert member
            assert member.read() == stored.content
    files = [stored.name for stored in (*sample.charts, *sample.package_bundles)]
    assert sorted(names) == sorted([*files, "images.tar", "tools-image.tar", "oci-artifacts.tar"])


def test_each_blob_is_fetched_once_and_a_finished_tarball_is_left_alone(
    upstream: Upstream, sample: Sample, proxy_for: ProxyFactory, tmp_path: Path
) -> None:
    proxy, archive = proxy_for(upstream.registry), tmp_path / "images.tar"

    first = fetch(proxy, sample, archive)
    assert first.code == 0, first.err
    assert len(blobs_of(proxy)) == len(set(blobs_of(proxy)))
    before = archive.stat()
    second = fetch(proxy, sample, archive)

    assert second.code == 2
    assert "is there already" in second.err
    assert archive.stat().st_mtime_ns == before.st_mtime_ns


def test_two_downloads_of_the_same_content_are_the_same_bytes(
    upstream: Upstream, sample: Sample, tmp_path: Path
) -> None:
    for name in ("a.tar", "b.tar"):
        assert fetch(upstream, sample, tmp_path / name).code == 0

    assert (tmp_path / "a.tar").read_bytes() == (tmp_path / "b.tar").read_bytes()


def test_a_dry_run_tells_the_exact_size_and_fetches_no_blob(
    upstream: Upstream, sample: Sample, proxy_for: ProxyFactory, tmp_path: Path
) -> None:
    proxy, archive = proxy_for(upstream.registry), tmp_path / "images.tar"

    seen = fetch(proxy, sample, archive, "--dry-run", "--json")

    assert seen.code == 0, seen.err
    assert blobs_of(proxy) == []
    assert list(tmp_path.iterdir()) == []
    assert fetch(upstream, sample, archive).code == 0
    assert seen.json["bytes"]["file"] == archive.stat().st_size
    assert {one["source"]: one["digest"] for one in seen.json["artifacts"]} == upstream.digests
    platforms = seen.json["bytes"]["platforms"]
    assert set(platforms) == {"linux/amd64", "linux/arm64"}


def test_one_platform_keeps_the_digest_of_its_manifest(
    upstream: Upstream, sample: Sample, fresh_registry: RegistryFactory, tmp_path: Path,
    skopeo: Skopeo,
) -> None:  # fmt: skip
    archive, mirror = tmp_path / "images.tar", fresh_registry()

    assert fetch(upstream, sample, archive, "--platform", "linux/amd64").code == 0
    imported = run(
        "import", "-i", archive, "-b", sample.bundles, "-r", mirror.address,
        "--ca-file", mirror.ca_file,
    )  # fmt: skip

    assert imported.code == 0, imported.err
    for source, digest in upstream.amd64.items():
        reference = Reference.parse(source)
        raw = skopeo.raw(mirror, f"{reference.repository}:{reference.tag}")
        assert digest_of(raw) == digest


def test_a_platform_that_upstream_lacks_is_told_for_every_image(
    upstream: Upstream, sample: Sample, tmp_path: Path
) -> None:
    result = fetch(upstream, sample, tmp_path / "images.tar", "--platform", "linux/s390x")

    assert result.code == 1
    assert "linux/amd64, linux/arm64" in result.err
    images = [one for one in sample.required if one.kind is Kind.IMAGE]
    assert f"{len(images)} artifacts could not be had" in result.err
    assert not (tmp_path / "images.tar").exists()


def test_only_the_chosen_kubernetes_version(
    upstream: Upstream, sample: Sample, tmp_path: Path
) -> None:
    version = min(one.reference.tag for one in sample.package_bundles)
    wanted = version.removeprefix("v").removesuffix("-latest").replace("-", ".")

    result = fetch(upstream, sample, tmp_path / "images.tar", "--kube-version", wanted)

    assert result.code == 0, result.err
    with open_archive(tmp_path / "images.tar") as archive:
        bundles = [one for one in archive.artifacts if one.kind is Kind.PACKAGE_BUNDLE]
    assert [one.references[0].tag for one in bundles] == [version]


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


def stop_in_the_middle(large: Upstream, sample: Sample, proxy: Proxy, archive: Path) -> None:
    held = Hold(5_000_000)
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


def test_a_login_comes_from_the_docker_config_and_never_from_the_mirrors_variables(
    fresh_registry: RegistryFactory, sample: Sample, tmp_path: Path
) -> None:
    from core.demo.registry import Login

    locked = fill_upstream(fresh_registry(auth=Login()), sample)
    archive = tmp_path / "images.tar"
    refused = run(*command(locked, sample, archive), login=locked.registry)
    config = tmp_path / "docker"
    config.mkdir()
    auth = {"auths": {locked.registry.address: {"auth": basic(locked.registry)}}}
    (config / "config.json").write_text(json.dumps(auth))

    allowed = run(*command(locked, sample, archive), DOCKER_CONFIG=str(config))

    assert refused.code == 1
    assert allowed.code == 0, allowed.err


def basic(registry: DemoRegistry) -> str:
    import base64

    pair = f"{registry.username}:{registry.password.get_secret_value()}"
    return base64.b64encode(pair.encode()).decode()


def test_tokens_are_fetched_for_each_repository(
    fresh_registry: RegistryFactory, sample: Sample, tmp_path: Path, authority: Authority
) -> None:
    from core.demo.registry import Login
    from tests.fixtures.registries import TokenRegistry
    from tests.fixtures.token_server import TokenServer

    with TokenServer(authority, Login()) as tokens:
        registry = fresh_registry(auth=tokens.auth)
        guarded = TokenRegistry(registry, tokens)
        filled = fill_upstream(guarded, sample)  # type: ignore[arg-type]
        config = tmp_path / "docker"
        config.mkdir()
        auth = {"auths": {registry.address: {"auth": basic(guarded)}}}  # type: ignore[arg-type]
        (config / "config.json").write_text(json.dumps(auth))
        archive = tmp_path / "images.tar"

        result = run(*command(filled, sample, archive), DOCKER_CONFIG=str(config))

        assert result.code == 0, result.err
    check_whole(archive, filled)
