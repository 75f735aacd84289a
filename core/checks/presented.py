"""What the registry shows in a TLS handshake, and whether a client accepts it; asked once a run."""

import ssl
from dataclasses import dataclass

from core.checks.chain import Chain, read_chain
from core.checks.context import ANSWER_SECONDS, Context
from core.checks.handshake import Shown, look_at, shake_hands, speaks_http
from core.checks.words import os_words
from core.errors import Code, RegistryError
from core.registry import faults
from core.registry.tls import TlsSettings, ssl_context


@dataclass(frozen=True, slots=True)
class Presented:
    """What the registry shows before anybody trusts it.

    Attributes:
        shown: version, cipher and the bytes that were sent.
        chain: its certificates, read.
    """

    shown: Shown
    chain: Chain


def presented(context: Context) -> Presented:
    """What the registry shows in a handshake that accepts everything.

    Raises:
        RegistryError: with the exact reason why no handshake comes about.
    """
    return context.once("presented", lambda: _present(context.mirror.host, context.port))


def trouble_with(context: Context, settings: TlsSettings) -> RegistryError | None:
    """Why a client with these settings does not accept the registry; None where it does.

    Raises:
        RegistryError: `ca-file-invalid`, or the registry does not answer.
    """
    return handshake_trouble(context, ssl_context(settings))


def handshake_trouble(context: Context, client: ssl.SSLContext) -> RegistryError | None:
    """Why `client` does not accept the registry's certificate; None where it does.

    Raises:
        RegistryError: there is no handshake for another reason.
    """
    try:
        shake_hands(context.mirror.host, context.port, client, ANSWER_SECONDS)
    except ssl.SSLCertVerificationError as error:
        return faults.from_exception(error, context.mirror.address_with_port)
    except OSError as error:
        raise faults.from_exception(error, context.mirror.address_with_port) from None
    return None


def _present(host: str, port: int) -> Presented:
    try:
        shown = look_at(host, port, ANSWER_SECONDS)
    except ssl.SSLError as error:
        raise _no_handshake(host, port, error) from None
    except OSError as error:
        if isinstance(error, ConnectionError | TimeoutError) and speaks_http(
            host, port, ANSWER_SECONDS
        ):
            raise _plain_http() from None
        raise _silent(error) from None
    return Presented(shown, read_chain(shown.chain))


def _no_handshake(host: str, port: int, error: ssl.SSLError) -> RegistryError:
    reason = error.reason or str(error)
    if any(word in reason for word in _FOREIGN) or isinstance(error, ssl.SSLEOFError):
        if speaks_http(host, port, ANSWER_SECONDS):
            return _plain_http()
        return _tls(
            "The port speaks neither TLS nor HTTP.",
            "Another service listens there, or it cuts the connection.",
            "Check the port.",
            reason,
        )
    for words, (message, cause, mend) in _REASONS.items():
        if any(word in reason for word in words):
            return _tls(message, cause, mend, reason)
    return _tls(
        f"The TLS handshake fails: {reason.replace('_', ' ').lower()}.",
        "The registry, or a proxy before it, does not agree with this client.",
        "Look at the registry's log.",
        reason,
    )


_FOREIGN = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER")
"""Reasons of OpenSSL where the other side does not speak TLS at all."""

_REASONS: dict[tuple[str, ...], tuple[str, str, str]] = {
    ("UNSUPPORTED_PROTOCOL", "PROTOCOL_VERSION", "NO_PROTOCOLS_AVAILABLE"): (
        "The registry speaks only versions of TLS that nobody accepts any more.",
        "EKS Anywhere and the nodes need TLS 1.2.",
        "Allow TLS 1.2 on the registry, or on the proxy before it.",
    ),
    ("HANDSHAKE_FAILURE", "NO_SHARED_CIPHER", "INSUFFICIENT_SECURITY"): (
        "The registry breaks off the handshake.",
        "It allows no cipher of today, or wants a client certificate, which nodes do not have.",
        "Look at the ciphers that it allows, and whether it is set up for mutual TLS.",
    ),
    ("CERTIFICATE_REQUIRED", "ALERT_BAD_CERTIFICATE"): (
        "The registry asks for a client certificate.",
        "It is set up for mutual TLS, which EKS Anywhere and the nodes cannot do.",
        "Turn client certificates off on the registry.",
    ),
    ("UNRECOGNIZED_NAME",): (
        "The registry does not know itself by this name.",
        "It, or a proxy before it, serves other names only.",
        "Use the name that it is set up with, or add this one there.",
    ),
}


def _plain_http() -> RegistryError:
    return _tls(
        "This port speaks plain HTTP.",
        "Nodes use HTTPS only; EKS Anywhere has no setting for HTTP.",
        "Give the registry a certificate. To import all the same: --plain-http",
        "",
    )


def _silent(error: OSError) -> RegistryError:
    if isinstance(error, TimeoutError):
        return _tls(
            f"The port is open, but says nothing in {ANSWER_SECONDS:g} s.",
            "The registry hangs, or something before it does.",
            "Look at the registry's log and load.",
            "",
        )
    return RegistryError(
        Code.REGISTRY_UNREACHABLE,
        f"The connection is cut during the handshake: {os_words(error)}.",
        cause="A firewall or proxy cuts it, or the registry crashes.",
        mend="Look at the registry's log, and for what stands before it.",
    )


def _tls(message: str, cause: str, mend: str, reason: str) -> RegistryError:
    where = f"OpenSSL: {reason}" if reason else ""
    return RegistryError(Code.TLS_FAILED, message, where=where, cause=cause, mend=mend)
