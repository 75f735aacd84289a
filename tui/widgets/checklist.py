"""The check ladder of a step: each check with its state, what it found, and the way out."""

import textwrap
import time
from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content

from core.checks.finding import Finding, State
from core.units import span
from tui.board import Board, Row
from tui.glyphs import state_text
from tui.widgets.button import FlatButton
from tui.widgets.drawn import Drawn
from tui.widgets.heading import Heading
from tui.widgets.hung import hung, labelled
from tui.widgets.selected import lifted
from tui.widgets.strip import command_strip, wrapped_command

STATE_AT, TEXT_AT, LABEL_AT = 17, 28, 19
"""Columns of the grid: state, finding, and the label of a detail."""

_WIDE = 86
"""From this width on a command is broken in the column of findings."""

Buttons = Callable[[Finding], Sequence[FlatButton]]


class CheckList(Vertical, can_focus=True):
    """Heading and rows; arrows move, Enter opens, F5 tries again.

    Args:
        board: the checks of the step.
        heading: above them.
        buttons: what else than “Try again” a finding offers.
        hide: names of checks that this screen shows elsewhere.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", show=False),
        Binding("down", "move(1)", show=False),
        Binding("enter,d", "open", show=False),
    ]

    def __init__(
        self,
        board: Board,
        *,
        heading: str = "Live checks",
        buttons: Buttons | None = None,
        hide: Sequence[str] = (),
    ) -> None:
        super().__init__(id="checks")
        self.board = board
        self._heading = Heading(heading, "not checked yet")
        self._buttons = buttons
        self._names = [name for name in board.rows if name not in hide]
        self._rows = {name: CheckRow() for name in self._names}
        self._button_lines: dict[str, tuple[list[str], Horizontal]] = {}
        self._folded = Drawn(classes="check-fold")
        self.selected = 0
        self.opened: dict[str, bool] = {}

    def compose(self) -> ComposeResult:
        """The heading, the folded line and a row for each check."""
        yield self._heading
        yield self._folded
        yield from self._rows.values()

    def on_mount(self) -> None:
        """The age of the findings is told again each second."""
        self.set_interval(1.0, self.tell_age)
        self.show()

    def name_it(self, heading: str) -> None:
        """Change the heading."""
        self._heading.show(text=heading)

    @property
    def current(self) -> Row | None:
        """The selected check."""
        return self.board.rows[self._names[self.selected]] if self._names else None

    def show(self) -> None:
        """Draw what the board knows now."""
        folded = self._foldable()
        self._folded.display = bool(folded)
        if folded:
            titles = [self.board.rows[name].check.title for name in self._names if name in folded]
            self._folded.show(lambda width: [_fold_line(titles, width)])
        grave = self._gravest()
        for number, name in enumerate(self._names):
            row, widget = self.board.rows[name], self._rows[name]
            widget.display = name not in folded
            opened = self.opened.get(name, name == grave)
            selected = self.has_focus and number == self.selected
            widget.show_check(row, opened=opened, selected=selected)
            self._put_buttons(name, self._offered(row) if opened else ())
        self.tell_age()

    def tell_age(self) -> None:
        """`checked 4 s ago`, `running, 3 s`, `not checked yet`."""
        now, board = time.monotonic(), self.board
        if board.running and board.began is not None:
            meta = f"running, {int(now - board.began)} s"
        elif board.ended is not None:
            meta = f"checked {span(max(1.0, now - board.ended))} ago"
        else:
            meta = "not checked yet"
        self._heading.show(meta=meta)

    def on_focus(self) -> None:
        """The first thing to look at is selected."""
        grave = self._gravest()
        if grave in self._names and not self.opened:
            self.selected = self._names.index(grave)
        self.show()

    def on_blur(self) -> None:
        """Nothing is selected."""
        self.show()

    def action_move(self, by: int) -> None:
        """To the next check that is shown; beyond the ends to the next stop."""
        folded = self._foldable()
        at = self.selected + by
        while 0 <= at < len(self._names) and self._names[at] in folded:
            at += by
        if 0 <= at < len(self._names):
            self.selected = at
            self.show()
            self._rows[self._names[at]].scroll_visible(animate=False)
        elif by > 0:
            self.screen.focus_next()
        else:
            self.screen.focus_previous()

    def action_open(self) -> None:
        """Show the details of the selected check, or hide them."""
        if self._names:
            name = self._names[self.selected]
            self.opened[name] = not self.opened.get(name, name == self._gravest())
            self.show()

    def _put_buttons(self, name: str, buttons: Sequence[FlatButton]) -> None:
        """Below a check; there is no line for them where there are none."""
        before = self._button_lines.pop(name, None)
        labels = [button.label for button in buttons]
        if before and before[0] == labels:
            self._button_lines[name] = before
            return
        if before:
            before[1].remove()
        if buttons and self.is_attached:
            for button in buttons:
                button.can_focus = False  # the ladder is one stop; their keys are on them
            line = Horizontal(*buttons, classes="check-buttons")
            self._button_lines[name] = (labels, line)
            self.mount(line, after=self._rows[name])

    def _gravest(self) -> str:
        """The first failing check, else the first warning: it is open by itself."""
        for state in (State.FAIL.value, State.WARN.value):
            for name in self._names:
                if self.board.rows[name].state == state:
                    return name
        return ""

    def _foldable(self) -> set[str]:
        """In a low window passing checks make room for those that do not pass."""
        passing = {n for n in self._names if self.board.rows[n].state == State.PASS.value}
        low = self.screen.has_class("-short")
        worth = len(passing) > 1 and bool(self._gravest()) and len(self._names) > 3
        return passing if low and worth and not any(map(self.opened.get, passing)) else set()

    def _offered(self, row: Row) -> Sequence[FlatButton]:
        finding = next((f for f in row.findings if f.state in (State.FAIL, State.WARN)), None)
        if finding is None:
            return ()
        more = self._buttons(finding) if self._buttons else ()
        key = "r" if self.app.has_class("-basic") else "F5"
        again = FlatButton(f"Try again  {key}", action=f"try_again('{row.check.name}')")
        return (*more, again)


class CheckRow(Drawn):
    """One check in its lines."""

    def __init__(self) -> None:
        super().__init__(classes="check-row")

    def show_check(self, row: Row, *, opened: bool, selected: bool) -> None:
        """Draw a check."""
        title, state, waits, findings = row.check.title, row.state, row.waits, row.findings

        def draw(width: int) -> list[Content]:
            if findings:
                return [line for f in findings for line in finding_lines(f, width, opened=opened)]
            text = "asking" if state == "running" else waits
            return headed(title, state_text(state), text, width=width, quiet=True)

        self.show((lambda width: [*map(lifted, draw(width))]) if selected else draw)
        self.set_class(selected, "-selected")


def finding_lines(finding: Finding, width: int, *, opened: bool = True) -> list[Content]:
    """A finding on the grid: name, state and fact; where it is open, what explains it below."""
    quiet = finding.state is State.SKIPPED
    state = state_text(finding.state.value)
    lines = headed(finding.title, state, finding.seen, width=width, quiet=quiet)
    if not opened:
        return lines
    explained = finding.state in (State.FAIL, State.WARN)
    if explained:
        told = [("Cause", finding.cause), ("Effect", finding.effect), ("Fix", finding.mend)]
    else:
        told = [("" if n else "Details", detail) for n, detail in enumerate(finding.details)]
    for label, text in told:
        lines += labelled(label, text, width, label_at=LABEL_AT, at=TEXT_AT)
    if explained and finding.command:
        lines += command_strip(finding.command, width, at=_strip_at(finding.command, width))
    return lines


def _strip_at(command: str, width: int) -> int:
    """The column of findings; further left where a command would not fit, or be broken for it."""
    room = width - TEXT_AT - 4
    lines = wrapped_command(command, room) if width >= _WIDE else [command]
    return TEXT_AT if max(map(len, lines)) <= room else STATE_AT


def _fold_line(titles: Sequence[str], width: int) -> Content:
    """`6 checks         ✓ pass     Name, Signature, Chain`."""
    names = textwrap.shorten(", ".join(titles), max(20, width - TEXT_AT), placeholder="…")
    return headed(f"{len(titles)} checks", state_text("pass"), names, width=width)[0]


def headed(
    title: str, state: Content, text: str, *, width: int, quiet: bool = False
) -> list[Content]:
    """A line of the ladder: name, state, and what was found."""
    name = title if len(title) < STATE_AT else title[: STATE_AT - 2] + "…"
    head = Content.assemble(Content.styled(f"{name:<{STATE_AT}}", "$ink2"), state, " ")
    return hung(head, text, width, at=TEXT_AT, style="$ink3" if quiet else "$ink")
