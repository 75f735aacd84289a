"""A line with a text at each end."""

from textual.content import Content
from textual.widgets import Static

_NOTHING = Content("")


class Ends(Static):
    """`eksa-mirror   site-a                answers saved 14:02`, in one piece.

    It draws both texts itself: a widget more for each of them would be paid for whenever a screen
    comes up.
    """

    def __init__(
        self,
        left: Content = _NOTHING,
        right: Content = _NOTHING,
        *,
        id: str | None = None,  # noqa: A002 - textual's own word
        classes: str = "",
    ) -> None:
        super().__init__("", id=id, classes=f"ends {classes}")
        self._left, self._right = left, right

    def put(self, left: Content, right: Content) -> None:
        """Show these; nothing happens where they are the same."""
        if not (left.is_same(self._left) and right.is_same(self._right)):
            self._left, self._right = left, right
            self.refresh()

    def render(self) -> Content:
        """Both texts, as far from each other as there is room."""
        room = self.content_size.width - self._left.cell_length - self._right.cell_length
        return Content.assemble(self._left, " " * max(1, room), self._right)
