"""Running the wizard in a test, and reading what is on its screen."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from time import monotonic

from textual.pilot import Pilot

from core.answers import Answers
from core.answers.setups import begin_setup, setups_folder
from core.transfer.job import jobs_folder
from tui.app import MirrorApp
from tui.terminal import Look

SMALL, LARGE, HUGE = (80, 24), (120, 36), (200, 50)


def shown(app: MirrorApp) -> str:
    """The screen as text, a line each, without blanks at the ends."""
    strips = app.screen._compositor.render_strips(app.size)
    return "\n".join("".join(s.text for s in strip).rstrip() for strip in strips)


def new_app(
    answers: Answers | None = None, *, step: int = 0, look: Look | None = None
) -> MirrorApp:
    """A wizard with these answers, at a step; without both, at Start."""
    setup = begin_setup(setups_folder(jobs_folder()), answers) if answers or step else None
    return MirrorApp(look or Look(), setup, step)


@asynccontextmanager
async def running(app: MirrorApp, size: tuple[int, int] = SMALL) -> AsyncIterator[Pilot[str]]:
    """The app in a window of `size` columns and rows."""
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        yield pilot


async def until(
    pilot: Pilot[str], condition: Callable[[], object], *, seconds: float = 20.0
) -> None:
    """Wait until a condition holds; else fail with what was on the screen."""
    end = monotonic() + seconds
    while not condition():
        app = pilot.app
        assert isinstance(app, MirrorApp)
        assert app.crash is None, f"it crashed: {app.crash!r}"
        assert monotonic() < end, f"it never came to it; the screen:\n{shown(app)}"
        await asyncio.sleep(0.02)
        await pilot.pause()


async def type_in(pilot: Pilot[str], text: str) -> None:
    """Type a text into the field that has the focus."""
    await pilot.press(*[_KEYS.get(letter, letter) for letter in text])


_KEYS = {
    "/": "slash",
    ".": "full_stop",
    ":": "colon",
    "-": "minus",
    "_": "underscore",
    " ": "space",
    "~": "tilde",
    "$": "dollar_sign",
    ",": "comma",
}
