"""What the threads of a worker have in hand, and how many bytes went over the wire."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from core.registry.transport import Body
from core.transfer.journal import Flight

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
        """Bytes a second; 0 before two moments are known."""
        if not self._marks:
            return 0.0
        since, before = self._marks[0]
        elapsed = self._clock() - since
        return (self._total - before) / elapsed if elapsed > 0 else 0.0


class Throttle:
    """Keeps all threads together below a rate.

    Args:
        limit: bytes a second; 0 for none.
        wait: waits seconds; at once over when the job is to stop, so that the chunks in flight are
            soon through.
    """

    def __init__(
        self,
        limit: int,
        wait: Callable[[float], object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.limit = limit
        self._wait = wait
        self._clock = clock
        self._lock = threading.Lock()
        self._free_at = 0.0

    @property
    def step(self) -> int:
        """Bytes to take at a time: few enough that a slow connection does not look dead."""
        if not self.limit:
            return _LARGEST_STEP
        return max(_SMALLEST_STEP, min(_LARGEST_STEP, self.limit // 4))

    def take(self, count: int) -> None:
        """Wait until `count` bytes may go."""
        if not self.limit:
            return
        with self._lock:
            now = self._clock()
            begin = max(now, self._free_at)
            self._free_at = begin + count / self.limit
        if begin > now:
            self._wait(begin - now)


@dataclass(slots=True)
class Slot:
    """One thread of the worker.

    Attributes:
        label: what it has in hand; empty while it waits for work.
        size: bytes of that as stored.
        done: how many of them are sent.
    """

    number: int
    label: str = ""
    size: int = 0
    done: float = 0.0
    rate: Rate = field(default_factory=Rate)

    def begin(self, label: str, size: int) -> None:
        """Take something in hand."""
        self.label, self.size, self.done, self.rate = label, size, 0.0, Rate()

    def reached(self, done: float) -> None:
        """So many bytes of it are sent; fewer than before after a failure."""
        self.rate.add(round(max(0.0, done - self.done)))
        self.done = done

    def end(self) -> None:
        """Have nothing in hand."""
        self.label, self.size, self.done = "", 0, 0.0

    def flight(self) -> Flight:
        """For the journal."""
        return Flight(self.number, self.label, self.size, round(self.done), self.rate.value())


class Progress:
    """Counters of a worker, used by all its threads.

    Args:
        jobs: number of threads.
        throttle: asked before each piece goes out.
    """

    def __init__(self, jobs: int, throttle: Throttle) -> None:
        self.slots = tuple(Slot(number) for number in range(jobs))
        self.sent_bytes = 0
        self.retries = 0
        self._throttle = throttle
        self._lock = threading.Lock()

    def count_sent(self, count: int) -> None:
        """Note bytes that went over the wire, for good or in vain."""
        with self._lock:
            self.sent_bytes += count

    def count_retry(self) -> None:
        """Note that something is tried again."""
        with self._lock:
            self.retries += 1

    def watched(self, body: Body, slot: Slot, begin: float, end: float) -> Body:
        """A body that is throttled and counted while it is sent.

        Args:
            begin: bytes of the slot's work that are done before the first piece.
            end: after the last.
        """
        pieces = _Watched(body, self, self._throttle, slot, begin, end)
        return Body(body.length, pieces, body.media_type)


@dataclass(frozen=True, slots=True)
class _Watched:
    """Can be gone through again: a second attempt counts anew, from where the first began."""

    body: Body
    progress: Progress
    throttle: Throttle
    slot: Slot
    begin: float
    end: float

    def __iter__(self) -> Iterator[memoryview]:
        sent = 0
        self.slot.reached(self.begin)
        for piece in self.body.pieces:
            for part in _parts(piece, self.throttle.step):
                self.throttle.take(len(part))
                yield part
                sent += len(part)
                self.progress.count_sent(len(part))
                self.slot.reached(
                    self.begin + (self.end - self.begin) * sent / max(1, self.body.length)
                )


def _parts(piece: bytes | memoryview, step: int) -> Iterator[memoryview]:
    """Small enough for a throttle and a progress bar; nothing is copied."""
    view = memoryview(piece)
    return (view[start : start + step] for start in range(0, len(piece), step))
