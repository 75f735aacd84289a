"""The chain of certificates that a registry shows, read for people and put in order."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from core.errors import Code, RegistryError
from core.host.certs_d import CERTIFICATE_BLOCK
from core.mirror.certificates import (
    common_name,
    is_ca,
    is_self_signed,
    issuer_name,
    uses_old_hash,
)
from core.plain_text import one_line

_HASHES = {"sha1": "SHA-1", "md5": "MD5"}


class Source(StrEnum):
    """Where a certificate of the chain comes from."""

    SENT = "sent by the registry"
    CA_FILE = "not sent, in the CA file"
    SYSTEM = "system store"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate, read for people.

    Attributes:
        name: common name, or the whole subject where it has none.
        subject: as in RFC 4514.
        issuer: as in RFC 4514.
        issuer_name: common name of the issuer.
        alternative_names: DNS names and addresses for which it is made.
        begins: first moment of its validity, with a time zone.
        ends: last moment.
        key: `RSA 2048 bits`, `ECDSA P-256`.
        signature: `SHA-256 with RSA`.
        serial: in hex.
        fingerprint: SHA-256 of its DER bytes, `AB:CD:…`.
        is_ca: whether it may sign others.
        is_self_signed: whether it vouches for itself.
        old_hash: whether it is signed with SHA-1 or MD5, which Go refuses.
        der: its bytes.
        parsed: for whoever needs more.
    """

    name: str
    subject: str
    issuer: str
    issuer_name: str
    alternative_names: tuple[str, ...]
    begins: datetime
    ends: datetime
    key: str
    signature: str
    serial: str
    fingerprint: str
    is_ca: bool
    is_self_signed: bool
    old_hash: bool
    der: bytes = field(repr=False)
    parsed: x509.Certificate = field(repr=False, compare=False)

    @property
    def pem(self) -> bytes:
        """As a PEM block."""
        return self.parsed.public_bytes(Encoding.PEM)

    def issued(self, other: "Certificate") -> bool:
        """Whether it signed `other`; names and signature both count."""
        if other.old_hash:
            # Libraries do not verify such signatures any more, so the names must do.
            return self.parsed.subject == other.parsed.issuer
        try:
            other.parsed.verify_directly_issued_by(self.parsed)
        except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
            return False
        return True


@dataclass(frozen=True, slots=True)
class Chain:
    """What a registry sent.

    Attributes:
        sent: in the order in which it was sent.
        path: from the server's certificate upwards, as far as what was sent goes.
    """

    sent: tuple[Certificate, ...]
    path: tuple[Certificate, ...]

    @property
    def leaf(self) -> Certificate:
        """The server's own certificate."""
        return self.path[0]

    @property
    def top(self) -> Certificate:
        """The last certificate of the path."""
        return self.path[-1]

    @property
    def in_order(self) -> bool:
        """Whether each sent certificate was signed by the next one, as TLS 1.2 demands."""
        return self.sent[: len(self.path)] == self.path

    @property
    def unused(self) -> tuple[Certificate, ...]:
        """What was sent and belongs to no path."""
        return tuple(one for one in self.sent if one not in self.path)


@dataclass(frozen=True, slots=True)
class Link:
    """One line of the certificate tree.

    Attributes:
        name: what it is called, also where it is missing.
        source: where it comes from.
        certificate: None where it is missing.
    """

    name: str
    source: Source
    certificate: Certificate | None = None


def read_chain(sent: Iterable[bytes]) -> Chain:
    """Read what a server sent, its own certificate first.

    Raises:
        RegistryError: `tls-failed`: it sent none, or one that cannot be parsed.
    """
    certificates = tuple(read_certificate(der) for der in sent)
    if not certificates:
        raise RegistryError(Code.TLS_FAILED, "The registry sent no certificate.")
    return Chain(certificates, _path(certificates[0], certificates[1:]))


def read_certificate(der: bytes) -> Certificate:
    """Read one certificate.

    Raises:
        RegistryError: `tls-failed`.
    """
    try:
        parsed = x509.load_der_x509_certificate(der)
        return _described(parsed, der)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise RegistryError(
            Code.TLS_FAILED,
            f"A certificate of the registry cannot be parsed: {error}.",
            cause="It breaks the rules of X.509.",
            mend="Have the certificate issued anew.",
        ) from None


