"""How the groups of Done are drawn."""

import re
from collections.abc import Sequence
from functools import partial

from textual.content import Content

from core.checks.finding import Finding, State
from core.checks.words import first_lower
from core.errors import ADVICE, EksaMirrorError
from core.reference import Kind
from core.transfer.job import Job
from core.transfer.next_steps import NextStep, Reminder
from core.transfer.states import ArtifactState
from core.transfer.verified import Counted
from core.transfer.view import Summary
from core.units import size, span
from tui.glyphs import state_text
from tui.widgets.hung import hung
from tui.widgets.pick_list import Pick
from tui.widgets.strip import command_strip
from tui.words import plain, plural

_STATE_AT, _TEXT_AT = 17, 28
_NAMES = {
    Kind.IMAGE: "Images",
    Kind.CHART: "Helm charts",
    Kind.PACKAGE_BUNDLE: "Package bundles",
}
_INDENT = 4


def verified_lines(
    counts: Sequence[Counted],
    pulled: Finding | None,
    trouble: EksaMirrorError | None,
    verifying: str,
    width: int,
) -> list[Content]:
    """A line for each kind of artifact, and one for a pull as a node."""
    lines: list[Content] = []
    for one in counts:
        if not one.wanted:
            continue
        state = "pass"
        if one.missing:
            state = "warn" if one.kind is Kind.PACKAGE_BUNDLE else "fail"
        words = one.words
        if verifying:
            state, words = "verifying", verifying
        elif trouble:
            state, words = "fail", _said(trouble)
        lines += _row(_NAMES[one.kind], state_text(state), words, width)
    if not counts:
        text = _said(trouble) if trouble else "waits for the import"
        lines += _row("Artifacts", state_text("fail" if trouble else "waiting"), text, width)
    if pulled is None:
        return lines + _row("Pull as a node", state_text("waiting"), "", width)
    words = pulled.seen
    if pulled.state is State.PASS:
        words = "with the CA, login and path that nodes use"
    return lines + _row("Pull as a node", state_text(pulled.state.value), words, width)


def this_import_lines(summary: Summary, job: Job, width: int) -> list[Content]:
    """What was sent, and where the report is."""
    ended = summary.number("ended")
    took = f"in {span(max(0.0, ended - summary.number('started')))}" if ended else "so far"
    present = summary.counts.get(ArtifactState.PRESENT, 0)
    were = "was" if present == 1 else "were"
    sent = (
        f"{size(summary.number('sent_bytes'))} {took}. {present} {were} there before, "
        f"{plural(summary.retries, 'retry', 'retries')}, {summary.failed} failed."
    )
    report = _wrapped_path(str(job.report("json")), max(20, width - _STATE_AT))
    return [
        *_row("Sent", Content(""), sent, width, at=_STATE_AT),
        Content.assemble(Content.styled(f"{'Report':<{_STATE_AT}}", "$ink2"), report[0]),
        *(Content(" " * _STATE_AT + line) for line in report[1:]),
        *_row("", Content(""), "and .md and .html beside it", width, at=_STATE_AT, style="$ink3"),
    ]


def reminder_lines(reminders: Sequence[Reminder], width: int) -> list[Content]:
    """Label and sentence."""
    return [
        line
        for one in reminders
        for line in _row(one.label, Content(""), one.text, width, at=_STATE_AT, style="$ink2")
    ]


def step_picks(steps: Sequence[NextStep]) -> list[Pick]:
    """Each command is an entry; the first of a step has its number and text above it."""
    picks = []
    for number, step in enumerate(steps, start=1):
        head = f"{number}  {step.text}"
        if not step.commands:
            picks.append(Pick(partial(_step_lines, head, "")))
        for place, command in enumerate(step.commands):
            draw = partial(_step_lines, "" if place else head, command)
            picks.append(Pick(draw, command))
    return picks


def _step_lines(head: str, command: str, width: int) -> list[Content]:
    lines = [Content.styled(plain(head), "$ink2")] if head else []
    return lines + (command_strip(command, width, at=_INDENT) if command else [])


def _row(
    label: str, state: Content, text: str, width: int, *, at: int = _TEXT_AT, style: str = "$ink"
) -> list[Content]:
    head = Content.assemble(Content.styled(f"{label:<{_STATE_AT}}", "$ink2"), state)
    return hung(head, text, width, at=at, style=style)


def _said(trouble: EksaMirrorError) -> str:
    """`the registry does not answer`."""
    return first_lower(ADVICE[trouble.code].title)


def _wrapped_path(path: str, width: int) -> list[str]:
    """A path in lines that end between two folders, so that it can be read and put together."""
    lines = [""]
    for part in re.findall(r"/?[^/]+", plain(path)):
        if lines[-1] and len(lines[-1]) + len(part) > width:
            lines.append("")
        lines[-1] += part
    return lines
