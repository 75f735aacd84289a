"""What happened, newest last."""

import time
from collections import deque
from collections.abc import Callable, Iterable

from textual.content import Content

from core.transfer.view import Event
from tui.widgets.row_list import RowList
from tui.words import cut_name, plain

_MOST = 5000
_WORDS = {
    "artifact-done": "sent",
    "artifact-present": "present",
    "artifact-failed": "failed",
    "artifact-retrying": "retry",
    "artifact-sending": "begun",
    "compression": "codec",
    "journal-damaged": "journal",
    "scratch": "unzip",
}
_QUIET = {"artifact-waiting", "artifact-skipped"}


class EventLog(RowList):
    """Plain lines; it follows until the pointer is moved, Space stops and follows again."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - textual's own word
        super().__init__(id=id, empty="nothing has happened yet")
        self._lines: dict[int, Content] = {}
        self._numbers: deque[int] = deque()

    def take(self, events: Iterable[Event], name_of: Callable[[int], str]) -> None:
        """Add what happened.

        Args:
            name_of: an artifact, by its number.
        """
        for event in events:
            if event.kind in _QUIET:
                continue
            self._lines[event.number] = _line(event, name_of(event.artifact or 0))
            self._numbers.append(event.number)
        while len(self._numbers) > _MOST:
            del self._lines[self._numbers.popleft()]
        self.put(list(self._numbers))

    def draw_row(self, key: int, width: int) -> Content:
        """`14:22:31  sent     eks/cilium/cilium:v1.19.4-1`."""
        return self._lines[key].truncate(width, ellipsis=True)

    def key_space(self) -> None:
        """Follow, or not."""
        self.following = not self.following
        self.put(self.keys)


def _line(event: Event, name: str) -> Content:
    clock = time.strftime("%H:%M:%S", time.localtime(event.at))
    kind = _WORDS.get(event.kind, event.kind.removeprefix("job-"))
    subject = cut_name(name, 48) if name else ""
    text = plain(", ".join(part for part in (subject, event.text) if part))
    return Content.assemble(
        Content.styled(f"{clock}  ", "$ink3"), Content.styled(f"{kind:<11}", "$ink2"), text
    )
