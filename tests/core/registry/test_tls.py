"""Certificates judged as the cluster's side judges them; real handshakes on loopback."""

import socket
import ssl
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from core.errors import Code, RegistryError
from core.registry.connection import Connection
from core.registry.retry import ONCE
from core.registry.session import Session
from core.registry.tls import TlsSettings, ssl_context
from tests.core.registry.certificates import (
    HOST,
    Shown,
    from_trustme,
    self_signed,
    server_context,
    write,
)
from tests.core.registry.servers import RawServer, answer_ok, wait_for_hangup
from tests.fixtures.tools import need


def _ping(context: ssl.SSLContext | None, settings: TlsSettings, host: str = HOST) -> int:
    with RawServer(answer_ok, context) as server:
        address = server.address.replace(HOST, host)
        with Session(Connection(address, settings), policy=ONCE) as session:
            return session.ping().status


def _refused(
    context: ssl.SSLContext | None, settings: TlsSettings, host: str = HOST
) -> RegistryError:
    with pytest.raises(RegistryError) as raised:
        _ping(context, settings, host)
    assert not raised.value.temporary
    assert raised.value.where.startswith("https://")
    return raised.value


# Accepted


def test_a_certificate_of_the_ca_file_is_accepted(tmp_path: Path) -> None:
    shown = from_trustme(tmp_path)
    assert _ping(shown.context, TlsSettings(shown.ca_file)) == 200


def test_a_name_is_accepted_as_well_as_an_address(tmp_path: Path) -> None:
    shown = from_trustme(tmp_path, "localhost")
    assert _ping(shown.context, TlsSettings(shown.ca_file), "localhost") == 200


def test_every_certificate_of_the_ca_file_counts(tmp_path: Path) -> None:
    authorities = [trustme.CA(), trustme.CA(), trustme.CA()]
    bundle = b"# comment, \xe9\n".join(ca.cert_pem.bytes() for ca in authorities)
    ca_file = write(tmp_path, b"\xef\xbb\xbf" + bundle.replace(b"\n", b"\r\n"))
    for authority in authorities:
        context = server_context(authority.issue_cert(HOST))
        assert _ping(context, TlsSettings(ca_file)) == 200


def test_the_same_certificate_twice_does_no_harm(tmp_path: Path) -> None:
    authority = trustme.CA()
    ca_file = write(tmp_path, authority.cert_pem.bytes() * 2)
    assert _ping(server_context(authority.issue_cert(HOST)), TlsSettings(ca_file)) == 200


def test_an_intermediate_alone_is_an_anchor(tmp_path: Path) -> None:
    intermediate = trustme.CA().create_child_ca()
    ca_file = write(tmp_path, intermediate.cert_pem.bytes())
    assert _ping(server_context(intermediate.issue_cert(HOST)), TlsSettings(ca_file)) == 200


def test_a_root_is_an_anchor_for_a_chain_over_an_intermediate(tmp_path: Path) -> None:
    root = trustme.CA()
    ca_file = write(tmp_path, root.cert_pem.bytes())
    certificate = root.create_child_ca().issue_cert(HOST)
    assert _ping(server_context(certificate), TlsSettings(ca_file)) == 200


def test_the_servers_own_certificate_is_an_anchor(tmp_path: Path) -> None:
    certificate = trustme.CA().issue_cert(HOST)
    ca_file = write(tmp_path, certificate.cert_chain_pems[0].bytes())
    assert _ping(server_context(certificate), TlsSettings(ca_file)) == 200


def test_a_self_signed_certificate_with_alternative_names_is_accepted(tmp_path: Path) -> None:
    shown = self_signed(tmp_path, "whatever", HOST)
    assert _ping(shown.context, TlsSettings(shown.ca_file)) == 200


def test_without_verification_every_certificate_is_accepted(tmp_path: Path) -> None:
    shown = self_signed(tmp_path, "another name")
    assert _ping(shown.context, TlsSettings(verify=False)) == 200
    assert _ping(shown.context, TlsSettings(shown.ca_file, verify=False)) == 200


# Refused


def test_an_authority_that_is_not_known_is_refused(tmp_path: Path) -> None:
    shown = from_trustme(tmp_path)
    assert _refused(shown.context, TlsSettings()).code is Code.TLS_UNTRUSTED


def test_another_authority_is_refused(tmp_path: Path) -> None:
    shown = from_trustme(tmp_path)
    other = write(tmp_path, trustme.CA().cert_pem.bytes(), "other.crt")
    assert _refused(shown.context, TlsSettings(other)).code is Code.TLS_UNTRUSTED


