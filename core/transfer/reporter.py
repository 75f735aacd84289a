"""Twice a second the worker writes how far it is, for whoever watches."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from core.errors import JobError
from core.transfer.engine import Engine
from core.transfer.journal import Journal
from core.transfer.progress import Progress, Rate

INTERVAL = 0.5

_LOG = logging.getLogger(__name__)


class Reporter:
    """Writes counters and flights while its `with` block runs, and once more at its end."""

    def __init__(self, journal: Journal, progress: Progress, engine: Engine) -> None:
        self._journal = journal
        self._progress = progress
        self._engine = engine
        self._rate = Rate()
        self._done = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="reporter", daemon=True)

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
        with _logged():
            while not self._stop.wait(INTERVAL):
                self._write()

    def _write(self) -> None:
        totals, progress = self._engine.totals, self._progress
        under_way = sum(slot.done for slot in progress.slots if slot.label)
        done = totals.done + under_way
        self._rate.add(round(max(0.0, done - self._done)))
        self._done = max(done, self._done)
        self._journal.set_flights(
            [slot.flight() for slot in progress.slots if slot.label],
            total_bytes=totals.total,
            done_bytes=round(min(done, totals.total)),
            present_bytes=totals.present,
            mounted_bytes=totals.mounted,
            sent_bytes=progress.sent_bytes,
            retries=progress.retries,
            rate=round(self._rate.value()),
        )


@contextmanager
def _logged() -> Iterator[None]:
    """A journal that cannot be written ends the import elsewhere, with better words."""
    try:
        yield
    except JobError as error:
        _LOG.error("%s", error)
