"""Preparing the next piece while this one is under way."""

import threading
from collections import deque
from collections.abc import Iterable, Iterator
from contextvars import copy_context
from typing import Generic, TypeVar

_Item = TypeVar("_Item")


class _End:
    """Marks the end of the items, or the error that ended them."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


class LookAhead(Generic[_Item]):
    """Goes through an iterable in a thread of its own, a little ahead of whoever takes the items.

    What the iterable raises is raised where its item would have come. Leaving the `with` block
    ends the thread, whether all was taken or not: it waits for the item that is being made.

    Args:
        items: gone through in the other thread only.
        depth: how many items wait at the most, the one that is being made among them.
    """

    def __init__(self, items: Iterable[_Item], depth: int = 1) -> None:
        self._items = items
        self._depth = depth
        self._waiting: deque[_Item | _End] = deque()
        self._changed = threading.Condition()
        self._given_up = False
        self._thread = threading.Thread(
            target=copy_context().run, args=(self._produce,), name="look-ahead", daemon=True
        )

    def __enter__(self) -> Iterator[_Item]:
        self._thread.start()
        return self._take()

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._given_up = True
            self._waiting.clear()
            self._changed.notify_all()
        self._thread.join()

    def _produce(self) -> None:
        end = _End()
        try:
            for item in self._items:
                if not self._put(item):
                    return
        except BaseException as error:  # noqa: BLE001 - it is raised again by the taker
            end = _End(error)
        self._put(end)

    def _put(self, item: _Item | _End) -> bool:
        """Wait until another may be made; False where nobody takes any more."""
        with self._changed:
            if not self._given_up:
                self._waiting.append(item)
                self._changed.notify_all()
            self._changed.wait_for(lambda: self._given_up or len(self._waiting) < self._depth)
            return not self._given_up

    def _take(self) -> Iterator[_Item]:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
                item = self._waiting.popleft()
                self._changed.notify_all()
            if isinstance(item, _End):
                if item.error is not None:
                    raise item.error
                return
            yield item
