"""How far a download is: collected from all threads, written for whoever looks."""

import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from core.errors import EksaMirrorError
from core.fetch.blobs import Source
from core.fetch.images import Failure, Survey, Watcher
from core.fetch.picture import MOST_EVENTS, Lost, Picture, fingerprint_of, names_beside
from core.files import write_atomically
from core.transfer.orders import in_parts
from core.transfer.progress import Rate
from core.transfer.records import Event, Flight
from core.transfer.states import JobState
from core.units import size as words_of

INTERVAL = 0.5
"""Seconds between two pictures."""

_LONGEST_TEXT = 160


class Monitor:
    """Collects; for all threads.

    Args:
        written: files that an earlier run made whole.
        of: fingerprint of what that one was to fetch.
        log: what happened in it.

    Attributes:
        names_written: fingerprint of the names that lie beside the picture; empty for none.
    """

    def __init__(self, written: dict[str, int], of: str, log: Iterable[Event] = ()) -> None:
        now = time.time()
        self._now = Picture(started=now, since=now, written=written, of=of)
        self._lock = threading.RLock()
        self._log = deque(log, MOST_EVENTS)
        self._names: list[str] = []
        self._numbers: dict[str, int] = {}
        self.names_written = ""
        self._states = bytearray()
        self._rate = Rate()
        self._flights: dict[int, tuple[Flight, Rate]] = {}
        self._left: dict[str, list[int]] = {}
        self._missing: list[int] = []

    @property
    def written(self) -> dict[str, int]:
        """Files that are whole."""
        return self._now.written

    @property
    def of(self) -> str:
        """Fingerprint of what they belong to."""
        return self._now.of

    def belong(self, of: str, written: dict[str, int]) -> None:
        """From now on the files belong to this preparation."""
        self._change(of=of, written=written)

    def picture(self) -> Picture:
        """As it is now."""
        with self._lock:
            rated = [replace(one, rate=rate.value()) for one, rate in self._flights.values()]
            flights = tuple(sorted(rated, key=lambda one: one.slot))
            return self._now.model_copy(
                update={
                    "flights": flights,
                    "rate": self._rate.value(),
                    "states": self._states.decode(),
                    "log": tuple(self._log),
                }
            )

    def names(self) -> str:
        """Of all artifacts, a line each, in the order of the states."""
        with self._lock:
            return "\n".join(self._names)

    def enter(self, state: JobState, doing: str = "") -> None:
        """Begin something else."""
        self._change(state=state, doing=doing, since=time.time())
        if doing:
            self._tell("asking" if state is JobState.PLANNING else "fetching", doing)

    def write(self, name: str, count: int) -> None:
        """A file is whole."""
        self._change(written=self._now.written | {name: count})
        self._tell("written", f"{name}, {words_of(count)}")

    def expect(self, surveys: Sequence[Survey]) -> None:
        """What is to be fetched is known."""
        self._left, self._missing, self._names = {}, [], []
        for survey in surveys:
            for one in survey.resolved:
                blobs = {b.digest for b in one.blobs()} & survey.shape.sizes.keys()
                for digest in blobs:
                    self._left.setdefault(digest, []).append(len(self._missing))
                self._missing.append(len(blobs))
                self._names.append(str(one.artifact))
        self._numbers = {name: number for number, name in enumerate(self._names, 1)}
        self._states = bytearray(ord("w" if missing else "d") for missing in self._missing)
        self._change(
            total=sum(one.shape.fetched for one in surveys),
            artifacts=len(self._missing),
            arrived=self._states.count(b"d"),
            names=fingerprint_of(self.names()),
        )

    def lose(self, failures: Sequence[Failure]) -> None:
        """These artifacts could not be had."""
        self.lose_all([(str(one.artifact), one.error) for one in failures])

    def lose_all(self, failures: Sequence[tuple[str, EksaMirrorError]]) -> None:
        """These could not be had, each under its name."""
        lost = tuple(_lost(source, error) for source, error in failures)
        self._change(lost=(*self._now.lost, *lost))
        for one in lost:
            if number := self._numbers.get(one.source):
                self._states[number - 1] = ord("f")
            self._tell("missing", f"{one.source}: {one.message}")

    def end(self, state: JobState, error: EksaMirrorError | None = None) -> None:
        """It came to its end."""
        with self._lock:
            self._flights.clear()
        parts = in_parts(error) if error else {}
        self._change(state=state, error=parts, ended=time.time(), since=time.time())
        words = state.value.replace("-", " ")
        self._tell("ended", f"{words}: {error.message}" if error else words)

    def watcher(self) -> Watcher:
        """What the engine tells, taken in."""
        return Watcher(
            on_resolved=self._resolved,
            on_bytes=self._take,
            on_begin=self._begin,
            on_end=self._end,
        )

    def note_retry(self, error: EksaMirrorError) -> None:
        """This thread tries something again."""
        me = threading.get_ident()
        with self._lock:
            self._now = self._now.model_copy(update={"retries": self._now.retries + 1})
            if held := self._flights.get(me):
                self._flights[me] = replace(held[0], trouble=error.message), held[1]
            name = f"{held[0].label}: " if held else ""
            self._tell("retry", f"{name}{error.message}")

    def _resolved(self, done: int, total: int) -> None:
        self._change(asked=done, to_ask=total)
        if done == total:
            self._tell("read", f"manifests of {total} artifacts")

    def _take(self, count: int) -> None:
        me = threading.get_ident()
        with self._lock:
            if count > 0:
                self._rate.add(count)
            update = {"done": self._now.done + count, "moved": time.time()}
            self._now = self._now.model_copy(update=update)
            if held := self._flights.get(me):
                flight, rate = held
                rate.add(max(0, count))
                self._flights[me] = replace(flight, done=flight.done + count, trouble=""), rate

    def _begin(self, source: Source, size: int) -> None:
        me = threading.get_ident()
        with self._lock:
            self._flights.pop(me, None)  # one that failed
            slots = {one.slot for one, _ in self._flights.values()}
            slot = next(n for n in range(len(slots) + 1) if n not in slots)
            name = str(source.artifact)
            number = self._numbers.get(name, 0)
            self._flights[me] = Flight(slot, name, size, 0, 0.0, number), Rate()

    def _end(self, source: Source) -> None:
        with self._lock:
            self._flights.pop(threading.get_ident(), None)
            for index in self._left.pop(source.digest, ()):
                self._missing[index] -= 1
                if not self._missing[index]:
                    self._states[index] = ord("d")
                    self._change(arrived=self._now.arrived + 1)
                    self._tell("arrived", self._names[index])

    def _change(self, **update: object) -> None:
        with self._lock:
            self._now = self._now.model_copy(update=update)

    def _tell(self, kind: str, text: str) -> None:
        with self._lock:
            number = self._log[-1].number + 1 if self._log else 1
            self._log.append(Event(number, time.time(), kind, None, text[:_LONGEST_TEXT]))


@contextmanager
def written_down(monitor: Monitor, path: Path) -> Iterator[None]:
    """Write a picture twice a second where it changed, a first one at once and a last one.

    Raises:
        OSError: the first or the last cannot be written. Those between are only for show.
    """
    _write(monitor, path)
    stop = threading.Event()

    def work() -> None:
        last = monitor.picture()
        while not stop.wait(INTERVAL):
            now = monitor.picture()
            if now != last:
                try:
                    _write(monitor, path)
                except OSError:
                    continue  # a full disk ends the download itself, and that says so
                last = now

    thread = threading.Thread(target=work, name="pictures", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        _write(monitor, path)


def _write(monitor: Monitor, path: Path) -> None:
    picture, names, beside = monitor.picture(), monitor.names(), names_beside(path)
    # The names first: a picture that speaks of them finds them. They change once in a run.
    if picture.names != monitor.names_written:
        write_atomically(beside, names.encode())
        monitor.names_written = fingerprint_of(names)
    write_atomically(path, picture.model_dump_json().encode())


def _lost(source: str, error: EksaMirrorError) -> Lost:
    return Lost(
        source=source,
        code=error.code.value,
        message=error.message,
        cause=error.cause,
        mend=error.mend,
    )
