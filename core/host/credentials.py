"""Finding the login for a registry: flags, environment, keyring, docker config, nobody."""

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from pydantic import SecretStr

from core.answers import CredentialSource
from core.errors import Code, RegistryError, UsageError
from core.host.docker_config import docker_config_file, find_in_docker_config
from core.host.keyring_store import find_in_keyring
from core.registry.credentials import Credentials

USERNAME, PASSWORD = "REGISTRY_USERNAME", "REGISTRY_PASSWORD"
_LARGEST_FILE = 64 * 1024


def find_credentials(
    address: str,
    *,
    username: str = "",
    password: SecretStr | None = None,
    source: CredentialSource = CredentialSource.AUTO,
    environment: Mapping[str, str] = os.environ,
    password_file: Path | None = None,
) -> Credentials | None:
    """The login for a registry, first found wins.

    Args:
        address: `host[:port]`; `host` and `host:443` are one.
        username: whose login is wanted. Where a source holds another one's, it is passed over;
            where it holds only a password, this is the name for it.
        password: of a flag or a form; goes before every source.
        source: `auto` looks into the environment, the keyring and docker's config, in this order.
            Every other is the only one that counts, and is told where it holds no login.
        password_file: for the source `file`.

    Returns:
        None for an anonymous client.

    Raises:
        UsageError: a password without a user name.
        RegistryError: `credentials-unreadable`, where a source is broken, holds no login although
            it was chosen, or one that HTTP cannot carry; `login-missing`, where a user name was
            given and no source has a password for it.
    """
    if password is not None:
        return _from_flags(username, password)
    if source is CredentialSource.AUTO and password_file:  # who names a file wants it read
        source = CredentialSource.FILE
    found = _find(address, username, source, environment, password_file)
    if found is not None:
        check_login(found)
    return found


def check_login(credentials: Credentials) -> None:
    """Whether HTTP can carry this login (RFC 7617, section 2).

    Raises:
        RegistryError: `credentials-unreadable`; the secret is not in the message.
    """
    name, secret = credentials.username, credentials.password.get_secret_value()
    if ":" in name:
        raise _unusable(credentials, "The user name holds a colon")
    for what, text in (("user name", name), ("password", secret)):
        if any(character < " " or character == "\x7f" for character in text):
            raise _unusable(
                credentials,
                f"The {what} holds a line break or another control character",
                mend="Set it anew without: printf '%s' adds no line break, echo does.",
            )
        try:
            text.encode()
        except UnicodeEncodeError:
            raise _unusable(credentials, f"The {what} is not valid UTF-8") from None


def _find(
    address: str,
    username: str,
    source: CredentialSource,
    environment: Mapping[str, str],
    password_file: Path | None,
) -> Credentials | None:
    match source:
        case CredentialSource.NONE:
            return None
        case CredentialSource.ENVIRONMENT:
            found = _from_environment(username, environment)
            return _wanted(found, username) if found else None
        case CredentialSource.KEYRING:
            found = find_in_keyring(address, username, chosen=True)
            return _wanted(_there(found, "the keyring", address), username)
        case CredentialSource.DOCKER_CONFIG:
            found = find_in_docker_config(address, environment, chosen=True)
            place = str(docker_config_file(environment))
            return _wanted(_there(found, place, address), username)
        case CredentialSource.FILE:
            return _from_file(username, password_file)
        case CredentialSource.ASK:
            raise _no_password(username, "The password is entered at every start.")
        case CredentialSource.AUTO:
            return _from_anywhere(address, username, environment)


def _from_anywhere(
    address: str, username: str, environment: Mapping[str, str]
) -> Credentials | None:
    if _is_in_environment(username, environment):
        return _from_environment(username, environment)
    kept = find_in_keyring(address, username)
    if kept and _fits(kept.username, username):
        return kept
    kept = find_in_docker_config(address, environment)
    if kept and _fits(kept.username, username):
        return kept
    if username:
        raise _no_password(username, "No source holds a password for this user.")
    return None


def _is_in_environment(username: str, environment: Mapping[str, str]) -> bool:
    """Whether the environment decides: also by saying that there is no login."""
    if username:
        return bool(environment.get(PASSWORD)) and _fits(environment.get(USERNAME, ""), username)
    return USERNAME in environment or PASSWORD in environment


