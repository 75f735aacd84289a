"""Keyrings, docker configs and credential helpers, as real as they can be on one machine."""

import base64
import json
import os
import stat
import sys
from pathlib import Path
from typing import Any

from keyring.backend import KeyringBackend
from keyring.errors import PasswordDeleteError


class MemoryKeyring(KeyringBackend):
    """Keeps secrets in memory."""

    priority = 1

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        try:
            del self.kept[service, username]
        except KeyError:
            raise PasswordDeleteError("there is none") from None


class FailingKeyring(MemoryKeyring):
    """Raises an error at every turn."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error

    def get_password(self, service: str, username: str) -> str | None:
        raise self._error

    def set_password(self, service: str, username: str, password: str) -> None:
        raise self._error


class ForgetfulKeyring(MemoryKeyring):
    """Takes everything and keeps nothing."""

    def set_password(self, service: str, username: str, password: str) -> None:
        """Says nothing about it, either."""


class PlaintextKeyring(MemoryKeyring):
    """Stands for the one of keyrings.alt, which writes a text file."""


def basic(username: str, password: str) -> str:
    """The `auth` of an entry in docker's config."""
    return base64.b64encode(f"{username}:{password}".encode()).decode()


def write_config(folder: Path, config: Any) -> dict[str, str]:
    """A docker config, and the environment that leads to it; helpers are looked for in `folder`."""
    content = config if isinstance(config, bytes) else json.dumps(config).encode()
    (folder / "config.json").write_bytes(content)
    return {"DOCKER_CONFIG": str(folder), "PATH": f"{folder}{os.pathsep}{os.defpath}"}


def write_helper(folder: Path, name: str, script: str) -> None:
    """A credential helper in Python; `server` is what it was asked for, `verb` what to do."""
    lines = [
        "import json, os, sys, time",
        "verb = sys.argv[1]",
        "server = sys.stdin.read()",
        script,
    ]
    program = folder / f"helper-{name}.py"
    program.write_text("\n".join(lines))
    # Not in its first line: a path with a space in it cannot stand there.
    write_shell_helper(folder, name, f'exec "{sys.executable}" -I "{program}" "$@"')


def write_shell_helper(folder: Path, name: str, script: str) -> None:
    """A credential helper in shell."""
    _write_program(folder / f"docker-credential-{name}", f"#!/bin/sh\n{script}\n")


def _write_program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(stat.S_IRWXU)


def helper_with(logins: dict[str, tuple[str, str]]) -> str:
    """The script of a helper that holds these logins, by server."""
    return f"""
known = {logins!r}
if verb != "get":
    sys.exit("unknown verb")
if server not in known:
    print("credentials not found in native keychain")
    sys.exit(1)
username, secret = known[server]
print(json.dumps({{"ServerURL": server, "Username": username, "Secret": secret}}))
"""
