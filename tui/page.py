"""What lies over a screen: help, a question, a list to choose from."""

from typing import TypeVar

from textual.await_complete import AwaitComplete
from textual.screen import ModalScreen

_Result = TypeVar("_Result")


class Page(ModalScreen[_Result]):
    """A screen over another one, which is closed once: the key that does it may come twice."""

    def dismiss(self, result: _Result | None = None) -> AwaitComplete:
        """Close it with a result; what is closed already stays so."""
        return super().dismiss(result) if self.is_current else AwaitComplete.nothing()  # type: ignore[no-untyped-call]
