"""What the threads of a worker have in hand, and how many bytes went over the wire."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from core.errors import EksaMirrorError, RegistryError
from core.registry.transport import Body
from core.transfer.journal import Flight, Journal
from core.transfer.threads import Crew, Gate

MOST_JOBS = 16
"""Threads of a worker at the most."""

RATE_SECONDS = 15.0
"""A rate is the mean over so many seconds."""

_LARGEST_STEP = 256 * 1024
_SMALLEST_STEP = 1024


class Rate:
    """Bytes a second over the last `RATE_SECONDS`."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._marks: deque[tuple[float, int]] = deque()
        self._total = 0

    def add(self, count: int) -> None:
        """Note `count` bytes more."""
        self._total += count
        now = self._clock()
        if not self._marks or now - self._marks[-1][0] >= 0.25:
            self._marks.append((now, self._total))
        while len(self._marks) > 2 and now - self._marks[0][0] > RATE_SECONDS:
            self._marks.popleft()

    def value(self) -> float:
        """Bytes a second; 0 before two moments are known, and where none came for so long."""
        now, marks = self._clock(), tuple(self._marks)  # which another thread may change
        if not marks or now - marks[-1][0] > RATE_SECONDS:
            return 0.0
        outside = [one for one in marks if now - one[0] > RATE_SECONDS]
        since, before = outside[-1] if outside else marks[0]
        elapsed = now - since
        return (self._total - before) / elapsed if elapsed > 0 else 0.0


