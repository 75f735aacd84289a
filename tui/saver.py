"""Writes what the wizard keeps in a thread of its own: a busy disk holds up no key."""

import threading
from collections import deque
from collections.abc import Callable

from textual.message import Message

from tui.messages import Failed, Saved

PATIENCE = 5.0
"""Seconds that whoever depends on what is being written waits for the disk."""


class Saver:
    """Writes one thing after the other, in the order in which they came.

    Args:
        post: told `Saved` after each, and `Failed` where a defect shows.

    Attributes:
        trouble: why the last one could not be written; empty where it was.
    """

    def __init__(self, post: Callable[[Message], object]) -> None:
        self.trouble = ""
        self._post = post
        self._waiting: deque[Callable[[], object]] = deque()
        self._changed = threading.Condition()
        self._at_work = False

    @property
    def busy(self) -> bool:
        """Whether something is still to be written."""
        return self._at_work

    def put(self, write: Callable[[], object]) -> None:
        """Have `write` called; its OSError is told as trouble."""
        with self._changed:
            self._waiting.append(write)
            if not self._at_work:
                self._at_work = True
                # A disk that does not answer any more must not keep the program from ending.
                threading.Thread(target=self._work, name="saver", daemon=True).start()

    def finish(self, seconds: float = PATIENCE) -> bool:
        """Wait until all is written; False where that takes longer."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._at_work, seconds)

    def _work(self) -> None:
        while True:
            message = self._written(self._waiting[0])
            with self._changed:
                self._waiting.popleft()
                self._at_work = bool(self._waiting)
                self._post(message)  # whoever hears of the last one finds nothing busy any more
                if not self._at_work:
                    self._changed.notify_all()
                    return

    def _written(self, write: Callable[[], object]) -> Message:
        try:
            write()
        except OSError as error:
            self.trouble = error.strerror or "the folder cannot be written"
        except Exception as error:  # noqa: BLE001 - the app tells it as a defect
            return Failed(error)
        else:
            self.trouble = ""
        return Saved(self.trouble)
