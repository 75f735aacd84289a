"""Runs the program on a terminal of its own, and answers its questions."""

import os
import pty
import select
import subprocess
import sys
import termios
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.integration.program import PROGRAM, SECONDS

_TAKE_THE_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    "os.execv(sys.argv[1], sys.argv[1:])"
)
"""Only the terminal of its session can interrupt a program with Ctrl-C."""


_PATIENCE = 1.0
"""Seconds after which somebody presses Ctrl-C again."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A run on a terminal: its exit code, and all that stood on the screen."""

    code: int
    text: str


def run_on_terminal(
    *arguments: str | Path,
    answers: Mapping[str, str],
    program: str | Path = PROGRAM,
    **more: str,
) -> Seen:
    """Run the program on a terminal of 80 columns.

    Args:
        answers: what is typed once a text stands on the screen; each once.
        program: run in place of `eksa-mirror`.
        more: further variables of the environment.
    """
    own, its = pty.openpty()
    termios.tcsetwinsize(its, (24, 80))
    with subprocess.Popen(
        [sys.executable, "-c", _TAKE_THE_TERMINAL, str(program), *map(str, arguments)],
        stdin=its,
        stdout=its,
        stderr=its,
        start_new_session=True,
        env={**os.environ, "TERM": "xterm-256color", **more},
    ) as process:
        os.close(its)
        try:
            text = _talk(own, dict(answers))
        except AssertionError:
            process.kill()
            raise
        finally:
            os.close(own)
        return Seen(process.wait(SECONDS), text)


def _talk(own: int, answers: dict[str, str]) -> str:
    """All that is said until the program hangs up."""
    said, pressed, give_up = b"", b"", time.monotonic() + SECONDS
    while time.monotonic() < give_up:
        if not select.select([own], [], [], _PATIENCE)[0]:
            # A Ctrl-C in the moment before input() waits is seen only with the next key.
            os.write(own, pressed)
            continue
        try:
            piece = os.read(own, 4096)
        except OSError:  # the other end is closed
            piece = b""
        if not piece:
            return said.decode().replace("\r\n", "\n")
        said += piece
        for question in [one for one in answers if one.encode() in said]:
            key = answers.pop(question).encode(errors="surrogateescape")
            os.write(own, key)
            pressed = key if key < b" " else b""
    raise AssertionError(f"it did not end in time: {said.decode()}")
