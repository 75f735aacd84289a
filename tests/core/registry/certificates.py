"""Certificates that break a rule, and servers that show them."""

import ipaddress
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Shown:
    """A server's context, and the file that a client would be given as CA."""

    context: ssl.SSLContext
    ca_file: Path


def server_context(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


def from_trustme(
    folder: Path,
    *names: str,
    not_before: datetime | None = None,
    not_after: datetime | None = None,
) -> Shown:
    """A certificate for `names`, under a CA of its own."""
    authority = trustme.CA()
    certificate = authority.issue_cert(
        *(names or (HOST,)), not_before=not_before, not_after=not_after
    )
    return Shown(server_context(certificate), write(folder, authority.cert_pem.bytes()))


def write(folder: Path, content: bytes, name: str = "ca.crt") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def self_signed(folder: Path, common_name: str, *alternatives: str) -> Shown:
    """A certificate of its own, with no alternative names where none are given."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
    )
    if alternatives:
        addresses = [x509.IPAddress(ipaddress.ip_address(address)) for address in alternatives]
        builder = builder.add_extension(x509.SubjectAlternativeName(addresses), critical=False)
    certificate = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    both = write(folder, certificate + private, "server.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    return Shown(context, write(folder, certificate))