def test_a_chain_without_its_intermediate_is_refused(tmp_path: Path) -> None:
    root = trustme.CA()
    certificate = root.create_child_ca().issue_cert(HOST)
    alone = write(tmp_path, certificate.private_key_and_cert_chain_pem.bytes(), "chain.pem")
    pems = alone.read_bytes().split(b"-----BEGIN CERTIFICATE-----")
    alone.write_bytes(pems[0] + b"-----BEGIN CERTIFICATE-----" + pems[1])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(alone)
    ca_file = write(tmp_path, root.cert_pem.bytes())
    assert _refused(context, TlsSettings(ca_file)).code is Code.TLS_UNTRUSTED


def test_a_self_signed_certificate_is_refused(tmp_path: Path) -> None:
    shown = self_signed(tmp_path, HOST, HOST)
    assert _refused(shown.context, TlsSettings()).code is Code.TLS_UNTRUSTED


@pytest.mark.parametrize("host", [HOST, "localhost"])
def test_a_common_name_alone_is_refused(host: str, tmp_path: Path) -> None:
    shown = self_signed(tmp_path, host)
    error = _refused(shown.context, TlsSettings(shown.ca_file), host)
    assert error.code is Code.TLS_NAME_MISMATCH


@pytest.mark.parametrize(("name", "host"), [("registry.example", "localhost"), ("::1", HOST)])
def test_a_certificate_for_another_name_is_refused(name: str, host: str, tmp_path: Path) -> None:
    shown = from_trustme(tmp_path, name)
    error = _refused(shown.context, TlsSettings(shown.ca_file), host)
    assert error.code is Code.TLS_NAME_MISMATCH
    assert host in error.message


def test_an_expired_certificate_is_refused(tmp_path: Path) -> None:
    end = datetime.now(UTC) - timedelta(days=1)
    shown = from_trustme(tmp_path, not_after=end)
    error = _refused(shown.context, TlsSettings(shown.ca_file))
    assert error.code is Code.TLS_EXPIRED
    assert "expired" in error.message


def test_a_certificate_of_the_future_is_refused(tmp_path: Path) -> None:
    begin = datetime.now(UTC) + timedelta(days=1)
    shown = from_trustme(tmp_path, not_before=begin)
    error = _refused(shown.context, TlsSettings(shown.ca_file))
    assert error.code is Code.TLS_EXPIRED
    assert "not yet valid" in error.message


def test_a_sha1_signature_is_refused(tmp_path: Path) -> None:
    shown = _sha1_signed(tmp_path)
    error = _refused(shown.context, TlsSettings(shown.ca_file))
    assert error.code is Code.TLS_FAILED
    assert "SHA-256" in error.mend


def _sha1_signed(folder: Path) -> Shown:
    """A leaf under a CA, signed with SHA-1, which python's cryptography refuses to make."""
    ca, leaf, both = folder / "root.pem", folder / "leaf.pem", folder / "both.pem"
    new = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-noenc", "-days", "2"]
    _run(*new, "-subj", "/CN=root", "-keyout", ca, "-out", folder / "ca.crt")
    ca.write_bytes(ca.read_bytes() + (folder / "ca.crt").read_bytes())
    _run(
        *(*new, "-sha1", "-subj", "/CN=leaf", "-addext", f"subjectAltName=IP:{HOST}"),
        *("-CA", folder / "ca.crt", "-CAkey", ca, "-keyout", both, "-out", leaf),
    )
    both.write_bytes(both.read_bytes() + leaf.read_bytes())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("DEFAULT@SECLEVEL=0")
    context.load_cert_chain(both)
    return Shown(context, folder / "ca.crt")


def _run(*arguments: str | Path) -> None:
    need("openssl")
    subprocess.run([str(a) for a in arguments], check=True, capture_output=True)


def test_old_versions_of_tls_are_refused(tmp_path: Path) -> None:
    shown = from_trustme(tmp_path)
    shown.context.set_ciphers("DEFAULT@SECLEVEL=0")
    shown.context.options &= ~ssl.OP_NO_TLSv1_1
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        shown.context.minimum_version = ssl.TLSVersion.TLSv1_1
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        shown.context.maximum_version = ssl.TLSVersion.TLSv1_1
    for settings in (TlsSettings(shown.ca_file), TlsSettings(verify=False)):
        error = _refused(shown.context, settings)
        assert error.code is Code.TLS_FAILED
        assert "protocol version" in error.message


