"""A section heading with quiet text at its right end."""

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content

from tui.widgets.line import Line


class Heading(Horizontal):
    """`Live checks                     checked 4 s ago`."""

    def __init__(self, text: str, meta: str = "", *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes="heading")
        self._text, self._meta = text, meta

    def compose(self) -> ComposeResult:
        """Both ends."""
        yield Line(Content(self._text), classes="heading-text")
        yield Line(Content(self._meta), classes="heading-meta")

    def show(self, *, text: str | None = None, meta: str | None = None) -> None:
        """Change one end or both."""
        if text is not None and text != self._text:
            self._text = text
            self.query_one(".heading-text", Line).update(Content(text))
        if meta is not None and meta != self._meta:
            self._meta = meta
            self.query_one(".heading-meta", Line).update(Content(meta), layout=False)
