"""Step 2: the address that this machine and every node will use."""

from textual.app import ComposeResult

from core.answers import take_apart
from tui.screens.step import StepScreen
from tui.widgets.checklist import CheckList
from tui.widgets.field import Field


class RegistryScreen(StepScreen):
    """Endpoint and port, and who answers there."""

    STEP = 2
    SUBTITLE = "The address that this machine and every node will use."

    def compose_page(self) -> ComposeResult:
        """Two fields and the checks."""
        yield self.answer_field("registry", "endpoint")
        yield self.answer_field("registry", "port", width=10)
        assert self.board  # noqa: S101 - this step has checks
        yield CheckList(self.board)

    def on_mount(self) -> None:
        """The first field has the focus."""
        self.query_one("#field-registry-endpoint", Field).input.focus()

    def on_field_pasted(self, event: Field.Pasted) -> None:
        """A pasted URL is taken apart into endpoint, port and namespace."""
        field = event.field
        if field.field != "endpoint":
            return
        try:
            parts = take_apart(field.value)
        except ValueError:
            return
        others = [f"{name} {parts[name]}" for name in ("port", "namespace") if parts.get(name)]
        if parts["endpoint"] == field.value.strip() or not others:
            return
        for name, value in parts.items():
            self.session.put("registry", name, value)
        field.set_value(parts["endpoint"])
        self.query_one("#field-registry-port", Field).set_value(str(parts.get("port") or ""))
        field.show_error("")
        field.show_help(f"Taken apart: {', '.join(others)}.")
        self.check_soon()
