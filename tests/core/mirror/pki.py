"""Certificates of every kind, made with cryptography."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Made:
    """A certificate with its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(Encoding.PEM).decode()

    @property
    def key_pem(self) -> str:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@cache
def _key(name: str, old: bool = False) -> ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey:
    assert isinstance(name, str)
    return rsa.generate_private_key(65537, 2048) if old else ec.generate_private_key(ec.SECP256R1())


def make(
    name: str,
    *,
    issuer: Made | None = None,
    ca: bool | None = True,
    dns: Sequence[str] = (),
    ip: Sequence[str] = (),
    begin: datetime = NOW - 365 * DAY,
    end: datetime = NOW + 365 * DAY,
    sha1: bool = False,
) -> Made:
    """A certificate; signed by itself where there is no issuer, without basic constraints where
    `ca` is None."""
    key = _key(name, sha1)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)] if name else [])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
    )
    if ca is not None:
        builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), True)
    names: list[x509.GeneralName] = [x509.DNSName(one) for one in dns]
    names += [x509.IPAddress(ipaddress.ip_address(one)) for one in ip]
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), False)
    signed = builder.sign(issuer.key if issuer else key, hashes.SHA256())
    return Made(_said_to_be_sha1(signed) if sha1 else signed, key)


def _said_to_be_sha1(certificate: x509.Certificate) -> x509.Certificate:
    """No library signs with SHA-1 any more, so the name of the algorithm is changed afterwards."""
    sha256, sha1 = (bytes.fromhex(f"2a864886f70d0101{end}") for end in ("0b", "05"))
    content = certificate.public_bytes(Encoding.DER)
    assert content.count(sha256) == 2
    return x509.load_der_x509_certificate(content.replace(sha256, sha1))
