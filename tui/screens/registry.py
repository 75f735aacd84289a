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

    def field_error(self, section: str, name: str) -> str:
        """In the words of this screen, on which the other fields can be seen."""
        told = super().field_error(section, name)
        return _HERE.get(told, told)

    def field_edited(self, field: Field, value: str) -> bool:
        """A slash at the end is no path: it is left out in silence."""
        if field.field != "endpoint" or not value.endswith("/") or "/" in value[:-1]:
            return False
        self.session.put("registry", "endpoint", value[:-1])
        if field.error:
            field.show_error(self.field_error("registry", "endpoint"))
        return True

    def field_left(self, field: Field) -> bool:
        """What stands in the field is what was taken."""
        value = self.session.setup.draft.value(field.section, field.field)
        field.set_value("" if value is None else str(value).strip())
        return False

    def on_field_pasted(self, event: Field.Pasted) -> None:
        """A pasted URL is taken apart into endpoint, port and namespace."""
        field = event.field
        if field.field != "endpoint":
            return
        try:
            parts = take_apart(field.value)
        except ValueError:
            return
        if parts["endpoint"] == field.value.strip():
            return
        others = [f"{name} {parts[name]}" for name in ("port", "namespace") if parts[name]]
        for name, value in parts.items():
            if value or name == "endpoint":
                self.session.put("registry", name, value)
        field.set_value(parts["endpoint"])
        if parts["port"]:
            self.query_one("#field-registry-port", Field).set_value(parts["port"])
        field.show_error("")
        if others:
            field.show_help(f"Taken apart: {', '.join(others)}.")
        self.wizard.answers_changed()
        self.check_soon()


_HERE = {
    "Leave out the path. It belongs to the namespace.": (
        "Leave out the path. It belongs to step 5, Namespaces."
    ),
    "The port goes into a field of its own.": "The port goes into the field below.",
}
"""What is told of an address anywhere, and what is told of it here."""