def read_pem(content: bytes) -> tuple[Certificate, ...]:
    """The certificates of a PEM file that can be parsed, in order."""
    found = []
    for block in CERTIFICATE_BLOCK.findall(content):
        try:
            parsed = x509.load_pem_x509_certificate(block)
            found.append(_described(parsed, parsed.public_bytes(Encoding.DER)))
        except (ValueError, UnsupportedAlgorithm):
            continue  # the check of the CA file tells it; here only what is whole counts
    return tuple(found)


def issuer_among(certificate: Certificate, others: Iterable[Certificate]) -> Certificate | None:
    """Who signed it, among `others`."""
    return next((one for one in others if one.issued(certificate)), None)


def links(
    chain: Chain, ca_file: Sequence[Certificate], verified: Sequence[bytes] = ()
) -> tuple[Link, ...]:
    """The certificate tree, the root first.

    Args:
        ca_file: the certificates of the CA file.
        verified: the path that the system's store accepted; empty where it accepts none.
    """
    tree = [Link(one.name, Source.SENT, one) for one in chain.path]
    known = [(one, Source.CA_FILE) for one in ca_file]
    known += [(read_certificate(der), Source.SYSTEM) for der in verified]
    top = chain.top
    while not top.is_self_signed:
        found = next((pair for pair in known if pair[0].issued(top)), None)
        if found is None:
            tree.append(Link(top.issuer_name, Source.MISSING))
            break
        known.remove(found)  # two that sign each other make no endless chain
        top, source = found
        tree.append(Link(top.name, source, top))
    return tuple(reversed(tree))


def _path(leaf: Certificate, others: Sequence[Certificate]) -> tuple[Certificate, ...]:
    path = [leaf]
    while not path[-1].is_self_signed:
        above = issuer_among(path[-1], (one for one in others if one not in path))
        if above is None:
            break
        path.append(above)
    return tuple(path)


def _described(parsed: x509.Certificate, der: bytes) -> Certificate:
    digest = hashlib.sha256(der).hexdigest().upper()
    return Certificate(
        name=one_line(common_name(parsed)),
        subject=one_line(parsed.subject.rfc4514_string()),
        issuer=one_line(parsed.issuer.rfc4514_string()),
        issuer_name=one_line(issuer_name(parsed)),
        alternative_names=_alternative_names(parsed),
        begins=parsed.not_valid_before_utc,
        ends=parsed.not_valid_after_utc,
        key=_key_words(parsed),
        signature=_signature_words(parsed),
        serial=f"{parsed.serial_number:x}",
        fingerprint=":".join(digest[i : i + 2] for i in range(0, len(digest), 2)),
        is_ca=is_ca(parsed),
        is_self_signed=is_self_signed(parsed),
        old_hash=uses_old_hash(parsed),
        der=der,
        parsed=parsed,
    )


def _alternative_names(parsed: x509.Certificate) -> tuple[str, ...]:
    try:
        names = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        return ()
    dns = names.get_values_for_type(x509.DNSName)
    return (*map(one_line, dns), *map(str, names.get_values_for_type(x509.IPAddress)))


def _key_words(parsed: x509.Certificate) -> str:
    try:
        key = parsed.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return "of a kind that is not known here"
    match key:
        case rsa.RSAPublicKey():
            return f"RSA {key.key_size} bits"
        case ec.EllipticCurvePublicKey():
            return f"ECDSA {_CURVES.get(key.curve.name, key.curve.name)}"
        case ed25519.Ed25519PublicKey():
            return "Ed25519"
        case _:
            return type(key).__name__.removesuffix("PublicKey")


_CURVES = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}


def _signature_words(parsed: x509.Certificate) -> str:
    name = parsed.signature_algorithm_oid._name
    try:
        algorithm = parsed.signature_hash_algorithm
    except UnsupportedAlgorithm:
        return name
    if algorithm is None:
        return name
    digest = _HASHES.get(algorithm.name, algorithm.name.upper().replace("SHA", "SHA-"))
    kinds = {"rsa": "RSA", "ecdsa": "ECDSA", "dsa": "DSA"}
    kind = next((words for key, words in kinds.items() if key in name.lower()), name)
    return f"{digest} with {kind}"
