"""From upstream into a tarball, and from there into the mirror: the same digests on both sides."""

import base64
import json
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.archive.open import open_archive
from core.demo.certificates import Authority
from core.demo.registry import DemoRegistry, Login
from core.demo.sample import Sample
from core.oci import digest_of
from core.reference import Kind, Reference
from tests.fixtures.private_docker import PrivateDocker
from tests.fixtures.registries import ProxyFactory, RegistryFactory, TokenRegistry
from tests.fixtures.token_server import TokenServer
from tests.fixtures.tools import Skopeo, need
from tests.integration.downloads import blobs_of, check_whole, command, fetch
from tests.integration.program import run
from tests.integration.upstream import (
    Upstream,
    fill_upstream,
)


@pytest.fixture(scope="module")
def upstream(
    tmp_path_factory: pytest.TempPathFactory, authority: Authority, sample: Sample
) -> Iterator[Upstream]:
    """Shared by the tests of this file, which only read from it."""
    need("docker-registry")
    with DemoRegistry(tmp_path_factory.mktemp("upstream"), authority=authority) as running:
        yield fill_upstream(running, sample)


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


def test_a_login_comes_from_the_docker_config_and_never_from_the_mirrors_variables(
    fresh_registry: RegistryFactory, sample: Sample, tmp_path: Path
) -> None:
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
    pair = f"{registry.username}:{registry.password.get_secret_value()}"
    return base64.b64encode(pair.encode()).decode()


def test_tokens_are_fetched_for_each_repository(
    fresh_registry: RegistryFactory, sample: Sample, tmp_path: Path, authority: Authority
) -> None:
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


def test_a_registry_that_does_not_answer_is_told_once_and_soon(
    sample: Sample, tmp_path: Path, authority: Authority
) -> None:
    flags = ("--upstream-mirror", "public.ecr.aws=127.0.0.1:9", "--ca-file", authority.ca_file)

    result = run("download", "images", "-o", tmp_path / "a.tar", "-b", sample.bundles, *flags)

    assert result.code == 3
    assert result.err.count("Error:") == 1
    assert "registry-unreachable" in result.err
