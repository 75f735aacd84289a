"""Questions that hold everything else: one or two sentences, and what can be done."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Static

from tui.page import Page
from tui.widgets.button import FlatButton


class Dialog(Page[str]):
    """Asks; the first button has the focus and is what Esc means.

    Args:
        title: a question, or what happened.
        text: one or two sentences.
        buttons: label of each; the label that was pressed is the result.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "safe", show=False),
        Binding("ctrl+c", "app.leave", show=False, priority=True),
        Binding("f10", "app.leave", show=False),
    ]

    def __init__(self, title: str, text: str, buttons: Sequence[str]) -> None:
        super().__init__(classes="dialog")
        self._title, self._text = title, text
        self._buttons = tuple(buttons)

    def compose(self) -> ComposeResult:
        """Title, text, anything between, and the buttons at the right."""
        with Vertical(classes="dialog-box"):
            yield Static(Content(self._title), classes="dialog-title")
            yield Static(Content(self._text), classes="dialog-text")
            yield from self.compose_body()
            with Horizontal(classes="dialog-buttons"):
                for number, label in enumerate(self._buttons):
                    yield FlatButton(label, action=f"press({number})", id=f"answer-{number}")

    def compose_body(self) -> ComposeResult:
        """What stands between text and buttons; nothing here."""
        yield from ()

    def on_mount(self) -> None:
        """The safe answer has the focus."""
        self.query_one("#answer-0").focus()

    def action_press(self, number: int) -> None:
        """An answer."""
        self.dismiss(self._buttons[number])

    def action_safe(self) -> None:
        """Esc: the safe answer."""
        self.dismiss(self._buttons[0])
