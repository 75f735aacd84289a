"""A text over the whole window: the content of a file, or what changes in it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from tui.differences import folded
from tui.page import Page
from tui.widgets.frame import FooterLine, HeaderLine, Key
from tui.words import plain

if TYPE_CHECKING:
    from tui.app import MirrorApp

_HEADS = ("--- ", "+++ ", "@@ ")
_SIGNS = {"+": "$ok", "-": "$fail"}


class TextPage(Page[None]):
    """Closes on Esc.

    Args:
        title: what it is.
        text: as it stands in the file, or a unified diff.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,d", "dismiss", show=False),
        Binding("f10,q", "app.leave", show=False),
        Binding("ctrl+c", "app.leave", show=False, priority=True),
    ]

    def __init__(self, title: str, text: str) -> None:
        super().__init__(classes="page-dialog")
        self._title, self._text = title, text

    def compose(self) -> ComposeResult:
        """Header, title, text, footer."""
        yield HeaderLine(id="header")
        yield Static(Content.styled(plain(self._title), "bold"), classes="page-title")
        with VerticalScroll(classes="page-body"):
            yield Static(Content("\n").join(text_lines(self._text.splitlines())))
        yield FooterLine(id="footer")

    def on_mount(self) -> None:
        """The text has the focus: arrows scroll it."""
        app = cast("MirrorApp", self.app)
        self.query_one(HeaderLine).show(app.session.site, app.saved_words())
        self.query_one(FooterLine).show(
            (Key("Esc", "", "Close", "dismiss", 10), Key("Up/Down", "", "Scroll", "", 5))
        )
        self.query_one(VerticalScroll).focus()


def text_lines(lines: Sequence[str]) -> list[Content]:
    """A text, or a unified diff with the body of certificates folded; signs are in colour."""
    is_difference = any(line.startswith("@@ ") for line in lines)
    if not is_difference:
        return [Content(plain(line)) for line in lines]
    drawn = []
    for line in folded(list(lines)):
        text = plain(line)
        if line.startswith(_HEADS):
            drawn.append(Content.styled(text, "$ink3"))
        elif line[:1] in _SIGNS:
            drawn.append(Content.assemble(Content.styled(text[:1], _SIGNS[line[0]]), text[1:]))
        else:
            drawn.append(Content.styled(text, "$ink2"))
    return drawn
