"""Answers of another site: which file holds them, and why it cannot be read."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Static

from core.answers import Answers
from core.errors import EksaMirrorError
from core.mirror.prefill import answers_of_file
from tui.page import Page
from tui.widgets.button import FlatButton
from tui.widgets.field import Field
from tui.widgets.path_field import PathField
from tui.words import plain

if TYPE_CHECKING:
    from tui.app import MirrorApp

_LINE = re.compile(r":(\d+):\d+$")
_HELP = "A file written by eksa-mirror, or a cluster's YAML. F4 browses."


class LoadAnswers(Page[Answers | None]):
    """Asks for a file until it can be read, or Esc."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", show=False),
        Binding("f4", "browse", show=False),
        Binding("f8", "load", show=False),
        Binding("ctrl+c", "app.leave", show=False, priority=True),
        Binding("f10", "app.leave", show=False),
    ]

    @dataclass
    class Read(Message):
        """A file was read: its answers, or why it has none."""

        path: str
        answers: Answers | None
        why: str = ""

    def __init__(self) -> None:
        super().__init__(classes="dialog load-answers")

    def compose(self) -> ComposeResult:
        """One field, two buttons."""
        with Vertical(classes="dialog-box"):
            yield Static("Load answers from a file", classes="dialog-title")
            yield PathField("load", "file", label="", help=_HELP, width=50)
            with Horizontal(classes="dialog-buttons"):
                yield FlatButton("Cancel", action="cancel")
                yield FlatButton("Load", action="load", primary=True, id="load")

    def on_mount(self) -> None:
        """One can type at once."""
        self._field.input.focus()

    @property
    def _field(self) -> Field:
        return self.query_one("#field-load-file", Field)

    def on_field_edited(self, event: Field.Edited) -> None:
        """What is said about the last file is stale."""
        event.field.show_error("")

    def on_field_left(self, event: Field.Left) -> None:
        """Enter in the field leads to the button; nothing is judged before it is pressed."""

    def action_load(self) -> None:
        """Read the file, in the background."""
        path = self._field.value.strip()
        if not path:
            self._refuse("No file is named yet.")
            return
        self.run_worker(lambda: self._read(path), thread=True, exclusive=True, group="read")

    def _read(self, path: str) -> None:
        file = Path(path).expanduser()
        try:
            if not file.exists():
                self.post_message(self.Read(path, None, "No such file."))
                return
            self.post_message(self.Read(path, answers_of_file(file)))
        except EksaMirrorError as error:
            line = _LINE.search(error.where)
            place = f"Line {line[1]}: " if line else ""
            self.post_message(self.Read(path, None, f"{place}{error.message}"))
        except (OSError, RuntimeError) as error:
            self.post_message(self.Read(path, None, f"It cannot be read: {error}"))

    def on_load_answers_read(self, event: Read) -> None:
        """Done, or what is wrong stands below the field."""
        if event.path != self._field.value.strip():
            return
        if event.answers:
            self.dismiss(event.answers)
        else:
            self._refuse(event.why)

    def _refuse(self, why: str) -> None:
        self._field.show_error(plain(why))
        self._field.input.focus()

    def action_browse(self) -> None:
        """Pick it from a list."""
        cast("MirrorApp", self.app).pick_file(self._field.value, self._picked)

    def _picked(self, path: Path) -> None:
        self._field.set_value(str(path))
        self._field.show_error("")
        self.query_one("#load").focus()

    def action_cancel(self) -> None:
        """Load nothing."""
        self.dismiss(None)
