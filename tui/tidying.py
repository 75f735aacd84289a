"""Python's search for garbage, out of the way of the keys."""

import gc
import time
from collections.abc import Callable

QUIET_SECONDS = 2.0
"""So long after a key the next one is not expected at once."""

LOOK_SECONDS = 1.0
"""How often `look` is to be called."""


_NEW_OBJECTS = 50_000
"""So many are made before the youngest are searched; one screen makes about as many."""


class Tidying:
    """What a screen has brought with it is set aside, and searched once, while nobody types.

    Now and then Python searches all objects of a program for those that nobody can reach. Here
    that takes up to a tenth of a second, more where an import has the cores, and no key is heard
    meanwhile. What is set aside is not searched: the rest takes a few milliseconds.

    Args:
        clock: seconds, from any moment on.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._heard = clock()
        self._screen: object = None
        self._due = False

    @staticmethod
    def begin() -> None:
        """Search the youngest less often: a screen that comes up makes many times Python's 700."""
        gc.set_threshold(_NEW_OBJECTS)

    def heard(self) -> None:
        """A key was pressed, or the mouse was moved."""
        self._heard = self._clock()

    def is_quiet(self, seconds: float) -> bool:
        """Whether no key was pressed for so long."""
        return self._clock() - self._heard >= seconds

    def look(self, screen: object) -> None:
        """Tidy up where it is time.

        Args:
            screen: that is shown.
        """
        if screen is not self._screen:
            self._screen, self._due = screen, True
        if not self._due:
            return
        if self.is_quiet(QUIET_SECONDS):
            self._due = False
            gc.unfreeze()
            gc.collect()
        gc.freeze()  # takes no time
