"""The screen that is shown: one comes up at a time, and is drawn once."""

import asyncio
import gc
import time
from collections.abc import Callable
from contextlib import ExitStack

from textual.app import App
from textual.screen import Screen

_LOOK = 0.002
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
        self._then: Callable[[], None] | None = None
        self._unseen = ExitStack()

    async def whole(self) -> None:
        """Wait until what is shown is all there, be it a step or a page over it."""
        await self._until(lambda: not self._coming and self._is_mounted())

    def show(self, screen: Screen[None], then: Callable[[], None] | None = None) -> None:
        """Put a screen in the place of the one that is shown, as soon as that is whole.

        Where several are wanted meanwhile, the last one is shown.

        Args:
            then: done once it was drawn.
        """
        self._next, self._then = screen, then
        if not self._coming:
            self._coming = True
            self._app.run_worker(self._come_up())

    async def _come_up(self) -> None:
        app = self._app
        gc.disable()  # what would be searched is all in use
        try:
            while self._next:
                await self._until(self._is_mounted)
                screen, self._next = self._next, None
                screen.add_class(*self._kinds_of_window())  # else all is styled twice
                with ExitStack() as self._unseen:
                    self._unseen.enter_context(app.batch_update())
                    while len(app.screen_stack) > 2:  # help, or a question, over the one it follows
                        app.pop_screen()
                    put = app.push_screen if len(app.screen_stack) == 1 else app.switch_screen
                    put(screen)  # the other one is taken down afterwards
                    await self._until(self._is_mounted)
        finally:
            self._coming = False
            gc.enable()
        if self._then:
            app.call_after_refresh(self._then)

    def is_whole(self) -> None:
        """Told by a screen that is there with all its parts: now it is drawn."""
        self._unseen.close()

    def _is_mounted(self) -> bool:
        shown = self._app.screen_stack  # empty at the end
        return all(one.is_mounted for one in shown[-1:])

    async def _until(self, holds: Callable[[], bool]) -> None:
        end = time.monotonic() + _LONGEST
        while not holds() and time.monotonic() < end:
            await asyncio.sleep(_LOOK)

    def _kinds_of_window(self) -> list[str]:
        """The classes of this size, which textual gives a screen once it is there."""
        width, height = self._app.size
        sides = (
            (width, self._app.HORIZONTAL_BREAKPOINTS or ()),
            (height, self._app.VERTICAL_BREAKPOINTS or ()),
        )
        return [max(one for one in kinds if one[0] <= side)[1] for side, kinds in sides]
