"""However the screen ends, the import goes on, and whoever comes back sees it."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from core.answers import Answers, ArtifactAnswers, RegistryAnswers, TransferAnswers
from core.demo.registry import DemoRegistry
from core.demo.sample import Sample
from core.registry.credentials import Credentials
from core.transfer.controls import change_controls
from core.transfer.launch import start
from core.transfer.orders import Orders
from core.transfer.standing import Stand, look_at
from tests.fixtures.tmux import Terminal
from tests.integration.program import PROGRAM

pytestmark = [pytest.mark.integration, pytest.mark.slow]

SLOW = 4_000
"""Bytes a second: it would take a minute, and is let go before."""


def until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def attached(folder: Path) -> Terminal:
    """The panes, in a terminal with a server of its own."""
    folder.mkdir()
    return Terminal([PROGRAM, "attach"], folder)


def test_ctrl_c_a_hangup_and_a_closed_terminal_leave_the_import_running(
    sample: Sample, registry: DemoRegistry, namespace: str, tmp_path: Path
) -> None:
    answers = Answers(
        artifacts=ArtifactAnswers(archive=sample.archive, bundles=sample.bundles),
        registry=RegistryAnswers.model_validate(
            {"address": f"{registry.address}/{namespace}", "ca_file": registry.ca_file}
        ),
        transfer=TransferAnswers(limit_rate=SLOW, chunk_size=64 * 1024),
    )
    job = start(answers, Orders(Credentials(registry.username, registry.password)))
    worker = job.worker_pid()
    assert worker

    with attached(tmp_path / "ctrl-c") as terminal:
        terminal.wait_for("9  Import", "running", "Sending")
        terminal.press("C-c")
        terminal.until(lambda _: terminal.ended())
        assert job.is_running()
    with attached(tmp_path / "hangup") as terminal:
        terminal.wait_for("9  Import", "running", "Sending")
        os.kill(terminal.pid(), signal.SIGHUP)
        terminal.until(lambda _: terminal.ended())
        assert job.is_running()
    with attached(tmp_path / "closed") as terminal:
        terminal.wait_for("9  Import", "running", "Sending")
        screen = terminal.pid()
    until(lambda: not is_there(screen))
    os.kill(worker, signal.SIGHUP)
    change_controls(job, limit_rate=0)
    until(lambda: look_at(job)[0].stand is Stand.DONE)
    assert job.worker_pid() in (None, worker), "it was the same one all the time"
