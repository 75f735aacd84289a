"""Lines that are wrapped for the width that they really get."""

from collections.abc import Callable

from textual.content import Content
from textual.widgets import Static

Draw = Callable[[int], list[Content]]
"""Makes the lines for a width in cells."""


class Drawn(Static):
    """A text that draws itself anew when its width changes, as where a scroll bar comes up."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__("", id=id, classes=classes)
        self._draw: Draw = lambda _: []
        self._shown: Content | None = None

    def show(self, draw: Draw) -> None:
        """Draw this from now on; nothing happens where it looks the same."""
        self._draw = draw
        if self._shown is None or not self._lines().is_same(self._shown):
            self.refresh(layout=True)

    def render(self) -> Content:
        """The lines."""
        self._shown = self._lines()
        return self._shown

    def _lines(self) -> Content:
        return Content("\n").join(self._draw(self.content_size.width or 76))

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        """How many there are."""
        del container, viewport
        return len(self._draw(width))
