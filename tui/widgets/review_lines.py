"""How the entries of Review are drawn."""

import textwrap
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from textual.content import Content

from core.answers.commands import short_path
from core.checks.open_points import OpenPoint
from core.errors import EksaMirrorError
from core.mirror.outputs import Change
from core.transfer.site import Site, SiteFile
from tui.glyphs import STATES, state_text
from tui.session import home
from tui.site_writing import LOGIN, Outcome
from tui.widgets.pick_list import Pick
from tui.widgets.strip import wrapped_command
from tui.words import plain

MARKS = {
    Change.NEW: "+ new",
    Change.MERGE: "~ merge",
    Change.REPLACE: "! replace",
    Change.SAME: "= same",
}
_MARK_WIDTH = 11
_PLACE = 40
"""Cells for the folder that was written to."""


def file_lines(
    file: SiteFile, outcome: tuple[str, str] | None, folder: Path, width: int
) -> list[Content]:
    """A file to write: what becomes of it, its path, and what it takes.

    Args:
        outcome: a word of `tui.glyphs.STATES` and why; None where it was not tried yet.
        folder: a path in it is shown without it.
    """
    if outcome and outcome[0] in STATES:
        mark, told = state_text(outcome[0], width=_MARK_WIDTH), outcome[1]
    else:
        mark, told = Content.styled(f"{MARKS[file.change]:<{_MARK_WIDTH}}", "$ink2"), file.need
    return _pathed(mark, plain(short_path(file.path, folder)), told, width)


def login_lines(user: str, state: str, told: str, width: int) -> list[Content]:
    """Docker's login, which is no file of ours."""
    mark = (
        state_text(state, width=_MARK_WIDTH)
        if state in STATES
        else Content.styled(f"{state:<{_MARK_WIDTH}}", "$ink2")
    )
    return _pathed(mark, plain(f"docker login as {user}"), told, width)


def trouble_lines(error: EksaMirrorError, folder: Path, width: int) -> list[Content]:
    """A file that cannot be written, and why."""
    where = short_path(Path(error.where), folder) if error.where else "this machine"
    return _pathed(state_text("failed", width=_MARK_WIDTH), plain(where), error.message, width)


def point_lines(point: OpenPoint, width: int) -> list[Content]:
    """An open point: state and step, then one sentence, then what EKS Anywhere makes of it."""
    head = Content.assemble(
        state_text(point.state.value), "  ", Content.styled(point.group, "bold $ink")
    )
    lines = [head]
    for text, style in ((point.text, "$ink2"), (point.verdict, "$ink")):
        wrapped = textwrap.wrap(plain(text), max(16, width - 2)) if text else []
        lines += [Content.styled(f"  {line}", style) for line in wrapped]
    return lines


def command_lines(command: str, width: int) -> list[Content]:
    """A command behind its quiet `$`."""
    return [
        Content.assemble(Content.styled(" $ " if not n else "   ", "$ink3"), line)
        for n, line in enumerate(wrapped_command(command, max(20, width - 4)))
    ]


def _pathed(mark: Content, path: str, told: str, width: int) -> list[Content]:
    room = width - _MARK_WIDTH
    shown = cut_path(path, room)
    if len(shown) + 2 + len(told) <= room:
        gap = " " * (room - len(shown) - len(told))
        return [Content.assemble(mark, shown, gap, Content.styled(told, "$ink3"))]
    lines = [Content.assemble(mark, shown)]
    wrapped = textwrap.wrap(plain(told), max(20, room))
    return lines + [Content.styled(" " * _MARK_WIDTH + line, "$ink3") for line in wrapped]


def cut_path(path: str, width: int) -> str:
    """A path in `width` cells, cut at the left by whole folders."""
    if len(path) <= width:
        return path
    parts = path.split("/")
    for first in range(1, len(parts)):
        shorter = "…/" + "/".join(parts[first:])
        if len(shorter) <= width:
            return shorter
    return "…" + path[-(width - 1) :]


def file_picks(site: Site, outcomes: Mapping[str, Outcome], folder: Path) -> list[Pick]:
    """All files, docker's login, and what cannot be written."""
    picks = []
    for file in site.files:
        outcome = outcomes.get(str(file.path))
        became = (outcome.state, outcome.told) if outcome else None
        draw = partial(file_lines, file, became, folder)
        picks.append(Pick(draw, str(file.path)))
    if site.docker_user:
        outcome = outcomes.get(LOGIN)
        state = outcome.state if outcome else "= same" if site.logged_in else "+ login"
        told = outcome.told if outcome else "tried before it is kept"
        picks.append(Pick(partial(login_lines, site.docker_user, state, told)))
    return picks + [Pick(partial(trouble_lines, one, folder)) for one in site.troubles]


def files_meta(site: Site, outcomes: Mapping[str, Outcome], folder: Path) -> str:
    """`none of them exists yet, except cluster.yaml`; then `in ~/site-a`, where they are."""
    if outcomes:
        return f"in {cut_path(plain(home(folder)), _PLACE)}"
    there = [one.path.name for one in site.files if one.change is not Change.NEW]
    if not there:
        return "none of them exists yet"
    if len(there) == 1:
        return f"none of them exists yet, except {there[0]}"
    return f"{len(there)} of {len(site.files)} exist"


def point_picks(points: Sequence[OpenPoint]) -> list[Pick]:
    """All open points."""
    return [Pick(partial(point_lines, one), one.text) for one in points]


def command_picks(commands: Sequence[str], undo: Sequence[str]) -> list[Pick]:
    """The commands on panel colour; below them those that undo what was written."""
    picks = [Pick(partial(command_lines, one), one, "$panel") for one in commands]
    for number, one in enumerate(undo):
        picks.append(Pick(partial(_undo_lines, one, first=not number), one))
    return picks


def _undo_lines(command: str, width: int, *, first: bool) -> list[Content]:
    head = [Content(""), Content.styled("To undo it", "bold")] if first else []
    return [*head, *command_lines(command, width)]
