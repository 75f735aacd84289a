"""A field of a form: label, one line of text, and below it what it is for or what is wrong."""

from dataclasses import dataclass
from typing import ClassVar, Self

from rich.cells import cell_len
from rich.segment import Segment
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.strip import Strip
from textual.suggester import Suggester
from textual.widgets import Input, Static

_TEXT_AT = 17
"""The column of the text; before it stands the edge, or a bracket."""


class LineInput(Input):
    """The line itself: no border but an edge, the cursor keys lead on to the next field."""

    class Inserted(Message):
        """What comes next was pasted."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "app.focus_previous", show=False),
        Binding("down", "app.focus_next", show=False),
        # At once: keys that come right after belong to the next field, a password above all.
        Binding("enter,tab", "app.focus_next", show=False, priority=True),
        Binding("shift+tab", "app.focus_previous", show=False, priority=True),
        Binding("ctrl+c", "app.leave", show=False, priority=True),
    ]

    def render_line(self, y: int) -> Strip:
        """In basic mode the room that is left is drawn as underscores."""
        strip = super().render_line(y)
        if not self.app.has_class("-basic"):
            return strip
        width = self.scrollable_content_region.width
        used = len(strip.text.rstrip())
        if self.has_focus:
            before = cell_len(self.value[: self.cursor_position]) - int(self.scroll_offset.x)
            used = max(used, before + 1)
        keep = max(0, min(width, used))
        drawn = strip.adjust_cell_length(width).crop(0, keep)
        return Strip([*drawn, Segment("_" * (width - keep))], width)

    def focus(self, scroll_visible: bool = True, from_app_focus: bool = False) -> Self:
        """At once, where Textual waits until all else is done: keys that come meanwhile belong
        here, and a late focus would take them from where Tab has gone since."""
        self.screen.set_focus(self, scroll_visible, from_app_focus)
        return self

    def on_paste(self) -> None:
        """The field is told: Input keeps the event to itself."""
        self.post_message(self.Inserted())

    def _watch_cursor_blink(self, blink: bool) -> None:
        """The cursor stands still: nothing on these screens moves by itself."""
        del blink
        self._pause_blink(visible=self.has_focus)


class Field(Vertical):
    """One field of the answers, or of a dialog.

    Args:
        section: of the answers, or a word of the screen's own.
        name: of the field.
        label: at most 16 characters.
        help: the line below; at most 59 characters.
        value: to begin with.
        width: cells for the text.
        secret: masked from the first key.
        suggester: completes what is typed; Right takes it.

    Attributes:
        error: what is wrong, as last shown; empty where nothing is.
    """

    @dataclass
    class Edited(Message):
        """The text was changed by the operator."""

        field: "Field"
        value: str

    @dataclass
    class Left(Message):
        """The focus left the field, as with Enter: now its form is judged."""

        field: "Field"

    @dataclass
    class Pasted(Message):
        """Something was pasted into the field."""

        field: "Field"

    def __init__(
        self,
        section: str,
        name: str,
        *,
        label: str,
        help: str = "",  # noqa: A002 - the word of the field
        value: str = "",
        width: int = 54,
        secret: bool = False,
        suggester: Suggester | None = None,
        placeholder: str = "",
    ) -> None:
        super().__init__(id=f"field-{section}-{name}", classes="field")
        self.section, self.field = section, name
        self.error = ""
        self._label, self._help = label, help
        self._width = width
        self.input = LineInput(
            value,
            password=secret,
            suggester=suggester,
            placeholder=placeholder,
            select_on_focus=False,
            classes="field-input",
        )
        self.input.cursor_blink = False
        self.input.styles.width = width + 1
        self._taking = False
        self._last = value

    def compose(self) -> ComposeResult:
        """Label, edge, text, what stands beside it; and the line below."""
        with Horizontal(classes="field-row"):
            yield Static(Content(self._label), classes="field-label")
            yield Static("", classes="field-open")
            yield self.input
            yield Static("]", classes="field-close")
            yield Static("", classes="field-aside")
        yield Static(Content(self._help), classes="field-help")

    def on_mount(self) -> None:
        """In basic mode the brackets take the cell of the edge."""
        if self.app.has_class("-basic"):
            self.input.styles.width = self._width
        self._draw()

    @property
    def value(self) -> str:
        """The text as it stands."""
        return self.input.value

    def set_value(self, value: str) -> None:
        """Fill it without telling anybody."""
        self._last = value
        if value != self.input.value:
            with self.input.prevent(Input.Changed):
                self.input.value = value

    def show_help(self, text: str) -> None:
        """Change the line below; an error goes before it."""
        self._help = text
        self._draw()

    def show_label(self, text: str) -> None:
        """Change the label."""
        self.query_one(".field-label", Static).update(Content(text))

    def show_error(self, text: str, *, finding: bool = False) -> None:
        """Say what is wrong in place of the help line; empty takes it away.

        Args:
            finding: it comes from a check and does not hold Continue.
        """
        self.error = "" if finding else text
        self._shown_error = text
        self._draw()

    def show_aside(self, text: str) -> None:
        """What stands right of the field, where there is room."""
        self.query_one(".field-aside", Static).update(Content(text))

    _shown_error = ""

    def _draw(self) -> None:
        wrong = self._shown_error
        self.set_class(bool(wrong), "-invalid")
        text = Content.styled(f"✗ {wrong}", "$fail") if wrong else Content(self._help)
        for below in self.query(".field-help").results(Static):
            below.update(text)
        self._draw_bracket()

    def _draw_bracket(self) -> None:
        """`> [` before the field; a long label takes the room of the blank."""
        pointer = ">" if self.input.has_focus else " "
        room = min(3, _TEXT_AT - len(self._label))
        for bracket in self.query(".field-open").results(Static):
            bracket.styles.width = room
            bracket.update(Content(f"{pointer} [" if room == 3 else f"{pointer}["[-room:]))
        if self.app.has_class("-basic"):
            self.query_one(".field-label").styles.width = _TEXT_AT - room

    def on_descendant_focus(self) -> None:
        """The label is bold, and in basic mode a pointer stands before the field."""
        self.add_class("-focused")
        self._draw_bracket()

    def on_descendant_blur(self) -> None:
        """Now it is judged, with all that was typed."""
        self.remove_class("-focused")
        self._draw_bracket()
        self._tell()
        self.post_message(self.Left(self))

    def on_input_changed(self, event: Input.Changed) -> None:
        """Tell the screen, and that it was pasted where it was."""
        event.stop()
        self._tell()
        if self._taking:
            self._taking = False
            self.post_message(self.Pasted(self))

    def _tell(self) -> None:
        """What was typed, once; not what it was filled with."""
        if self.value != self._last:
            self._last = self.value
            self.post_message(self.Edited(self, self.value))

    def on_line_input_inserted(self, event: LineInput.Inserted) -> None:
        """What comes now came at once: it may be taken apart."""
        event.stop()
        self._taking = True
