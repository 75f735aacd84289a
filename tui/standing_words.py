"""How a job stands, as the screens say it."""

import time

from core.transfer.standing import Stand, Standing, per_cent, seconds_left
from core.transfer.view import Summary
from core.units import time_left

GLYPHS = {
    Stand.READY: "waiting",
    Stand.RUNNING: "running",
    Stand.VERIFYING: "verifying",
    Stand.PAUSED: "paused",
    Stand.STALLED: "stalled",
    Stand.FAILED: "failed",
    Stand.CUT_OFF: "fail",
    Stand.BROKEN: "fail",
    Stand.STOPPED: "stopped",
    Stand.DONE: "done",
}
"""The word of `tui.glyphs.STATES` whose glyph and colour each has."""


def label(standing: Standing) -> str:
    """For the title line: `running`, `3 failed`, `cut off at 14:24`."""
    if standing.stand is Stand.FAILED:
        return f"{standing.failed} failed"
    if standing.stand is Stand.CUT_OFF:
        return f"cut off at {_clock(standing.ended)}"
    if standing.stand is Stand.STALLED:
        return f"stalled, no data for {standing.idle:.0f} s"
    if standing.stand is Stand.BROKEN:
        return "could not go on"
    return standing.stand.value


def sentence(standing: Standing, summary: Summary | None) -> str:
    """For the action line."""
    arrived = summary.arrived if summary else 0
    artifacts = summary.artifacts if summary else 0
    if standing.stand is Stand.FAILED:
        one = standing.failed == 1
        return (
            "Only that one is sent again." if one else f"Only the {standing.failed} are sent again."
        )
    if standing.stand is Stand.PAUSED:
        left = summary.finishing if summary else 0
        return f"Pausing: {left} in flight are finished first." if left else "Paused."
    return {
        Stand.READY: "Nothing has been sent yet.",
        Stand.RUNNING: "Back leaves the import running.",
        Stand.STALLED: "Still trying. The registry may be full or slow.",
        Stand.VERIFYING: f"Asking the registry for each of the {artifacts}.",
        Stand.CUT_OFF: "Nothing is lost. Resume sends only the rest.",
        Stand.STOPPED: f"{arrived} of {artifacts} are in the registry.",
        Stand.BROKEN: "It could not go on; Errors tells why.",
        Stand.DONE: f"All {artifacts} are in the registry.",
    }[standing.stand]


def progress(summary: Summary | None) -> str:
    """`58 %, about 2 min left`."""
    if summary is None:
        return "it has just begun"
    left = seconds_left(summary)
    return f"{per_cent(summary)} %" + (f", {time_left(left)}" if left is not None else "")


def _clock(moment: float | None) -> str:
    return time.strftime("%H:%M", time.localtime(moment))
