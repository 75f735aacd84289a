"""A line of a form: a label, a control, and below them what it is for or what is wrong."""

from textual.app import ComposeResult
from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget
from textual.widgets import Static

from tui.widgets.hung import hung

TEXT_AT = 17
"""The column of what is typed or chosen."""


class Labelled(Static):
    """Draws all but its control, which has its place by the style sheet.

    Args:
        section, name: of the field in the answers, or words of the screen's own.
        control: what stands right of the label.
        kind: class of the style sheet.
        label: at most 16 characters.
        help: the line below; at most 59 characters.
        below_at: the column where that begins.
    """

    def __init__(
        self,
        section: str,
        name: str,
        control: Widget,
        *,
        label: str,
        help: str = "",  # noqa: A002 - the word of the field
        kind: str = "",
        below_at: int = TEXT_AT,
    ) -> None:
        super().__init__("", id=f"field-{section}-{name}", classes=f"field {kind}")
        self.section, self.field = section, name
        self._control = control
        self._label, self._help, self._wrong = label, help, ""
        self._below_at = below_at
        self._focused = False

    def compose(self) -> ComposeResult:
        """The control."""
        yield self._control

    def show_help(self, text: str) -> None:
        """Change the line below; an error goes before it."""
        self._help = text
        self.redraw()

    def show_error(self, text: str) -> None:
        """Say what is wrong in place of the help line; empty takes it away."""
        self._wrong = text
        self.redraw()

    def redraw(self) -> None:
        """Something that it draws has changed."""
        auto = self.styles.height is None or self.styles.height.is_auto
        self.refresh(layout=auto)

    def render(self) -> Content:
        """The label, and the line below."""
        return Content("\n").join(self._lines(self.content_size.width))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """How many lines it needs; most have two, come what may."""
        del container, viewport
        return len(self._lines(width))

    def _lines(self, width: int) -> list[Content]:
        return [self._first_line(width), *self._below(width)]

    def _first_line(self, width: int) -> Content:
        """What stands beside the control."""
        del width
        return Content.styled(self._label, "bold $accent" if self._focused else "$ink2")

    def _below(self, width: int) -> list[Content]:
        text, style = (f"✗ {self._wrong}", "$fail") if self._wrong else (self._help, "$ink3")
        return hung(Content(""), text, width, at=self._below_at, style=style)

    def on_descendant_focus(self) -> None:
        """The label is bold, and coloured."""
        self._focused = True
        self.refresh()

    def on_descendant_blur(self) -> None:
        """And is no more."""
        self._focused = False
        self.refresh()
