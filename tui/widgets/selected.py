"""What stands on the colour of the selection."""

from textual.content import Content, Span
from textual.widget import Widget


class RedrawnByFocus(Widget):
    """A widget that draws itself differently while it has the focus."""

    def on_focus(self) -> None:
        """It is drawn as the one that has the focus."""
        self.refresh()

    def on_blur(self) -> None:
        """And is no more."""
        self.refresh()


def selected_row(line: Content, width: int, *, basic: bool) -> Content:
    """A row under the pointer, as wide as its list."""
    padded = Content.assemble(line, " " * max(0, width - line.cell_length))
    return padded.stylize("reverse") if basic else lifted(padded).stylize("bold on $sel")


def lifted(line: Content) -> Content:
    """The same for the grounds `sel` and `field2`, where the faintest ink would be too faint."""
    spans = [
        Span(one.start, one.end, one.style.replace("$ink3", "$ink2"))
        if isinstance(one.style, str)
        else one
        for one in line.spans
    ]
    return Content(line.plain, spans)
