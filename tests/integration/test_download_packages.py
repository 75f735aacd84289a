"""Curated packages: copied from registry to registry, and carried across as a file."""

import gzip
import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from pydantic import SecretStr

from core.demo.certificates import Authority
from core.demo.content import Content, Entry, tar_of
from core.demo.registry import DemoRegistry, Login
from core.demo.sample import Sample
from core.oci import (
    HELM_CHART,
    HELM_CONFIG,
    OCI_CONFIG,
    OCI_INDEX,
    OCI_LAYER,
    OCI_LAYER_GZIP,
    OCI_MANIFEST,
    UNKNOWN_CONFIG,
    canonical_json,
    digest_of,
)
from core.reference import Reference
from core.registry.session import Session
from tests.fixtures.proxy import Answer, Exchange, Handler, Proxy
from tests.fixtures.registries import ProxyFactory, RegistryFactory
from tests.fixtures.tools import Skopeo, SkopeoError
from tests.integration.clients import push_blob, session_with
from tests.integration.program import PROGRAM, Ended, run
from tests.integration.upstream import descriptor, publish_manifest

CHARTS = "public.ecr.aws/eks-anywhere"
IMAGES = "783794618700.dkr.ecr.us-west-2.amazonaws.com"
BUNDLE = "eks-anywhere-packages-bundles"
BASE = gzip.compress(b"".join(tar_of([Entry("base/")]).blocks()), mtime=0)


@dataclass
class Packages:
    """What was published: names below the destination, and their digests."""

    charts: DemoRegistry
    images: DemoRegistry
    digests: dict[str, str]
    untagged: tuple[str, str]

    @property
    def flags(self) -> list[str]:
        return [
            *("--upstream-mirror", f"public.ecr.aws={self.charts.address}"),
            *("--upstream-mirror", f"{IMAGES}={self.images.address}"),
            *("--ca-file", str(self.charts.ca_file)),
            *("--src-image-registry", IMAGES, "--src-chart-registry", CHARTS),
        ]


@pytest.fixture
def published(fresh_registry: RegistryFactory) -> Packages:
    """Two packages; the second image of the first has no tag in the values of its chart."""
    charts, images = fresh_registry(), fresh_registry()
    digests: dict[str, str] = {}
    with session_with(images) as session:
        tagged = _image(session, "hello/server")
        other = _image(session, "hello/helper")
        third = _image(session, "metal/speaker")
    digests |= {"hello/server:v1.10": tagged, "metal/speaker:v2": third}
    values = {"image": {"tag": "v1.10", "digest": tagged}, "list": [{"tag": "x", "digest": other}]}
    deep = {"a": {"b": {"tag": "v2", "digest": third}}, "c": {"tag": "sha256:1", "digest": other}}
    with session_with(charts) as session:
        hello = _chart(session, "hello/chart", "0.1.2-abc", values)
        metal = _chart(session, "metal", "1.0.0", deep)
        digests |= {"hello/chart:0.1.2-abc": hello, "metal:1.0.0": metal}
        hello_images = [_ref("hello/server", tagged), _ref("hello/helper", other)]
        bundle = _package_bundle(
            [
                _package("hello", "hello/chart", "0.1.2-abc", hello, hello_images),
                _package("metal", "metal", "1.0.0", metal, [_ref("metal/speaker", third)]),
            ]
        )
        digests[f"{BUNDLE}:v1-33-latest"] = _file(
            session, f"eks-anywhere/{BUNDLE}", "v1-33-latest", (UNKNOWN_CONFIG, b"{}"),
            (OCI_LAYER, bundle),
        )  # fmt: skip
    return Packages(charts, images, digests, ("hello/helper", other))


def _ref(repository: str, digest: str) -> dict[str, str]:
    return {"repository": repository, "digest": digest}


def _package(
    name: str, repository: str, version: str, digest: str, images: list[dict[str, str]]
) -> dict[str, object]:
    versions = [{"name": version, "digest": digest, "images": images}]
    return {"name": name, "source": {"repository": repository, "versions": versions}}


def _package_bundle(packages: list[dict[str, object]]) -> bytes:
    document = {
        "apiVersion": "packages.eks.amazonaws.com/v1alpha1",
        "kind": "PackageBundle",
        "metadata": {"name": "v1-33-116"},
        "spec": {"packages": packages},
    }
    return yaml.safe_dump(document).encode()


def _image(session: Session, repository: str) -> str:
    """For two platforms, untagged, as its digest is all that the bundle tells."""
    reference, listed = Reference("x", repository), []
    push_blob(session, repository, BASE)
    for architecture in ("amd64", "arm64"):
        config = canonical_json({"os": "linux", "architecture": architecture, "of": repository})
        push_blob(session, repository, config)
        manifest = publish_manifest(session, reference, "", {
            "schemaVersion": 2, "mediaType": OCI_MANIFEST,
            "config": descriptor(OCI_CONFIG, config),
            "layers": [descriptor(OCI_LAYER_GZIP, BASE)],
        })  # fmt: skip
        platform = {"os": "linux", "architecture": architecture}
        listed.append(descriptor(OCI_MANIFEST, manifest) | {"platform": platform})
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": listed}
    return digest_of(publish_manifest(session, reference, "", index))


def _chart(session: Session, repository: str, version: str, values: Mapping[str, object]) -> str:
    name = repository.rpartition("/")[2]
    about = {"apiVersion": "v2", "name": name, "version": version}
    files = {"Chart.yaml": about, "values.yaml": values}
    entries = [
        Entry(f"{name}/{file}", Content.of(yaml.safe_dump(content).encode()))
        for file, content in files.items()
    ]
    content = gzip.compress(b"".join(tar_of(entries).blocks()), mtime=0)
    config = (HELM_CONFIG, canonical_json(about))
    return _file(session, f"eks-anywhere/{repository}", version, config, (HELM_CHART, content))


def _file(
    session: Session, repository: str, tag: str, config: tuple[str, bytes], layer: tuple[str, bytes]
) -> str:
    for _, content in (config, layer):
        push_blob(session, repository, content)
    document = {
        "schemaVersion": 2, "mediaType": OCI_MANIFEST,
        "config": descriptor(*config), "layers": [descriptor(*layer)],
    }  # fmt: skip
    return digest_of(publish_manifest(session, Reference("x", repository), tag, document))


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
