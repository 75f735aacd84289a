"""F1: what a step is for, what each field means, and the keys."""

import textwrap
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.events import Resize
from textual.widgets import Static

from tui.help_texts import HELP
from tui.page import Page
from tui.step_help import COMMON_KEYS
from tui.steps import NAMES
from tui.widgets.frame import FooterLine, Key

_PANEL = 40
_KEY_COLUMN = 12
_LEAST = 40
"""Cells that the text is wrapped for at least; a window of less shows a part of it."""


class HelpPage(Page[None]):
    """A panel at the right of a wide window, the whole of a narrow one; Esc closes it.

    Args:
        step: 0 to 10; 11 for the connected side.
        focused_id: of the field that has the focus; it is explained first.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f1,question_mark,enter", "close", show=False),
        Binding("up", "scroll(-1)", show=False),
        Binding("down", "scroll(1)", show=False),
        Binding("pageup", "scroll(-15)", show=False),
        Binding("pagedown", "scroll(15)", show=False),
        Binding("home", "scroll(-9999)", show=False),
        Binding("end", "scroll(9999)", show=False),
        Binding("f10,q", "app.leave", show=False),
        Binding("ctrl+c", "app.leave", show=False, priority=True),
    ]

    def __init__(self, step: int, focused_id: str = "") -> None:
        super().__init__(classes="help-page")
        self._step, self._focused_id = step, focused_id

    def compose(self) -> ComposeResult:
        """A title, the text, the keys that close it."""
        name = ("Start", *NAMES, "Prepare")[self._step]
        with Vertical(id="help-panel"):
            yield Static(Content.styled(f"Help: {name}", "bold"), id="help-title")
            with VerticalScroll(id="help-body", can_focus=False):
                yield Static("", id="help-text")
            yield Static("", id="help-more")
            yield FooterLine(id="help-footer")

    def on_mount(self) -> None:
        """Draw it."""
        keys = (Key("Esc", "", "Close", "close", 10), Key("Up/Down", "", "Scroll", "", 5))
        self.query_one(FooterLine).show(keys)
        self.watch(self.query_one("#help-body"), "scroll_y", self._tell_more, init=False)
        self._draw()

    def on_resize(self, event: Resize) -> None:
        """Wrap it anew."""
        del event
        self._draw()

    def _draw(self) -> None:
        wide = self.app.size.width >= 100
        width = _PANEL - 5 if wide else max(_LEAST, min(75, self.app.size.width - 5))
        lines = help_lines(self._step, self._focused_id, width)
        self.query_one("#help-text", Static).update(Content("\n").join(lines))
        self.call_after_refresh(self._tell_more)

    def _tell_more(self) -> None:
        if not (self.is_mounted and self.display):
            return
        body = self.query_one("#help-body")
        below = int(body.virtual_size.height - body.size.height - body.scroll_offset.y)
        told = f"↓ {below} more line{'s' if below != 1 else ''}" if below > 0 else ""
        self.query_one("#help-more", Static).update(Content(told))

    def action_scroll(self, by: int) -> None:
        """Scroll the text."""
        self.query_one("#help-body").scroll_relative(y=by, animate=False)

    def action_close(self) -> None:
        """Back to the step."""
        self.dismiss(None)


def help_lines(step: int, focused_id: str, width: int) -> list[Content]:
    """The text of a step in lines of at most `width` cells; the focused field stands first."""
    told = HELP[step]
    fields = sorted(told.fields, key=lambda one: one[0] != focused_id)
    is_first = bool(fields) and fields[0][0] == focused_id
    lines: list[Content] = []
    if is_first:
        lines += _field_lines(fields.pop(0), width)
    for paragraph in told.purpose:
        lines += [*_wrapped(paragraph, width), Content("")]
    for field in fields:
        lines += _field_lines(field, width)
    own = {key for key, _ in told.keys}
    keys = (*told.keys, *(one for one in COMMON_KEYS if one[0] not in own))
    lines.append(Content.styled("Keys", "bold"))
    for key, does in keys:
        first, *more = textwrap.wrap(does, width - _KEY_COLUMN)
        lines.append(Content.assemble(Content.styled(f"{key:<{_KEY_COLUMN}}", "$accent"), first))
        lines += [Content(" " * _KEY_COLUMN + line) for line in more]
    return lines


def _field_lines(field: tuple[str, str, str], width: int) -> list[Content]:
    _, label, meaning = field
    return [Content.styled(label, "bold"), *_wrapped(meaning, width), Content("")]


def _wrapped(text: str, width: int) -> list[Content]:
    lines = textwrap.wrap(text, width, break_on_hyphens=False)
    return [Content.styled(line, "$ink2") for line in lines]
