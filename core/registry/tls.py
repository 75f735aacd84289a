"""TLS as the cluster's side will judge it.

Go's rules are stricter than Python's defaults in one way and looser in another: the common name is
never looked at, and any certificate of the CA file is an anchor, be it a root or not. An import
that works here by other rules would only move the failure to the nodes.
"""

import ssl
from dataclasses import dataclass
from pathlib import Path

from core.errors import Code, RegistryError

_PEM_MARK = "-----BEGIN CERTIFICATE-----"
_DER_MARK = b"\x30\x82"
_MAX_CA_FILE = 4 * 1024 * 1024
"""The bundle of a whole operating system is about 200 KiB."""


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """How the registry's certificate is judged.

    Attributes:
        ca_file: PEM file whose certificates are all trusted, beside the system's store.
        verify: False accepts every certificate; screens and reports say so.
    """

    ca_file: Path | None = None
    verify: bool = True


def ssl_context(settings: TlsSettings) -> ssl.SSLContext:
    """A client context for `settings`.

    Raises:
        RegistryError: `ca-file-invalid`.
    """
    context: ssl.SSLContext
    if not settings.verify:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    else:
        import truststore  # noqa: PLC0415 - whoever starts a worker has these settings, too

        context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.hostname_checks_common_name = False
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if settings.ca_file:
        _load(context, settings.ca_file)
    return context


def _load(context: ssl.SSLContext, ca_file: Path) -> None:
    certificates = _certificates(ca_file)
    for number, certificate in enumerate(certificates, start=1):
        try:
            context.load_verify_locations(cadata=certificate)
        except (ssl.SSLError, ValueError):
            raise _invalid(
                ca_file,
                f"Certificate {number} of {len(certificates)} in the CA file cannot be parsed.",
                cause="It is cut off, or was damaged by copy and paste.",
            ) from None


def _certificates(ca_file: Path) -> list[str]:
    """The PEM blocks of a file, each with whatever text follows it."""
    try:
        with ca_file.open("rb") as file:
            content = file.read(_MAX_CA_FILE + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "its name is not valid"
        raise _invalid(
            ca_file,
            f"The CA file cannot be read: {why}.",
            cause="The path is wrong, or the account may not read it.",
        ) from None
    if len(content) > _MAX_CA_FILE:
        raise _invalid(ca_file, f"The CA file is larger than {_MAX_CA_FILE // 2**20} MiB.")
    blocks = content.decode("ascii", errors="ignore").split(_PEM_MARK)[1:]
    if not blocks and content.startswith(_DER_MARK):
        raise _invalid(
            ca_file,
            "The CA file holds no PEM certificate; it looks like DER.",
            mend=f"Convert it: openssl x509 -inform der -in {ca_file} -out ca.crt",
        )
    if not blocks:
        raise _invalid(ca_file, "The CA file holds no PEM certificate.")
    return [_PEM_MARK + block for block in blocks]


def _invalid(ca_file: Path, message: str, *, cause: str = "", mend: str = "") -> RegistryError:
    return RegistryError(Code.CA_FILE_INVALID, message, where=str(ca_file), cause=cause, mend=mend)
