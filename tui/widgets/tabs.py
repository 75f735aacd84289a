"""Names of panes on one line, and a line under the chosen one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.events import Click
from textual.message import Message
from textual.widgets import Static


class TabLine(Static, can_focus=True):
    """`1 Artifacts    2 Log    3 Errors (0)`; digits switch, and Left and Right."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "move(-1)", show=False),
        Binding("right", "move(1)", show=False),
    ]

    @dataclass
    class Chosen(Message):
        """Another pane is wanted, counted from 0."""

        number: int

    def __init__(self, names: Sequence[str], *, id: str | None = None) -> None:  # noqa: A002
        super().__init__("", id=id, classes="tab-line")
        self._names = list(names)
        self._alarming: set[int] = set()
        self.chosen = 0

    def choose(self, number: int) -> None:
        """Show which pane is open."""
        if number != self.chosen:
            self.chosen = number
            self.refresh()

    def name_tab(self, number: int, name: str, *, alarming: bool = False) -> None:
        """Change a name; an alarming one is in the colour of failures."""
        (self._alarming.add if alarming else self._alarming.discard)(number)
        if self._names[number] != name:
            self._names[number] = name
            self.refresh(layout=True)

    def render(self) -> Content:
        """The names, and where there is colour the line below them."""
        basic = self.app.has_class("-basic")
        gap = "  " if basic else "    "
        parts = [self._tab_name(number, basic=basic) for number in range(len(self._names))]
        line = Content(gap).join(parts)
        if basic or self.screen.has_class("-narrow"):
            return line
        before = sum(len(part) + len(gap) for part in parts[: self.chosen])
        under = len(parts[self.chosen])
        rest = max(0, self.content_size.width - before - under)
        ruled = Content.assemble(
            Content.styled("━" * before, "$rule"),
            Content.styled("━" * under, "$accent"),
            Content.styled("━" * rest, "$rule"),
        )
        return Content("\n").join([line, ruled])

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        """One row more where the line is drawn."""
        del container, viewport, width
        bare = self.app.has_class("-basic") or self.screen.has_class("-narrow")
        return 1 if bare else 2

    def action_move(self, by: int) -> None:
        """The pane beside it."""
        self.post_message(self.Chosen((self.chosen + by) % len(self._names)))

    def on_click(self, event: Click) -> None:
        """The pane that was clicked."""
        basic = self.app.has_class("-basic")
        column = 0
        for number in range(len(self._names)):
            end = column + len(self._tab_name(number, basic=basic))
            if column <= event.x < end:
                self.post_message(self.Chosen(number))
                return
            column = end + (2 if basic else 4)

    def _tab_name(self, number: int, *, basic: bool) -> Content:
        chosen = number == self.chosen
        text = f"{number + 1} {self._names[number]}"
        if basic:
            return Content(f"[{text}]" if chosen else f" {text} ")
        if number in self._alarming:
            return Content.styled(text, "bold $fail" if chosen else "$fail")
        style = "bold underline" if chosen and self.has_focus else "bold" if chosen else "$ink2"
        return Content.styled(text, style)
