"""Keys as terminals send them, through the driver that the wizard has on a terminal."""

import os
import sys
from pathlib import Path

import pytest

from core.errors import ExitCode
from tests.tui.terminal import run_on_terminal
from tui.terminal import hear_esc_at_once

_PROGRAM = """
from textual.app import App
from textual.widgets import Static
from tui.driver import PromptDriver

class Keys(App):
    heard = []

    def compose(self):
        yield Static("ready")

    def on_key(self, event):
        self.heard.append(event.key)
        if event.key in ("q", "escape"):
            self.exit()

Keys(driver_class=PromptDriver).run()
print("heard:", *Keys.heard)
"""

LATIN_1 = "\udce4"
"""A byte as it stands, which begins no letter of UTF-8."""


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    path = tmp_path / "keys"
    path.write_text(_PROGRAM)
    return path


@pytest.mark.parametrize(
    ("typed", "heard"),
    [
        ("\x1b[A\x1bOPq", "up f1 q"),
        ("\x1b", "escape"),
        ("\x1b[21~q", "f10 q"),
        ("äq", "ä q"),
        (f"{LATIN_1}xq", "replacement_character x q"),
    ],
)
def test_keys_are_heard_as_they_were_pressed(keys: Path, typed: str, heard: str) -> None:
    seen = run_on_terminal(keys, program=sys.executable, answers={"ready": typed})

    assert seen.code == 0, seen.text
    assert f"heard: {heard}\n" in seen.text


def test_a_terminal_of_another_alphabet_does_not_end_the_wizard() -> None:
    seen = run_on_terminal("wizard", answers={"Have these at hand": f"{LATIN_1}q"})

    assert seen.code == ExitCode.DONE, seen.text


def test_who_needs_a_longer_delay_keeps_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ESCDELAY", "700")
    hear_esc_at_once()
    assert os.environ["ESCDELAY"] == "700"

    monkeypatch.delenv("ESCDELAY")
    hear_esc_at_once()
    assert int(os.environ["ESCDELAY"]) < 100
