"""The wizard from the login to the end of an import: nothing shows the password that was typed."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from core.demo.registry import DemoRegistry
from core.demo.sample import Sample
from core.transfer.standing import Stand
from tests.fixtures.tmux import Terminal
from tests.integration.program import PROGRAM, files_below, only_job
from tests.integration.test_wizard import to_the_import, wait_for
from tests.secrets.searching import MARK, USER, check_nowhere, holds, watched

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]


class Watched(Terminal):
    """A window of which every picture that a test waits for is kept, with its colours."""

    def __init__(self, command: Sequence[str | Path], folder: Path) -> None:
        self.pictures: list[str] = []
        super().__init__(command, folder)

    def screen(self) -> str:
        seen = super().screen()
        self.pictures += [seen, self.raw_screen()]
        return seen


def to_credentials(terminal: Terminal, sample: Sample, registry: DemoRegistry) -> None:
    host, _, port = registry.address.rpartition(":")
    terminal.wait_for("Start a new set-up")
    terminal.press("Enter")
    terminal.wait_for("1  Artifacts")
    terminal.type(str(sample.archive))
    terminal.press("Enter")
    terminal.wait_for("Found beside the tarball.", "To import")
    terminal.press("F8")
    terminal.wait_for("2  Registry")
    terminal.type(host)
    terminal.press("Enter")
    terminal.type(port)
    terminal.wait_for("2 warnings.")
    terminal.press("F8")
    terminal.wait_for("3  Trust")
    terminal.type(str(registry.ca_file))
    terminal.press("Enter")
    terminal.wait_for("in the CA file")
    terminal.press("F8")
    terminal.wait_for("4  Credentials")


def log_in(terminal: Terminal) -> None:
    terminal.type(USER)
    terminal.press("Enter")
    terminal.wait_for("after password")
    terminal.type(MARK)
    terminal.press("Enter")
    terminal.wait_for("Login, Pull, Push")


def to_the_end(terminal: Terminal) -> None:
    terminal.press("F8")
    terminal.wait_for("Continue goes on without.")  # a keyring, which this machine has not
    for title in ("5  Namespaces", "6  Cluster", "7  Admin machine", "8  Review & write"):
        terminal.press("F8")
        terminal.wait_for(title)
    to_the_import(terminal)
    terminal.press("F8")
    terminal.wait_for("10  Done", "verified", seconds=120)


def test_a_typed_password_is_on_no_screen_in_no_file_and_no_child(
    locked: DemoRegistry, sample: Sample, tmp_path: Path
) -> None:
    with watched() as seen, Watched([PROGRAM], tmp_path) as terminal:
        to_credentials(terminal, sample, locked)
        log_in(terminal)
        to_the_end(terminal)
        wait_for(only_job(), Stand.DONE)
        for key in ("F1", "Escape", "F2", "Escape"):
            terminal.press(key)
            terminal.screen()
    assert any(b"core.transfer.worker" in one for one in seen)
    assert not [one for one in seen if holds(one)], "in arguments or environment"
    assert len(terminal.pictures) > 20
    assert not [one for one in terminal.pictures if holds(one)]
    check_nowhere(MARK)
    state = Path(os.environ["XDG_STATE_HOME"])
    assert files_below(state), "there is something that could hold it"
    assert not holds(locked.log_file.read_bytes())
