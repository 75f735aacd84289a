"""F6: the fragment as it stands; and a text alone, to be copied by hand."""

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from core.answers import Answers, field_label
from core.errors import EksaMirrorError
from core.mirror.fragment import fragment
from core.mirror.from_answers import configuration_of
from core.transfer.settings import mirror_of
from tui.page import Page
from tui.widgets.fragment_view import FragmentView
from tui.widgets.frame import FooterLine, HeaderLine, Key
from tui.words import plain

if TYPE_CHECKING:
    from tui.app import MirrorApp

_SETTINGS = range(2, 7)
"""The steps whose answers the fragment holds."""


class PreviewPage(Page[None]):
    """The YAML as step 8 would write it now, and what is missing in it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f6,v", "close", show=False),
        Binding("f7,y", "copy", show=False),
        Binding("pageup", "scroll_page(-1)", show=False),
        Binding("pagedown", "scroll_page(1)", show=False),
        Binding("f10,q", "app.leave", show=False),
        Binding("ctrl+c", "app.leave", show=False, priority=True),
    ]

    @dataclass
    class Made(Message):
        """The fragment; empty where it cannot be made, with the reason."""

        text: str
        why: str = ""

    def __init__(self) -> None:
        super().__init__(classes="page-dialog preview")
        self._text = ""

    @property
    def wizard(self) -> "MirrorApp":
        """The app, by its own type."""
        return cast("MirrorApp", self.app)

    def compose(self) -> ComposeResult:
        """Header, title, what is missing, the YAML, footer."""
        yield HeaderLine(id="header")
        yield Static(Content.styled("Spec fragment as it stands", "bold"), classes="page-title")
        yield Static("", id="preview-missing")
        with VerticalScroll(id="page", can_focus=False):
            yield FragmentView(id="preview-fragment")
        yield FooterLine(id="footer")

    def on_mount(self) -> None:
        """Make it in the background: it reads the CA file."""
        self.query_one(HeaderLine).show(self.wizard.session.site, self.wizard.saved_words())
        self._draw_keys()
        self._show_missing("")
        self.query_one(FragmentView).focus()
        answers = self.wizard.session.answers
        self.run_worker(lambda: self.post_message(self._made(answers)), thread=True, group="made")

    def _made(self, answers: Answers) -> Made:
        if not answers.registry.endpoint:
            return self.Made("")  # the missing field says it
        try:
            return self.Made(fragment(configuration_of(answers, mirror_of(answers), os.environ)))
        except EksaMirrorError as error:
            return self.Made("", error.message)

    def on_preview_page_made(self, event: Made) -> None:
        """Show it."""
        self._text = event.text
        self.query_one(FragmentView).show(event.text)
        self._show_missing(event.why)
        self._draw_keys()

    def _show_missing(self, why: str) -> None:
        session = self.wizard.session
        missing = [
            f"Step {step}: {field_label(*field).lower()} is not right or empty."
            for step in _SETTINGS
            for field in session.invalid(step)
        ]
        missing += [plain(why)] if why else []
        lines = [Content.assemble(Content.styled("!", "$warn"), f" {one}") for one in missing]
        place = self.query_one("#preview-missing", Static)
        place.update(Content("\n").join(lines))
        place.display = bool(lines)

    def _draw_keys(self) -> None:
        keys = [Key("Esc", "", "Close", "close", 10), Key("Up/Down", "", "Scroll", "", 5)]
        if "caCertContent" in self._text:
            keys.append(Key("Enter", "", "Unfold the certificate", "", 4))
        if self._text:
            keys.append(Key("F7", "y", "Copy", "copy", 6))
        self.query_one(FooterLine).show(keys)

    def action_copy(self) -> None:
        """Copy the whole fragment."""
        if not self._text:
            return
        if self.wizard.look.basic:
            self.app.push_screen(PlainText(self._text))
            return
        self.app.copy_to_clipboard(self._text)
        said = Content("Copied, if your terminal allows it.")
        place = self.query_one("#preview-missing", Static)
        place.update(said)
        place.display = True

    def action_scroll_page(self, pages: int) -> None:
        """Scroll the YAML."""
        page = self.query_one("#page", VerticalScroll)
        page.scroll_relative(y=pages * max(1, page.size.height - 1), animate=False)

    def action_close(self) -> None:
        """Back to the step."""
        self.dismiss(None)


class PlainText(Page[None]):
    """A text and nothing else, from the first column, so that a terminal can mark it.

    Lines that are too long go on in the next row without a mark or an indent.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter", "close", show=False),
        Binding("f10", "app.leave", show=False),
        Binding("ctrl+c", "app.leave", show=False, priority=True),
    ]

    def __init__(self, text: str) -> None:
        super().__init__(classes="plain-text")
        self._text = text

    def compose(self) -> ComposeResult:
        """The text, and at the bottom the key that closes it."""
        with VerticalScroll(id="plain-body"):
            yield Static("", id="plain")
        yield FooterLine(id="footer")

    def on_mount(self) -> None:
        """It can be scrolled."""
        keys = (Key("Esc", "", "Close", "close", 10), Key("Up/Down", "", "Scroll", "", 5))
        self.query_one(FooterLine).show(keys)
        self.query_one("#plain-body").focus()

    def on_resize(self) -> None:
        """Lines break at the edge."""
        rows = broken(self._text, self.app.size.width)
        self.query_one("#plain", Static).update(Content("\n".join(rows)))

    def action_close(self) -> None:
        """Back to where one was."""
        self.dismiss(None)


def broken(text: str, width: int) -> list[str]:
    """The lines of a text, cut into rows of exactly `width` characters."""
    return [
        line[at : at + width]
        for line in map(plain, text.rstrip("\n").split("\n"))
        for at in range(0, max(1, len(line)), width)
    ]
