"""Asking a `docker-credential-…` program for a login.

Source: https://github.com/docker/docker-credential-helpers, "Development": `get` reads the server
from standard input and writes JSON. Docker's own SDK waits for such a program without end.
"""

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from threading import Timer
from typing import IO, cast

from pydantic import SecretStr

from core.errors import Code, RegistryError
from core.oci import InvalidContentError, parse_json

HELPER_SECONDS = 20.0
_NOT_FOUND = b"credentials not found"
_LONGEST_OUTPUT = 64 * 1024


@dataclass(frozen=True, slots=True)
class HelperLogin:
    """What a helper holds; the user name `<token>` says that the secret is an identity token."""

    username: str
    secret: SecretStr


def ask_helper(name: str, server: str, environment: Mapping[str, str]) -> HelperLogin | None:
    """The login that `docker-credential-NAME` holds for `server`; None where it holds none.

    Args:
        name: letters, digits, dots and dashes; it is looked for on the PATH of `environment`.

    Raises:
        RegistryError: `credentials-unreadable`: it is missing, fails, hangs or prints rubbish. What
            it printed is never told: it may hold the secret.
    """
    program = f"docker-credential-{name}"
    path = shutil.which(program, path=environment.get("PATH"))
    if path is None:
        raise _unreadable(
            program,
            "is not installed",
            mend=f"Install {program}, or remove it from docker's config.json.",
        )
    status, output = _run(path, program, server, environment)
    if status != 0 and _NOT_FOUND in output.lower():
        return None
    if status != 0:
        raise _unreadable(program, f"failed with exit code {status}")
    return _read(program, output)


def _run(path: str, program: str, server: str, environment: Mapping[str, str]) -> tuple[int, bytes]:
    try:
        process = subprocess.Popen(
            [path, "get"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=dict(environment),
            start_new_session=True,
        )
    except OSError as error:
        raise _unreadable(program, f"cannot be started: {error.strerror}") from None
    watch = _Watch(process)
    with process:
        try:
            output = _talk(process, server)
            if len(output) > _LONGEST_OUTPUT:
                raise _unreadable(program, "prints more than a login")
            status = process.wait()
        finally:
            watch.end()
    if watch.expired:
        raise _unreadable(program, f"gave no answer within {HELPER_SECONDS:.0f} seconds")
    return status, output


def _talk(process: subprocess.Popen[bytes], server: str) -> bytes:
    stdin, stdout = cast("IO[bytes]", process.stdin), cast("IO[bytes]", process.stdout)
    with suppress(BrokenPipeError), stdin:
        stdin.write(server.encode())
    return stdout.read(_LONGEST_OUTPUT + 1)


class _Watch:
    """Ends a helper, and whatever it started, when its time is up."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.expired = False
        self._process = process
        self._timer = Timer(HELPER_SECONDS, self._expire)
        self._timer.daemon = True
        self._timer.start()

    def end(self) -> None:
        """End it now, if it still runs."""
        self._timer.cancel()
        if self._process.poll() is None:
            self._kill()

    def _expire(self) -> None:
        self.expired = True
        self._kill()

    def _kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)


def _read(program: str, output: bytes) -> HelperLogin | None:
    try:
        document = parse_json(output)
    except InvalidContentError:
        document = None
    username, secret = (
        (document.get("Username"), document.get("Secret"))
        if isinstance(document, dict)
        else (None, None)
    )
    if not isinstance(username, str) or not isinstance(secret, str):
        raise _unreadable(program, "printed something that is no login")
    return HelperLogin(username, SecretStr(secret)) if username or secret else None


def _unreadable(program: str, what: str, *, mend: str = "") -> RegistryError:
    return RegistryError(
        Code.CREDENTIALS_UNREADABLE,
        f"The credential helper {program} {what}.",
        where=program,
        cause="Docker's config.json names it for this registry.",
        mend=mend or f"Try: echo HOST:PORT | {program} get",
    )
