"""Work that must not hold up the screen, in a thread that nobody waits for at the end."""

import contextvars
import threading
from collections.abc import Callable

from textual.screen import Screen

from tui.messages import Failed


def aside(screen: Screen[None], work: Callable[[], object]) -> None:
    """Do `work` in a thread; it tells its end to the screen with `post_message`.

    A screen that was left hears nothing. A defect ends the app, as one in a check does.
    """
    app = screen.app

    def guarded() -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 - told by the app, which ends with it
            app.post_message(Failed(error))

    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(guarded,), name="aside", daemon=True).start()
