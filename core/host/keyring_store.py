"""This machine's secret store: GNOME Keyring, KWallet and whatever else the keyring library knows.

A login is kept under the service `eksa-mirror` and the registry's address, user name and password
in one JSON document. A bare password, as `keyring set eksa-mirror HOST:PORT` leaves it, is read as
well where the user name is known.
"""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from uuid import uuid4

from pydantic import SecretStr

from core.errors import Code, RegistryError
from core.host.spellings import spellings
from core.oci import InvalidContentError, parse_json
from core.registry.credentials import Credentials

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

SERVICE = "eksa-mirror"
SOURCE = "keyring"
_LOG = logging.getLogger(__name__)
_KEEPING_NOTHING = ("keyring.backends.fail", "keyring.backends.null")
_KEEPING_IN_CLEAR = "PlaintextKeyring"


class NoKeyringError(RegistryError):
    """This machine has no keyring: the normal case on a server."""


def find_in_keyring(
    address: str, username: str = "", *, chosen: bool = False
) -> Credentials | None:
    """The login for a registry; None where the keyring has none for it.

    Args:
        username: for an entry that holds only a password.
        chosen: the keyring was named as the source. Otherwise a machine without one is passed over
            in silence, and a keyring that fails with a word in the log.

    Raises:
        RegistryError: `credentials-unreadable`.
    """
    try:
        with _opened("read") as keyring:
            for name in spellings(address):
                secret = keyring.get_password(SERVICE, name)
                if secret is not None:
                    return _read(secret, name, username)
    except RegistryError as error:
        if chosen:
            raise
        if not isinstance(error, NoKeyringError):
            _LOG.warning("passed over: %s", error)
    return None


def save_in_keyring(address: str, credentials: Credentials) -> None:
    """Keep a login, and read it back; whatever was kept for this registry before is replaced.

    Raises:
        RegistryError: `credentials-unreadable`: there is no keyring, it is locked, keeps nothing,
            or keeps secrets in clear.
    """
    secret = json.dumps(
        {
            "username": credentials.username,
            "password": credentials.password.get_secret_value(),
            "identity_token": credentials.is_identity_token,
        }
    )
    with _opened("written") as keyring:
        _refuse_in_clear(keyring)
        keyring.set_password(SERVICE, address, secret)
        if keyring.get_password(SERVICE, address) != secret:
            raise _unreadable("The keyring does not keep what is written to it.")
        for name in spellings(address):
            if name != address:
                _remove(keyring, name)


def try_keyring() -> None:
    """Write something that is no secret, read it back, and remove it.

    Raises:
        RegistryError: `credentials-unreadable`, as `save_in_keyring`.
    """
    name = f"check-{uuid4().hex[:12]}"
    with _opened("written") as keyring:
        _refuse_in_clear(keyring)
        keyring.set_password(SERVICE, name, name)
        kept = keyring.get_password(SERVICE, name)
        _remove(keyring, name)
        if kept != name:
            raise _unreadable("The keyring does not keep what is written to it.")


def _refuse_in_clear(keyring: "KeyringBackend") -> None:
    if type(_first(keyring)).__name__ == _KEEPING_IN_CLEAR:
        raise _unreadable(
            "The keyring of this machine keeps secrets in clear.",
            cause="The plain text file of the package keyrings.alt is set up as the keyring.",
        )


def _remove(keyring: "KeyringBackend", name: str) -> None:
    if keyring.get_password(SERVICE, name) is not None:
        keyring.delete_password(SERVICE, name)


def _read(secret: str, name: str, username: str) -> Credentials:
    try:
        document = parse_json(secret.encode(errors="surrogatepass"))
    except InvalidContentError:
        document = None
    if isinstance(document, dict):
        user, password = document.get("username"), document.get("password")
        if isinstance(user, str) and isinstance(password, str):
            is_token = document.get("identity_token") is True
            return Credentials(user, SecretStr(password), SOURCE, is_identity_token=is_token)
    if not username:
        raise _unreadable(
            f"The keyring holds a password for {name}, but no user name.",
            cause="It was put there by another program.",
            mend="Name the user with --username.",
        )
    return Credentials(username, SecretStr(secret), SOURCE)


@contextmanager
def _opened(what: str) -> Iterator["KeyringBackend"]:
    """The keyring of this machine; `what` is to be done with it.

    Raises:
        RegistryError: `credentials-unreadable`, for whatever goes wrong inside.
    """
    import keyring  # noqa: PLC0415 - looks for all stores of the machine
    from keyring.errors import KeyringError, KeyringLocked  # noqa: PLC0415

    try:
        backend = keyring.get_keyring()
        if type(_first(backend)).__module__ in _KEEPING_NOTHING:
            raise _no_keyring()
        yield backend
    except RegistryError:
        raise
    except KeyringLocked:
        raise _unreadable(
            "The keyring is locked.", mend="Unlock it, or choose another source."
        ) from None
    except Exception as error:  # noqa: BLE001 - keyrings are plug-ins, which raise anything
        words = f": {error}" if isinstance(error, KeyringError) else f" ({type(error).__name__})"
        raise _unreadable(f"The keyring cannot be {what}{words}.") from None


def _first(backend: "KeyringBackend") -> "KeyringBackend":
    """The keyring that is written to: the library may put several in a chain."""
    chained = list(getattr(backend, "backends", ()))
    return chained[0] if chained else backend


def _no_keyring() -> NoKeyringError:
    return NoKeyringError(
        Code.CREDENTIALS_UNREADABLE,
        "No keyring on this machine.",
        where=SOURCE,
        cause="No secret service runs in this session, as on most servers.",
        mend="Install gnome-keyring and log in on a desktop, or start the program with "
        "dbus-run-session; else set REGISTRY_USERNAME and REGISTRY_PASSWORD, and choose the "
        "environment: --login-from environment, in the wizard step 4.",
    )


def _unreadable(message: str, *, cause: str = "", mend: str = "") -> RegistryError:
    return RegistryError(
        Code.CREDENTIALS_UNREADABLE,
        message,
        where=SOURCE,
        cause=cause or "The keyring of this machine gives an error.",
        mend=mend,
    )
