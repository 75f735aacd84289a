"""Judging certificates by the rules of EKS Anywhere and of Go, without a network.

EKS Anywhere checks the registry with the first certificate of `caCertContent` alone, in place of
the system's; nodes get the whole content.

Source: aws/eks-anywhere `pkg/crypto/validator.go` and `pkg/validations/cluster.go`, v0.26.1.
"""

import ipaddress
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.x509.oid import NameOID

from core.mirror.findings import Finding, FindingCode, Level

FIELD = "caCertContent"
EXPIRY_NOTICE = timedelta(days=30)

_Kind = TypeVar("_Kind", bound=x509.ExtensionType)

# A block ends before the next one begins, so that many begins without an end take no time.
_BLOCK = re.compile(
    r"-----BEGIN ([A-Z0-9 ]+)-----(?:(?!-----BEGIN ).)*?-----END \1-----", re.DOTALL
)
_REFUSED = "invalid registry certificate: "
_DIAL = _REFUSED + "verifying tls connection to host with custom CA: …"
_OLD_HASHES = frozenset({"md5", "sha1"})


def judge_ca(
    content: str,
    *,
    endpoint: str,
    verified: bool = True,
    now: datetime | None = None,
    notice: timedelta = EXPIRY_NOTICE,
) -> tuple[Finding, ...]:
    """What is wrong with `caCertContent`.

    Args:
        content: as written.
        endpoint: host of the registry, for a certificate that is the registry's own.
        verified: False with `insecureSkipVerify`, where it only has to be readable.
        now: with a time zone; the clock of this machine where None.
        notice: how long before its end a certificate is worth a word.
    """
    blocks = [(found[1], found[0]) for found in _BLOCK.finditer(content)]
    if any("PRIVATE KEY" in name for name, _ in blocks):
        return (_private_key(first="PRIVATE KEY" in blocks[0][0] and verified),)
    if not blocks:
        return (_unreadable("It holds no line BEGIN CERTIFICATE.", "PEM", verified),)
    certificates = [certificate for _, text in blocks if (certificate := _load(text))]
    first = _load(blocks[0][1])
    if first is None:
        return (_unreadable("Its first block is not a certificate.", ": …", verified),)
    found = [
        *_place(first, certificates[1:], endpoint),
        *judge_validity(first, FIELD, now=now, notice=notice),
        *_signature(first),
    ]
    if _is_the_servers_own(first, endpoint):
        found += judge_names(first, endpoint, FIELD)
    return tuple(found) if verified else tuple(map(_softened, found))


def judge_validity(
    certificate: x509.Certificate,
    field: str,
    *,
    now: datetime | None = None,
    notice: timedelta = EXPIRY_NOTICE,
) -> Iterator[Finding]:
    """Whether a certificate has begun, has ended, or ends soon."""
    moment = now or datetime.now(UTC)
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    name = common_name(certificate)
    if moment < begin:
        yield Finding(
            Level.REJECTED,
            FindingCode.CERTIFICATE_NOT_YET_VALID,
            field,
            f"“{name}” is valid only from {begin:%Y-%m-%d}.",
            "The clock of this machine may be wrong, or the certificate was issued for later.",
            "Compare the output of date with a clock.",
            _DIAL,
        )
    elif moment > end:
        yield Finding(
            Level.REJECTED,
            FindingCode.CERTIFICATE_EXPIRED,
            field,
            f"“{name}” ended on {end:%Y-%m-%d}.",
            "Whatever it signed is not trusted any more.",
            "Have the CA renewed, and the registry's certificate with it.",
            _DIAL,
        )
    elif moment > end - notice:
        yield Finding(
            Level.CAUTION,
            FindingCode.CERTIFICATE_EXPIRES_SOON,
            field,
            f"“{name}” ends on {end:%Y-%m-%d}, in {(end - moment).days} days.",
            "From then on nodes cannot pull; a new one must reach every node before.",
            "Renew it before you create clusters.",
        )