class Throttle:
    """Keeps all threads together below a rate.

    Args:
        limit: bytes a second; 0 for none. It may change at any time.
        wait: waits seconds; at once over when the job is to stop, so that the chunks in flight are
            soon through.
    """

    def __init__(
        self,
        limit: int,
        wait: Callable[[float], object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit = limit
        self._wait = wait
        self._clock = clock
        self._lock = threading.Lock()
        self._free_at = 0.0

    @property
    def limit(self) -> int:
        """Bytes a second; 0 for none."""
        return self._limit

    @limit.setter
    def limit(self, limit: int) -> None:
        with self._lock:
            # What was promised at the old rate does not hold back at the new one.
            self._limit, self._free_at = limit, 0.0

    @property
    def step(self) -> int:
        """Bytes to take at a time: few enough that a slow connection does not look dead."""
        limit = self._limit
        if not limit:
            return _LARGEST_STEP
        return max(_SMALLEST_STEP, min(_LARGEST_STEP, limit // 4))

    def take(self, count: int) -> None:
        """Wait until `count` bytes may go."""
        with self._lock:
            if not self._limit:
                return
            now = self._clock()
            begin = max(now, self._free_at)
            self._free_at = begin + count / self._limit
        if begin > now:
            self._wait(begin - now)


@dataclass(slots=True)
class Slot:
    """One thread of the worker.

    Attributes:
        label: what it has in hand; empty while it waits for work.
        size: bytes of that as stored.
        done: how many of them are sent.
        artifact: number of the artifact that it belongs to, 0 where that is not known.
        blob: digest that it has stored.
        trouble: why it is tried again, in a few words; empty once bytes move.
        waits: it waits for the end of a pause.
    """

    number: int
    label: str = ""
    size: int = 0
    done: float = 0.0
    rate: Rate = field(default_factory=Rate)
    artifact: int = 0
    blob: str = ""
    trouble: str = ""
    waits: bool = False

    def begin(self, label: str, size: int, artifact: int = 0, blob: str = "") -> None:
        """Take something in hand."""
        self.size, self.done, self.rate = size, 0.0, Rate()
        self.artifact, self.blob, self.trouble = artifact, blob, ""
        self.label = label

    def reached(self, done: float) -> None:
        """So many bytes of it are sent; fewer than before after a failure."""
        if done > self.done:
            self.trouble = ""
        self.rate.add(round(max(0.0, done - self.done)))
        self.done = done

    def end(self) -> None:
        """Have nothing in hand."""
        self.label, self.size, self.done = "", 0, 0.0
        self.artifact, self.blob, self.trouble = 0, "", ""

    def flight(self) -> Flight:
        """For the journal."""
        return Flight(
            self.number, self.label, self.size, round(self.done), self.rate.value(),
            self.artifact, self.blob, self.trouble,
        )  # fmt: skip


class Progress:
    """Counters of a worker, used by all its threads.

    Args:
        jobs: number of threads, at first.
        throttle: asked before each piece goes out.
        stop: set when the job is to stop.

    Attributes:
        slots: one for each thread that there may ever be.
        crew: how many threads take work now.
        gate: closed while the operator wants a pause.
    """

    def __init__(self, jobs: int, throttle: Throttle, stop: threading.Event | None = None) -> None:
        self.slots = tuple(Slot(number) for number in range(max(jobs, MOST_JOBS)))
        self.crew = Crew(jobs)
        self.gate = Gate(stop or threading.Event())
        self.throttle = throttle
        self.sent_bytes = 0
        self.retries = 0
        self._own = threading.local()
        self._lock = threading.Lock()

    @property
    def in_hand(self) -> list[Slot]:
        """Slots that have something in hand."""
        return [slot for slot in self.slots if slot.label]

    @property
    def own_slot(self) -> Slot | None:
        """What the calling thread has in hand; None where it is no thread of ours."""
        slot: Slot | None = getattr(self._own, "slot", None)
        return slot if slot and slot.label else None

    def take_slot(self, number: int) -> Slot:
        """The slot of the calling thread."""
        self._own.slot = self.slots[number]
        return self.slots[number]

    def pause(self, slot: Slot) -> None:
        """Wait while the operator wants a pause.

        Raises:
            Interrupted: the job is to stop.
        """
        if not self.gate.closed:
            return
        slot.waits = True
        try:
            self.gate.wait()
        finally:
            slot.waits = False

    def count_sent(self, count: int) -> None:
        """Note bytes that went over the wire, for good or in vain."""
        with self._lock:
            self.sent_bytes += count

    def count_retry(self) -> None:
        """Note that something is tried again."""
        with self._lock:
            self.retries += 1

    def note_retry(self, journal: Journal, slot: Slot | None, error: EksaMirrorError) -> None:
        """Show and write why what a thread has in hand is tried again."""
        if slot:
            status = error.status if isinstance(error, RegistryError) else 0
            slot.trouble = f"HTTP {status}" if status else error.title
        journal.note_retry(str(error), slot.artifact if slot else None)

    def watched(self, body: Body, slot: Slot, begin: float, end: float) -> Body:
        """A body that is throttled and counted while it is sent.

        Args:
            begin: bytes of the slot's work that are done before the first piece.
            end: after the last.
        """
        pieces = _Watched(body, self, self._hold_back, slot, begin, end)
        return Body(body.length, pieces, body.media_type)

    def _hold_back(self, count: int) -> None:
        """What is in flight when a pause is wanted goes out at once: it is waited for."""
        if not self.gate.closed:
            self.throttle.take(count)


@dataclass(frozen=True, slots=True)
class _Watched:
    """Can be gone through again: a second attempt counts anew, from where the first began."""

    body: Body
    progress: Progress
    hold_back: Callable[[int], None]
    slot: Slot
    begin: float
    end: float

    def __iter__(self) -> Iterator[memoryview]:
        sent = 0
        self.slot.reached(self.begin)
        for piece in self.body.pieces:
            for part in self._parts(piece):
                self.hold_back(len(part))
                yield part
                sent += len(part)
                self.progress.count_sent(len(part))
                self.slot.reached(
                    self.begin + (self.end - self.begin) * sent / max(1, self.body.length)
                )

    def _parts(self, piece: bytes | memoryview) -> Iterator[memoryview]:
        """Small enough for the throttle as it is now, and for a progress bar; nothing is copied."""
        view, start = memoryview(piece), 0
        while start < len(view):
            part = view[start : start + self.progress.throttle.step]
            start += len(part)
            yield part
