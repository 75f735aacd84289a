"""What the two screens of the connected side have in common: the frame without steps, and keys."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content

from tui.screens.framed import FramedScreen
from tui.widgets.ends import Ends
from tui.widgets.frame import ActionLine, FooterLine, HeaderLine, TooSmall
from tui.widgets.line import Line

HELP_PAGE = 11
"""Where `tui.help_texts` has the help of these screens; the steps are 1 to 10."""


class PrepareFrame(FramedScreen):
    """One column without a rail; it belongs to no set-up.

    Attributes:
        TITLE_WORDS: what the screen is.
    """

    STEP = 0
    TITLE_WORDS: ClassVar[str]

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", show=False),
        Binding("f1,question_mark", "help", show=False),
        Binding("f5,r", "again", show=False),
        Binding("f8,n", "go_on", show=False),
        Binding("f10,q", "leave", show=False),
        Binding("ctrl+c", "leave", show=False, priority=True),
        Binding("pageup", "scroll_page(-1)", show=False),
        Binding("pagedown", "scroll_page(1)", show=False),
    ]

    def compose(self) -> ComposeResult:
        """Title, page, action line."""
        yield HeaderLine(id="header")
        with Vertical(id="prepare"):
            yield Ends(id="prepare-title")
            yield Line(Content(self.SUBTITLE), id="prepare-subtitle")
            with VerticalScroll(id="page", can_focus=False):
                yield from self.compose_page()
            yield Line("", id="more-lines")
            yield ActionLine(id="action-line")
        yield FooterLine(id="footer")
        yield TooSmall()

    def refresh_frame(self) -> None:
        """Draw what stands round the page."""
        if not self.framed:
            return
        self.query_one(HeaderLine).show("", Content(f"version {self.wizard.version}"))
        title = Content.styled(self.TITLE_WORDS, "bold")
        self.query_one("#prepare-title", Ends).put(title, self.state())
        label, enabled = self.primary()
        self.query_one(ActionLine).show(self._told or self.sentence(), label, enabled=enabled)
        self._refresh_footer()
        self._tell_more()

    def action_back(self) -> None:
        """To Start."""
        self.wizard.open_step(0)

    def action_help(self) -> None:
        """Explain this page."""
        self.wizard.explain(HELP_PAGE)

    def action_leave(self) -> None:
        """Leave at once; there is nothing to confirm."""
        self.wizard.action_leave()
