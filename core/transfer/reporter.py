"""Twice a second the worker writes how far it is, for whoever watches."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from types import TracebackType
from typing import Self

from core.errors import JobError
from core.transfer.engine import Engine
from core.transfer.journal import Journal
from core.transfer.progress import Progress, Rate

INTERVAL = 0.5
_LOOK = 0.1

_LOG = logging.getLogger(__name__)


class Reporter:
    """Writes counters and flights while its `with` block runs, and once more at its end.

    Args:
        steer: asked ten times a second whether the operator changed something; then it is written
            at once how far the worker is.
    """

    def __init__(
        self,
        journal: Journal,
        progress: Progress,
        engine: Engine,
        steer: Callable[[], bool] = lambda: False,
    ) -> None:
        self._journal = journal
        self._progress = progress
        self._engine = engine
        self._steer = steer
        self._moved: tuple[float, tuple[int, ...]] = (time.time(), ())
        self._rate = Rate()
        self._done = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(
            target=copy_context().run, args=(self._run,), name="reporter", daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()
        if error is None:
            self._write()
            return
        with _logged():
            self._write()

    def _run(self) -> None:
        next_write = time.monotonic() + INTERVAL
        with _logged():
            while not self._stop.wait(min(INTERVAL, _LOOK)):
                if self._steer() or time.monotonic() >= next_write:
                    next_write = time.monotonic() + INTERVAL
                    self._write()

    def _write(self) -> None:
        totals, progress = self._engine.totals, self._progress
        in_hand = progress.in_hand
        under_way = sum(slot.done for slot in in_hand)
        done = totals.done + under_way
        self._rate.add(round(max(0.0, done - self._done)))
        self._done = max(done, self._done)
        self._journal.set_flights(
            [slot.flight() for slot in in_hand],
            total_bytes=totals.total,
            done_bytes=round(min(done, totals.total)),
            present_bytes=totals.present,
            mounted_bytes=totals.mounted,
            sent_bytes=progress.sent_bytes,
            retries=progress.retries,
            rate=round(self._rate.value()),
            jobs=progress.crew.size,
            limit_rate=progress.throttle.limit,
            paused="yes" if progress.gate.closed else "no",
            finishing=sum(not slot.waits for slot in in_hand),
            moved=self._last_move(),
        )

    def _last_move(self) -> float:
        """When a byte, or a whole blob, last got on; a pause is no standstill."""
        totals, progress = self._engine.totals, self._progress
        seen = progress.sent_bytes, totals.done, totals.present, totals.mounted
        if seen != self._moved[1] or progress.gate.closed:
            self._moved = time.time(), seen
        return self._moved[0]


@contextmanager
def _logged() -> Iterator[None]:
    """A journal that cannot be written ends the import elsewhere, with better words."""
    try:
        yield
    except JobError as error:
        _LOG.error("%s", error)
