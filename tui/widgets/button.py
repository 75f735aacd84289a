"""A button of one row."""

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Static

from tui.widgets.selected import RedrawnByFocus


class FlatButton(RedrawnByFocus, Static, can_focus=True):
    """A filled label; in basic mode, where nothing is filled, one in brackets.

    Args:
        label: what it does: `Write 5 files`.
        action: of the screen.
        primary: whether it is the one that Enter leads to.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,space", "press", show=False),
        Binding("left", "app.focus_previous", show=False),
        Binding("right", "app.focus_next", show=False),
    ]

    def __init__(
        self,
        label: str,
        *,
        action: str,
        id: str | None = None,  # noqa: A002 - textual's own word
        primary: bool = False,
    ) -> None:
        super().__init__(id=id, classes="flat-button -primary" if primary else "flat-button")
        self.label = label
        self._action = action

    def show(self, label: str) -> None:
        """Change what it says."""
        if label != self.label:
            self.label = label
            self.refresh(layout=True)

    def render(self) -> Content:
        """The label; underlined while it has the focus."""
        text = Content.styled(self.label, "underline" if self.has_focus else "")
        if self.app.has_class("-basic"):
            return Content.assemble("[ ", text, " ]")
        return Content.assemble("  ", text, "  ")

    def get_content_width(self, container: object, viewport: object) -> int:
        """The cells of the label with its padding or brackets."""
        del container, viewport
        return Content(self.label).cell_length + 4

    async def action_press(self) -> None:
        """Do what it says."""
        await self.app.run_action(self._action, default_namespace=self.screen)

    async def on_click(self) -> None:
        """The mouse presses, too."""
        await self.action_press()
