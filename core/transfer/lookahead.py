"""Preparing the next piece while this one is under way."""

import queue
import threading
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

_Item = TypeVar("_Item")


class _End:
    """Marks the end of the items, or the error that ended them."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


class LookAhead(Generic[_Item]):
    """Goes through an iterable in a thread of its own, a little ahead of whoever takes the items.

    What the iterable raises is raised where its item would have come. Leaving the `with` block
    ends the thread, whether all was taken or not.

    Args:
        items: gone through in the other thread only.
        depth: how many items wait at the most; one more is being made.
    """

    def __init__(self, items: Iterable[_Item], depth: int = 1) -> None:
        self._items = items
        self._queue: queue.Queue[_Item | _End] = queue.Queue(maxsize=depth)
        self._given_up = threading.Event()
        self._thread = threading.Thread(target=self._produce, name="look-ahead", daemon=True)

    def __enter__(self) -> Iterator[_Item]:
        self._thread.start()
        return self._take()

    def __exit__(self, *_: object) -> None:
        self._given_up.set()
        while self._thread.is_alive():
            # The thread may be waiting for room: make some until it has seen that nobody takes.
            try:
                self._queue.get(timeout=0.01)
            except queue.Empty:
                self._thread.join(0.01)

    def _produce(self) -> None:
        end = _End()
        try:
            for item in self._items:
                self._queue.put(item)
                if self._given_up.is_set():
                    return
        except BaseException as error:  # noqa: BLE001 - it is raised again by the taker
            end = _End(error)
        self._queue.put(end)

    def _take(self) -> Iterator[_Item]:
        while True:
            item = self._queue.get()
            if isinstance(item, _End):
                if item.error is not None:
                    raise item.error
                return
            yield item
