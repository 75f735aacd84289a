"""Folders of trust: where docker, podman and skopeo look for the CA of one registry.

Each registry has a folder of its own, named as its references begin: `host:443` and `host` are two.
Every `*.crt` in it is trusted beside the system's store. A `.cert` or `.key` without its other half
makes docker refuse that registry altogether. The folder is read anew for each connection.

Source: moby `daemon/pkg/registry`, containers-certs.d(5).
"""

import os
import re
import ssl
from collections.abc import Mapping
from contextlib import suppress
from enum import StrEnum
from pathlib import Path

from core.errors import Code, MachineError
from core.mirror.endpoint import HTTPS_PORT, Mirror

CERTIFICATE_BLOCK = re.compile(
    rb"-----BEGIN CERTIFICATE-----(?:(?!-----BEGIN ).)*?-----END CERTIFICATE-----", re.DOTALL
)
"""A certificate in PEM.

It ends before the next one begins, so that many begins without an end take no time.
"""

_MAX_BYTES = 4 * 1024 * 1024
_HALVES = {".cert": ".key", ".key": ".cert"}


class Reader(StrEnum):
    """Who reads a folder of trust."""

    DOCKER = "docker"
    ROOTLESS_DOCKER = "rootless-docker"
    PODMAN = "podman"


def certs_folder(
    reader: Reader, *, environment: Mapping[str, str] = os.environ, root: Path = Path("/")
) -> Path:
    """The `certs.d` of a reader.

    Args:
        environment: where `HOME` and `XDG_CONFIG_HOME` stand.
        root: folder that stands for `/`, for tests.
    """
    home = Path(environment.get("HOME") or "/")
    if reader is Reader.ROOTLESS_DOCKER:
        settings = Path(environment.get("XDG_CONFIG_HOME") or home / ".config")
        return settings / "docker" / "certs.d"
    if reader is Reader.DOCKER:
        return root / "etc" / "docker" / "certs.d"
    if os.geteuid() == 0:
        return root / "etc" / "containers" / "certs.d"
    return home / ".config" / "containers" / "certs.d"


def registry_names(mirror: Mirror) -> tuple[str, ...]:
    """The names under which references and EKS Anywhere know the registry, each a folder.

    Operators leave 443 out, EKS Anywhere never does; so there are two where the port is 443.
    """
    if (mirror.port or HTTPS_PORT) != HTTPS_PORT:
        return (mirror.address,)
    with_port = mirror.address_with_port
    return (with_port.removesuffix(f":{HTTPS_PORT}"), with_port)


def read_ca(path: Path) -> bytes:
    """The certificates of a CA file, in PEM, without whatever else stands in it.

    Raises:
        MachineError: `ca-file-invalid` where it cannot be read, holds no certificate or a broken
            one, or holds a private key.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "its name is not valid"
        raise _invalid(path, f"The CA file cannot be read: {why}.") from None
    if len(content) > _MAX_BYTES:
        raise _invalid(path, f"The CA file is larger than {_MAX_BYTES // 2**20} MiB.")
    if b"PRIVATE KEY-----" in content:
        raise MachineError(
            Code.CA_FILE_INVALID,
            "The CA file holds a private key, which must not be handed on.",
            where=str(path),
            cause="Key and certificate were put into one file.",
            mend="Give only the certificate: the lines from BEGIN to END CERTIFICATE.",
        )
    blocks = CERTIFICATE_BLOCK.findall(content)
    if not blocks:
        raise _invalid(path, "The CA file holds no line BEGIN CERTIFICATE.")
    for number, block in enumerate(blocks, start=1):
        if not _is_readable(block):
            raise _invalid(path, f"Certificate {number} of {len(blocks)} in it cannot be read.")
    return b"\n".join(blocks).replace(b"\r\n", b"\n") + b"\n"


def trusts(folder: Path, ca: bytes) -> bool:
    """Whether the `*.crt` of a folder hold every certificate of `ca`.

    Raises:
        OSError: the folder or a file of it cannot be read.
    """
    held: set[bytes] = set()
    for path in crt_files(folder):
        held |= _fingerprints(path.read_bytes())
    return _fingerprints(ca) <= held


def crt_files(folder: Path) -> list[Path]:
    """The files whose certificates are trusted, in order; none where there is no such folder.

    Raises:
        OSError: the folder cannot be read.
    """
    return sorted(path for path in _listing(folder) if path.suffix == ".crt" and path.is_file())


def halves(folder: Path) -> list[Path]:
    """Files `.cert` without their `.key`, and the other way round.

    Raises:
        OSError: the folder cannot be read.
    """
    return sorted(
        path
        for path in _listing(folder)
        if path.suffix in _HALVES and not path.with_suffix(_HALVES[path.suffix]).exists()
    )


def _listing(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except FileNotFoundError:
        return []


def _fingerprints(content: bytes) -> set[bytes]:
    """The certificates of a PEM text, in DER; those that make no sense are left out."""
    found = set()
    for block in CERTIFICATE_BLOCK.findall(content):
        with suppress(ValueError):
            found.add(ssl.PEM_cert_to_DER_cert(block.decode("ascii", "replace").strip()))
    return found


def _is_readable(block: bytes) -> bool:
    """Whether OpenSSL can parse a certificate."""
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=block.decode("ascii"))
    except (ssl.SSLError, ValueError):
        return False
    return True


def _invalid(path: Path, message: str) -> MachineError:
    return MachineError(
        Code.CA_FILE_INVALID,
        message,
        where=str(path),
        cause="The path is wrong, or it is not the CA's certificate in PEM.",
        mend=f"Look at it: openssl x509 -in {path} -noout -subject; from DER: -inform der -out "
        "ca.crt",
    )