def judge_names(certificate: x509.Certificate, endpoint: str, field: str) -> Iterator[Finding]:
    """Whether a server's certificate is made for `endpoint`; a common name does not count."""
    dns, addresses = _subject_alternative_names(certificate)
    if not dns and not addresses:
        yield Finding(
            Level.REJECTED,
            FindingCode.CERTIFICATE_WITHOUT_SAN,
            field,
            f"“{common_name(certificate)}” has no subject alternative name (SAN).",
            "EKS Anywhere and the nodes do not look at the common name.",
            f"Have it issued again with a SAN for {endpoint}.",
            "x509: certificate relies on legacy Common Name field, use SANs instead",
        )
    elif not covers(certificate, endpoint):
        listed = ", ".join([*dns, *map(str, addresses)])
        yield Finding(
            Level.REJECTED,
            FindingCode.CERTIFICATE_NAME_MISMATCH,
            field,
            f"“{common_name(certificate)}” is made for {listed}, not for {endpoint}.",
            "An address must be among its subject alternative names as an IP entry, a name as DNS.",
            "Use an endpoint that is among them, or have the certificate issued again.",
            _DIAL,
        )


def covers(certificate: x509.Certificate, endpoint: str) -> bool:
    """Whether `endpoint` is among the subject alternative names; `*` stands for one label."""
    dns, addresses = _subject_alternative_names(certificate)
    try:
        return ipaddress.ip_address(endpoint) in addresses
    except ValueError:
        wanted = endpoint.lower().rstrip(".")
    wildcard = "*." + wanted.partition(".")[2]
    return any(name.lower().rstrip(".") in (wanted, wildcard) for name in dns)


def common_name(certificate: x509.Certificate) -> str:
    """The common name of the subject, or the whole subject where there is none."""
    return _common_name(certificate.subject)


def issuer_name(certificate: x509.Certificate) -> str:
    """The same of who signed it."""
    return _common_name(certificate.issuer)


def is_ca(certificate: x509.Certificate) -> bool:
    """Whether it may sign others; version 1 knows no such mark and counts where it is a root."""
    constraints = _extension(certificate, x509.BasicConstraints)
    if constraints is None:
        return certificate.version is x509.Version.v1 and is_self_signed(certificate)
    return constraints.ca


def is_self_signed(certificate: x509.Certificate) -> bool:
    """Whether it vouches for itself."""
    try:
        certificate.verify_directly_issued_by(certificate)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        # Old hashes are not verified by newer libraries; the names tell enough.
        return certificate.subject == certificate.issuer and uses_old_hash(certificate)
    return True


def uses_old_hash(certificate: x509.Certificate) -> bool:
    """Whether it is signed with MD5 or SHA-1, which Go refuses."""
    try:
        algorithm = certificate.signature_hash_algorithm
    except UnsupportedAlgorithm:
        return False
    return algorithm is not None and algorithm.name in _OLD_HASHES


def _place(
    first: x509.Certificate, rest: list[x509.Certificate], endpoint: str
) -> Iterator[Finding]:
    """Whether the first certificate is the one that EKS Anywhere can use."""
    name = common_name(first)
    root = next((one for one in rest if is_ca(one) and is_self_signed(one)), None)
    if not is_ca(first) and not is_self_signed(first):
        yield _a_servers(first, root, own=covers(first, endpoint))
    elif not is_ca(first):
        yield Finding(
            Level.CAUTION,
            FindingCode.CA_NOT_A_CA,
            FIELD,
            f"“{name}” is a server's certificate that signed itself.",
            "It is trusted as it is, and the day it is replaced every node needs the new one.",
            "Better have the registry's certificate signed by a CA.",
        )
    elif not is_self_signed(first):
        yield Finding(
            Level.WILL_NOT_WORK if root else Level.CAUTION,
            FindingCode.CA_WRONG_ORDER,
            FIELD,
            f"The first certificate, “{name}”, is an intermediate CA.",
            "EKS Anywhere reads the first certificate only and asks for the root there.",
            f"Use the root “{common_name(root)}” alone."
            if root
            else f"Use the root that signed it, “{issuer_name(first)}”, if you can get it.",
        )
    elif rest:
        yield Finding(
            Level.CAUTION,
            FindingCode.CA_ONLY_FIRST_USED,
            FIELD,
            f"Of its {len(rest) + 1} certificates EKS Anywhere uses the first one only, “{name}”.",
            "Nodes get all of them.",
            "Make sure that the first one signed the registry's certificate.",
        )


