"""Looking for a password in everything that the program writes, shows or hands on."""

import base64
import os
import secrets
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from core.transfer.job import jobs_folder
from tests.integration.program import files_below

_OWN = secrets.token_hex(6)
"""Tests that run beside this one look for their own."""

MARK = f"Ma4rk-{_OWN}-p4ssword"
WRONG = f"Wr0ng-{_OWN}-m4rk"
USER = "robot"


def spellings(password: str) -> list[bytes]:
    """A password as it is, and as HTTP and docker's config write it."""
    plain = password.encode()
    return [plain, base64.b64encode(plain), base64.b64encode(f"{USER}:{password}".encode())]


def holds(content: bytes | str, password: str = MARK) -> bool:
    """Whether the password can be read out of it."""
    raw = content.encode() if isinstance(content, str) else content
    return any(spelled in raw for spelled in spellings(password))


def check_nowhere(*passwords: str, but: Iterable[Path] = ()) -> None:
    """Neither in the state nor in the home, and everything of the jobs is private.

    Args:
        but: files that hold it because the operator wanted so.
    """
    folders = (jobs_folder(), Path(os.environ["HOME"]))
    found = [path for path in files_below(*folders) if path not in set(but)]
    for path in found:
        content = path.read_bytes()
        assert not [one for one in passwords if holds(content, one)], path
    for path in jobs_folder().rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path


@contextmanager
def watched(but: int = 0) -> Iterator[list[bytes]]:
    """Arguments and environment of every process of this program, and of those it starts.

    Args:
        but: of this process only the arguments, as the test itself has set its environment.
    """
    seen: list[bytes] = []
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(0.01):
            for folder in Path("/proc").glob("[0-9]*"):
                seen.extend(_shown(folder, but))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        ended.set()
        thread.join()


_OURS = (b"eksa-mirror", b"tui.cli", b"core.transfer.", b"docker-registry")


def _shown(folder: Path, but: int) -> list[bytes]:
    try:
        line = (folder / "cmdline").read_bytes()
        if not any(name in line for name in _OURS):
            return []
        # A process that was just begun is still a copy of the one that began it.
        if but and line == Path(f"/proc/{but}/cmdline").read_bytes():
            return [line]
        return [line, (folder / "environ").read_bytes()]
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return []
