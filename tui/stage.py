"""The screen that is shown: one comes up at a time, and is drawn once."""

import asyncio
import time
from collections.abc import Awaitable

from textual.app import App
from textual.screen import Screen

_LOOK = 0.005
"""Seconds between two looks at a screen that comes up; textual tells of no such moment."""

_LONGEST = 5.0
"""Seconds; longer than any screen takes to come up. Keys are heard again then, come what may."""


class Stage:
    """Puts one screen in the place of another.

    A screen that is left before it came up would find nothing of what it is made of. So the next
    one waits until it is whole; keys wait as well, and are for the screen that they then find.
    """

    def __init__(self, app: App[str]) -> None:
        self._app = app
        self._coming = False
        self._next: Screen[None] | None = None

    async def whole(self) -> None:
        """Wait until what is shown is all there, be it a step or a page over it."""
        end = time.monotonic() + _LONGEST
        while not self._is_whole() and time.monotonic() < end:
            await asyncio.sleep(_LOOK)

    def _is_whole(self) -> bool:
        shown = self._app.screen_stack  # empty at the end
        return not self._coming and all(one.is_mounted for one in shown[-1:])

    def show(self, screen: Screen[None]) -> None:
        """Put a screen in the place of the one that is shown, as soon as that is whole."""
        if self._coming:
            self._next = screen
            return
        self._coming = True
        app = self._app
        while len(app.screen_stack) > 2:  # help, or a question, over the one that is left
            app.pop_screen()
        screen.add_class(*self._kinds_of_window())  # else all is styled twice
        put = app.push_screen if len(app.screen_stack) == 1 else app.switch_screen
        app.run_worker(self._come_up(put(screen)))

    async def _come_up(self, opened: Awaitable[object]) -> None:
        try:
            with self._app.batch_update():
                await opened
        finally:
            self._coming = False
        screen, self._next = self._next, None
        if screen:
            self.show(screen)

    def _kinds_of_window(self) -> list[str]:
        """The classes of this size, which textual gives a screen once it is there."""
        width, height = self._app.size
        sides = (
            (width, self._app.HORIZONTAL_BREAKPOINTS or ()),
            (height, self._app.VERTICAL_BREAKPOINTS or ()),
        )
        return [max(one for one in kinds if one[0] <= side)[1] for side, kinds in sides]