def _fits(found: str, username: str) -> bool:
    return not username or not found or found == username


def _there(found: Credentials | None, place: str, address: str) -> Credentials:
    if found is None:
        raise RegistryError(
            Code.CREDENTIALS_UNREADABLE,
            f"No login for {address} in {place}.",
            where=place,
            cause="Nobody saved one there, or under another name of the registry.",
            mend=f"Save one (docker login {address}, or the wizard), or choose another source.",
        )
    return found


def _wanted(found: Credentials, username: str) -> Credentials:
    if not _fits(found.username, username):
        raise RegistryError(
            Code.CREDENTIALS_UNREADABLE,
            f"The login there is that of “{found.username}”, not of “{username}”.",
            where=found.source,
            cause="Another user logged in there than the one that is asked for.",
            mend="Name the same user in both places, or choose another source.",
        )
    return found


def _from_flags(username: str, password: SecretStr) -> Credentials | None:
    if not username and password.get_secret_value():
        raise UsageError(
            Code.BAD_USAGE, "A password was given, but no user name.", where="--username"
        )
    if not username:
        return None
    credentials = Credentials(username, password, "flags")
    check_login(credentials)
    return credentials


def _from_environment(username: str, environment: Mapping[str, str]) -> Credentials | None:
    """Both may be empty, as EKS Anywhere itself allows: that means nobody (A1.8)."""
    name, secret = environment.get(USERNAME) or username, environment.get(PASSWORD)
    if secret is None:
        raise _not_set(PASSWORD, "is not set")
    if not name and not secret:
        return None
    if not name:
        raise _not_set(USERNAME, "is empty" if USERNAME in environment else "is not set")
    if not secret:
        raise _not_set(PASSWORD, "is empty")
    return Credentials(name, SecretStr(secret), USERNAME)


def _from_file(username: str, file: Path | None) -> Credentials:
    """A file that holds the password alone, with or without a line break at its end."""
    if file is None:
        raise UsageError(Code.BAD_USAGE, "No password file was given.", where="credentials.file")
    if not username:
        raise UsageError(
            Code.BAD_USAGE, "A password file was given, but no user name.", where="--username"
        )
    try:
        with file.open("rb") as opened:
            rights = os.fstat(opened.fileno()).st_mode
            content = opened.read(_LARGEST_FILE)
        password = content.decode().removesuffix("\n").removesuffix("\r")
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise _bad_file(file, f"The password file cannot be read: {why}.") from None
    if rights & (stat.S_IRWXG | stat.S_IRWXO):
        raise _bad_file(file, "The password file is open to others.", mend=f"chmod 600 {file}")
    if not password:
        raise _bad_file(file, "The password file is empty.")
    return Credentials(username, SecretStr(password), str(file))


def _no_password(username: str, cause: str) -> RegistryError:
    whose = f" for “{username}”" if username else ""
    return RegistryError(
        Code.LOGIN_MISSING,
        f"There is no password{whose}.",
        where="credentials",
        cause=cause,
        mend="Give it with --password-stdin, or set REGISTRY_USERNAME and REGISTRY_PASSWORD.",
    )


def _not_set(variable: str, what: str) -> RegistryError:
    return RegistryError(
        Code.CREDENTIALS_UNREADABLE,
        f"{variable} {what}.",
        where=variable,
        cause=f"{USERNAME} and {PASSWORD} belong together.",
        mend="Set both, or unset both; empty ones stand for no login.",
    )


def _bad_file(file: Path, message: str, *, mend: str = "") -> RegistryError:
    return RegistryError(
        Code.CREDENTIALS_UNREADABLE,
        message,
        where=str(file),
        cause="It must hold the password alone, and be readable only by you.",
        mend=mend or f"Write it anew: install -m 600 /dev/stdin {file}",
    )


def _unusable(credentials: Credentials, what: str, *, mend: str = "") -> RegistryError:
    return RegistryError(
        Code.CREDENTIALS_UNREADABLE,
        f"{what}.",
        where=credentials.source,
        cause="A login over HTTP cannot carry it.",
        mend=mend or "Use another login for this registry, such as a robot account.",
    )
