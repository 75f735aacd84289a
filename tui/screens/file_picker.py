"""F4: picking a file with the keyboard alone."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from core.units import size
from tui.page import Page
from tui.session import home
from tui.widgets.field import Field
from tui.widgets.frame import FooterLine, HeaderLine, Key
from tui.widgets.path_field import PathField
from tui.widgets.review_lines import cut_path
from tui.words import plain, plural

if TYPE_CHECKING:
    from tui.app import MirrorApp

_MOST = 2000
"""Entries that are listed; who has more of them types the name."""

_HELP = "Type a path and press Enter; Right completes it."


@dataclass(frozen=True, slots=True)
class Listed:
    """One name of a folder.

    Attributes:
        size: in bytes; -1 for a folder.
    """

    name: str
    size: int

    @property
    def is_folder(self) -> bool:
        """Whether it can be entered."""
        return self.size < 0


def listing(folder: Path) -> list[Listed]:
    """The folders, then the files of a folder, by name; what vanishes meanwhile is left out.

    Raises:
        OSError: it cannot be read.
    """
    found = []
    with os.scandir(folder) as entries:
        for entry in entries:
            try:
                found.append(Listed(entry.name, -1 if entry.is_dir() else entry.stat().st_size))
            except OSError:
                found.append(Listed(entry.name, 0))  # a link that leads nowhere
    return sorted(found, key=lambda one: (not one.is_folder, one.name.lower(), one.name))


class FilePicker(Page[Path | None]):
    """A folder as a list, and a line to type a path in; its result is a file, or None.

    Args:
        path: where to begin: a file, a folder, or what was typed so far of one.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f4", "close", show=False),
        Binding("left,backspace", "up", show=False),
        Binding("full_stop,h", "hidden", show=False),
        Binding("slash", "type", show=False),
        Binding("f10,q", "app.leave", show=False),
        Binding("ctrl+c", "app.leave", show=False, priority=True),
    ]

    @dataclass
    class Read(Message):
        """A folder was read."""

        folder: Path
        entries: list[Listed]
        trouble: str = ""

    @dataclass
    class Judged(Message):
        """What a typed path is."""

        path: Path
        kind: str

    def __init__(self, path: str) -> None:
        super().__init__(classes="page-dialog file-picker")
        begin = Path(os.path.abspath(os.path.expanduser(path or ".")))  # noqa: PTH100, PTH111
        self._begin = begin
        self._folder = begin
        self._wanted = ""
        self._entries: list[Listed] = []
        self._shown: list[Listed] = []
        self._hidden = False
        self._trouble = ""

    def compose(self) -> ComposeResult:
        """Header, folder, list, a line to type in, footer."""
        yield HeaderLine(id="header")
        yield Static("", id="picker-folder", classes="page-title")
        yield OptionList(id="files", compact=True)
        yield PathField("picker", "path", label="Path", help=_HELP)
        yield FooterLine(id="footer")

    def on_mount(self) -> None:
        """Begin in the folder of the file, with the file selected."""
        app = cast("MirrorApp", self.app)
        self.query_one(HeaderLine).show(app.session.site, app.saved_words())
        self._draw_keys()
        self._files.focus()
        self.run_worker(self._find_begin, thread=True, exclusive=True, group="read")

    @property
    def _files(self) -> OptionList:
        return self.query_one("#files", OptionList)

    @property
    def _typed(self) -> Field:
        return self.query_one("#field-picker-path", Field)

    # --- reading ----------------------------------------------------------------------------

    def _find_begin(self) -> None:
        """The nearest folder that is there."""
        folder = next((one for one in (self._begin, *self._begin.parents) if one.is_dir()), None)
        self._wanted = self._begin.name if folder != self._begin else ""
        self._read(folder or Path("/"))

    def _open(self, folder: Path, wanted: str = "") -> None:
        self._wanted = wanted
        self.run_worker(lambda: self._read(folder), thread=True, exclusive=True, group="read")

    def _read(self, folder: Path) -> None:
        try:
            self.post_message(self.Read(folder, listing(folder)))
        except OSError as error:
            why = error.strerror or "it cannot be read"
            self.post_message(self.Read(folder, [], f"{home(folder)}: {why}"))

    def on_file_picker_read(self, event: Read) -> None:
        """Show the folder; one that cannot be read leaves the list as it is."""
        self._trouble = plain(event.trouble)
        if not event.trouble:
            self._folder, self._entries = event.folder, event.entries
            self._list()
        self._draw_title()

    def on_resize(self) -> None:
        """Names and sizes stand in the columns of the new width."""
        self.call_after_refresh(self._list_again)

    def _list_again(self) -> None:
        at = self._files.highlighted or 0
        self._wanted = self._shown[at - 1].name if 0 < at <= len(self._shown) else ""
        self._list()
        self._draw_title()

    def _list(self) -> None:
        kept = [one for one in self._entries if self._hidden or not one.name.startswith(".")]
        self._shown = kept[:_MOST]
        files, width = self._files, max(20, self.app.size.width - 20)
        files.clear_options()
        files.add_option(Option(Content("../")))
        files.add_options([Option(_line(one, width)) for one in self._shown])
        names = [one.name for one in self._shown]
        at = names.index(self._wanted) + 1 if self._wanted in names else min(1, len(names))
        files.highlighted = at

    def _draw_title(self) -> None:
        folder = cut_path(plain(home(self._folder)), self.app.size.width - 30)
        more = len(self._entries) - len(self._shown)
        told = f"{plural(more, 'more name')} hidden" if more else ""
        said = Content.styled(f"✗ {self._trouble}", "$fail") if self._trouble else Content(told)
        self.query_one("#picker-folder", Static).update(
            Content.assemble(Content.styled(folder, "bold"), "   ", said.stylize("$ink3"))
            if not self._trouble
            else said
        )

    def _draw_keys(self) -> None:
        typing = isinstance(self.focused, Input)
        keys = (
            Key("Esc", "", "Close", "close", 10),
            Key("Enter", "", "Open" if typing else "Choose", "", 9),
            *(
                (Key("Tab", "", "List", "", 8),)
                if typing
                else (
                    Key("Left", "", "Up a folder", "up", 7),
                    Key(".", "", "Hidden", "hidden", 6),
                    Key("/", "", "Type a path", "type", 6),
                )
            ),
        )
        self.query_one(FooterLine).show(keys)

    # --- keys -------------------------------------------------------------------------------

    def on_descendant_focus(self) -> None:
        """The footer tells the keys of where one is."""
        self._draw_keys()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Enter a folder, or take the file."""
        if event.option_index == 0:
            self.action_up()
            return
        chosen = self._shown[event.option_index - 1]
        path = self._folder / chosen.name
        if chosen.is_folder:
            self._open(path)
        else:
            self.dismiss(path)

    def action_up(self) -> None:
        """To the folder above, with this one selected."""
        if self._folder.parent != self._folder:
            self._open(self._folder.parent, self._folder.name)

    def action_hidden(self) -> None:
        """Show the names that begin with a dot, or hide them again."""
        self._hidden = not self._hidden
        self._list_again()

    def action_type(self) -> None:
        """Go to the line, which begins with this folder."""
        if not self._typed.value:
            shown = home(self._folder).rstrip("/")
            self._typed.set_value(f"{shown}/")
        self._typed.input.focus()
        self._typed.input.cursor_position = len(self._typed.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter in the line; the field itself would only go on to the next."""
        event.stop()

    def on_field_left(self, event: Field.Left) -> None:
        """Enter or Tab: what is typed is taken once it names something."""
        text = event.field.value.strip()
        if text and self._touched:
            self._touched = False
            path = self._folder / Path(text).expanduser()
            self.run_worker(lambda: self._judge(path), thread=True, exclusive=True, group="judge")

    _touched = False

    def on_field_edited(self, event: Field.Edited) -> None:
        """What was said about the last path is stale."""
        self._touched = True
        event.field.show_error("")

    def _judge(self, path: Path) -> None:
        try:
            kind = "folder" if path.is_dir() else "file" if path.exists() else "none"
        except OSError:
            kind = "none"
        self.post_message(self.Judged(path, kind))

    def on_file_picker_judged(self, event: Judged) -> None:
        """A file is taken, a folder is opened, anything else is told."""
        if event.kind == "file":
            self.dismiss(event.path)
        elif event.kind == "folder":
            self._files.focus()
            self._open(event.path)
        else:
            self._touched = True
            self._typed.show_error("No such file.")
            self._typed.input.focus()

    def action_close(self) -> None:
        """Take nothing."""
        self.dismiss(None)


def _line(one: Listed, width: int) -> Content:
    name = plain(one.name) + ("/" if one.is_folder else "")
    shown = name if len(name) <= width else f"{name[: width // 2]}…{name[-(width // 2 - 1) :]}"
    if one.is_folder:
        return Content(shown)
    return Content.assemble(shown, " " * (width - len(shown)), f" {size(one.size):>9}")
