"""The logins that `docker login` left: config.json, its credential store and helpers."""

import logging
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from core.errors import Code, RegistryError
from core.host.credential_helpers import ask_helper
from core.host.spellings import is_same_registry, spellings
from core.oci import InvalidContentError, parse_json
from core.registry.credentials import Credentials

SOURCE = "docker config"
_LOG = logging.getLogger(__name__)
_TOKEN = "<token>"  # noqa: S105 - what helpers call a user that is none
_HELPER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_LARGEST_CONFIG = 4 * 1024 * 1024


def docker_config_file(environment: Mapping[str, str] = os.environ) -> Path:
    """Where docker keeps its config: `$DOCKER_CONFIG/config.json`, else below the home."""
    home = environment.get("HOME") or str(Path.home())
    return Path(environment.get("DOCKER_CONFIG") or f"{home}/.docker") / "config.json"


def find_in_docker_config(
    address: str, environment: Mapping[str, str] = os.environ, *, chosen: bool = False
) -> Credentials | None:
    """The login for a registry; None where docker has none for it.

    Args:
        chosen: docker's config was named as the source. Otherwise a general credential store that
            fails is passed over where nothing in the config is about this registry.

    Raises:
        RegistryError: `credentials-unreadable`.
    """
    file = docker_config_file(environment)
    config = _read(file)
    helpers = _about(address, _section(file, config, "credHelpers"))
    entries = _about(address, _section(file, config, "auths"))
    for server, helper in helpers.items():
        if found := _ask(file, helper, server, environment):
            return found
    if store := config.get("credsStore"):
        try:
            for server in dict.fromkeys((*entries, *spellings(address))):
                if found := _ask(file, store, server, environment):
                    return found
        except RegistryError as error:
            if chosen or entries:
                raise
            _LOG.warning("passed over: %s", error)
    return _first(file, entries)


def _ask(
    file: Path, helper: Any, server: str, environment: Mapping[str, str]
) -> Credentials | None:
    if not isinstance(helper, str) or not _HELPER.fullmatch(helper):
        raise _unreadable(file, "Docker's config names no credential helper where it should.")
    login = ask_helper(helper, server, environment)
    if login is None:
        return None
    source = f"{SOURCE} (docker-credential-{helper})"
    if login.username == _TOKEN:
        return Credentials("", login.secret, source, is_identity_token=True)
    return Credentials(login.username, login.secret, source)


def _first(file: Path, entries: dict[str, Any]) -> Credentials | None:
    """The first entry that holds a login; `docker login` leaves empty ones beside a store."""
    for server, entry in entries.items():
        login = _parse(file, server, entry)
        if token := login.get("IdentityToken"):
            return Credentials("", SecretStr(token), SOURCE, is_identity_token=True)
        if login.get("username") or login.get("password"):
            return Credentials(login["username"], SecretStr(login["password"]), SOURCE)
    return None


def _parse(file: Path, server: str, entry: Any) -> dict[str, Any]:
    """One entry of `auths`, read by docker's SDK."""
    import docker.auth  # noqa: PLC0415 - takes a while, and most machines have no config
    from docker.errors import DockerException  # noqa: PLC0415

    if isinstance(entry, dict):
        entry = {key: value for key, value in entry.items() if value}
    try:
        login: dict[str, Any] = docker.auth.parse_auth({server: entry}, raise_on_error=True)[server]
        if isinstance(login.get("IdentityToken", ""), str):
            return login
    except (DockerException, ValueError, TypeError):
        pass  # told below; what was read may hold the secret
    raise _unreadable(file, f"The entry for {server[:200]} in docker's config cannot be read.")


def _about(address: str, section: dict[str, Any]) -> dict[str, Any]:
    """The entries for this registry; others may be broken as they like."""
    return {name: value for name, value in section.items() if is_same_registry(name, address)}


def _section(file: Path, config: dict[str, Any], name: str) -> dict[str, Any]:
    section = config.get(name) or {}
    if not isinstance(section, dict):
        raise _unreadable(file, f"“{name}” in docker's config is not a JSON object.")
    return section


def _read(file: Path) -> dict[str, Any]:
    """The config; empty where there is none."""
    try:
        with file.open("rb") as opened:
            content = opened.read(_LARGEST_CONFIG)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "its name is not valid"
        raise _unreadable(file, f"Docker's config cannot be read: {why}.") from None
    try:
        config = parse_json(content) if content.strip() else {}
    except InvalidContentError as error:
        raise _unreadable(file, f"Docker's config is {error}.") from None
    if not isinstance(config, dict):
        raise _unreadable(file, "Docker's config is not a JSON object.")
    return config


def _unreadable(file: Path, message: str) -> RegistryError:
    return RegistryError(
        Code.CREDENTIALS_UNREADABLE,
        message,
        where=str(file),
        cause="The file was edited by hand, or belongs to another account.",
        mend="Mend it, or log in anew: docker login HOST:PORT",
    )
