"""The frame of all screens: it can be drawn at any moment, however the window changes."""

import asyncio
import threading
from collections.abc import Coroutine

import pytest
from textual.pilot import Pilot

from core.answers import Answers, RegistryAnswers
from tests.tui.wizard.looking import new_app, running, shown, type_in, until
from tui.app import MirrorApp
from tui.messages import ChecksEnded
from tui.screens.framed import FramedScreen
from tui.screens.opening import open_screen
from tui.screens.step import StepScreen
from tui.screens.steps_list import StepsList
from tui.terminal import Look

ANSWERS = Answers(registry=RegistryAnswers.model_validate({"address": "harbor.example/eks-a"}))
WINDOWS = ((200, 50), (120, 36), (80, 24), (60, 15))


def play(coroutine: Coroutine[object, object, None]) -> None:
    asyncio.run(coroutine)


class Telling(threading.Thread):
    """Tells the app that checks have ended, as fast as it can, until it is stopped."""

    def __init__(self, app: MirrorApp) -> None:
        super().__init__(name="check-telling", daemon=True)
        self._app, self._pause = app, threading.Event()

    def run(self) -> None:
        while not self._pause.wait(0.001):
            run = self._app.session.boards[3]._run
            self._app.post_message(ChecksEnded(3, run))

    def stop(self) -> None:
        self._pause.set()
        self.join()


def test_what_threads_tell_while_screens_come_and_go_does_no_harm() -> None:
    async def walk() -> None:
        app = new_app(ANSWERS, step=2)
        async with running(app) as pilot:
            telling = Telling(app)
            telling.start()
            try:
                for step in [8, 2, 10, 3, 7, 8, 10, 4, 8, 6] * 2:
                    app.open_step(step)
                    await asyncio.sleep(0.02)
                await until(pilot, lambda: "6  Cluster" in shown(app))
            finally:
                telling.stop()

    play(walk())


def test_a_screen_that_is_not_there_yet_is_not_drawn() -> None:
    async def walk() -> None:
        app = new_app(ANSWERS, step=2)
        async with running(app) as pilot:
            coming = open_screen(6)
            assert isinstance(coming, FramedScreen)
            assert not coming.framed
            coming.refresh_frame()
            app.stage.show(coming)
            coming.refresh_frame()
            await until(pilot, lambda: coming.framed)
            app.open_step(7)
            coming.refresh_frame()
            await until(pilot, lambda: "7  Admin machine" in shown(app))
            assert not coming.framed

    play(walk())


@pytest.mark.parametrize("look", [Look(), Look(basic=True), Look(theme="site-light")])
def test_resizing_loses_nothing(look: Look) -> None:
    async def walk() -> None:
        app = new_app(ANSWERS, step=2, look=look)
        async with running(app, WINDOWS[0]) as pilot:
            await pilot.press("end")
            await type_in(pilot, "x y")
            for width, height in (*WINDOWS[1:], *reversed(WINDOWS)):
                await pilot.resize_terminal(width, height)
                await pilot.pause()
                text = shown(app)
                if (width, height) == (60, 15):
                    assert f"This window is {width} x {height}." in text
                    assert "eksa-mirror needs 80 x 24." in text
                else:
                    assert "harbor.examplex y" in text
                    assert all(len(line) <= width for line in text.splitlines())
                assert app.focused
                assert app.focused.id is None or "endpoint" in str(app.focused.parent)
            await type_in(pilot, "z")
            assert "harbor.examplex yz" in shown(app)

    play(walk())


@pytest.mark.parametrize("look", [Look(), Look(basic=True)])
def test_keys_of_the_footer_can_be_clicked(look: Look) -> None:
    async def click(pilot: Pilot[str], words: str) -> None:
        assert isinstance(pilot.app, MirrorApp)
        line = shown(pilot.app).splitlines()[-1]
        await pilot.click(offset=(line.index(words) + len(words) - 1, 23))

    async def walk() -> None:
        app = new_app(ANSWERS, step=7, look=look)
        async with running(app) as pilot:
            await until(pilot, lambda: "Quit" in shown(app))
            await click(pilot, "Steps")
            await until(pilot, lambda: isinstance(app.screen, StepsList))
            await click(pilot, "Close")
            await until(pilot, lambda: isinstance(app.screen, StepScreen))
            await pilot.click(offset=(79, 23))  # where no key stands
            await click(pilot, "Continue")
            await until(pilot, lambda: "8  Review" in shown(app))
            await click(pilot, "Back")
            await until(pilot, lambda: "7  Admin machine" in shown(app))
            await click(pilot, "Quit")
            await until(pilot, lambda: not app.is_running)

    play(walk())
