"""A field of a form: label, one line of text, and below it what it is for or what is wrong."""

from dataclasses import dataclass
from typing import ClassVar, Self

from rich.cells import cell_len
from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.strip import Strip
from textual.suggester import Suggester
from textual.widgets import Input

from tui.widgets.labelled import TEXT_AT, Labelled


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


class Field(Labelled):
    """One field of the answers, or of a dialog.

    Args:
        section: of the answers, or a word of the screen's own.
        name: of the field.
        label: at most 16 characters; empty where the text begins at the edge.
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
        self.input = LineInput(
            value,
            password=secret,
            suggester=suggester,
            placeholder=placeholder,
            select_on_focus=False,
            classes="field-input",
        )
        below_at = TEXT_AT if label else 1
        super().__init__(section, name, self.input, label=label, help=help, below_at=below_at)
        self.error = ""
        self._width = width
        self._aside = ""
        self.input.cursor_blink = False
        self._taking = False
        self._last = value

    def on_mount(self) -> None:
        """The edge takes a cell; in basic mode it is the bracket's."""
        basic = self.app.has_class("-basic")
        self.input.styles.width = self._width if basic else self._width + 1

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

    def show_error(self, text: str, *, finding: bool = False) -> None:
        """Say what is wrong in place of the help line; empty takes it away.

        Args:
            finding: it comes from a check and does not hold Continue.
        """
        self.error = "" if finding else text
        self.set_class(bool(text), "-invalid")
        super().show_error(text)

    def show_aside(self, text: str) -> None:
        """What stands right of the field, where there is room."""
        self._aside = text
        self.redraw()

    def _first_line(self, width: int) -> Content:
        """Label, brackets in basic mode, and what stands aside."""
        label = super()._first_line(width)
        if self.app.has_class("-basic"):
            at = TEXT_AT if self._label else len("> [")
            bracket = self._bracket(at - len(self._label))
            gap = " " * (at - len(self._label) - len(bracket))
            line = Content.assemble(label, gap, bracket, " " * self._width, "]")
        else:
            at = TEXT_AT - 1 if self._label else 0
            line = Content.assemble(label, " " * (at - len(self._label) + self._width + 1))
        aside = Content.styled(f"  {self._aside}", "$ink2") if self._aside else Content("")
        return line + aside if line.cell_length + aside.cell_length <= width else line

    def _bracket(self, room: int) -> str:
        """`> [` before the text; a long label takes the room of the blank."""
        pointer = ">" if self._focused else " "
        return f"{pointer} [" if room >= len("> [") else f"{pointer}["[-room:]

    def on_descendant_blur(self) -> None:
        """Now it is judged, with all that was typed."""
        super().on_descendant_blur()
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
