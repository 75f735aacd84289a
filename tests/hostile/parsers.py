"""Every parser of what comes from outside, with a real file that it reads."""

import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import yaml

from core.answers.file import read_answers
from core.checks.chain import read_pem
from core.demo.sample import write_sample
from core.fetch.manifests import pointers
from core.host.certs_d import read_ca
from core.host.docker_config import find_in_docker_config
from core.mirror.certificates import judge_ca
from core.mirror.cluster_file import ClusterFile
from core.oci import InvalidContentError, parse_manifest
from core.registry.challenge import parse_challenges
from core.registry.faults import from_response, parse_retry_after
from core.registry.upload import whole_number
from core.release.bundles import load_bundles
from core.release.eksd import load_eksd
from core.release.packages import load_package_bundle
from core.release.plain_yaml import read_documents
from tests.core.release.manifests import CLI_TOOLS, DIGEST, bundles, eksd, versions_bundle

HOST = "registry.example.com:5000"


@dataclass(frozen=True, slots=True)
class Parser:
    """A parser, and a file that it takes without a word."""

    read: Callable[[bytes], object]
    good: bytes


def _docker_config(content: bytes) -> object:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "config.json").write_bytes(content)
        return find_in_docker_config(HOST, {"DOCKER_CONFIG": folder, "PATH": "", "HOME": folder})


def _ca_file(content: bytes) -> object:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "ca.crt")
        path.write_bytes(content)
        return read_ca(path)


def _error_body(content: bytes) -> object:
    error = from_response("PUT", "https://r.example.com/v2/", 403, content)
    assert "\x1b" not in str(error)
    assert len(str(error)) < 5_000
    return error


def _header(parse: Callable[[str], object]) -> Callable[[bytes], object]:
    return lambda content: parse(content.decode("latin-1"))


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace")


CLUSTER = b"""apiVersion: anywhere.eks.amazonaws.com/v1alpha1
kind: Cluster
metadata:
  name: one
spec:
  kubernetesVersion: "1.30"
  registryMirrorConfiguration:
    endpoint: 10.0.0.1
    port: "443"
    ociNamespaces:
      - registry: public.ecr.aws
        namespace: eks-a
"""
ANSWERS = b"version: 1\nregistry:\n  address: registry.example.com/eks-a\ntransfer:\n  jobs: 2\n"
PACKAGES = {
    "apiVersion": "packages.eks.amazonaws.com/v1alpha1",
    "kind": "PackageBundle",
    "metadata": {"name": "v1-30-115"},
    "spec": {
        "packages": [
            {
                "name": "harbor",
                "source": {
                    "repository": "harbor/harbor-helm",
                    "versions": [{"name": "2.1", "digest": DIGEST, "images": []}],
                },
            }
        ]
    },
}
MANIFEST = {
    "schemaVersion": 2,
    "config": {"mediaType": "a/b", "digest": DIGEST, "size": 3},
    "layers": [{"mediaType": "a/b", "digest": DIGEST, "size": 4}],
}
INDEX = {
    "schemaVersion": 2,
    "manifests": [
        MANIFEST["config"] | {"platform": {"os": "linux", "architecture": "amd64"}}  # type: ignore[operator]
    ],
}
DOCKER = {"auths": {HOST: {"auth": "dXNlcjpwYXNz"}, "other": {}}, "credHelpers": {}}


def _pem() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        from core.demo.certificates import Authority

        return Authority(Path(folder)).ca_file.read_bytes()


def _bundles() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return write_sample(Path(folder)).bundles.read_bytes()


def _yaml(document: object) -> bytes:
    return yaml.safe_dump(document).encode()


PARSERS = {
    "bundles": Parser(lambda c: load_bundles(c, "b.yaml"), _yaml(bundles(versions_bundle("1.30")))),
    "bundles of the sample": Parser(lambda c: load_bundles(c, "b.yaml"), _bundles()),
    "eks-d": Parser(lambda c: load_eksd(c, "d.yaml").components, _yaml(eksd("1.30", CLI_TOOLS))),
    "package bundle": Parser(lambda c: load_package_bundle(c, "p.yaml").packages, _yaml(PACKAGES)),
    "any yaml": Parser(lambda c: read_documents(c, "a.yaml"), b"a: [1, {b: c}]\n--- \nx: &y z\n"),
    "pointers": Parser(
        lambda c: pointers(_text(c), "b.yaml", "eks-anywhere-downloads"),
        _yaml(bundles(versions_bundle("1.30"))),
    ),
    "answers": Parser(lambda c: read_answers(c, "a.yaml"), ANSWERS),
    "cluster file": Parser(lambda c: ClusterFile.load(c, "c.yaml"), CLUSTER),
    "manifest": Parser(parse_manifest, json.dumps(MANIFEST).encode()),
    "index": Parser(parse_manifest, json.dumps(INDEX).encode()),
    "docker config": Parser(_docker_config, json.dumps(DOCKER).encode()),
    "certificate": Parser(lambda c: judge_ca(_text(c), endpoint="10.0.0.1"), _pem()),
    "certificates of a server": Parser(read_pem, _pem()),
    "CA file for docker": Parser(_ca_file, _pem()),
    "error body": Parser(
        _error_body, b'{"errors":[{"code":"DENIED","message":"no","detail":{"a":[1]}}]}'
    ),
    "WWW-Authenticate": Parser(
        _header(parse_challenges), b'Bearer realm="https://a/t",service="r",scope="a:b:c"'
    ),
    "Retry-After": Parser(_header(parse_retry_after), b"Wed, 21 Oct 2026 07:28:00 GMT"),
    "Range": Parser(_header(lambda text: whole_number(text.rpartition("-")[2])), b"0-1048575"),
}
OWN = (InvalidContentError,)
"""What the parsers raise besides `EksaMirrorError`: told by whoever knows the place."""
