"""A section heading with quiet text at its right end."""

from textual.content import Content

from tui.widgets.ends import Ends


class Heading(Ends):
    """`Live checks                     checked 4 s ago`."""

    def __init__(self, text: str, meta: str = "", *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(_text(text), _meta(meta), id=id, classes="heading")
        self._words = (text, meta)

    def show(self, *, text: str | None = None, meta: str | None = None) -> None:
        """Change one end or both."""
        before = self._words
        self._words = (before[0] if text is None else text, before[1] if meta is None else meta)
        if self._words != before:
            self.put(_text(self._words[0]), _meta(self._words[1]))


def _text(text: str) -> Content:
    return Content.styled(text, "bold $ink")


def _meta(text: str) -> Content:
    return Content.styled(text, "$ink3")
