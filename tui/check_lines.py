"""A finding of a live check in lines, on the grid."""

from collections.abc import Iterator

from core.checks.finding import Finding, State
from tui.grid import command, headed, labelled

_DASH = "\N{EN DASH}"
_GLYPHS = {State.PASS: "✓", State.WARN: "!", State.FAIL: "✗", State.SKIPPED: _DASH}


def finding_lines(finding: Finding, width: int) -> Iterator[str]:
    """A finding as a person reads it: state and fact, then cause, effect and fix below.

    Args:
        width: columns; a command is never broken, it is there to be copied.
    """
    state = f"{_GLYPHS[finding.state]} {finding.state}"
    yield from headed(finding.title, state, finding.seen, width)
    if finding.state in (State.PASS, State.SKIPPED):
        return
    yield from labelled("Cause", finding.cause, width)
    yield from labelled("Effect", finding.effect, width)
    yield from labelled("Fix", finding.mend, width)
    if finding.command:
        yield command(finding.command)
