"""Large layers in pieces, which all cores compress at the same time."""

import os
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

PIECE = 2 * 1024 * 1024
"""Bytes of a piece as stored, where nothing else is asked for."""

MOST_HELPERS = 8
"""One thread hashes what so many compress; more would only hold memory."""


def cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0))


def pieces_of(blocks: Iterable[bytes], size: int = PIECE) -> Iterator[list[bytes]]:
    """Consecutive blocks together, each time until there are `size` bytes at least."""
    piece: list[bytes] = []
    length = 0
    for block in blocks:
        piece.append(block)
        length += len(block)
        if length >= size:
            yield piece
            piece, length = [], 0
    if piece:
        yield piece


class Helpers:
    """Threads that work on pieces of several layers; what they hold in all is bounded.

    A layer that is alone gets all of them. The more layers there are at a time, the more of the
    work each does in its own thread: the cores are busy then, and pieces that wait would only fill
    memory.

    Args:
        count: how many threads; they are started when they are needed.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="helper")
        self._lock = threading.Lock()
        self._layers = 0
        self._in_hand = 0

    def each(self, work: Callable[[_Item], _Result], items: Iterable[_Item]) -> Generator[_Result]:
        """The result of `work` for each item, in the order of the items."""
        under_way: deque[Future[_Result]] = deque()
        self._count_layers(1)
        try:
            for item in items:
                room = self._take_room()
                while not room and under_way:
                    yield self._finish(under_way)
                    room = self._take_room()
                if room:
                    under_way.append(self._pool.submit(work, item))
                else:
                    yield work(item)
                del item  # else two pieces would be held while the next one is read
            while under_way:
                yield self._finish(under_way)
        finally:
            self._count_layers(-1)
            for one in under_way:
                one.cancel()
                self._give_room()

    def _finish(self, under_way: "deque[Future[_Result]]") -> _Result:
        """The first result; there is room for another item then."""
        try:
            return under_way[0].result()
        finally:
            under_way.popleft()
            self._give_room()

    def _count_layers(self, more: int) -> None:
        with self._lock:
            self._layers += more

    def _take_room(self) -> bool:
        """Room for an item, where a helper is likely to be free."""
        with self._lock:
            # One more than there are threads, so that none waits for its next item to be read.
            free = self._in_hand < self._count + 1 - (self._layers - 1)
            self._in_hand += free
            return free

    def _give_room(self) -> None:
        with self._lock:
            self._in_hand -= 1


HELPERS = Helpers(min(cores(), MOST_HELPERS))
"""Those of this process: there are not more cores because more layers are under way."""
