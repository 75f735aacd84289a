"""The import as a whole, and what is being sent now."""

import time
from collections.abc import Callable, Sequence

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content

from core.transfer.records import Flight
from core.transfer.standing import Stand, in_motion, seconds_left
from core.transfer.states import JobState
from core.transfer.view import Summary
from core.units import part_of, size, time_left
from tui.glyphs import glyph
from tui.widgets.bar import Bar, bar
from tui.widgets.heading import Heading
from tui.widgets.line import Line
from tui.words import cut_name, plural

_MOST_ROWS = {"-short": 4, "-tall": 8}
_SHORTEST = 8
"""Cells of a name in a window that is too small for anything."""


def _nothing() -> None:
    """Stands for a drawing where nothing was drawn yet."""


class Totals(Vertical):
    """Bar and per cent by bytes; then bytes, rate, time left, artifacts, failed."""

    _again: Callable[[], None] = staticmethod(_nothing)

    def on_resize(self) -> None:
        """A wide window has more words, and more room between them."""
        self._again()

    def compose(self) -> ComposeResult:
        """Two lines."""
        with Horizontal(classes="totals-bar"):
            yield Bar("", id="total-bar")
            yield Line("", id="total-percent")
        with Horizontal(classes="totals-figures"):
            yield Line("", id="total-figures")
            yield Line("", id="total-failed")

    def show(self, summary: Summary, stand: Stand) -> None:
        """Draw how far it is; where nothing moves there is no rate and no time left."""
        total, done = summary.number("total_bytes"), summary.number("done_bytes")
        unzip = summary.number("unzip_total")
        if summary.state is JobState.UNZIPPING and unzip and stand.lives:
            words = [part_of(summary.number("unzip_done"), unzip) + " unzipped"]
        elif not summary.artifacts:
            words = ["looking what is in the tarball" if stand.lives else "nothing was sent yet"]
        else:
            words = [part_of(done, total), *_pace(summary, stand)]
            wide = self.app.size.width >= 100
            count = f"{summary.arrived} of {summary.artifacts}"
            words.append(f"{count} artifacts" if wide or not stand.lives else count)
        if not stand.lives:
            words.append(plural(summary.retries, "retry", "retries"))
        part = share(summary) if summary.artifacts else None
        ended = summary.number("ended") if summary.state.ended else 0.0
        self.draw(part, words, failed=summary.failed, ended=ended)
        self._again = lambda: self.show(summary, stand)

    def draw(
        self, part: float | None, words: Sequence[str], *, failed: int, ended: float = 0.0
    ) -> None:
        """Draw these figures.

        Args:
            part: 0 to 1; None where it is not known yet.
            words: the first is bold.
            ended: seconds since 1970; 0 while it goes on.
        """
        self.query_one("#total-bar", Bar).show(part or 0.0)
        percent = "" if part is None else f"{int(part * 100):>5} %"
        self.query_one("#total-percent", Line).update(Content.styled(percent, "bold"), layout=False)
        gap = "     " if self.app.size.width >= 100 else "   "
        figures = Content.assemble(Content.styled(words[0], "bold"), gap, gap.join(words[1:]))
        self.query_one("#total-figures", Line).update(figures, layout=False)
        if ended:
            right = Content.styled(time.strftime("ended %H:%M", time.localtime(ended)), "$ink2")
        else:
            right = Content.styled(f"{failed} failed", "$fail" if failed else "$ink2")
            if failed:
                right = Content.assemble(Content.styled("✗ ", "$fail"), right)
        self.query_one("#total-failed", Line).update(right)
        self._again = lambda: self.draw(part, words, failed=failed, ended=ended)


def share(summary: Summary) -> float:
    """0 to 1 by bytes; all of it only where every artifact has arrived."""
    total, done = summary.number("total_bytes"), summary.number("done_bytes")
    if not total:
        return 1.0 if summary.state is JobState.DONE else 0.0
    part = min(1.0, done / total)
    return part if summary.state is JobState.DONE else min(part, 0.99)


def _pace(summary: Summary, stand: Stand) -> list[str]:
    if summary.state is not JobState.SENDING or not in_motion(stand, summary):
        return []
    left = seconds_left(summary)
    rate = f"{size(summary.number('rate'))}/s"
    return [rate, "time left not known yet" if left is None else time_left(left)]


class SendingNow(Vertical):
    """A fixed row for each worker.

    Args:
        title: of the rows.
        changes: how the number of workers is changed; empty where it is not.
    """

    def __init__(
        self,
        *,
        id: str | None = None,  # noqa: A002 - textual's own word
        title: str = "Sending now",
        changes: str = ", w changes",
    ) -> None:
        super().__init__(id=id)
        self._title, self._changes = title, changes
        self._lines = 0
        self._again: Callable[[], None] = _nothing

    def on_resize(self) -> None:
        """Names and bars have other widths."""
        self._again()

    def compose(self) -> ComposeResult:
        """Heading and rows."""
        yield Heading(self._title, f"4 at a time{self._changes}", id="sending-heading")
        yield Line("", id="flights")

    def show(self, slots: Sequence[Flight | None], jobs: int) -> None:
        """Draw the rows; those that do not fit are counted."""
        self.query_one("#sending-heading", Heading).show(meta=f"{jobs} at a time{self._changes}")
        most = next((n for name, n in _MOST_ROWS.items() if self.screen.has_class(name)), 4)
        shown = slots if len(slots) <= most else slots[: most - 1]
        lines = [self._line(slot) for slot in shown]
        if len(shown) < len(slots):
            lines.append(Content.styled(f"  and {len(slots) - len(shown)} more", "$ink3"))
        flights = self.query_one("#flights", Line)
        taller = len(lines) != self._lines
        self._lines = len(lines)
        flights.update(Content("\n").join(lines), layout=taller)
        self._again = lambda: self.show(slots, jobs)

    def _line(self, flight: Flight | None) -> Content:
        if flight is None or not flight.label:
            return Content.styled("○ waiting for work", "$ink3")
        width = self.content_size.width or 76
        bar_width = 20 if width >= 88 else 10
        figures = f"{part_of(flight.done, flight.size):>17} {size(flight.rate) + '/s':>9}"
        name_width = max(_SHORTEST, width - bar_width - len(figures) - 6)
        part = flight.done / flight.size if flight.size else 1.0
        name = cut_name(flight.label, name_width)
        return Content.assemble(
            glyph("retrying" if flight.trouble else "sending"),
            " ",
            f"{name:<{name_width}}  ",
            bar(part, bar_width, basic=self.app.has_class("-basic")),
            "  ",
            figures,
        )
