"""The menu of Start: entries of two lines, one of them selected."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.events import Click, Resize
from textual.message import Message
from textual.widgets import Static

from tui.glyphs import state_text
from tui.widgets.selected import RedrawnByFocus


@dataclass(frozen=True, slots=True)
class Entry:
    """What can be chosen.

    Attributes:
        key: tells it from the others, from one look to the next.
        title: what it does.
        words: more about it, the second line.
        trouble: it cannot be opened; the title tells why.
    """

    key: str
    title: str
    words: str = ""
    trouble: bool = False


class Menu(RedrawnByFocus, Static, can_focus=True):
    """Up and Down move, Enter chooses.

    Attributes:
        entries: as shown.
        at: index of the selected one.
        room: lines that it may take.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", show=False),
        Binding("down", "move(1)", show=False),
        Binding("pageup,home", "move(-99)", show=False),
        Binding("pagedown,end", "move(99)", show=False),
        Binding("enter,space", "choose", show=False),
    ]

    @dataclass
    class Chosen(Message):
        """Enter was pressed on an entry."""

        entry: Entry

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - textual's own word
        super().__init__("", id=id)
        self.entries: Sequence[Entry] = ()
        self.at = self._first = 0
        self.room = 9
        self._moved = False

    def put(self, entries: Sequence[Entry], first: str = "") -> None:
        """Show these; the selection stays on its entry once it was moved.

        Args:
            first: key of the entry that is selected before; empty for the first one.
        """
        if list(entries) == list(self.entries):
            return
        selected = self.entries[self.at].key if self.at < len(self.entries) else ""
        self.entries = entries
        keys = [one.key for one in entries]
        wanted = selected if self._moved else first
        self.at = keys.index(wanted) if wanted in keys else 0
        self.refresh(layout=True)

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        """Two lines each, with blank lines between where there is room for all."""
        del container, viewport, width
        whole, close = 3 * len(self.entries) - 1, 2 * len(self.entries)
        return max(1, whole if whole <= self.room else min(close, self.room))

    @property
    def _spaced(self) -> bool:
        return 3 * len(self.entries) - 1 <= self.room

    def render(self) -> Content:
        """The entries in sight."""
        lines: list[Content] = []
        seen = len(self.entries) if self._spaced else max(1, self.room // 2)
        self._first = min(max(self._first, self.at - seen + 1), self.at)
        for index in range(self._first, min(len(self.entries), self._first + seen)):
            if lines and self._spaced:
                lines.append(Content(""))
            lines += self._drawn(index)
        if len(lines) < self.content_size.height:
            lines += self._out_of_sight(seen)
        return Content("\n").join(lines)

    def _out_of_sight(self, seen: int) -> list[Content]:
        """The line that is left over tells of entries that are not drawn."""
        above, below = self._first, len(self.entries) - self._first - seen
        told = f"   ↓ {below} more" if below > 0 else f"   ↑ {above} more" if above > 0 else ""
        return [Content.styled(told, "$ink3")] if told else []

    def _drawn(self, index: int) -> list[Content]:
        entry, here = self.entries[index], index == self.at
        width = self.content_size.width
        pointer = Content.styled("►" if here else " ", "$accent")
        title = (
            Content.assemble(state_text("warn"), "  ", entry.title)
            if entry.trouble
            else Content.styled(entry.title, "bold" if here else "")
        )
        words = Content.styled(entry.words, "$ink2" if here else "$ink3")
        lines = []
        for line in (Content.assemble(" ", pointer, " ", title), Content.assemble("   ", words)):
            fitted = line.truncate(width, ellipsis=True)
            if here and self.has_focus:
                basic = self.app.has_class("-basic")
                fitted = fitted.pad_right(max(0, width - fitted.cell_length))
                fitted = fitted.stylize("reverse" if basic else "on $sel")
            lines.append(fitted)
        return lines

    def action_move(self, by: int) -> None:
        """Move the selection."""
        to = min(max(0, self.at + by), max(0, len(self.entries) - 1))
        self._moved = True
        self.at = to
        self.refresh()

    def action_choose(self) -> None:
        """Take the selected entry."""
        if self.entries and not self.entries[self.at].trouble:
            self.post_message(self.Chosen(self.entries[self.at]))

    def on_click(self, event: Click) -> None:
        """Select; what is selected already is chosen."""
        index = self._first + event.y // (3 if self._spaced else 2)
        if index < len(self.entries):
            chosen = index == self.at
            self.action_move(index - self.at)
            if chosen:
                self.action_choose()

    def on_resize(self, event: Resize) -> None:
        """More or fewer entries are in sight."""
        del event
        self.refresh(layout=True)
