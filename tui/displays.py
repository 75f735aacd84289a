"""Three ways to show a running import: bars, lines, JSON."""

import json
import sys
import time

from rich.cells import cell_len, set_cell_size
from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from core.transfer.journal import Flight
from core.transfer.report import moment
from core.transfer.states import JobState
from core.transfer.view import Event, Summary
from core.units import part_of, size, time_left
from tui.words import cut_name, plain, plural, put, tell

_LINE_SECONDS = 5.0
_FIRST_SECONDS = 10.0
_ACCENT, _REST = "cyan", "bright_black"

_DOING = {
    JobState.STARTING: "asking the registry",
    JobState.UNZIPPING: "reading the tarball",
    JobState.PLANNING: "looking what is there already",
    JobState.SENDING: "sending",
    JobState.VERIFYING: "verifying",
    JobState.DONE: "done",
    JobState.SOME_FAILED: "ended with failures",
    JobState.STOPPED: "stopped",
    JobState.BROKEN: "could not go on",
}
_TOLD = {
    "retry", "warning", "scratch", "journal-damaged", "artifact-failed", "artifact-retrying",
    "paused", "going-on", "jobs", "limit-rate", "compression",
}  # fmt: skip


class JsonDisplay:
    """An event a line on standard output, for programs; how far it is, once a second.

    Args:
        registry: said in each line where there are several.
    """

    def __init__(self, registry: str = "") -> None:
        self._of: dict[str, object] = {"registry": registry} if registry else {}
        self._next = 0.0

    def event(self, event: Event, artifact: str) -> None:
        """See `Display`."""
        line = {"event": event.kind, "at": moment(str(event.at))} | self._of
        line |= {"artifact": artifact} if artifact else {}
        line |= {"text": event.text} if event.text else {}
        put(json.dumps(line, ensure_ascii=False))

    def update(self, summary: Summary, flights: list[Flight]) -> None:
        """See `Display`."""
        now = time.monotonic()
        if now < self._next and not summary.state.ended:
            return
        self._next = now + 1.0
        counters = {
            key: int(summary.number(f"{key}_bytes"))
            for key in ("done", "total", "sent", "present", "mounted")
        }
        line = {
            "event": "progress",
            **self._of,
            "state": summary.state.value,
            "bytes": counters,
            "rate": int(summary.number("rate")),
            "artifacts": {state.value: count for state, count in summary.counts.items()},
            "sending": [{"name": f.label, "size": f.size, "done": f.done} for f in flights],
        }
        put(json.dumps(line, ensure_ascii=False))

    def close(self) -> None:
        """See `Display`."""


class LineDisplay:
    """A plain line every few seconds, for logs and pipes.

    Args:
        registry: said before each line where there are several.
    """

    def __init__(self, registry: str = "") -> None:
        self._of = f"{registry}: " if registry else ""
        self._next = 0.0
        self._state = JobState.STARTING

    def event(self, event: Event, artifact: str) -> None:
        """See `Display`."""
        if event.kind in _TOLD:
            tell(self._of + _event_line(event, artifact))

    def update(self, summary: Summary, flights: list[Flight]) -> None:
        """See `Display`."""
        now = time.monotonic()
        if now < self._next and summary.state is self._state:
            return
        self._next, self._state = now + _LINE_SECONDS, summary.state
        tell(f"{self._of}{doing(summary)}: {progress_words(summary)}")

    def close(self) -> None:
        """See `Display`."""


class BarDisplay:
    """Bars for the total and for each upload in flight, redrawn in place."""

    def __init__(self) -> None:
        self._console = Console(file=sys.stderr, highlight=False)
        self._live = Live(console=self._console, refresh_per_second=8, transient=True)
        self._live.start()

    def event(self, event: Event, artifact: str) -> None:
        """See `Display`."""
        if event.kind in _TOLD:
            self._console.print(Text(_event_line(event, artifact)))

    def update(self, summary: Summary, flights: list[Flight]) -> None:
        """See `Display`."""
        # Room for the ^C that a terminal shows: a wrapped line would stay behind.
        width = min(self._console.width, 120) - 3
        self._live.update(Group(*progress_lines(summary, flights, width)))

    def close(self) -> None:
        """See `Display`."""
        self._live.stop()


