"""Kubernetes versions to tick: a row of boxes in a narrow window, a list in a wide one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.events import Click
from textual.message import Message

from core.transfer.inventory import VersionPart
from core.units import size
from tui.widgets.selected import RedrawnByFocus, selected_row
from tui.words import plural


class VersionTicks(RedrawnByFocus, can_focus=True):
    """Arrows move, Space changes, + ticks all and - none.

    Attributes:
        parts: the versions, the newest first in the list.
        ticked: names of those that are chosen.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,left", "move(-1)", show=False),
        Binding("down,right", "move(1)", show=False),
        Binding("space", "tick", show=False),
        Binding("enter", "app.focus_next", show=False),
        Binding("plus", "all", show=False),
        Binding("minus", "none", show=False),
    ]

    @dataclass
    class Changed(Message):
        """Other versions are ticked."""

        ticked: frozenset[str]

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - textual's own word
        super().__init__(id=id)
        self.parts: Sequence[VersionPart] = ()
        self.ticked: frozenset[str] = frozenset()
        self.at = 0

    def put(self, parts: Sequence[VersionPart], ticked: frozenset[str]) -> None:
        """Show these versions."""
        self.parts, self.ticked = parts, ticked
        self.at = min(self.at, max(0, len(parts) - 1))
        self.refresh(layout=True)

    @property
    def _wide(self) -> bool:
        return self.app.size.width >= 100

    @property
    def _shown(self) -> list[VersionPart]:
        return list(reversed(self.parts)) if self._wide else list(self.parts)

    def render(self) -> Content:
        """The boxes."""
        if not self.parts:
            return Content.styled("known once the bundle manifest is read", "$ink3")
        if self._wide:
            return Content("\n").join(self._row(n, one) for n, one in enumerate(self._shown))
        return Content(" ").join(self._box(n, one) for n, one in enumerate(self._shown))

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        """One row each in a wide window."""
        del container, viewport, width
        return max(1, len(self.parts)) if self._wide else 1

    def action_move(self, by: int) -> None:
        """To the next version; beyond the ends to the next stop."""
        if 0 <= self.at + by < len(self.parts):
            self.at += by
            self.refresh()
        elif by > 0:
            self.screen.focus_next()
        else:
            self.screen.focus_previous()

    def action_tick(self) -> None:
        """Tick the version, or take its tick away."""
        if self.parts:
            self._choose(self.ticked ^ {self._shown[self.at].name})

    def action_all(self) -> None:
        """Tick every version."""
        self._choose(frozenset(one.name for one in self.parts))

    def action_none(self) -> None:
        """Tick none."""
        self._choose(frozenset())

    def on_click(self, event: Click) -> None:
        """The mouse ticks, too."""
        at = event.y if self._wide else event.x // (self._cell_width() + 1)
        if 0 <= at < len(self.parts):
            self.at = at
            self.action_tick()

    def _choose(self, ticked: frozenset[str]) -> None:
        self.ticked = ticked
        self.refresh()
        self.post_message(self.Changed(ticked))

    def _cell_width(self) -> int:
        return 3 + max((len(one.name) for one in self.parts), default=4)

    def _mark(self, one: VersionPart, *, here: bool) -> Content:
        on = one.name in self.ticked
        if self.app.has_class("-basic"):
            return Content("[x]" if on else "[ ]")
        ground = "$field2" if here else "$field"
        return Content.styled(" ✓ " if on else "   ", f"$accent on {ground}")

    def _box(self, number: int, one: VersionPart) -> Content:
        here = number == self.at and self.has_focus
        style = "bold underline" if here else ""
        if here and self.app.has_class("-basic"):
            style = "reverse"
        return Content.assemble(self._mark(one, here=here), Content.styled(one.name, style))

    def _row(self, number: int, one: VersionPart) -> Content:
        here = number == self.at and self.has_focus
        pointer = Content.styled("►" if here else " ", "$accent")
        images = plural(one.images, "image")
        text = f" {one.name:<8}{images:>11}{size(one.size):>12} "
        line = Content.assemble(pointer, " ", self._mark(one, here=here), text)
        return selected_row(line, 0, basic=self.app.has_class("-basic")) if here else line
