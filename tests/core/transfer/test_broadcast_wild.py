"""Reading once for several mirrors that do all kinds of things, by chance."""

import random
import threading
import time
from contextlib import closing

import pytest

from core.archive.model import Blob
from core.errors import Interrupted
from core.transfer.broadcast import Broadcast, Member
from tests.core.transfer.making import GZIP, packed
from tests.core.transfer.test_broadcast import MIB, SECONDS, layer, members


@pytest.mark.parametrize("seed", range(6))
def test_whatever_they_do_each_that_goes_on_gets_all(seed: int) -> None:
    """Four threads a mirror take the blobs in order; some stop, crawl, skip or begin anew."""
    chance = random.Random(seed)  # noqa: S311 - the same on every run
    sizes = sorted((chance.randrange(3 * MIB) for _ in range(14)), reverse=True)
    blobs = sorted(
        (layer(f"{seed}-{number}", size)[0] for number, size in enumerate(sizes)),
        key=lambda one: (-one.size, one.digest),
    )
    expected = {blob.digest: packed(blob) for blob in blobs}
    broadcast = Broadcast(room=chance.choice([MIB, 4 * MIB]), patience=0.1)
    wild = [_Wild(one, blobs, seed * 10 + n) for n, one in enumerate(members(broadcast, 3))]
    for one in wild:
        one.start()
    for one in wild:
        one.join()
    assert all(one.got[key] == expected[key] for one in wild for key in one.got)
    assert all(len(one.got) + one.skipped == len(blobs) for one in wild if not one.stopped)
    assert not any(stream.readings for stream in broadcast._streams.values())


class _Wild:
    """A mirror whose threads do all kinds of things."""

    def __init__(self, member: Member, blobs: list[Blob], seed: int) -> None:
        self.got: dict[str, bytes] = {}
        self.skipped = 0
        self._member = member
        self._waiting = iter(blobs)
        self._lock = threading.Lock()
        self._chance = random.Random(seed)  # noqa: S311
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(4)]

    @property
    def stopped(self) -> bool:
        return self._member.stop.is_set()

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        for thread in self._threads:
            thread.join(SECONDS)
            assert not thread.is_alive(), "it hangs"
        self._member.leave()

    def _work(self) -> None:
        while not self.stopped:
            with self._lock:
                blob, deed = next(self._waiting, None), self._chance.random()
            if blob is None:
                return
            with self._member.in_hand(blob):
                if deed < 0.1:
                    with self._lock:
                        self.skipped += 1
                    continue
                if deed < 0.13:
                    self._member.stop.set()
                try:
                    if deed < 0.4:  # it breaks off, and begins anew
                        with closing(self._member.read(blob, GZIP)) as outgoing:
                            next(outgoing.blocks(), None)
                    self.got[blob.digest] = self._take(blob, crawls=deed > 0.85)
                except Interrupted:
                    return

    def _take(self, blob: Blob, *, crawls: bool) -> bytes:
        taken = []
        with closing(self._member.read(blob, GZIP)) as outgoing:
            for block in outgoing.blocks():
                taken.append(block)
                time.sleep(0.05 * crawls)
        return b"".join(taken)
