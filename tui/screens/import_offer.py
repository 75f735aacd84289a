"""What the Import screen offers, by how the import stands: its primary button and its keys."""

from collections.abc import Sequence

from core.transfer.standing import Stand, Standing
from tui.screens.framed import BACK, HELP, STEPS
from tui.widgets.frame import Key

_FIND = (Key("f", "f", "Filter", "filter", 4), Key("/", "/", "Find", "find", 3))
_WORKERS = Key("w", "w", "Workers", "workers", 2)


def primary_of(now: Standing | None) -> tuple[str, bool]:
    """Label of the primary button, and whether it does something.

    Args:
        now: None while it is not known.
    """
    if now is None or now.stand is Stand.VERIFYING:
        return "", False
    if now.stand is Stand.FAILED:
        return f"Try {'it' if now.failed == 1 else f'the {now.failed}'} again ›", True
    labels = {
        Stand.RUNNING: "Pause  p",
        Stand.STALLED: "Pause  p",
        Stand.PAUSED: "Go on",
        Stand.DONE: "Continue ›",
    }
    return labels.get(now.stand, "Resume ›"), True


def keys_before() -> Sequence[Key]:
    """Of the footer, before an import is started."""
    leave = Key("F10", "q", "Quit", "app.leave", 10)
    return (BACK, HELP, STEPS, _WORKERS, Key("F8", "n", "Start", "go_on", 7), leave)


def keys_of(now: Standing | None) -> Sequence[Key]:
    """Of the footer, once there is an import."""
    if now and now.stand.lives:
        pause = Key("p", "p", "Go on" if now.stand is Stand.PAUSED else "Pause", "pause", 8)
        stop = Key("s", "s", "Stop", "stop", 7)
        leave = Key("F10", "q", "Leave", "app.leave", 10)
        return (BACK, HELP, STEPS, pause, stop, *_FIND, _WORKERS, leave)
    again = Key("F5", "r", "Try again", "again", 8)
    copy = Key("F7", "y", "Copy", "copy", 4)
    return (BACK, HELP, again, copy, *_FIND, Key("F10", "q", "Quit", "app.leave", 10))
