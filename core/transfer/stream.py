"""One blob that several mirrors read together: what was made of it and is kept for them.

All but `produce` is called with the lock of the broadcast.
"""

import threading
from collections import deque
from collections.abc import Generator
from typing import TYPE_CHECKING

from core.archive.model import Blob
from core.transfer.chunks import Outgoing
from core.transfer.compression import Compression

if TYPE_CHECKING:
    from core.transfer.broadcast import Member, Reading

Place = tuple[int, str]
"""Of a blob in the order of a plan: the largest comes first."""

Key = tuple[str, int, Compression | None]
"""Blobs that become the same bytes."""


def place_of(blob: Blob) -> Place:
    """Where it comes in the order of a plan."""
    return -blob.size, blob.digest


def key_of(blob: Blob, compression: Compression) -> Key:
    """What is not compressed on the way is the same with every compression."""
    return blob.digest, blob.size, compression if blob.compressible else None


class Stream:
    """The blocks of a blob, made one after the other by whoever needs the next.

    Attributes:
        readings: of those that go through it now.
        served: all that ever did.
        blocks: that are kept, each with its position.
        first: number of the first that is kept.
        held: bytes of them.
        making: somebody makes the next.
        ended: nothing more comes.
        broke: because of an error.
        held_up_since: when somebody began to wait for whoever lags behind at this block.
        charged: until when waiting was charged.
    """

    def __init__(self, key: Key, place: Place, made: Outgoing, lock: threading.Lock) -> None:
        self.key = key
        self.place = place
        self.outgoing = made
        self.changed = threading.Condition(lock)
        self.readings: list[Reading] = []
        self.served: set[Member] = set()
        self.blocks: deque[tuple[bytes, int]] = deque()
        self.first = 0
        self.held = 0
        self.making = False
        self.ended = False
        self.held_up_since: float | None = None
        self.charged = 0.0
        self._error: BaseException | None = None
        self._source = self._all()

    @property
    def broke(self) -> bool:
        """Whether an error ended it."""
        return self._error is not None

    @property
    def made(self) -> int:
        """How many blocks there are so far."""
        return self.first + len(self.blocks)

    def lagging(self) -> "list[Reading]":
        """Those that have not taken the first block that is kept."""
        return [one for one in self.readings if one.next == self.first] if self.blocks else []

    def leave_behind(self, reading: "Reading") -> None:
        """Go on without."""
        reading.left_behind = True
        self.readings.remove(reading)

    def block(self, reading: "Reading") -> tuple[bytes, int]:
        """The next one of a reading."""
        found = self.blocks[reading.next - self.first]
        reading.next += 1
        self.changed.notify_all()
        return found

    def check(self) -> None:
        """For a reading that has taken all.

        Raises:
            BaseException: what ended it before its end.
        """
        if self._error is not None:
            raise self._error

    def keep(self, block: tuple[bytes, int]) -> None:
        """A block more."""
        self.blocks.append(block)
        self.held += len(block[0])

    def drop_first(self) -> None:
        """All that need it have it."""
        piece, _ = self.blocks.popleft()
        self.first += 1
        self.held -= len(piece)
        self.held_up_since = None

    def produce(self) -> tuple[bytes, int] | None:
        """Make the next block, without the lock; None where there is none any more."""
        try:
            return next(self._source)
        except StopIteration:
            self.ended = True
        except BaseException as error:  # noqa: BLE001 - everybody who reads on finds it
            self._error, self.ended = error, True
        return None

    def close(self) -> None:
        """Nobody goes on with it."""
        self._source.close()

    def _all(self) -> Generator[tuple[bytes, int]]:
        for piece in self.outgoing.blocks():
            yield piece, self.outgoing.position