def _a_servers(first: x509.Certificate, root: x509.Certificate | None, *, own: bool) -> Finding:
    """Go trusts a server's certificate that is itself among the roots, until it is replaced."""
    return Finding(
        Level.WILL_NOT_WORK if own else Level.REJECTED,
        FindingCode.CA_NOT_A_CA,
        FIELD,
        f"The first certificate, “{common_name(first)}”, is a server's own, not a CA.",
        "EKS Anywhere reads the first certificate only, and with this one every node stops "
        "pulling on the day the registry gets a new one."
        if own
        else "EKS Anywhere reads the first certificate only.",
        f"Use the root “{common_name(root)}” alone."
        if root
        else f"Ask for the certificate of “{issuer_name(first)}”, which signed it.",
        "" if own else _DIAL,
    )


def _signature(first: x509.Certificate) -> Iterator[Finding]:
    if not uses_old_hash(first):
        return
    root = is_self_signed(first)
    yield Finding(
        Level.CAUTION if root else Level.WILL_NOT_WORK,
        FindingCode.CERTIFICATE_SHA1,
        FIELD,
        f"“{common_name(first)}” is signed with SHA-1 or older.",
        "Of a root nobody checks it, but what this CA signs the same way is refused."
        if root
        else "EKS Anywhere and the nodes refuse such signatures.",
        "Have the registry's certificate issued with SHA-256.",
    )


def _is_the_servers_own(certificate: x509.Certificate, endpoint: str) -> bool:
    """Self-signed by hand it often says CA:TRUE; then its name gives it away."""
    return not is_ca(certificate) or common_name(certificate).lower() == endpoint.lower()


def _private_key(*, first: bool) -> Finding:
    return Finding(
        Level.REJECTED if first else Level.WILL_NOT_WORK,
        FindingCode.CA_PRIVATE_KEY,
        FIELD,
        "It holds a private key.",
        "It would be readable in the cluster file, in the cluster and on every node.",
        "Give only the certificate. If this key was written anywhere, replace it.",
        _REFUSED + "failed to parse certificate: …" if first else "",
    )


def _unreadable(message: str, upstream: str, verified: bool) -> Finding:
    refused = f"{_REFUSED}failed to parse certificate{' ' if upstream == 'PEM' else ''}{upstream}"
    return Finding(
        Level.REJECTED if verified else Level.WILL_NOT_WORK,
        FindingCode.CA_UNREADABLE,
        FIELD,
        message,
        "The content of the file belongs here, in PEM form, not its path and not DER.",
        "It must begin with -----BEGIN CERTIFICATE-----; openssl x509 -inform der turns DER "
        "into PEM.",
        refused if verified else "",
    )


def _softened(finding: Finding) -> Finding:
    """Where certificates are not checked, a bad one does no harm today."""
    return Finding(
        Level.CAUTION,
        finding.code,
        finding.field,
        finding.message,
        "insecureSkipVerify hides it. " + finding.cause,
        finding.mend,
    )


def _load(pem: str) -> x509.Certificate | None:
    """The certificate, if every field that is looked at here can be read."""
    try:
        certificate = x509.load_pem_x509_certificate(pem.encode())
        # The library reads these when they are asked for, and only then tells that it cannot.
        _ = certificate.subject, certificate.issuer, certificate.version
        _ = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    except ValueError:
        return None
    return certificate


def _common_name(name: x509.Name) -> str:
    names = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else name.rfc4514_string()


def _subject_alternative_names(
    certificate: x509.Certificate,
) -> tuple[list[str], list[ipaddress.IPv4Address | ipaddress.IPv6Address]]:
    names = _extension(certificate, x509.SubjectAlternativeName)
    if names is None:
        return [], []
    addresses = [
        one
        for one in names.get_values_for_type(x509.IPAddress)
        if isinstance(one, ipaddress.IPv4Address | ipaddress.IPv6Address)
    ]
    return names.get_values_for_type(x509.DNSName), addresses


def _extension(certificate: x509.Certificate, kind: type[_Kind]) -> _Kind | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        return None