class Board:
    """A line for each of several imports, redrawn in place."""

    def __init__(self) -> None:
        self._console = Console(file=sys.stderr, highlight=False)
        self._live = Live(console=self._console, refresh_per_second=8, transient=True)
        self._live.start()
        self._rows: dict[str, Text] = {}

    def row(self, registry: str) -> "BoardRow":
        """The line of one registry, the next from the top."""
        self._rows[registry] = Text(registry)
        return BoardRow(self, registry)

    @property
    def lines(self) -> list[Text]:
        """What is shown now."""
        return list(self._rows.values())

    def draw(self, registry: str, summary: Summary) -> None:
        """How far one is."""
        width = min(self._console.width, 120) - 3
        names = min(max(map(cell_len, self._rows)), width // 3)
        line = Text(f"{set_cell_size(registry, names)} ")
        self._rows[registry] = line.append_text(total_bar(summary, width - names - 1))
        self._live.update(Group(*self.lines))

    def say(self, line: str) -> None:
        """Something that stays, above the lines."""
        self._console.print(Text(line))

    def end(self, registry: str) -> None:
        """Nothing more comes of one; after the last the lines are taken away."""
        self._rows.pop(registry, None)
        if not self._rows:
            self._live.stop()


class BoardRow:
    """One of several imports on a board."""

    def __init__(self, board: Board, registry: str) -> None:
        self._board = board
        self._registry = registry

    def event(self, event: Event, artifact: str) -> None:
        """See `Display`."""
        if event.kind in _TOLD:
            self._board.say(f"{self._registry}: {_event_line(event, artifact)}")

    def update(self, summary: Summary, flights: list[Flight]) -> None:
        """See `Display`."""
        self._board.draw(self._registry, summary)

    def close(self) -> None:
        """See `Display`."""
        self._board.end(self._registry)


def doing(summary: Summary) -> str:
    """What the job does, in a few words."""
    return "paused" if summary.paused else _DOING[summary.state]


def progress_words(summary: Summary) -> str:
    """`14.2 of 24.6 GB   92 MB/s   about 2 min left   98 of 167   0 failed`."""
    if summary.state is JobState.UNZIPPING and summary.number("unzip_total"):
        return part_of(summary.number("unzip_done"), summary.number("unzip_total")) + " unzipped"
    if not summary.artifacts:
        return "…"
    words = [f"{summary.arrived} of {plural(summary.artifacts, 'artifact')}"]
    if summary.failed:
        words.append(f"{summary.failed} failed")
    total, done, rate = (summary.number(key) for key in ("total_bytes", "done_bytes", "rate"))
    if summary.state is JobState.SENDING and total:
        words[:0] = [part_of(done, total), f"{size(rate)}/s", _left(summary, total - done, rate)]
    return "   ".join(words)


def _left(summary: Summary, rest: float, rate: float) -> str:
    running = time.time() - summary.number("state_since")
    if running < _FIRST_SECONDS or rate <= 0 or summary.paused:
        return "time left not known yet"
    return time_left(rest / rate)


def progress_lines(summary: Summary, flights: list[Flight], width: int) -> list[Text]:
    """The bar of the whole, its figures, and a bar for each upload in flight."""
    bars = [flight_bar(flight, width) for flight in flights]
    return [total_bar(summary, width), Text(progress_words(summary)), *bars]


def total_bar(summary: Summary, width: int) -> Text:
    """What the job does, and how far it is, in one line of `width` cells."""
    total, done = summary.number("total_bytes"), summary.number("done_bytes")
    share = done / total if total else 0.0
    line = Text(f"{doing(summary):<30.30} ")
    line.append_text(_bar(share, max(10, width - 38)))
    line.append(f" {int(share * 100):>3} %")
    return line


def flight_bar(flight: Flight, width: int) -> Text:
    """What one thread has in hand, in one line of `width` cells."""
    name_width = max(20, width - 42)
    share = flight.done / flight.size if flight.size else 1.0
    line = Text(f"  {cut_name(flight.label, name_width):<{name_width}} ")
    line.append_text(_bar(share, 10))
    line.append(f" {part_of(flight.done, flight.size):>17} {size(flight.rate) + '/s':>9}")
    return line


def _bar(share: float, width: int) -> Text:
    full = int(min(1.0, max(0.0, share)) * width)
    return Text("━" * full, style=_ACCENT).append("━" * (width - full), style=_REST)


def _event_line(event: Event, artifact: str) -> str:
    clock = time.strftime("%H:%M:%S", time.localtime(event.at))
    what = event.kind.removeprefix("artifact-")
    subject = f" {artifact}:" if artifact else ""
    return plain(f"{clock}  {what}{subject} {event.text}")
