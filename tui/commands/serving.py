"""`eksa-mirror serve`: the wizard as a web page."""

import asyncio
import ipaddress
import os
import ssl
import sys
from getpass import getpass
from pathlib import Path
from typing import Annotated

import typer
from pydantic import SecretStr

from core.checks.chain import Certificate, read_pem
from core.errors import Code, ExitCode, UsageError
from core.mirror.certificates import covers
from tui import options
from tui.commands.wizard import check_theme
from tui.words import put, tell

PASSWORD = "EKSA_MIRROR_SERVE_PASSWORD"  # noqa: S105 - the name of a variable
_PORT = 8421
_SHORTEST = 12
"""Letters of a password that a whole network may guess at."""
_LOOPBACK_NAMES = ("127.0.0.1", "::1", "localhost")


def serve(
    *,
    host: Annotated[str, typer.Option("--host", help="address to listen on")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", help="port to listen on; 0 takes a free one", min=0, max=65535)
    ] = _PORT,
    tls_cert: Annotated[
        Path | None,
        typer.Option("--tls-cert", metavar="FILE", help="certificate and its chain, in PEM"),
    ] = None,
    tls_key: Annotated[
        Path | None,
        typer.Option("--tls-key", metavar="FILE", help="key of the certificate, in PEM"),
    ] = None,
    password_stdin: options.PasswordFlag = False,
    theme: Annotated[str, typer.Option("--theme", help="dark, light or basic")] = "dark",
) -> int:
    """Show the wizard as a page in the browser.

    Without more, on this machine alone: the address that is printed works once, in one browser.
    Where other machines are to see it (--host), it takes TLS and a password, from
    --password-stdin, EKSA_MIRROR_SERVE_PASSWORD, or typed in.

    Whoever is let in acts with the rights of the account that runs it.
    """
    check_theme(theme)
    context, certificate = _tls(tls_cert, tls_key)
    alone = _is_loopback(host)
    if not alone and not context:
        raise UsageError(
            Code.BAD_USAGE,
            f"{host} can be reached from other machines, and there is no TLS.",
            where="--host",
            cause="The page would go over the network for everybody to read and change.",
            mend="Add --tls-cert and --tls-key; or leave --host out, and come through "
            f"ssh -L {port}:127.0.0.1:{port}",
        )
    password = _password(from_stdin=password_stdin, needed=not alone)
    return _run(
        host,
        port,
        ["--theme", theme],
        password=password,
        context=context,
        certificate=certificate,
    )


def _run(
    host: str,
    port: int,
    arguments: list[str],
    *,
    password: SecretStr | None,
    context: ssl.SSLContext | None,
    certificate: Certificate | None,
) -> ExitCode:
    """Serve until Ctrl-C.

    Raises:
        UsageError: it cannot listen there.
    """
    # Its libraries take long to load.
    from tui.browser.gate import Gate  # noqa: PLC0415
    from tui.browser.server import PageServer  # noqa: PLC0415

    def knows(name: str) -> bool:
        if certificate:
            return covers(certificate.parsed, name)
        return name in _LOOPBACK_NAMES

    def ready(port: int) -> None:
        name = _shown_name(host, certificate)
        token = f"?token={gate.token}" if gate.token else ""
        put(f"{'https' if context else 'http'}://{name}:{port}/{token}")
        if token:
            tell("Open it in a browser on this machine. It works once.")
            tell(f"From another machine: ssh -L {port}:127.0.0.1:{port} USER@THIS-MACHINE")
        tell("Ctrl-C ends it; a running import goes on.")

    gate = Gate(knows, secure=context is not None, password=password)
    server = PageServer(gate, arguments, host=host, port=port, context=context)
    try:
        asyncio.run(server.run(ready))
    except OSError as error:
        raise UsageError(
            Code.BAD_USAGE,
            f"It cannot listen on {host}, port {port}: {error.strerror}.",
            where="--port",
            cause="Another program listens there, or the address is not one of this machine.",
            mend="Choose another port; --port 0 takes a free one.",
        ) from None
    return ExitCode.DONE


def _password(*, from_stdin: bool, needed: bool) -> SecretStr | None:
    """The password of the page; asked for where it is needed and not given.

    Raises:
        UsageError: there is none, or it is too short.
    """
    if from_stdin:
        text = sys.stdin.readline().rstrip("\r\n")
    else:
        text = os.environ.get(PASSWORD, "")
        if needed and not text and sys.stdin.isatty():
            text = getpass("Password of the page: ")
    if len(text) >= _SHORTEST:
        return SecretStr(text)
    if not text and not needed and not from_stdin:
        return None
    raise UsageError(
        Code.BAD_USAGE,
        f"The page takes a password of {_SHORTEST} letters or more; "
        + (f"this one has {len(text)}." if text else "none was given."),
        where="--password-stdin" if from_stdin else PASSWORD,
        cause="Whoever gets in acts with the rights of this account.",
        mend=f"Give one with --password-stdin or in {PASSWORD}.",
    )


def _tls(
    cert: Path | None, key: Path | None
) -> tuple[ssl.SSLContext, Certificate] | tuple[None, None]:
    """TLS from the two files, and the server's certificate; nothing where none is named.

    Raises:
        UsageError: one is missing, or they cannot be used.
    """
    if not cert and not key:
        return None, None
    if not cert or not key:
        raise UsageError(
            Code.BAD_USAGE,
            "A certificate and its key belong together; one of them was not named.",
            where="--tls-key" if cert else "--tls-cert",
            mend="Name both: --tls-cert FILE --tls-key FILE.",
        )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(cert, key, password="")
        certificate = read_pem(cert.read_bytes())[0]
    except (OSError, ValueError) as error:
        raise UsageError(
            Code.BAD_USAGE,
            f"TLS cannot be set up with {cert} and {key}: {_reason(error)}.",
            where="--tls-cert, --tls-key",
            cause="A file is not there or not in PEM, the key has a passphrase, or belongs to "
            "another certificate.",
            mend="Compare: openssl x509 -noout -pubkey -in CERT and openssl pkey -pubout -in KEY",
        ) from None
    if not certificate.alternative_names:
        raise UsageError(
            Code.BAD_USAGE,
            "The certificate holds no name (SAN); browsers do not look at the common name.",
            where="--tls-cert",
            mend="Have it issued again with the name of this machine as a SAN.",
        )
    return context, certificate


def _reason(error: OSError | ValueError) -> str:
    """What the system says; OpenSSL gives a name in place of words."""
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.replace("_", " ").lower()
    return error.strerror if isinstance(error, OSError) and error.strerror else "it is not in PEM"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _shown_name(host: str, certificate: Certificate | None) -> str:
    """What stands in the address; with TLS a name that the certificate holds."""
    if certificate and not covers(certificate.parsed, host):
        host = certificate.alternative_names[0].replace("*", "HOST")
    return f"[{host}]" if ":" in host else host
