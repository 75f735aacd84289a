"""Curated packages: copied from registry to registry, and carried across as a file."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from pydantic import SecretStr

from core.demo.certificates import Authority
from core.demo.registry import DemoRegistry, Login
from core.demo.sample import Sample
from core.oci import (
    digest_of,
)
from tests.fixtures.proxy import Answer, Exchange, Handler, Proxy
from tests.fixtures.registries import ProxyFactory, RegistryFactory
from tests.fixtures.tools import Skopeo, SkopeoError
from tests.integration.curated import BASE, BUNDLE, CHARTS, IMAGES, Packages, publish_packages
from tests.integration.program import PROGRAM, Ended, run


@pytest.fixture
def published(fresh_registry: RegistryFactory) -> Packages:
    return publish_packages(fresh_registry(), fresh_registry())


def copy(published: Packages, target: str, *more: str | Path, login: DemoRegistry) -> Ended:
    flags: list[str | Path] = [*published.flags, "--kube-version", "1.33"]
    flags += ["--dst-cert", login.ca_file]
    return run("copy", "packages", target, *flags, *more, login=login)


def check(skopeo: Skopeo, mirror: DemoRegistry, home: str, published: Packages) -> None:
    for name, digest in published.digests.items():
        assert digest_of(skopeo.raw(mirror, f"{home}/{name}")) == digest, name


def test_packages_are_copied_with_their_tags_and_a_second_run_sends_nothing(
    published: Packages, fresh_registry: RegistryFactory, proxy_for: ProxyFactory, skopeo: Skopeo
) -> None:
    mirror = fresh_registry(auth=Login())
    proxy = proxy_for(mirror)
    target = f"{proxy.address}/m/eks-anywhere"

    first = copy(published, target, login=mirror)

    assert first.code == 0, first.err
    check(skopeo, mirror, "m/eks-anywhere", published)
    repository, digest = published.untagged
    assert digest_of(skopeo.raw(mirror, f"m/eks-anywhere/{repository}@{digest}")) == digest
    sent = [one.target for one in proxy.matching("PUT", "/blobs/uploads/")]
    assert sum(digest_of(BASE) in target for target in sent) == 1  # others mount it
    proxy.forget()
    second = copy(published, target, login=mirror)
    assert second.code == 0, second.err
    assert proxy.count("PUT") == proxy.count("POST") == 0


def test_a_dry_run_reads_no_blob_but_the_package_bundle(
    published: Packages, fresh_registry: RegistryFactory, proxy_for: ProxyFactory
) -> None:
    mirror = fresh_registry()
    proxy = proxy_for(published.charts)
    flags = [flag.replace(published.charts.address, proxy.address) for flag in published.flags]

    result = run(
        "copy", "packages", f"{mirror.address}/m/eks-anywhere", *flags,
        "--kube-version", "1.33", "--dry-run", "--dst-cert", mirror.ca_file,
    )  # fmt: skip

    assert result.code == 0, result.err
    assert "public.ecr.aws/eks-anywhere/hello/chart:0.1.2-abc" in result.out
    assert "m/eks-anywhere/metal:1.0.0" in result.out
    assert proxy.count("GET", "/blobs/") == 1
    assert list((mirror.storage).rglob("link")) == []


def test_all_versions_of_a_bundles_manifest_and_one_of_them_has_no_packages(
    published: Packages, fresh_registry: RegistryFactory, sample: Sample, skopeo: Skopeo
) -> None:
    mirror = fresh_registry()

    result = run(
        "copy", "packages", f"{mirror.address}/m/eks-anywhere", *published.flags,
        "--bundle", sample.bundles, "--dst-cert", mirror.ca_file, "--json",
    )  # fmt: skip

    assert result.code == 1, result.err
    failed = [one["source"] for one in result.json if one["state"] == "failed"]
    assert failed == [f"{CHARTS}/{BUNDLE}:v1-34-latest"]
    check(skopeo, mirror, "m/eks-anywhere", published)


class Refusing(Handler):
    """The destination refuses one repository."""

    def request(self, exchange: Exchange) -> Answer | None:
        if "/hello/server/" in exchange.path and exchange.method in ("POST", "PUT"):
            error = {"errors": [{"code": "DENIED", "message": "no"}]}
            return Answer(403, {"Content-Type": "application/json"}, json.dumps(error).encode())
        return None


def test_what_fails_does_not_stop_the_others_but_holds_the_bundle_back(
    published: Packages, fresh_registry: RegistryFactory, proxy_for: ProxyFactory, skopeo: Skopeo
) -> None:
    mirror = fresh_registry(auth=Login())
    proxy = proxy_for(mirror, Refusing())
    target = f"{proxy.address}/m/eks-anywhere"

    result = copy(published, target, "--json", login=mirror)

    assert result.code == 1
    failed = [one["source"] for one in result.json if one["state"] == "failed"]
    assert [name.partition("@")[0] for name in failed] == [
        f"{IMAGES}/hello/server:v1.10",
        f"{CHARTS}/{BUNDLE}:v1-33-latest",
    ]
    assert skopeo.raw(mirror, "m/eks-anywhere/metal/speaker:v2")
    with pytest.raises(SkopeoError):
        skopeo.raw(mirror, f"m/eks-anywhere/{BUNDLE}:v1-33-latest")
    proxy.handler = Handler()
    assert copy(published, target, login=mirror).code == 0
    check(skopeo, mirror, "m/eks-anywhere", published)


def test_packages_cross_the_gap_as_a_file(
    published: Packages, fresh_registry: RegistryFactory, skopeo: Skopeo, tmp_path: Path
) -> None:
    archive, mirror = tmp_path / "packages.tar", fresh_registry()

    fetched = run("download", "packages", "-o", archive, "--kube-version", "1.33", *published.flags)
    assert fetched.code == 0, fetched.err
    imported = run(
        "import", "-i", archive, "--all", "-r", f"{mirror.address}/m", "--ca-file", mirror.ca_file
    )

    assert imported.code == 0, imported.err
    check(skopeo, mirror, "m/eks-anywhere", published)  # the coupling rule's place
    repository, digest = published.untagged
    hexadecimal = digest.partition(":")[2]
    raw = skopeo.raw(mirror, f"m/eks-anywhere/{repository}:{hexadecimal}")
    assert digest_of(raw) == digest


def test_a_lost_image_is_named_before_anything_is_fetched(
    published: Packages, tmp_path: Path
) -> None:
    repository, digest = published.untagged
    home = published.images.storage / "docker/registry/v2/repositories" / repository
    hexadecimal = digest.partition(":")[2]
    (home / "_manifests/revisions/sha256" / hexadecimal / "link").unlink()
    archive = tmp_path / "packages.tar"
    flags: list[str | Path] = ["-o", archive, "--kube-version", "1.33", *published.flags]

    refused = run("download", "packages", *flags)
    allowed = run("download", "packages", *flags, "--allow-missing")

    assert refused.code == allowed.code == 1
    assert f"{IMAGES}/{repository}@{digest}" in refused.err
    assert archive.exists()


def test_a_user_without_a_password_is_told(published: Packages) -> None:
    flags = ("--kube-version", "1.33", "--username", "AWS")

    result = run("copy", "packages", "r.example/x", *published.flags, *flags)

    assert result.code == 2
    assert "belong together" in result.err


@pytest.mark.parametrize("password", ["s3cret-right", "s3cret-wrong"])
def test_the_login_of_the_flags_is_shown_to_the_registry_of_the_images_alone(
    fresh_registry: RegistryFactory,
    published: Packages,
    authority: Authority,
    tmp_path: Path,
    password: str,
) -> None:
    login = Login("AWS", SecretStr("s3cret-right"))
    locked = fresh_registry(auth=login)
    shutil.copytree(published.images.storage, locked.storage, dirs_exist_ok=True)
    with Proxy(published.charts, authority) as charts:
        flags = [
            flag.replace(published.images.address, locked.address).replace(
                published.charts.address, charts.address
            )
            for flag in published.flags
        ]
        archive = tmp_path / "packages.tar"
        done = subprocess.run(
            [PROGRAM, "download", "packages", "-o", archive, "--kube-version", "1.33", *flags,
             "--username", "AWS", "--password-stdin"],
            input=f"{password}\n", capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        shown = [one.headers.get("Authorization") for one in charts.exchanges]

    assert done.returncode == (0 if password.endswith("right") else 1), done.stderr
    assert archive.exists() == (password.endswith("right"))
    assert shown
    assert not any(shown)
    assert password not in done.stdout + done.stderr
