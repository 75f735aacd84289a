"""How strongly to compress: told by the operator, or chosen once by the rate of the link.

A strong codec wins on a slow link and loses on a fast one. With `auto` the first blobs go out at a
fast level and are timed; what is chosen then is written down, because the digests of all further
layers depend on it: a later run does not choose again.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from core.transfer.compression import Compression
from core.transfer.journal import Journal
from core.transfer.pieces import cores
from core.transfer.plan import Need
from core.units import size

ENOUGH = 16 * 1024 * 1024
"""Bytes that are timed: what sockets and proxies hold back on the way is little beside them."""


_WORTH = 32
"""So many times what is timed must be stored, for a stronger codec to save more than is timed: a
tenth of what is sent, which is two fifths of what is stored."""


class Meter:
    """The rate at which a registry takes bytes, however many bodies are under way at a time.

    Only bytes that it has acknowledged count, and only the time in which something was under way:
    neither pauses nor slow disks make a link slow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._bodies = 0
        self._since = 0.0
        self._seconds = 0.0
        self.taken = 0

    @contextmanager
    def timing(self, length: int) -> Iterator[None]:
        """Around the sending of a body; it counts where no error is raised."""
        with self._lock:
            self._since = self._since if self._bodies else self._clock()
            self._bodies += 1
        taken = 0
        try:
            yield
            taken = length
        finally:
            with self._lock:
                self._bodies -= 1
                self.taken += taken
                if not self._bodies:
                    self._seconds += self._clock() - self._since

    @property
    def rate(self) -> float:
        """Bytes a second; 0 before anything was taken."""
        with self._lock:
            under_way = self._clock() - self._since if self._bodies else 0.0
            seconds = self._seconds + under_way
            return self.taken / seconds if seconds > 0 else 0.0


class Tuning:
    """The compression of a job, used by all its threads.

    Attributes:
        compression: what a layer is sent with that begins now.
        meter: times what is sent.
        enough: bytes that are timed before the choice is made.
    """

    def __init__(self, wanted: Compression, journal: Journal, enough: int = ENOUGH) -> None:
        self.compression = wanted
        self.meter = Meter()
        self._journal = journal
        self.enough = enough

    @property
    def is_open(self) -> bool:
        """Whether a choice is still to be made."""
        return self.compression.auto

    @property
    def knows_enough(self) -> bool:
        """Whether it can be made."""
        return self.meter.taken >= self.enough

    def timed_whole(self, needs: Iterable[Need]) -> list[Need]:
        """Blobs to be timed: the largest first that are no larger than what is timed in all.

        What begins before the choice ends as it began. So none of them is a large one but of those
        that the choice does not touch: they come last.
        """

        def key(need: Need) -> tuple[bool, int, str]:
            large = self._is_large(need)
            return large, need.blob.size if large else -need.blob.size, need.blob.digest

        whole = (need for need in needs if not need.blob.compressible or not self._is_large(need))
        return sorted(whole, key=key)

    def timed_in_part(self, needs: Iterable[Need]) -> list[Need]:
        """Large layers, of which the beginnings are timed where that was too little.

        None where so little is to be sent that the better choice would not make up for them.
        """
        large = [need for need in needs if need.blob.compressible and self._is_large(need)]
        stored = sum(need.blob.size for need in large)
        return large if stored >= _WORTH * self.enough else []

    def _is_large(self, need: Need) -> bool:
        return need.blob.size > self.enough

    def choose(self) -> bool:
        """Choose by what was timed, and write it down; where that is too little, nothing is chosen.

        Returns:
            Whether further layers get another form than those before.
        """
        if not (self.is_open and self.knows_enough):
            return False
        before, rate = self.compression, self.meter.rate
        chosen = before.decided(rate, cores())
        words = f"{chosen}: {size(rate)}/s to the registry, {cores()} cores"
        with self._journal.together():
            self._journal.set_facts(compression=str(chosen), link_rate=round(rate))
            self._journal.event("compression", words)
        self.compression = chosen
        return chosen.level != before.level
