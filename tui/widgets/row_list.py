"""A list of any length that draws only what is in sight."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.events import Click, MouseScrollDown, MouseScrollUp, Resize
from textual.message import Message

from tui.widgets.selected import RedrawnByFocus, selected_row


class RowList(RedrawnByFocus, can_focus=True):
    """Rows with a pointer. What a row looks like, `draw_row` says.

    It follows the end, or whatever `follow` names, until the pointer is moved; End follows again.

    Attributes:
        keys: what stands in each row, in order.
        at: index of the selected row.
        top: index of the first row in sight.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", show=False),
        Binding("down", "move(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("home", "first", show=False),
        Binding("end", "last", show=False),
        Binding("enter,d", "choose", show=False),
    ]

    @dataclass
    class Chosen(Message):
        """Enter, or a click, on a row."""

        rows: "RowList"
        key: int

    @dataclass
    class Moved(Message):
        """Another row is selected."""

        rows: "RowList"

    def __init__(self, *, id: str | None = None, empty: str = "") -> None:  # noqa: A002
        super().__init__(id=id, classes="row-list")
        self.keys: Sequence[int] = ()
        self.at = self.top = 0
        self.following = True
        self._empty = empty

    def draw_row(self, key: int, width: int) -> Content:
        """A row without its pointer, in `width` cells."""
        raise NotImplementedError

    def followed(self) -> int:
        """Index of the row to keep in sight while nobody moves the pointer."""
        return max(0, len(self.keys) - 1)

    def put(self, keys: Sequence[int]) -> None:
        """Show these rows; the selected one stays selected where it is still there."""
        selected = self.keys[self.at] if self.at < len(self.keys) else None
        self.keys = keys
        if self.following:
            self.at = self.followed()
        elif selected is not None:
            index = _index(keys, selected, self.at)
            self.at = min(max(0, len(keys) - 1), self.at) if index is None else index
        self._keep_in_sight()
        self.refresh()

    def say_empty(self, text: str) -> None:
        """What stands there while there are no rows."""
        if text != self._empty:
            self._empty = text
            self.refresh()

    def render(self) -> Content:
        """The rows in sight."""
        self._keep_in_sight()  # it may have been filled while it was hidden, without a height
        width, height = self.content_size
        if not self.keys:
            return Content.styled(f"  {self._empty}", "$ink3")
        lines = []
        for index in range(self.top, min(len(self.keys), self.top + height)):
            pointer = "►" if index == self.at and self.has_focus else " "
            line = Content.assemble(
                Content.styled(pointer, "$accent"),
                " ",
                self.draw_row(self.keys[index], width - 2),
            )
            if index == self.at and self.has_focus:
                line = selected_row(line, width, basic=self.app.has_class("-basic"))
            lines.append(line)
        return Content("\n").join(lines)

    @property
    def in_sight(self) -> tuple[int, int]:
        """First and last row in sight, counted from 1; zeros where there is none."""
        if not self.keys:
            return 0, 0
        return self.top + 1, min(len(self.keys), self.top + max(1, self.content_size.height))

    def action_move(self, by: int) -> None:
        """Move the pointer; from the ends on to the next stop."""
        to = self.at + by
        if 0 <= to < len(self.keys):
            self._go(to)
        elif by < 0:
            self.screen.focus_previous()
        else:
            self.screen.focus_next()

    def action_page(self, pages: int) -> None:
        """Move by what is in sight."""
        self._go(self.at + pages * max(1, self.content_size.height - 1))

    def action_first(self) -> None:
        """To the first row."""
        self._go(0)

    def action_last(self) -> None:
        """To the last row, and follow again."""
        self._go(len(self.keys) - 1)
        self.following = True

    def action_choose(self) -> None:
        """Show the selected row."""
        if self.keys:
            self.post_message(self.Chosen(self, self.keys[self.at]))

    def on_click(self, event: Click) -> None:
        """Select; what is selected already is shown."""
        index = self.top + event.y
        if index < len(self.keys):
            chosen = index == self.at
            self._go(index)
            if chosen:
                self.action_choose()

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        """The wheel moves the pointer."""
        event.stop()
        self._go(self.at + 3)

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        """The wheel moves the pointer."""
        event.stop()
        self._go(self.at - 3)

    def on_resize(self, event: Resize) -> None:
        """The pointer stays in sight."""
        del event
        self._keep_in_sight()

    def _go(self, index: int) -> None:
        self.following = False
        before, self.at = self.at, min(max(0, index), max(0, len(self.keys) - 1))
        self._keep_in_sight()
        self.refresh()
        if self.at != before:
            self.post_message(self.Moved(self))

    def _keep_in_sight(self) -> None:
        height = max(1, self.content_size.height)
        last = max(0, len(self.keys) - height)
        self.top = min(max(self.top, self.at - height + 1), self.at, last)


def _index(keys: Sequence[int], key: int, near: int) -> int | None:
    """Where a key is; mostly where it was."""
    if near < len(keys) and keys[near] == key:
        return near
    try:
        return keys.index(key)
    except ValueError:
        return None
