"""Shaking hands over TLS: what a server shows, and whether a client with given roots accepts it.

Always straight to the host, never through an HTTP proxy: so do EKS Anywhere, docker and the nodes.
"""

import socket
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

_PLAIN_REQUEST = b"GET /v2/ HTTP/1.1\r\nHost: %b\r\nConnection: close\r\n\r\n"
_HEAD_BYTES = 2048

_VERSIONS = {"TLSv1": "TLS 1.0", "TLSv1.1": "TLS 1.1", "TLSv1.2": "TLS 1.2", "TLSv1.3": "TLS 1.3"}
OLD_VERSIONS = frozenset({"TLS 1.0", "TLS 1.1"})
"""Versions that Go, and so EKS Anywhere and the nodes, do not speak."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What a server shows in a handshake.

    Attributes:
        version: `TLS 1.3`.
        cipher: name of the cipher suite.
        chain: its certificates in DER, in the order in which they were sent.
        path: where the chain was verified, the path from the server's certificate to the root.
    """

    version: str
    cipher: str
    chain: tuple[bytes, ...]
    path: tuple[bytes, ...] = ()


def look_at(host: str, port: int, seconds: float) -> Shown:
    """What the server shows to a client that accepts everything, old TLS included.

    Raises:
        OSError: no connection, or no handshake (`ssl.SSLError`).
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("ALL:@SECLEVEL=0")
    return shake_hands(host, port, context, seconds)


def shake_hands(host: str, port: int, context: ssl.SSLContext, seconds: float) -> Shown:
    """Connect, shake hands, hang up.

    Args:
        host: name or address, IPv6 without brackets.
        context: decides what is accepted.
        seconds: for the connection, and again for each answer in the handshake.

    Raises:
        OSError: no connection, or no handshake; `ssl.SSLCertVerificationError` where the
            certificate is not accepted.
    """
    with (
        socket.create_connection((host, port), timeout=seconds) as plain,
        context.wrap_socket(plain, server_hostname=host) as secure,
    ):
        cipher = secure.cipher()
        version = secure.version() or ""
        return Shown(
            _VERSIONS.get(version, version),
            cipher[0] if cipher else "",
            _chain(secure, "get_unverified_chain") or _leaf(secure),
            _chain(secure, "get_verified_chain") if context.verify_mode else (),
        )


def go_context(roots: Iterable[bytes]) -> ssl.SSLContext:
    """A client that trusts `roots` (DER) and nothing else, by the rules of Go.

    Any certificate is an anchor, be it a root or not; the common name is never looked at; TLS 1.2
    at the least; no SHA-1, yet short RSA keys, which Go takes and OpenSSL's defaults do not.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.hostname_checks_common_name = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("DEFAULT:@SECLEVEL=1")
    for root in roots:
        context.load_verify_locations(cadata=root)
    return context


def speaks_http(host: str, port: int, seconds: float) -> bool:
    """Whether plain HTTP is answered there, by something other than a server for HTTPS."""
    try:
        with socket.create_connection((host, port), timeout=seconds) as plain:
            plain.settimeout(seconds)
            plain.sendall(_PLAIN_REQUEST % host.encode())
            head = plain.recv(_HEAD_BYTES)
    except (OSError, UnicodeError):
        return False
    return head.startswith(b"HTTP/") and b"https" not in head.lower()


def _chain(secure: ssl.SSLSocket, name: str) -> tuple[bytes, ...]:
    """What Python 3.13 and later tell; 3.11 and 3.12 keep the same function one object below.

    Those two get nothing but security fixes any more, so what lies below will not change. Where it
    is not there after all, the result is empty.
    """
    public = getattr(secure, name, None)
    if public is not None:
        return tuple(public())
    below: Any = getattr(getattr(secure, "_sslobj", None), name, None)
    if below is None:
        return ()
    return tuple(ssl.PEM_cert_to_DER_cert(one.public_bytes()) for one in below() or ())


def _leaf(secure: ssl.SSLSocket) -> tuple[bytes, ...]:
    own = secure.getpeercert(binary_form=True)
    return (own,) if own else ()
