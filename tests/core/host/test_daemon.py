"""Which daemon the docker command speaks to, what it is, and what it says in our words."""

import hashlib
import json
import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from core.errors import Code, EksaMirrorError, MachineError, RegistryError
from core.host.certs_d import Reader
from core.host.daemon import DaemonFacts, DaemonKind, connect
from core.host.docker_endpoint import DEFAULT_SOCKET, Endpoint, find_endpoint
from core.host.docker_readers import readers_for
from core.reference import Reference
from core.registry.credentials import Credentials
from tests.core.host.daemons import INFO, VERSION, answering

IMAGE = Reference.parse("harbor.local:443/eks-a/pause:3.9")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short one: the path of a socket is limited."""
    with tempfile.TemporaryDirectory(prefix="eksa-") as name:
        yield Path(name)


def _context(config: Path, name: str, endpoint: object) -> Path:
    key = hashlib.sha256(name.encode()).hexdigest()
    meta = config / "contexts" / "meta" / key / "meta.json"
    meta.parent.mkdir(parents=True)
    meta.write_text(json.dumps({"Name": name, "Metadata": {}, "Endpoints": {"docker": endpoint}}))
    return config / "contexts" / "tls" / key / "docker"


def test_without_any_setting_it_is_the_usual_socket(folder: Path) -> None:
    expected = Endpoint(DEFAULT_SOCKET, "default")
    assert find_endpoint({"DOCKER_CONFIG": str(folder)}) == expected
    for content in ("", "{", "[]", '{"currentContext": 1}', '{"currentContext": "default"}'):
        (folder / "config.json").write_text(content)
        assert find_endpoint({"DOCKER_CONFIG": str(folder)}) == expected


def test_docker_host_wins_over_contexts(folder: Path) -> None:
    (folder / "config.json").write_text('{"currentContext": "remote"}')
    environment = {"DOCKER_CONFIG": str(folder), "DOCKER_HOST": "tcp://h:2376"}
    assert find_endpoint(environment) == Endpoint("tcp://h:2376", "DOCKER_HOST")
    assert not find_endpoint(environment).is_local
    verified = environment | {"DOCKER_TLS_VERIFY": "1"}
    assert find_endpoint(verified) == Endpoint("tcp://h:2376", "DOCKER_HOST", folder)
    unverified = environment | {"DOCKER_CERT_PATH": "/certs"}
    expected = Endpoint("tcp://h:2376", "DOCKER_HOST", Path("/certs"), verify=False)
    assert find_endpoint(unverified) == expected


def test_a_context_names_the_daemon(folder: Path) -> None:
    _context(folder, "rootless", {"Host": "unix:///run/user/1000/docker.sock"})
    tls = _context(folder, "remote", {"Host": "tcp://h:2376", "SkipTLSVerify": True})
    tls.mkdir(parents=True)
    (folder / "config.json").write_text('{"currentContext": "rootless"}')
    environment = {"DOCKER_CONFIG": str(folder)}
    rootless = Endpoint("unix:///run/user/1000/docker.sock", "context rootless")
    assert find_endpoint(environment) == rootless
    remote = Endpoint("tcp://h:2376", "context remote", tls, verify=False)
    assert find_endpoint(environment | {"DOCKER_CONTEXT": "remote"}) == remote
    assert find_endpoint(environment | {"DOCKER_CONTEXT": "default"}).address == DEFAULT_SOCKET


@pytest.mark.parametrize("endpoint", [None, [], {}, {"Host": ""}, {"Host": 1}])
def test_a_context_that_names_no_daemon_is_told(folder: Path, endpoint: object) -> None:
    _context(folder, "broken", endpoint)
    for name in ("broken", "gone"):
        with pytest.raises(MachineError, match=f"context “{name}” is not there"):
            find_endpoint({"DOCKER_CONFIG": str(folder), "DOCKER_CONTEXT": name})


@pytest.mark.parametrize(
    ("version", "info", "kind", "reader"),
    [
        ({}, {}, DaemonKind.DOCKER, Reader.DOCKER),
        (
            {},
            {"SecurityOptions": ["name=seccomp", "name=rootless"]},
            DaemonKind.ROOTLESS_DOCKER,
            Reader.ROOTLESS_DOCKER,
        ),
        (
            {"Components": [{"Name": "Podman Engine", "Version": "5.2"}]},
            {"SecurityOptions": ["name=rootless"]},
            DaemonKind.PODMAN,
            Reader.PODMAN,
        ),
        ({"Components": None}, {"SecurityOptions": None}, DaemonKind.DOCKER, Reader.DOCKER),
    ],
)
def test_whose_daemon_it_is_decides_where_a_ca_goes(
    folder: Path,
    version: dict[str, Any],
    info: dict[str, Any],
    kind: DaemonKind,
    reader: Reader,
) -> None:
    facts = _facts(folder, VERSION | version, INFO | info)
    assert (facts.version, facts.platform, facts.storage) == ("27.1.1", "linux/amd64", "overlay2")
    assert facts.kind is kind
    assert readers_for(facts, {"PATH": ""}) == (reader,)


def test_podman_beside_docker_is_another_reader(folder: Path) -> None:
    podman = folder / "podman"
    podman.touch(mode=0o755)
    assert readers_for(None, {"PATH": str(folder)}) == (Reader.DOCKER, Reader.PODMAN)


def test_the_image_store_of_containerd_is_told(folder: Path) -> None:
    status = {"DriverStatus": [["driver-type", "io.containerd.snapshotter.v1"]]}
    facts = _facts(folder, VERSION, INFO | {"Driver": "overlayfs"} | status)
    assert facts.storage == "overlayfs in the containerd image store"


def test_no_socket_is_told_with_the_daemon_that_nothing_points_to(folder: Path) -> None:
    environment = {"DOCKER_HOST": f"unix://{folder}/none.sock", "XDG_RUNTIME_DIR": str(folder)}
    error = _unreachable(environment)
    assert error.message == "It does not run: its socket is not there."
    assert error.where == f"unix://{folder}/none.sock (DOCKER_HOST)"
    assert "systemctl start docker" in error.mend
    with answering(folder / "docker.sock"):
        error = _unreachable(environment)
    assert error.mend == f"export DOCKER_HOST=unix://{folder}/docker.sock"


def test_a_socket_that_nobody_serves_is_told(folder: Path) -> None:
    path = folder / "docker.sock"
    with socket.socket(socket.AF_UNIX) as left_over:
        left_over.bind(str(path))
    error = _unreachable({"DOCKER_HOST": f"unix://{path}", "XDG_RUNTIME_DIR": "/nowhere"})
    assert error.message == "It does not run: nobody listens."


def test_a_socket_of_another_group_is_told(folder: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can make a socket of somebody else: run the tests as root")
    folder.chmod(0o755)
    with answering(folder / "docker.sock") as host:
        (folder / "docker.sock").chmod(0o600)
        os.seteuid(65534)
        try:
            error = _unreachable({"DOCKER_HOST": host})
        finally:
            os.seteuid(0)
    assert "usermod -aG docker" in error.mend


@pytest.mark.parametrize(
    "host", ["tcp://127.0.0.1:1", "ssh://h", "gopher://x", "tcp://", "unix://"]
)
def test_whatever_docker_host_holds_the_answer_is_ours(host: str) -> None:
    assert _unreachable({"DOCKER_HOST": host, "XDG_RUNTIME_DIR": "/nowhere"})


@pytest.mark.parametrize("version", [b"", b"{", b"[]", b"{}", b'{"ApiVersion": "1.1"}', b"x" * 99])
def test_a_daemon_that_talks_rubbish_is_told(folder: Path, version: bytes) -> None:
    with answering(folder / "docker.sock", version=version) as host:
        assert _unreachable({"DOCKER_HOST": host})


@pytest.mark.parametrize("name", ["info", "version"])
@pytest.mark.parametrize("said", [b"[]", b"{", b"null", b'{"Components": 1, "DriverStatus": 1}'])
def test_odd_facts_make_no_crash(folder: Path, name: str, said: bytes) -> None:
    with (
        answering(folder / "docker.sock", **{name: said}) as host,
        suppress(MachineError),  # any other exception is a defect
        connect({"DOCKER_HOST": host}) as daemon,
    ):
        assert daemon.facts.kind is DaemonKind.DOCKER


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("Get https://h/v2/: x509: certificate signed by unknown authority", Code.TLS_UNTRUSTED),
        (
            "x509: certificate is valid for a.example, not h",
            Code.TLS_NAME_MISMATCH,
        ),
        (
            "x509: cannot validate certificate for 10.0.0.5 because it doesn't contain any IP SANs",
            Code.TLS_NAME_MISMATCH,
        ),
        (
            "x509: certificate relies on legacy Common Name field, use SANs instead",
            Code.TLS_NAME_MISMATCH,
        ),
        (
            "x509: certificate has expired or is not yet valid: current time …",
            Code.TLS_EXPIRED,
        ),
        ("http: server gave HTTP response to HTTPS client", Code.TLS_FAILED),
        ("remote error: tls: handshake failure", Code.TLS_FAILED),
        (
            "missing key /etc/docker/certs.d/h/client.key for client certificate client.cert.",
            Code.CLIENT_KEY_MISSING,
        ),
        ("missing client certificate client.cert for key client.key", Code.CLIENT_KEY_MISSING),
        ("Get https://h/v2/a/manifests/1: no basic auth credentials", Code.LOGIN_MISSING),
        ("unauthorized: incorrect username or password", Code.LOGIN_REFUSED),
        ("denied: requested access to the resource is denied", Code.PUSH_DENIED),
        ("manifest unknown: manifest unknown", Code.REGISTRY_NOT_FOUND),
        ("write /var/lib/docker/tmp/x: no space left on device", Code.DISK_FULL),
        ("dial tcp: lookup h: no such host", Code.REGISTRY_UNREACHABLE),
        ("dial tcp 10.0.0.5:443: connect: connection refused", Code.REGISTRY_UNREACHABLE),
        ("dial tcp 10.0.0.5:443: i/o timeout", Code.REGISTRY_UNREACHABLE),
        ("no matching manifest for linux/arm64 in the manifest list", Code.DOCKER_REFUSED),
    ],
)
def test_what_docker_says_is_told_under_its_code(folder: Path, words: str, code: Code) -> None:
    event = json.dumps({"error": words, "errorDetail": {"message": words}}).encode()
    with answering(folder / "docker.sock", create=event) as host:
        error = _refusal(host)
    assert error.code is code
    assert isinstance(error, RegistryError | MachineError)
    assert words in error.message
    assert error.where == str(IMAGE)


@pytest.mark.parametrize("events", [b"", b"{", b"[]\n1\n", b"null", b'{"error": {"a": "\x1b[2J"}}'])
def test_whatever_comes_instead_of_progress_makes_no_crash(folder: Path, events: bytes) -> None:
    with (
        answering(folder / "docker.sock", create=events) as host,
        suppress(EksaMirrorError),  # any other exception is a defect
        connect({"DOCKER_HOST": host}) as daemon,
    ):
        assert daemon.pull_through(IMAGE, _LOGIN).image_id == ""


_LOGIN = Credentials("robot$a+b", SecretStr("hunter2"))


def _facts(folder: Path, version: dict[str, Any], info: dict[str, Any]) -> DaemonFacts:
    with (
        answering(folder / "docker.sock", version=version, info=info) as host,
        connect({"DOCKER_HOST": host}) as daemon,
    ):
        return daemon.facts


def _unreachable(environment: dict[str, str]) -> MachineError:
    with pytest.raises(MachineError) as caught, connect(environment, seconds=2):
        pytest.fail("it answered")
    assert caught.value.code is Code.DOCKER_UNREACHABLE
    return caught.value


def _refusal(host: str) -> EksaMirrorError:
    with connect({"DOCKER_HOST": host}) as daemon, pytest.raises(EksaMirrorError) as caught:
        daemon.pull_through(IMAGE, _LOGIN)
    return caught.value
