"""What the Trust step shows beside its checks: the chain, and the CA file that would be right."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from core.checks.ca_file import CaFile, ca_file, refusal, right_root
from core.checks.chain import Certificate, Link, read_certificate
from core.checks.context import Context
from core.checks.presented import presented, trouble_with
from core.checks.trust import certificate_tree, write_ca
from core.errors import Code, EksaMirrorError, RegistryError
from core.registry.tls import TlsSettings

DER_TEXT = "This is DER. Press u and the wizard turns it into PEM."
_NAME = "root.crt"


@dataclass(frozen=True, slots=True)
class Offer:
    """A CA file that can be written in place of the one that was given.

    Attributes:
        certificate: the only one that it will hold.
        label: of the button that writes it.
        compare: whether the certificate came from the registry itself, so that its fingerprint
            must be compared with what the CA's owner tells.
        path: where it would lie; a file of another content is never replaced.
    """

    certificate: Certificate
    label: str
    compare: bool
    path: Path


@dataclass(frozen=True, slots=True)
class TrustView:
    """The chain, and what is to be said about the CA file.

    Attributes:
        wrong: the file itself is of no use; a line that fits below its field.
        finding: what the handshake tells about a usable file; a line as well.
        links: the chain, its root first; empty where none could be fetched.
        trouble: why there is no chain.
        public: no CA file is given, and none is needed.
        offer: a better CA file; None where the one given is right, or none is known.
    """

    wrong: str = ""
    finding: str = ""
    links: tuple[Link, ...] = ()
    trouble: RegistryError | None = None
    public: bool = False
    offer: Offer | None = None


def look_at_trust(context: Context, folder: Path) -> TrustView:
    """Read the CA file and ask the registry for its chain.

    Args:
        folder: for a CA file of which the operator has none yet.
    """
    try:
        given = ca_file(context)
    except RegistryError:
        return _with_chain(context, None, folder)  # the form of the field tells that
    wrong = unusable(given.content, given.certificates) if given else ""
    if given and wrong == DER_TEXT:
        view = _with_chain(context, None, folder)
        return replace(view, wrong=wrong, public=False, offer=_as_pem(given))
    view = _with_chain(context, None if wrong else given, folder)
    return replace(view, wrong=wrong, public=view.public and given is None)


def unusable(content: bytes, certificates: Sequence[Certificate]) -> str:
    """What is wrong with the content of a CA file, in a line below its field; empty if nothing."""
    if b"PRIVATE KEY-----" in content:
        return "This file holds a private key. Give only the certificate."
    if certificates:
        return ""
    try:
        read_certificate(content)
    except RegistryError:
        return "No certificate inside: no line BEGIN CERTIFICATE."
    return DER_TEXT


def write_offer(offer: Offer, other: Path) -> Path:
    """Write the offered CA file.

    Args:
        other: a folder for it where its own one may not be written, as on a medium.

    Raises:
        EksaMirrorError: `file-not-written`.
    """
    one = offer.certificate
    try:
        write_ca(offer.path, [one], one.fingerprint)
    except EksaMirrorError as error:
        if error.code is not Code.FILE_NOT_WRITTEN:
            raise
        path = _free(other / offer.path.name, one)
        write_ca(path, [one], one.fingerprint)
        return path
    return offer.path


def _with_chain(context: Context, given: CaFile | None, folder: Path) -> TrustView:
    try:
        links = certificate_tree(context)
        public = given is None and trouble_with(context, TlsSettings()) is None
        finding = _finding(context, given.certificates[0]) if given else ""
        offer = None if public else _offer(context, given, folder)
    except RegistryError as error:
        return TrustView(trouble=error)
    return TrustView(finding=finding, links=links, public=public, offer=offer)


def _finding(context: Context, first: Certificate) -> str:
    if first.ends < datetime.now(UTC):
        return f"This CA ended on {first.ends:%Y-%m-%d}."
    own = first == presented(context).chain.leaf
    if own and not first.is_self_signed:
        return "The first certificate is the server's own, not a CA."
    refused = refusal(context, first)
    if refused is None or refused.code is not Code.TLS_UNTRUSTED:
        return ""
    if right_root(context) is not None:
        return "The first certificate is not the root."
    return "This CA did not sign the registry's certificate."


def _offer(context: Context, given: CaFile | None, folder: Path) -> Offer | None:
    """The root in the given file before the one that the registry sends."""
    first = given.certificates[0] if given else None
    if given and first:
        right = first.is_self_signed and refusal(context, first) is None
        better = None if right else right_root(context)
        if right:
            return None
        if better is not None and better != first and (better.is_ca or better.is_self_signed):
            path = _free(given.path.with_name(_NAME), better)
            return Offer(better, "Use only the root", compare=False, path=path)
    top = presented(context).chain.top
    if not top.is_self_signed or not top.is_ca or refusal(context, top) is not None:
        return None
    path = given.path.with_name(_NAME) if given else folder / _NAME
    return Offer(top, "Use the sent root", compare=True, path=_free(path, top))


def _as_pem(given: CaFile) -> Offer | None:
    certificate = read_certificate(given.content)
    if not certificate.is_ca and not certificate.is_self_signed:
        return None
    path = _free(given.path.with_suffix(".pem"), certificate)
    return Offer(certificate, "Turn it into PEM", compare=False, path=path)


def _free(path: Path, certificate: Certificate) -> Path:
    """The path, or one with a number: a file of another content stays."""
    for number in count(1):
        found = path if number == 1 else path.with_stem(f"{path.stem}-{number}")
        try:
            if found.read_bytes() == certificate.pem:
                return found
        except OSError:
            return found
    raise AssertionError  # `count` has no end
