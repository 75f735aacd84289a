"""`docker login` for the registry: is there one, and making one.

The daemon tries the login first, with the trust that it has; only one that it accepts is kept. It
goes where docker itself would put it: to the credential store or helper that docker's config names,
else into that config, which is readable by its owner alone but not encrypted.
"""

import base64
import binascii
import json
import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from core.errors import Code, MachineError, UsageError
from core.files import write_atomically
from core.host.credential_helpers import HELPER_SECONDS, ask_helper
from core.host.daemon import DockerDaemon
from core.host.docker_config import docker_config_file
from core.oci import InvalidContentError, parse_json
from core.registry.credentials import Credentials

_MAX_BYTES = 4 * 1024 * 1024


def logged_in_as(registry: str, environment: Mapping[str, str] = os.environ) -> str | None:
    """The user that docker would show to a registry; None without a login.

    Args:
        registry: exactly as references are written: docker takes `host` and `host:443` for two.

    Raises:
        RegistryError: `credentials-unreadable`: a helper is missing or fails.
        MachineError: `credentials-unreadable`: the config is broken.
    """
    config = _read(docker_config_file(environment))
    if helper := _helper(config, registry):
        login = ask_helper(helper, registry, environment)
        return login.username if login else None
    auths = config.get("auths")
    for key, entry in auths.items() if isinstance(auths, dict) else ():
        if _host_of(key) == registry and isinstance(entry, dict) and any(entry.values()):
            return _user_of(entry)
    return None


def docker_login(
    daemon: DockerDaemon,
    registries: Iterable[str],
    credentials: Credentials,
    environment: Mapping[str, str] = os.environ,
) -> str:
    """Log docker in.

    Args:
        daemon: tries the login before anything is kept.
        registries: the names of the registry, as references are written.
        credentials: user and password.

    Returns:
        Where the login is kept now, for people.

    Raises:
        UsageError: the credentials are a token that is no password.
        RegistryError: `login-refused`, or the trust in the registry is missing.
        MachineError: docker, its config or its credential store is in the way.
    """
    if credentials.is_identity_token or not credentials.username:
        raise UsageError(
            Code.BAD_USAGE,
            "Docker is logged in with a user name and a password; there is none here.",
            cause="The login that was found is an identity token, or none is needed.",
            mend="Give them: --username NAME --password-stdin",
        )
    names = list(registries)
    for name in names:
        daemon.login(name, credentials)
    file = docker_config_file(environment)
    config = _read(file)
    places = [_keep(file, config, name, credentials, environment) for name in names]
    return ", ".join(dict.fromkeys(places))


def _keep(
    file: Path,
    config: dict[str, Any],
    registry: str,
    credentials: Credentials,
    environment: Mapping[str, str],
) -> str:
    """Keep one login; `config` is brought up to date."""
    auths = config.setdefault("auths", {})
    if not isinstance(auths, dict):
        raise _broken(file, "“auths” in it is not a JSON object.")
    helper = _helper(config, registry)
    if helper:
        _store(helper, registry, credentials, environment)
        auths.setdefault(registry, {})
    else:
        pair = f"{credentials.username}:{credentials.password.get_secret_value()}"
        auths[registry] = {"auth": base64.b64encode(pair.encode()).decode()}
    _write(file, config)
    return f"docker-credential-{helper}" if helper else f"{file} (not encrypted)"


def _store(
    helper: str, registry: str, credentials: Credentials, environment: Mapping[str, str]
) -> None:
    """Hand a login to a credential helper, on its standard input."""
    program = f"docker-credential-{helper}"
    path = shutil.which(program, path=environment.get("PATH"))
    login = {
        "ServerURL": registry,
        "Username": credentials.username,
        "Secret": credentials.password.get_secret_value(),
    }
    try:
        done = subprocess.run(
            [path or program, "store"],
            input=json.dumps(login).encode(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=dict(environment),
            timeout=HELPER_SECONDS,
            check=False,
        )
        why = f"it failed with exit code {done.returncode}" if done.returncode else ""
    except subprocess.TimeoutExpired:
        why = f"it gave no answer within {HELPER_SECONDS:.0f} seconds"
    except OSError as error:
        why = f"it cannot be started: {error.strerror}"
    if why:
        raise MachineError(
            Code.CREDENTIALS_UNREADABLE,
            f"The credential helper {program} did not keep the login: {why}.",
            where=program,
            cause="Docker's config.json names it; it is missing, locked or not set up.",
            mend="Set it up, or remove it from docker's config.json.",
        )


def _helper(config: dict[str, Any], registry: str) -> str:
    """The credential helper that docker uses for a registry; empty without one."""
    helpers = config.get("credHelpers")
    own = helpers.get(registry) if isinstance(helpers, dict) else None
    chosen = own or config.get("credsStore")
    return chosen if isinstance(chosen, str) else ""


def _host_of(key: str) -> str:
    return (key.partition("://")[2] or key).partition("/")[0]


def _user_of(entry: dict[str, Any]) -> str:
    """The user of an entry; empty where it holds a token, or nothing that can be read."""
    if isinstance(entry.get("username"), str):
        return str(entry["username"])
    try:
        return base64.b64decode(entry["auth"]).decode().partition(":")[0]
    except (KeyError, TypeError, ValueError, binascii.Error):
        return ""


def _read(file: Path) -> dict[str, Any]:
    """Docker's config; empty where there is none."""
    try:
        with file.open("rb") as opened:
            content = opened.read(_MAX_BYTES)
        config = parse_json(content) if content.strip() else {}
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except InvalidContentError as error:
        raise _broken(file, f"It is {error}.") from None
    except OSError as error:
        raise _broken(file, f"It cannot be read: {error.strerror}.") from None
    if not isinstance(config, dict):
        raise _broken(file, "It is not a JSON object.")
    return config


def _write(file: Path, config: dict[str, Any]) -> None:
    """Write docker's config in one move; where it is a link, the file that it leads to."""
    content = json.dumps(config, indent="\t", ensure_ascii=False).encode() + b"\n"
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomically(file.resolve(), content)
    except OSError as error:
        raise MachineError(
            Code.FILE_NOT_WRITTEN, f"It cannot be written: {error.strerror}.", where=str(file)
        ) from None


def _broken(file: Path, message: str) -> MachineError:
    return MachineError(
        Code.CREDENTIALS_UNREADABLE,
        message,
        where=str(file),
        cause="It was edited by hand, or belongs to another account.",
        mend="Mend it, or move it away and log in anew: docker login HOST:PORT",
    )
