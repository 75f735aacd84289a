"""A choice among more than fit on one line: a field that opens a list."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.events import Key
from textual.message import Message
from textual.widgets import OptionList, Static

from tui.page import Page
from tui.widgets.labelled import Labelled
from tui.widgets.selected import RedrawnByFocus

Options = Sequence[tuple[str, str]]
"""Value and text of each."""

_WIDTH = 24


class _Value(RedrawnByFocus, Static, can_focus=True):
    """The chosen option; Enter opens the list, letters jump in it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,space", "open", show=False),
        Binding("left", "move(-1)", show=False),
        Binding("right", "move(1)", show=False),
        Binding("up", "app.focus_previous", show=False),
        Binding("down", "app.focus_next", show=False),
    ]

    def __init__(self, owner: "SelectField") -> None:
        super().__init__("", classes="select-value")
        self.owner = owner

    def render(self) -> Content:
        """`vSphere               ▼`."""
        text = f"{self.owner.text:<{_WIDTH - 2}}"
        if self.owner.fixed:
            return Content.styled(text, "$ink2")
        basic = self.app.has_class("-basic")
        if basic:
            return Content(f"{'>' if self.has_focus else ''}[{text}v]")
        ground = "$field2" if self.has_focus else "$field"
        edge = Content.styled("▌" if self.has_focus else " ", f"$accent on {ground}")
        return Content.assemble(edge, Content.styled(f"{text}▼", f"$ink on {ground}"))

    def action_open(self) -> None:
        """Show all options."""
        if not self.owner.fixed:
            self.app.push_screen(_OptionsList(self.owner.options, self.owner.value), self._take)

    def action_move(self, by: int) -> None:
        """The option beside it."""
        values = [value for value, _ in self.owner.options]
        if values and not self.owner.fixed:
            at = values.index(self.owner.value) if self.owner.value in values else -1
            self.owner.choose(values[(at + by) % len(values)])

    def on_key(self, event: Key) -> None:
        """A capital letter chooses the option that begins with it; small ones are keys."""
        letter = event.character or ""
        if letter.isupper() and not self.owner.fixed:
            found = [v for v, text in self.owner.options if text.upper().startswith(letter)]
            if found:
                event.stop()
                self.owner.choose(found[0])

    def on_click(self) -> None:
        """The mouse opens the list."""
        self.action_open()

    def _take(self, value: str | None) -> None:
        if value is not None:
            self.owner.choose(value)


class SelectField(Labelled):
    """A label, the chosen option, and a help line.

    Args:
        section, name: of the field in the answers.
    """

    @dataclass
    class Chosen(Message):
        """The operator chose another option."""

        field: "SelectField"
        value: str

    def __init__(
        self,
        section: str,
        name: str,
        *,
        label: str,
        options: Options,
        value: str,
        help: str,  # noqa: A002 - the word of the field
    ) -> None:
        super().__init__(section, name, _Value(self), kind="select", label=label, help=help)
        self.options = tuple(options)
        self.value = value
        self.fixed = False

    @property
    def text(self) -> str:
        """Of the chosen option; `not chosen` where none is."""
        return dict(self.options).get(self.value, "not chosen")

    def show(self, *, value: str, options: Options, fixed: bool, help: str) -> None:  # noqa: A002
        """Change what it offers.

        Args:
            fixed: the value was read from a file and cannot be chosen.
        """
        self.value, self.options, self.fixed = value, tuple(options), fixed
        shown = self.query_one(_Value)
        shown.can_focus = not fixed
        shown.refresh()
        self.show_help(help)

    def choose(self, value: str) -> None:
        """Take another option, and tell the screen."""
        if value != self.value:
            self.value = value
            self.query_one(_Value).refresh()
            self.post_message(self.Chosen(self, value))


class _OptionsList(Page[str | None]):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", show=False),
        Binding("ctrl+c", "app.leave", show=False, priority=True),
    ]

    def __init__(self, options: Options, value: str) -> None:
        super().__init__(classes="dialog")
        self._options, self._value = options, value

    def compose(self) -> ComposeResult:
        """A list in a box."""
        with Vertical(classes="dialog-box"):
            yield OptionList(*(Content(text) for _, text in self._options), compact=True)

    def on_mount(self) -> None:
        """The chosen one is selected."""
        shown = self.query_one(OptionList)
        shown.styles.height = len(self._options)
        values = [value for value, _ in self._options]
        shown.highlighted = values.index(self._value) if self._value in values else 0
        shown.focus()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Take it."""
        self.dismiss(self._options[event.option_index][0])

    def action_close(self) -> None:
        """Change nothing."""
        self.dismiss(None)
