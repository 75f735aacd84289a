"""The targets of `replicate`: their addresses, the login for there, the CA."""

import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from core.answers import CredentialSource
from core.errors import Code, RegistryError, UsageError
from core.host.credentials import PASSWORD, USERNAME, find_credentials
from core.mirror.endpoint import Mirror
from core.registry.credentials import Credentials
from core.registry.feeding import Target
from core.registry.feeding_troubles import login_missing
from core.registry.tls import TlsSettings, ssl_context

TARGET_USERNAME = "EKSA_MIRROR_TARGET_USERNAME"
TARGET_PASSWORD = "EKSA_MIRROR_TARGET_PASSWORD"  # noqa: S105 - the name of a variable

_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Given:
    """What the flags say of all targets.

    Attributes:
        username: empty where no flag names one.
        password_file: holds the password alone.
        password_stdin: it is read from standard input.
        ca_file: PEM that signed their certificates.
        insecure: the source is to accept any certificate of them.
    """

    username: str = ""
    password_file: Path | None = None
    password_stdin: bool = False
    ca_file: Path | None = None
    insecure: bool = False


def find_targets(
    addresses: Sequence[str],
    source: Mirror,
    given: Given,
    environ: Mapping[str, str] = os.environ,
) -> list[Target]:
    """The targets, each once, with their logins.

    Raises:
        UsageError: an address that is the source itself or has a namespace of its own, a password
            without a name, or one of the two variables alone.
        MirrorError: `endpoint-invalid`.
        RegistryError: a store of credentials, or the CA file, cannot be read.
    """
    mirrors: list[Mirror] = []
    for address in addresses:
        mirror = Mirror.parse(address)
        _check(mirror, source)
        if not any(mirror.same_registry(one) for one in mirrors):
            mirrors.append(mirror)
    password = _read_password(given) if given.password_stdin else None
    certificates = _read_ca(given.ca_file) if given.ca_file else ""
    return [
        Target(
            mirror.address,
            _login(mirror.address, given, password, environ),
            verify=not given.insecure,
            ca_certificate=certificates,
        )
        for mirror in mirrors
    ]


def _check(target: Mirror, source: Mirror) -> None:
    if target.same_registry(source):
        raise UsageError(
            Code.BAD_USAGE, f"{target.address} would be fed from itself.", where="--to",
            cause="It is the registry that -r or the answers name.",
            mend="Name another Harbor.",
        )  # fmt: skip
    if target.namespace not in ("", source.namespace):
        raise UsageError(
            Code.BAD_USAGE, f"The namespace {target.namespace} cannot be chosen.", where="--to",
            cause="Repositories keep their names, so that clusters find them by the same ones.",
            mend=f"Write {target.address}",
        )  # fmt: skip


def _login(
    address: str, given: Given, password: SecretStr | None, environ: Mapping[str, str]
) -> Credentials | None:
    """Flags, variables, keyring, docker config; the variables of the source never count."""
    own = {key: value for key, value in environ.items() if key not in (USERNAME, PASSWORD)}
    if not given.username:
        own |= _variables(environ)
    in_file = given.password_file is not None and password is None
    try:
        found = find_credentials(
            address,
            username=given.username,
            password=password,
            source=CredentialSource.FILE if in_file else CredentialSource.AUTO,
            environment=own,
            password_file=given.password_file,
        )
    except RegistryError as error:
        if error.code is not Code.LOGIN_MISSING:
            raise
        raise login_missing(address, f"No source holds a password of “{given.username}”.") from None
    if found is not None and found.is_identity_token:
        raise login_missing(address, f"What {found.source} holds is a token, and no password.")
    return found


def _variables(environ: Mapping[str, str]) -> dict[str, str]:
    name, secret = environ.get(TARGET_USERNAME, ""), environ.get(TARGET_PASSWORD, "")
    if bool(name) != bool(secret):
        lacking = TARGET_PASSWORD if name else TARGET_USERNAME
        raise UsageError(
            Code.BAD_USAGE, f"{lacking} is not set.", where=lacking,
            cause=f"{TARGET_USERNAME} and {TARGET_PASSWORD} belong together.",
            mend="Set both, or neither.",
        )  # fmt: skip
    return {USERNAME: name, PASSWORD: secret} if name else {}


def _read_password(given: Given) -> SecretStr:
    if not given.username:
        raise UsageError(
            Code.BAD_USAGE, "A password was given, but no user name.", where="--to-username"
        )
    password = SecretStr(sys.stdin.readline().rstrip("\r\n"))
    if not password.get_secret_value():
        raise UsageError(
            Code.BAD_USAGE, "Standard input holds no password.", where="--to-password-stdin"
        )
    return password


def _read_ca(file: Path) -> str:
    """The certificates of a PEM file, and nothing else of it: a key must not go along."""
    ssl_context(TlsSettings(file))  # tells what is wrong with it
    return "\n".join(_CERTIFICATE.findall(file.read_text(errors="replace"))) + "\n"
