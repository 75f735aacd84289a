"""How many uploads at a time, and how fast at the most."""

from typing import ClassVar

from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Static

from core.answers import parse_bytes, validate_field
from tui.page import Page
from tui.widgets.button import FlatButton
from tui.widgets.field import Field


class WorkersDialog(Page[tuple[int, int] | None]):
    """Its result is uploads and bytes a second (0 for no limit); None for no change."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", show=False),
        Binding("ctrl+c", "app.leave", show=False, priority=True),
        Binding("enter", "accept", show=False, priority=True),
    ]

    def __init__(self, jobs: int, rate: int) -> None:
        super().__init__(classes="dialog")
        self._jobs, self._rate = jobs, rate

    def compose(self) -> ComposeResult:
        """Two fields and two buttons."""
        rate = f"{self._rate // 1_000_000}M" if self._rate % 1_000_000 == 0 else str(self._rate)
        with Vertical(classes="dialog-box"):
            yield Static(Content("Uploads at a time"), classes="dialog-title")
            yield Field(
                "transfer",
                "jobs",
                label="Uploads",
                help="1 to 16; takes effect at once.",
                value=str(self._jobs),
                width=10,
            )
            yield Field(
                "transfer",
                "limit_rate",
                label="Rate limit",
                help="Such as 20M a second; empty for none.",
                value=rate if self._rate else "",
                width=10,
            )
            with Horizontal(classes="dialog-buttons"):
                yield FlatButton("Cancel", action="cancel")
                yield FlatButton("Change", action="change", primary=True)

    def on_mount(self) -> None:
        """The number has the focus."""
        self.query(Field).first().input.focus()

    def on_field_left(self, event: Field.Left) -> None:
        """Judge it."""
        event.field.show_error(self._error(event.field))

    def action_change(self) -> None:
        """Take both, where they are right."""
        jobs, rate = self.query(Field).results(Field)
        for field in (jobs, rate):
            field.show_error(self._error(field))
        wrong = next((field for field in (jobs, rate) if field.error), None)
        if wrong:
            wrong.input.focus()
        else:
            limit = parse_bytes(rate.value.strip() or "0")
            assert isinstance(limit, int)  # noqa: S101 - it was judged just now
            self.dismiss((int(jobs.value), limit))

    def action_accept(self) -> None:
        """From the last field to the button that takes both; Cancel would lose what was typed."""
        if self.focused is not self.query(Field).last().input:  # `has_focus` lags behind
            raise SkipAction
        self.set_focus(self.query(FlatButton).last())

    def action_cancel(self) -> None:
        """Change nothing."""
        self.dismiss(None)

    @staticmethod
    def _error(field: Field) -> str:
        value = field.value.strip() or ("0" if field.field == "limit_rate" else "")
        return validate_field("transfer", field.field, value)
