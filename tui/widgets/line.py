"""A text that is written again and again, and drawn only where it changed."""

from textual.content import Content
from textual.visual import VisualType
from textual.widgets import Static


class Line(Static):
    """Nothing happens where it is told the same once more.

    An import tells its state four times a second; to draw all of it each time, and to lay out the
    whole screen for that, would keep the keys waiting.
    """

    def update(self, content: VisualType = "", *, layout: bool = True) -> None:
        """Show this.

        Args:
            layout: False where its size stays, whatever it says.
        """
        before = self.content
        if isinstance(before, Content) and isinstance(content, Content):
            if before.is_same(content):
                return
        elif before == content:
            return
        super().update(content, layout=layout)
