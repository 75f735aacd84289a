"""A short list on the page: each entry draws itself, in one line or more."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.events import Click
from textual.message import Message
from textual.widgets import Static

from tui.widgets.selected import RedrawnByFocus, selected_row


@dataclass(frozen=True)
class Pick:
    """An entry.

    Attributes:
        draw: its lines, for a width in cells.
        copy: what F7 copies; empty where there is nothing.
        ground: the colour behind it where it is not selected; empty for that of the page.
    """

    draw: Callable[[int], list[Content]]
    copy: str = ""
    ground: str = ""


class PickList(RedrawnByFocus, Static, can_focus=True):
    """Entries of which one is selected; it is as high as they are, and the page scrolls.

    Args:
        empty: what stands there while there is no entry.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", show=False),
        Binding("down", "move(1)", show=False),
        Binding("home", "go(0)", show=False),
        Binding("end", "go(9999)", show=False),
        Binding("enter,space,d", "choose", show=False),
    ]

    @dataclass
    class Chosen(Message):
        """Enter, or a click, on the selected entry."""

        picks: "PickList"
        index: int

    def __init__(self, *, id: str | None = None, empty: str = "") -> None:  # noqa: A002
        super().__init__("", id=id, classes="pick-list")
        self.picks: Sequence[Pick] = ()
        self.at = 0
        self._empty = empty

    @property
    def current(self) -> Pick | None:
        """The selected entry."""
        return self.picks[self.at] if self.picks else None

    def put(self, picks: Sequence[Pick], empty: str = "") -> None:
        """Show other entries; the selected place stays."""
        self.picks = picks
        self._empty = empty or self._empty
        self.at = min(self.at, max(0, len(picks) - 1))
        self.refresh(layout=True)

    def render(self) -> Content:
        """All entries."""
        width = self.content_size.width or 76
        if not self.picks:
            return Content.styled(self._empty, "$ink3")
        lines: list[Content] = []
        for index, pick in enumerate(self.picks):
            selected = self.has_focus and index == self.at
            lines += [self._grounded(line, pick, width, selected) for line in pick.draw(width)]
        return Content("\n").join(lines)

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        """Lines of all entries."""
        del container, viewport
        return sum(len(pick.draw(width)) for pick in self.picks) or 1

    def _grounded(self, line: Content, pick: Pick, width: int, selected: bool) -> Content:
        if not selected and not pick.ground:
            return line
        if selected:
            return selected_row(line, width, basic=self.app.has_class("-basic"))
        padded = Content.assemble(line, " " * max(0, width - line.cell_length))
        return padded.stylize_before(f"on {pick.ground}")

    def action_move(self, by: int) -> None:
        """Move; from the ends on to the next stop."""
        to = self.at + by
        if 0 <= to < len(self.picks):
            self.action_go(to)
        elif by < 0:
            self.screen.focus_previous()
        else:
            self.screen.focus_next()

    def action_go(self, to: int) -> None:
        """Select an entry."""
        self.at = min(max(0, to), max(0, len(self.picks) - 1))
        self.refresh()
        self._keep_in_sight()

    def action_choose(self) -> None:
        """Open the selected entry."""
        if self.picks:
            self.post_message(self.Chosen(self, self.at))

    def on_click(self, event: Click) -> None:
        """Select; what is selected already is opened."""
        row = event.y
        for index, pick in enumerate(self.picks):
            row -= len(pick.draw(self.content_size.width))
            if row < 0:
                if index == self.at:
                    self.action_choose()
                self.action_go(index)
                return

    def on_focus(self) -> None:
        """The selected entry is in sight."""
        self.call_after_refresh(self._keep_in_sight)

    def _keep_in_sight(self) -> None:
        # Its ancestors, not the screen: a list that was removed meanwhile has neither.
        for page in (one for one in self.ancestors if isinstance(one, VerticalScroll)):
            width = self.content_size.width
            above = sum(len(pick.draw(width)) for pick in self.picks[: self.at])
            height = len(self.picks[self.at].draw(width)) if self.picks else 1
            top = self.region.y + above - page.region.y
            under = top + height - page.region.height
            if top < 0:
                page.scroll_relative(y=top, animate=False)
            elif under > 0:
                page.scroll_relative(y=under, animate=False)
