"""A line of a form that is no text: a label, a control, and below them what it is for."""

from collections.abc import Iterable

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static


class Labelled(Vertical):
    """Gives its place on the grid to whatever `controls` makes.

    Args:
        section, name: of the field in the answers, or words of the screen's own.
        kind: class of the style sheet.
        label: at most 16 characters.
        help: the line below; at most 59 characters.
    """

    def __init__(
        self,
        section: str,
        name: str,
        *,
        kind: str,
        label: str,
        help: str,  # noqa: A002 - the word of the field
    ) -> None:
        super().__init__(id=f"field-{section}-{name}", classes=f"field {kind}")
        self.section, self.field = section, name
        self._label, self._help, self._error = label, help, ""

    def controls(self) -> Iterable[Widget]:
        """What stands right of the label."""
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        """Label and control, and the line below."""
        with Horizontal(classes="field-row"):
            yield Static(Content(self._label), classes="field-label")
            yield from self.controls()
        yield Static(Content(self._help), classes="field-help")

    def show_help(self, text: str) -> None:
        """Change the line below; an error goes before it."""
        self._help = text
        self._draw()

    def show_error(self, text: str) -> None:
        """Say what is wrong in place of the help line; empty takes it away."""
        self._error = text
        self._draw()

    def _draw(self) -> None:
        wrong = Content.styled(f"✗ {self._error}", "$fail")
        self.query_one(".field-help", Static).update(wrong if self._error else Content(self._help))

    def on_descendant_focus(self) -> None:
        """The label is bold, and coloured."""
        self.add_class("-focused")

    def on_descendant_blur(self) -> None:
        """And is no more."""
        self.remove_class("-focused")
