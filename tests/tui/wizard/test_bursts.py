"""Keys that are held down, and screens that follow each other faster than they come up."""

import asyncio
import random

import pytest
from textual.events import Key

from core.answers import Answers, RegistryAnswers
from tests.tui.wizard.looking import LARGE, new_app, running, shown, until
from tui.app import MirrorApp
from tui.screens.help import HelpPage
from tui.screens.prepare import PrepareScreen
from tui.screens.start import StartScreen
from tui.screens.steps_list import StepsList
from tui.screens.trust import TrustScreen
from tui.steps import NAMES
from tui.widgets.checklist import CheckList

SITE = Answers(registry=RegistryAnswers.model_validate({"address": "127.0.0.1:1/eks-a"}))


def hit(app: MirrorApp, *keys: str) -> None:
    """Press keys so fast that no screen comes up between them."""
    for key in keys:
        app.post_message(Key(key, None))


def test_esc_held_down_leads_back_to_start_step_by_step() -> None:
    async def play() -> None:
        app = new_app(SITE, step=8)
        async with running(app, LARGE) as pilot:
            hit(app, *["escape"] * 8)
            await until(pilot, lambda: isinstance(app.screen, StartScreen))
            await until(pilot, lambda: "Start a new set-up" in shown(app))
            assert len(app.screen_stack) == 2

    asyncio.run(play())


def test_keys_in_one_burst_are_for_the_screens_that_they_open() -> None:
    async def play() -> None:
        app = new_app(SITE, step=5)
        async with running(app, LARGE) as pilot:
            hit(app, "escape", "escape", "escape", "f8", "f8", "escape")
            await until(pilot, lambda: "Step 3 of 10" in shown(app))
            assert app.session.setup.step == 3
            assert app.session.setup.reached == 5

    asyncio.run(play())


@pytest.mark.parametrize("seed", range(3))
def test_however_fast_screens_follow_the_last_one_is_shown_whole(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - no secret

    async def play() -> None:
        app = new_app(SITE, step=5)
        async with running(app, LARGE) as pilot:
            for _ in range(6):
                for _ in range(chance.randint(2, 8)):
                    app.open_step(chance.randint(0, 10))
                    if chance.random() < 0.5:
                        await asyncio.sleep(chance.random() * 0.05)
                last = chance.randint(1, 8)
                app.open_step(last)
                await until(pilot, lambda last=last: f"Step {last} of" in shown(app))  # type: ignore[misc]
                assert NAMES[last - 1] in shown(app)

    asyncio.run(play())


def test_a_key_that_closes_a_page_may_come_twice() -> None:
    async def play() -> None:
        app = new_app(SITE, step=5)
        async with running(app, LARGE) as pilot:
            await pilot.press("f2")
            await until(pilot, lambda: isinstance(app.screen, StepsList))
            below = app.screen_stack[-2]
            steps = app.screen
            assert isinstance(steps, StepsList)
            steps.dismiss(5)
            steps.dismiss(5)
            await pilot.pause()
            assert app.screen is below
            await pilot.press("escape")
            await until(pilot, lambda: "Step 4 of 10" in shown(app))

    asyncio.run(play())


def test_a_page_over_a_screen_goes_with_it() -> None:
    async def play() -> None:
        app = new_app(SITE, step=2)
        async with running(app, LARGE) as pilot:
            await pilot.press("f1")
            await until(pilot, lambda: isinstance(app.screen, HelpPage))
            app.open_step(3)  # as an import does that ends
            await until(pilot, lambda: "Step 3 of 10" in shown(app))
            assert isinstance(app.screen, TrustScreen)
            assert len(app.screen_stack) == 2

    asyncio.run(play())


def test_what_a_check_finds_while_the_wizard_is_left_does_no_harm() -> None:
    async def play() -> None:
        app = new_app(SITE, step=2)
        async with running(app, LARGE) as pilot:
            await until(pilot, lambda: "Try again" in shown(app))
            checks = app.screen.query_one(CheckList)
            app.exit()
            checks.action_open()  # its buttons go
            checks.action_open()  # and come again
        assert app.crash is None

    asyncio.run(play())


def test_an_entry_may_be_chosen_twice_before_its_page_is_there() -> None:
    async def play() -> None:
        app = new_app()
        async with running(app, LARGE) as pilot:
            await until(pilot, lambda: "Prepare on a connected machine" in shown(app))
            first, second = PrepareScreen(), PrepareScreen()
            app.stage.show(first)
            await until(pilot, lambda: app.screen is first)
            app.stage.show(second)
            await until(pilot, lambda: app.screen is second and second.framed)
            await app.stage.whole()
            assert len(app.screen_stack) == 2

    asyncio.run(play())
