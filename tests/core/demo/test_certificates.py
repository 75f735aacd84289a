"""Certificates that strict clients take."""

import socket
import ssl
from pathlib import Path
from threading import Thread

import pytest
from cryptography import x509

from core.demo.certificates import Authority, Certificate


def _handshake(certificate: Certificate, ca_file: Path, host: str) -> None:
    """One TLS handshake by the strictest rules that Python's ssl knows."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate.certificate_file, certificate.key_file)
    client = ssl.create_default_context(cafile=str(ca_file))
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    ours, theirs = socket.socketpair()

    def answer() -> None:
        try:
            server.wrap_socket(theirs, server_side=True).close()
        except ssl.SSLError:
            theirs.close()

    thread = Thread(target=answer)
    thread.start()
    try:
        with ours, client.wrap_socket(ours, server_hostname=host):
            pass
    finally:
        thread.join()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1"])
def test_a_certificate_holds_for_every_name_of_this_machine(host: str, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    _handshake(authority.issue("server"), authority.ca_file, host)


def test_it_holds_for_no_other_name(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with pytest.raises(ssl.SSLCertVerificationError, match="mismatch"):
        _handshake(authority.issue("server"), authority.ca_file, "elsewhere.example.com")


def test_names_can_be_chosen(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    _handshake(authority.issue("server", ["a.example.com"]), authority.ca_file, "a.example.com")


def test_another_authority_is_not_trusted(tmp_path: Path) -> None:
    one, other = Authority(tmp_path / "one"), Authority(tmp_path / "other")
    with pytest.raises(ssl.SSLCertVerificationError):
        _handshake(one.issue("server"), other.ca_file, "localhost")


def test_keys_are_readable_by_the_owner_only(tmp_path: Path) -> None:
    certificate = Authority(tmp_path).issue("server")
    assert certificate.key_file.stat().st_mode & 0o777 == 0o600


def test_the_authority_of_the_same_name_differs_each_time(tmp_path: Path) -> None:
    one, other = Authority(tmp_path / "one"), Authority(tmp_path / "other")
    keys = [
        x509.load_pem_x509_certificate(a.ca_file.read_bytes()).public_key() for a in (one, other)
    ]
    assert keys[0] != keys[1]
