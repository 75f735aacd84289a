"""Shaking hands as docker does: the system's store beside a folder of trust."""

import socket
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from core.demo.certificates import Authority
from core.demo.registry import DemoRegistry
from core.errors import Code, EksaMirrorError
from core.host.docker_view import shake_hands_as_docker
from core.mirror.endpoint import Mirror
from tests.fixtures.https_server import HttpsServer


def test_docker_accepts_a_registry_once_its_ca_is_in_the_folder(
    anonymous_registry: DemoRegistry, tmp_path: Path
) -> None:
    mirror = Mirror.parse(anonymous_registry.address)
    for missing in (tmp_path / "none", tmp_path):
        assert _refusal(mirror, missing).code is Code.TLS_UNTRUSTED
    (tmp_path / "ca.pem").write_bytes(anonymous_registry.ca_file.read_bytes())
    assert _refusal(mirror, tmp_path).code is Code.TLS_UNTRUSTED, "only .crt counts"
    (tmp_path / "a.crt").write_text("no certificate")
    (tmp_path / "ca.pem").rename(tmp_path / "b.crt")
    assert shake_hands_as_docker(mirror, tmp_path).startswith("TLSv1.")


def test_a_certificate_for_another_name_is_told(authority: Authority, tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_bytes(authority.ca_file.read_bytes())
    issued = authority.issue("elsewhere", ["elsewhere.example"])
    with HttpsServer(BaseHTTPRequestHandler, issued) as server:
        error = _refusal(Mirror.parse(server.address), tmp_path)
    assert error.code is Code.TLS_NAME_MISMATCH


def test_half_of_a_client_certificate_is_refused_as_by_docker(
    anonymous_registry: DemoRegistry, tmp_path: Path
) -> None:
    (tmp_path / "ca.crt").write_bytes(anonymous_registry.ca_file.read_bytes())
    (tmp_path / "client.cert").write_text("no certificate")
    mirror = Mirror.parse(anonymous_registry.address)
    assert _refusal(mirror, tmp_path).code is Code.CLIENT_KEY_MISSING
    (tmp_path / "client.key").write_text("no key")
    assert _refusal(mirror, tmp_path).code is Code.CLIENT_KEY_MISSING


def test_a_client_certificate_is_shown(
    anonymous_registry: DemoRegistry, authority: Authority, tmp_path: Path
) -> None:
    issued = authority.issue("client")
    (tmp_path / "ca.crt").write_bytes(anonymous_registry.ca_file.read_bytes())
    (tmp_path / "client.cert").write_bytes(issued.certificate_file.read_bytes())
    (tmp_path / "client.key").write_bytes(issued.key_file.read_bytes())
    assert shake_hands_as_docker(Mirror.parse(anonymous_registry.address), tmp_path)


def test_nobody_there_is_told(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        mirror = Mirror.parse(f"127.0.0.1:{taken.getsockname()[1]}")
        assert _refusal(mirror, tmp_path).code is Code.REGISTRY_UNREACHABLE


def _refusal(mirror: Mirror, folder: Path) -> EksaMirrorError:
    with pytest.raises(EksaMirrorError) as caught:
        shake_hands_as_docker(mirror, folder, seconds=5)
    return caught.value
