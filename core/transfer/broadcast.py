"""Reading and compressing each blob once for several mirrors.

The engines take the blobs in the same order. Who comes to a blob first begins to read it; what
comes out is kept for a while, so that the others get the same blocks. Whoever needs a block that
is not made yet makes it for all: there is no thread in between that could hang.

The room for what is kept is small, so the slowest mirror paces the others. That has its limits:
one that is away, or much slower, is left behind. It goes on with its own reading and sends the same
bytes, only that they are made once more.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from core.archive.model import Blob
from core.errors import Interrupted
from core.transfer.chunks import Outgoing, outgoing
from core.transfer.compression import Compression
from core.transfer.source import Source
from core.transfer.stream import Key, Place, Stream, key_of, place_of

ROOM = 32 * 1024 * 1024
"""Bytes that are kept for others, of all blobs together."""

PATIENCE = 5.0
"""Seconds that a mirror may hold the others up: at a stretch, and in sum beyond `_REGAINED`."""

_REGAINED = 0.25
"""Seconds of patience that each second gives back: mirrors of about the same speed stay together,
and none costs the others more than a third of their time."""

_LOOK = 0.1


class Broadcast:
    """What several mirrors read together.

    Args:
        room: bytes that are kept for others at the most, and one block for each blob.
        patience: seconds that one may hold the others up.
    """

    def __init__(
        self,
        room: int = ROOM,
        patience: float = PATIENCE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.lock = threading.Lock()
        self.patience = patience
        self.clock = clock
        self.began = clock()
        self.members: list[Member] = []
        self._room = room
        self._streams: dict[Key, Stream] = {}
        self._lined_up = threading.Condition(self.lock)

    def member(self, stop: threading.Event) -> "Member":
        """A mirror more; all are told before the first begins.

        Args:
            stop: set when its job is to stop.
        """
        one = Member(self, stop)
        self.members.append(one)
        return one

    @property
    def held(self) -> int:
        """Bytes that are kept now."""
        return sum(stream.held for stream in self._streams.values())

    def line_up(self, member: "Member") -> None:
        """Before the first blob: wait for those that still ask what their mirror holds.

        As long again as it took ourselves, and a little more; who comes later has missed too much.
        """
        limit = self.clock() + self.patience + (self.clock() - self.began)
        with self.lock:
            while not member.lined_up:
                missing = [one for one in self.members if one.is_expected_to_begin]
                if self.clock() >= limit:
                    for one in missing:
                        one.trusted = False
                if not missing or member.stop.is_set() or self.clock() >= limit:
                    member.lined_up = True
                    return
                self._lined_up.wait(_LOOK)

    def tell(self) -> None:
        """A member got on; called with the lock."""
        self._lined_up.notify_all()
        for stream in self._streams.values():
            stream.changed.notify_all()

    def join(self, member: "Member", blob: Blob, compression: Compression) -> Outgoing:
        """The blob from its beginning: with others, or alone where they are further already."""
        key = key_of(blob, compression)
        with self.lock:
            member.places.discard(place_of(blob))
            stream = self._streams.get(key)
            if stream is None:
                made = outgoing(blob, compression)
                stream = self._streams[key] = Stream(key, place_of(blob), made, self.lock)
            elif stream.first or stream.broke:
                self.tell()
                return outgoing(blob, compression)
            reading = Reading(self, stream, member, blob, compression)
            stream.readings.append(reading)
            stream.served.add(member)
            self.tell()
        return reading

    def take(self, reading: "Reading") -> tuple[bytes, int] | None:
        """The next block with its position; None at the end.

        Raises:
            _LeftBehindError: the others went on without.
            Interrupted: the job is to stop.
        """
        stream = reading.stream
        while True:
            with self.lock:
                if self._is_ready(reading):
                    if reading.next < stream.made:
                        return stream.block(reading)
                    stream.check()
                    return None
                stream.making = True
            self._make(stream)

    def leave(self, reading: "Reading") -> None:
        """It takes no more."""
        with self.lock:
            reading.closed = True
            if reading in reading.stream.readings:
                reading.stream.readings.remove(reading)
            self._tidy(reading.stream)
            reading.stream.changed.notify_all()

    def _is_ready(self, reading: "Reading") -> bool:
        """Wait for a block to take, or for the end; False where this reading is to make one."""
        stream = reading.stream
        while True:
            reading.check()  # after each wait: the others may have gone on without
            if reading.next < stream.made or stream.ended:
                return True
            if stream.making:
                stream.changed.wait(_LOOK)
            elif self._has_room(stream):
                return False
            else:
                self._wait_for_others(stream)

    def _make(self, stream: Stream) -> None:
        """Make the next block, for all."""
        block = stream.produce()
        with self.lock:
            stream.making = False
            if block is not None:
                stream.keep(block)
            self._tidy(stream)
            stream.changed.notify_all()

    def _has_room(self, stream: Stream) -> bool:
        """Whether a block more may be kept; what nobody waits for is given up for it."""
        self._evict()
        share = self._room // sum(bool(one.readings) for one in self._streams.values())
        while stream.held >= share and stream.blocks:
            for one in stream.lagging():
                if not one.member.trusted:
                    stream.leave_behind(one)
            if stream.lagging() or self._awaited(stream):
                return False
            stream.drop_first()
        return True

    def _awaited(self, stream: Stream) -> "list[Member]":
        """Those that are still to begin with it."""
        if stream.first:
            return []
        return [one for one in self.members if one not in stream.served and one.wants(stream.place)]

    def _slow(self, stream: Stream) -> "set[Member]":
        """Those that hold the others up."""
        return {one.member for one in stream.lagging()} | set(self._awaited(stream))

    def _wait_for_others(self, stream: Stream) -> None:
        """Wait a moment, at the expense of those that hold the others up."""
        slow = self._slow(stream)
        begun = max(self.clock(), stream.charged)
        if stream.held_up_since is None:
            stream.held_up_since = self.clock()
        stream.changed.wait(_LOOK)
        now = self.clock()
        spent, stream.charged = max(0.0, now - begun), max(now, stream.charged)
        still = self._slow(stream)
        stretch = now - stream.held_up_since if stream.held_up_since is not None else 0.0
        at_a_time = sum(bool(one.readings) for one in self._streams.values())
        for member in slow:
            member.charge(spent / max(1, at_a_time), now)
            if member in still and stretch > self.patience:
                member.trusted = False

    def _evict(self) -> None:
        """Blobs that are through are kept for whoever comes later, but only where there is room."""
        through = [one for one in self._streams.values() if not one.readings and not one.making]
        for stream in through:
            if self.held < self._room and self._awaited(stream):
                continue
            del self._streams[stream.key]

    def _tidy(self, stream: Stream) -> None:
        """Forget a blob that nobody reads: for good, or because its reader gave up on the way."""
        if stream.readings or stream.making or self._streams.get(stream.key) is not stream:
            return
        if not stream.ended or stream.broke or not self._awaited(stream):
            del self._streams[stream.key]
            stream.close()


class Member(Source):
    """One mirror among those that are fed together.

    Attributes:
        stop: set when its job is to stop.
        active: its job is under way.
        trusted: the others wait for it; once it has used up their patience they never do again.
        places: of blobs in hand that are not read yet.
        reached: the furthest place where it has begun; None before the first.
        lined_up: it has waited for the others before its first blob.
    """

    def __init__(self, broadcast: Broadcast, stop: threading.Event) -> None:
        self.stop = stop
        self.active = True
        self.trusted = True
        self.places: set[Place] = set()
        self.reached: Place | None = None
        self.lined_up = False
        self._broadcast = broadcast
        self._credit = broadcast.patience
        self._charged = broadcast.clock()

    @contextmanager
    def in_hand(self, blob: Blob) -> Iterator[None]:
        """See `Source`."""
        place, shared = place_of(blob), self._broadcast
        with shared.lock:
            self.places.add(place)
            self.reached = place if self.reached is None else max(self.reached, place)
            shared.tell()
        try:
            if not self.lined_up:
                shared.line_up(self)
            yield
        finally:
            self.pass_over(blob)

    def read(self, blob: Blob, compression: Compression) -> Outgoing:
        """See `Source`."""
        return self._broadcast.join(self, blob, compression)

    def pass_over(self, blob: Blob) -> None:
        """See `Source`."""
        with self._broadcast.lock:
            self.places.discard(place_of(blob))
            self._broadcast.tell()

    def leave(self) -> None:
        """All of its blobs are through, or it ends without."""
        with self._broadcast.lock:
            self.active = False
            self.places.clear()
            self._broadcast.tell()

    @property
    def is_expected_to_begin(self) -> bool:
        """Whether its first blob is still to come."""
        return self.active and self.reached is None and not self.stop.is_set()

    def wants(self, place: Place) -> bool:
        """Whether it is worth while to wait until it comes to a blob."""
        if not (self.active and self.trusted) or self.stop.is_set():
            return False
        return self.reached is None or place > self.reached or place in self.places

    def charge(self, seconds: float, now: float) -> None:
        """The others have waited so long for it."""
        regained = (now - self._charged) * _REGAINED
        self._credit = min(self._broadcast.patience, self._credit + regained) - seconds
        self._charged = now
        self.trusted &= self._credit > 0


class _LeftBehindError(Exception):
    """The others went on without this one."""


class Reading:
    """A blob on its way to one mirror, read with others as long as it keeps up.

    Attributes:
        next: number of the block to be taken next.
        position: see `Outgoing`.
        digest: see `Outgoing`.
    """

    def __init__(
        self,
        broadcast: Broadcast,
        stream: Stream,
        member: Member,
        blob: Blob,
        compression: Compression,
    ) -> None:
        self.stream = stream
        self.member = member
        self.next = 0
        self.closed = False
        self.left_behind = False
        self.position = 0
        self.digest = ""
        self._broadcast = broadcast
        self._blob = blob
        self._compression = compression

    def check(self) -> None:
        """Whether it may go on to take; called with the lock."""
        if self.closed or self.member.stop.is_set():
            raise Interrupted
        if self.left_behind:
            raise _LeftBehindError

    def blocks(self) -> Iterator[bytes]:
        """See `Outgoing`."""
        taken = 0
        try:
            while (block := self._broadcast.take(self)) is not None:
                piece, self.position = block
                taken += len(piece)
                yield piece
        except _LeftBehindError:
            yield from self._alone(taken)
        else:
            self.digest = self.stream.outgoing.digest

    def close(self) -> None:
        """See `Outgoing`."""
        self._broadcast.leave(self)

    def _alone(self, taken: int) -> Iterator[bytes]:
        """The rest, from an own reading; the same bytes come out."""
        own = outgoing(self._blob, self._compression)
        passed = 0
        for piece in own.blocks():
            before, passed = passed, passed + len(piece)
            if self.closed or self.member.stop.is_set():
                raise Interrupted
            if passed > taken:
                self.position = own.position
                yield piece[max(0, taken - before) :]
        self.digest = own.digest
