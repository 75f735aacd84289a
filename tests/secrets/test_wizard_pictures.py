"""A typed password is in no picture that the wizard can be asked for, and in no crash of it."""

import asyncio
import re
import sys
from collections.abc import Iterable
from functools import partial
from html import unescape
from pathlib import Path

import pytest

from core.answers import Answers, RegistryAnswers, save_answers
from core.demo.registry import DemoRegistry
from core.errors import Code, ExitCode
from core.transfer.job import jobs_folder
from tests.secrets.searching import MARK, USER, check_nowhere, holds
from tests.tui.terminal import run_on_terminal
from tests.tui.wizard.looking import LARGE, new_app, running, shown, type_in, until
from tui.app import MirrorApp
from tui.screens.step import StepScreen

pytestmark = pytest.mark.integration


def answers(registry: DemoRegistry) -> Answers:
    given = {"address": f"{registry.address}/eks-a", "ca_file": registry.ca_file}
    return Answers(registry=RegistryAnswers.model_validate(given))


def picture(app: MirrorApp) -> str:
    """The screen as an image, and the letters alone, which styles may part."""
    image = app.export_screenshot()
    return image + unescape(re.sub(r"<[^>]*>|\n", "", image))


def is_drawn(app: MirrorApp, step: int) -> bool:
    screen = app.screen
    return isinstance(screen, StepScreen) and step == screen.STEP and screen.framed


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param([5], id="the next step"),
        pytest.param(range(1, 11), id="every step", marks=pytest.mark.slow),
    ],
)
def test_no_picture_of_a_step_holds_a_typed_password(
    steps: Iterable[int], locked: DemoRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("keyring.core._keyring_backend", None)

    async def body() -> list[str]:
        app = new_app(answers(locked), step=4)
        async with running(app, LARGE) as pilot:
            await until(pilot, lambda: "after user" in shown(app))
            await type_in(pilot, USER)
            await pilot.press("enter")
            await until(pilot, lambda: "after password" in shown(app))
            await type_in(pilot, MARK)
            await pilot.pause()
            pictures = [picture(app)]
            await pilot.press("enter")
            await until(pilot, lambda: "accepted as" in shown(app))
            password = app.session.password
            assert password is not None
            assert password.get_secret_value() == MARK
            pictures.append(picture(app))
            for key in ("f1", "escape", "f2", "escape"):
                await pilot.press(key)
                await pilot.pause()
                pictures.append(picture(app))
            for step in steps:
                app.open_step(step)
                await until(pilot, partial(is_drawn, app, step))
                pictures.append(picture(app))
        return pictures

    pictures = asyncio.run(body())
    assert USER in pictures[0], "what is typed can be read out of a picture"
    assert not [one for one in pictures if holds(one)]
    check_nowhere(MARK)


_BREAK = """
import functools, tui.cli
import tui.commands.wizard as verb
from tui.screens.credentials import CredentialsScreen
verb.run_app = functools.partial(verb.run_app, step=4)
begin = CredentialsScreen.begin_checks
def boom(self):
    if not self.session.password:
        return begin(self)
    typed = self.session.password.get_secret_value()
    held = {"password": typed, "screen": self}
    raise ZeroDivisionError(typed)
CredentialsScreen.begin_checks = boom
tui.cli.main()
"""


def test_a_defect_after_the_password_was_typed_does_not_tell_it(
    locked: DemoRegistry, tmp_path: Path
) -> None:
    file, program = tmp_path / "answers.yaml", tmp_path / "broken"
    save_answers(answers(locked), file)
    program.write_text(_BREAK)
    typed = {"after user": f"{USER}\r", "after password": f"{MARK}\r"}

    seen = run_on_terminal(
        *(program, "wizard", "--answers", file), program=sys.executable, answers=typed
    )

    assert seen.code == ExitCode.BUG, seen.text
    assert f"[{Code.BUG}]" in seen.text
    (crash,) = jobs_folder().glob("crash-*.txt")
    assert "in boom" in crash.read_text()
    assert not holds(seen.text)
    check_nowhere(MARK)