@pytest.mark.parametrize("verify", [True, False])
def test_a_port_that_speaks_plain_http_is_told(verify: bool) -> None:
    def talk(connection: socket.socket, _: int) -> None:
        connection.recv(1)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")

    with (
        RawServer(talk) as server,
        Session(Connection(server.address, TlsSettings(verify=verify))) as session,
        pytest.raises(RegistryError) as raised,
    ):
        session.ping()
    assert raised.value.code is Code.TLS_FAILED
    assert "plain HTTP" in raised.value.message


def test_a_handshake_without_end_is_given_up() -> None:
    started = time.monotonic()
    with (
        RawServer(lambda connection, _: wait_for_hangup(connection)) as server,
        Session(Connection(server.address), policy=ONCE, stall=0.3) as session,
        pytest.raises(RegistryError) as raised,
    ):
        session.ping()
    assert raised.value.code is Code.REGISTRY_STALLED
    assert time.monotonic() - started < 15


def test_a_server_that_hangs_up_in_the_handshake_is_told() -> None:
    with (
        RawServer(lambda connection, _: connection.shutdown(socket.SHUT_RDWR)) as server,
        Session(Connection(server.address), policy=ONCE) as session,
        pytest.raises(RegistryError) as raised,
    ):
        session.ping()
    assert raised.value.code is Code.REGISTRY_UNREACHABLE
    assert raised.value.temporary


def test_a_client_certificate_that_is_wanted_is_told(tmp_path: Path) -> None:
    shown = from_trustme(tmp_path)
    shown.context.verify_mode = ssl.CERT_REQUIRED
    shown.context.load_verify_locations(shown.ca_file)
    with pytest.raises(RegistryError) as raised:
        _ping(shown.context, TlsSettings(shown.ca_file))
    assert raised.value.code is Code.TLS_FAILED


# The CA file


def _invalid(ca_file: Path) -> RegistryError:
    with pytest.raises(RegistryError) as raised:
        ssl_context(TlsSettings(ca_file))
    assert raised.value.code is Code.CA_FILE_INVALID
    assert raised.value.where == str(ca_file)
    return raised.value


def test_a_ca_file_that_is_missing_is_told(tmp_path: Path) -> None:
    assert "No such file" in _invalid(tmp_path / "none.crt").message


def test_a_folder_is_no_ca_file(tmp_path: Path) -> None:
    assert "directory" in _invalid(tmp_path).message


def test_a_name_that_no_file_can_have_is_told() -> None:
    assert "cannot be read" in _invalid(Path("a\0b")).message


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b"<html>not found</html>", b"\x00" * 100, "-----BEGIN".encode("utf-16")],
)
def test_a_ca_file_without_a_certificate_is_told(content: bytes, tmp_path: Path) -> None:
    assert "no PEM certificate" in _invalid(write(tmp_path, content)).message


def test_a_private_key_alone_is_no_ca_file(tmp_path: Path) -> None:
    key = trustme.CA().private_key_pem.bytes()
    assert "no PEM certificate" in _invalid(write(tmp_path, key)).message


def test_a_der_certificate_is_told_with_the_command_that_converts_it(tmp_path: Path) -> None:
    der = ssl.PEM_cert_to_DER_cert(trustme.CA().cert_pem.bytes().decode())
    ca_file = write(tmp_path, der)
    error = _invalid(ca_file)
    assert "DER" in error.message
    command = error.mend.removeprefix("Convert it: ").split()
    _run(*command[:-1], tmp_path / "converted.crt")
    ssl_context(TlsSettings(tmp_path / "converted.crt"))


@pytest.mark.parametrize("cut", [30, 200, -28, -10])
def test_a_certificate_that_is_cut_off_is_told(cut: int, tmp_path: Path) -> None:
    whole = trustme.CA().cert_pem.bytes().strip()
    message = _invalid(write(tmp_path, whole + b"\n" + whole[:cut])).message
    assert "Certificate 2 of 2" in message


def test_a_certificate_with_letters_changed_is_told(tmp_path: Path) -> None:
    lines = trustme.CA().cert_pem.bytes().splitlines(keepends=True)
    damaged = b"".join([lines[0], b"AAAA" + lines[1][4:], *lines[2:]])
    assert "Certificate 1 of 1" in _invalid(write(tmp_path, damaged)).message


def test_an_endless_file_is_no_ca_file() -> None:
    assert "larger than" in _invalid(Path("/dev/zero")).message


def test_a_broken_ca_file_is_told_before_anything_is_sent(tmp_path: Path) -> None:
    connection = Connection("127.0.0.1:1", TlsSettings(tmp_path / "none.crt"))
    with pytest.raises(RegistryError) as raised:
        Session(connection)
    assert raised.value.code is Code.CA_FILE_INVALID
