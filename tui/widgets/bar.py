"""A progress bar of one row."""

from textual.content import Content
from textual.widgets import Static


class Bar(Static):
    """How much of a whole is done; `[####....]` in basic mode."""

    part = 0.0

    def show(self, part: float) -> None:
        """Draw it.

        Args:
            part: 0 to 1.
        """
        part = min(1.0, max(0.0, part))
        if part != self.part:
            self.part = part
            self.refresh()

    def render(self) -> Content:
        """As wide as there is room."""
        return bar(self.part, self.content_size.width, basic=self.app.has_class("-basic"))


def bar(part: float, width: int, *, basic: bool) -> Content:
    """A bar of `width` cells, `part` of it (0 to 1) filled; only what is whole counts as full."""
    if basic:
        full = int(part * max(0, width - 2))
        return Content(f"[{'#' * full}{'.' * max(0, width - 2 - full)}]")
    full = int(part * width)
    return Content.assemble(
        Content.styled("━" * full, "$accent"), Content.styled("━" * (width - full), "$rule")
    )
