"""A choice among two or three on one line, and a tick box."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.events import Click
from textual.message import Message
from textual.widgets import Static

from tui.widgets.labelled import Labelled
from tui.widgets.selected import RedrawnByFocus


class _Options(RedrawnByFocus, Static, can_focus=True):
    """The row of options; Left and Right choose."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "move(-1)", show=False),
        Binding("right,space", "move(1)", show=False),
        Binding("enter,down", "app.focus_next", show=False),
        Binding("up", "app.focus_previous", show=False),
    ]

    def __init__(self, owner: "Choice") -> None:
        super().__init__("", classes="choice-options")
        self.owner = owner

    def render(self) -> Content:
        """`● Keyring   ○ Environment`; `(o)` and `( )` where there are no such letters."""
        basic = self.app.has_class("-basic")
        parts: list[Content] = []
        for value, text in self.owner.options:
            on = value == self.owner.value
            mark = ("(o)" if on else "( )") if basic else ("●" if on else "○")
            sign = Content.styled(mark, "$accent" if on else "$ink3")
            inked = "bold underline" if on and self.has_focus else ""
            parts.append(Content.assemble(sign, " ", Content.styled(text, inked)))
        return Content("   ").join(parts)

    def action_move(self, by: int) -> None:
        """Choose the next one."""
        values = [value for value, _ in self.owner.options]
        at = values.index(self.owner.value) if self.owner.value in values else 0
        self.owner.choose(values[(at + by) % len(values)])

    def on_click(self, event: Click) -> None:
        """Choose what was clicked."""
        column = 0
        mark = 3 if self.app.has_class("-basic") else 1
        for value, text in self.owner.options:
            end = column + mark + 1 + len(text)
            if column <= event.x <= end:
                self.owner.choose(value)
                return
            column = end + 3


class Choice(Labelled):
    """A label, options on one line, and a help line that fits the chosen one.

    Args:
        section, name: of the field in the answers, or words of the screen's own.
        options: value and text of each.
        helps: the line below, by value.
    """

    @dataclass
    class Chosen(Message):
        """The operator chose another option."""

        choice: "Choice"
        value: str

    def __init__(
        self,
        section: str,
        name: str,
        *,
        label: str,
        options: Sequence[tuple[str, str]],
        value: str,
        helps: dict[str, str],
    ) -> None:
        help_line = helps.get(value, "")
        super().__init__(section, name, _Options(self), kind="choice", label=label, help=help_line)
        self.options = tuple(options)
        self.value = value
        self._helps = helps

    def choose(self, value: str) -> None:
        """Take another option, and tell the screen."""
        if value != self.value:
            self.value = value
            self.query_one(_Options).refresh()
            self.show_error("")
            self.show_help(self._helps.get(value, ""))
            self.post_message(self.Chosen(self, value))


class _Box(RedrawnByFocus, Static, can_focus=True):
    """Three cells, then the text; Space ticks."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "tick", show=False),
        Binding("enter,down", "app.focus_next", show=False),
        Binding("up", "app.focus_previous", show=False),
    ]

    def __init__(self, owner: "TickBox") -> None:
        super().__init__("", classes="tick-box")
        self.owner = owner

    def render(self) -> Content:
        """`[x]`, or a tick on the colour of fields."""
        on = self.owner.value
        if self.app.has_class("-basic"):
            box = Content("[x]" if on else "[ ]")
        else:
            ground = "$field2" if self.has_focus else "$field"
            box = Content.styled(" ✓ " if on else "   ", f"$accent on {ground}")
        inked = "underline" if self.has_focus else ""
        return Content.assemble(box, " ", Content.styled(self.owner.text, inked))

    def action_tick(self) -> None:
        """Tick, or take the tick away."""
        self.owner.ask()

    def on_click(self) -> None:
        """The mouse ticks, too."""
        self.action_tick()


class TickBox(Labelled):
    """A tick box with its help line.

    Args:
        section, name: of the field in the answers, or words of the screen's own.
        text: right of the box.
    """

    @dataclass
    class Asked(Message):
        """The operator wants another value; the screen takes it with `set_value`."""

        box: "TickBox"
        value: bool

    def __init__(
        self,
        section: str,
        name: str,
        *,
        label: str,
        text: str,
        value: bool,
        help: str,  # noqa: A002 - the word of the field
    ) -> None:
        super().__init__(section, name, _Box(self), kind="tick", label=label, help=help)
        self.text, self.value = text, value

    def ask(self) -> None:
        """Tell the screen what the operator wants."""
        self.post_message(self.Asked(self, not self.value))

    def set_value(self, value: bool) -> None:
        """Tick it, or not."""
        self.value = value
        self.query_one(_Box).refresh()
