"""The frame of a screen: header, rail or stepper, title, page, action line, footer."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Input

from tui.board import Board
from tui.session import Session
from tui.staged import StagedScreen
from tui.steps import NAMES
from tui.widgets.ends import Ends
from tui.widgets.frame import (
    ActionLine,
    FooterLine,
    HeaderLine,
    Key,
    Rail,
    Stepper,
    TooSmall,
)
from tui.widgets.line import Line
from tui.words import plural

SENTENCE_SECONDS = 5.0
"""How long the result of a key press takes the place of the sentence."""

BACK = Key("Esc", "", "Back", "back", 10)
HELP = Key("F1", "?", "Help", "help", 9)
STEPS = Key("F2", "g", "Steps", "steps", 6)
AGAIN = Key("F5", "r", "Try again", "again", 5)
PREVIEW = Key("F6", "v", "Preview", "preview", 3)
COPY = Key("F7", "y", "Copy", "copy", 4)
GO_ON = Key("F8", "n", "Continue", "go_on", 7)
QUIT = Key("F10", "q", "Quit", "app.leave", 10)


class FramedScreen(StagedScreen):
    """What stands round the page of a step.

    Attributes:
        STEP: its number.
        SUBTITLE: one sentence under the title, in a wide window.
    """

    STEP: ClassVar[int]
    SUBTITLE: ClassVar[str] = ""

    _composed = False
    _told: str = ""
    _told_timer: Timer | None = None

    # --- what it stands on ------------------------------------------------------------------

    @property
    def session(self) -> Session:
        """What all screens share."""
        return self.wizard.session

    @property
    def board(self) -> Board | None:
        """The live checks of this step; None where it has none."""
        return self.session.boards.get(self.STEP)

    @property
    def wide(self) -> bool:
        """Whether there is a rail."""
        return self.app.size.width >= 100

    # --- the frame --------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """The frame, with the page of the step in it."""
        yield HeaderLine(id="header")
        yield Stepper(id="stepper")
        with Horizontal(id="body"):
            yield Rail(id="rail")
            with Vertical(id="main"):
                yield Ends(id="title")
                yield Line(Content(self.SUBTITLE), id="subtitle")
                with VerticalScroll(id="page", can_focus=False):
                    yield from self.compose_page()
                yield Line("", id="more-lines")
                yield ActionLine(id="action-line")
        yield FooterLine(id="footer")
        yield TooSmall()

    def compose_page(self) -> ComposeResult:
        """The content of the step."""
        yield from ()

    def on_mount(self) -> None:
        """From now on it can be drawn: all that is composed is mounted."""
        self._composed = True
        for moved in ("scroll_y", "virtual_size"):
            self.watch(self.query_one("#page"), moved, self._tell_more, init=False)
        self.refresh_frame()
        self.call_after_refresh(self._tell_more)

    def on_resize(self) -> None:
        """The frame is drawn anew; nothing typed is touched."""
        self.call_after_refresh(self.refresh_frame)

    @property
    def framed(self) -> bool:
        """Whether all of it is there: threads also tell something before, and while it closes."""
        return self._composed and self.display

    def refresh_frame(self) -> None:
        """Draw what stands round the page."""
        if not self.framed:
            return
        standings = self.session.standings(self.STEP)
        self.query_one(HeaderLine).show(
            self.session.site, self.wizard.saved_words(), self.session.exposure
        )
        self.query_one(Stepper).show(standings, self.STEP, self.state())
        self.query_one(Rail).show(standings)
        self.query_one("#title", Ends).put(self.title_words(), self.title_right())
        label, enabled = self.primary()
        self.query_one(ActionLine).show(self._told or self.sentence(), label, enabled=enabled)
        self._refresh_footer()
        self._tell_more()

    def title_words(self) -> Content:
        """The title, in a wide window."""
        return Content.styled(NAMES[self.STEP - 1], "bold")

    def title_right(self) -> Content:
        """What stands at the right end of the title."""
        return self.state() or Content.styled(f"Step {self.STEP} of {len(NAMES)}", "$ink2")

    def state(self) -> Content:
        """State of the import; empty on steps that have none."""
        return Content("")

    def _refresh_footer(self) -> None:
        typing = isinstance(self.focused, Input)
        if typing and self.app.has_class("-basic"):
            keys: Sequence[Key] = (
                BACK,
                Key("Enter", "", "Accept", "", 9),
                Key("Tab", "", "Next field", "", 8),
            )
            self.query_one(FooterLine).show(keys, "Letters are keys outside fields.")
        else:
            self.query_one(FooterLine).show(self.keys())

    def _tell_more(self) -> None:
        if not self.framed:
            return
        page = self.query_one("#page", VerticalScroll)
        below = int(page.virtual_size.height - page.size.height - page.scroll_offset.y)
        more = f"↓ {plural(below, 'more line')}" if below > 0 else ""
        self.query_one("#more-lines", Line).update(Content(more), layout=False)

    # --- what a step says -------------------------------------------------------------------

    def keys(self) -> Sequence[Key]:
        """The keys of the footer."""
        return (BACK, HELP, STEPS, AGAIN, PREVIEW, GO_ON, QUIT)

    def primary(self) -> tuple[str, bool]:
        """Label of the primary button, and whether it does something."""
        return "Continue ›", True

    def sentence(self) -> str:
        """The one sentence of the action line."""
        return ""

    def tell(self, text: str) -> None:
        """Say the result of a key press in place of the sentence, for some seconds."""
        self._told = text
        if self._told_timer:
            self._told_timer.stop()
        self._told_timer = self.set_timer(SENTENCE_SECONDS, self._untell)
        self.refresh_frame()

    def _untell(self) -> None:
        self._told = ""
        self.refresh_frame()

    def on_descendant_focus(self) -> None:
        """In basic mode the footer differs inside a field."""
        self._refresh_footer()

    def action_scroll_page(self, pages: int) -> None:
        """Scroll the page."""
        page = self.query_one("#page", VerticalScroll)
        page.scroll_relative(y=pages * max(1, page.size.height - 1), animate=False)
