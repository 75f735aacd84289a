"""The registry as docker sees it: the system's store beside the folder of trust of its name."""

import socket
import ssl
from pathlib import Path

from core.errors import Code, MachineError, RegistryError
from core.host.certs_d import crt_files, halves
from core.mirror.endpoint import HTTPS_PORT, Mirror
from core.registry.faults import from_exception
from core.registry.tls import TlsSettings, ssl_context

SECONDS = 5.0


def shake_hands_as_docker(mirror: Mirror, folder: Path, *, seconds: float = SECONDS) -> str:
    """Connect to the registry with the trust that docker would have.

    Docker goes straight to it unless its daemon has a proxy of its own.

    Args:
        mirror: where it listens.
        folder: of trust, for the name under which docker is asked.
        seconds: for the connection, and again for the handshake.

    Returns:
        The version of TLS, `TLSv1.3`.

    Raises:
        RegistryError: `tls-…` or `registry-unreachable`.
        MachineError: `client-key-missing`, or a file in the folder cannot be read.
    """
    context = _context(folder)
    url = f"https://{mirror.address_with_port}"
    try:
        with (
            socket.create_connection((mirror.host, mirror.port or HTTPS_PORT), seconds) as plain,
            context.wrap_socket(plain, server_hostname=mirror.host) as secure,
        ):
            return secure.version() or ""
    except (OSError, ValueError) as error:
        raise from_exception(error, url) from None


def _context(folder: Path) -> ssl.SSLContext:
    """As moby makes it: each `*.crt` beside the system's store, and the client certificates."""
    context = ssl_context(TlsSettings())
    try:
        for path in halves(folder):
            raise MachineError(
                Code.CLIENT_KEY_MISSING, f"{path.name} has no other half.", where=str(folder)
            )
        for path in crt_files(folder):
            _trust(context, path)
        for path in sorted(folder.glob("*.cert")):
            context.load_cert_chain(path, path.with_suffix(".key"))
    except ssl.SSLError:
        raise MachineError(
            Code.CLIENT_KEY_MISSING,
            "A client certificate cannot be read, or its key does not fit.",
            where=str(folder),
        ) from None
    except OSError as error:
        raise RegistryError(
            Code.TLS_UNTRUSTED,
            f"The folder of trust cannot be read: {error.strerror}.",
            where=str(folder),
        ) from None
    return context


def _trust(context: ssl.SSLContext, path: Path) -> None:
    try:
        context.load_verify_locations(cadata=path.read_text("ascii", errors="ignore"))
    except (ssl.SSLError, ValueError):
        return  # docker passes over what it cannot read, too
