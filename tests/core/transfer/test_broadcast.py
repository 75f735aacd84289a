"""Reading once for several mirrors, whatever each of them does."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field

import pytest

from core.archive.model import Blob
from core.errors import ArchiveError, Interrupted
from core.oci import DOCKER_LAYER, digest_of
from core.transfer.broadcast import Broadcast, Member, Reading
from core.transfer.chunks import Outgoing
from core.transfer.compression import Compression
from tests.core.transfer.making import GZIP, noise, packed

MIB = 1024 * 1024
SECONDS = 20.0
ZSTD = Compression("zstd", 1)


@dataclass
class Counted:
    """Bytes in memory that count how often they are read."""

    content: bytes
    reads: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def size(self) -> int:
        return len(self.content)

    def read_at(self, offset: int, length: int) -> bytes:
        with self.lock:
            self.reads += length
        return self.content[offset : offset + length]


def layer(name: str, size: int, digest: str = "") -> tuple[Blob, Counted]:
    """A layer that does not get smaller, and what it is read from."""
    source = Counted(noise(name, size))
    digest = digest or digest_of(source.content)
    return Blob(digest, size, DOCKER_LAYER, name, source, compressible=True), source


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(16) as running:
        yield running


def ended(future: "Future[bytes]") -> bytes:
    return future.result(SECONDS)


def members(broadcast: Broadcast, count: int, *, lined_up: bool = True) -> list[Member]:
    made = [broadcast.member(threading.Event()) for _ in range(count)]
    for one in made:
        one.lined_up = lined_up
    return made


def whole(member: Member, blob: Blob, compression: Compression = GZIP) -> bytes:
    """All of a blob, as a sender takes it."""
    with member.in_hand(blob), closing(member.read(blob, compression)) as outgoing:
        return all_of(outgoing)


def all_of(outgoing: Outgoing) -> bytes:
    taken = b"".join(outgoing.blocks())
    assert outgoing.digest == digest_of(taken)
    return taken


def until(condition: Callable[[], bool]) -> None:
    give_up = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < give_up, "it took too long"
        time.sleep(0.002)


@pytest.mark.parametrize("size", [0, 1, 3 * MIB + 7, 9 * MIB], ids=["0", "1", "3MiB", "pieces"])
def test_all_get_the_same_and_it_is_made_once(
    size: int, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.transfer.compression.LARGE", 8 * MIB)
    blob, source = layer("a", size)
    broadcast = Broadcast(room=8 * MIB)
    futures = [pool.submit(whole, one, blob) for one in members(broadcast, 3)]

    assert {ended(one) for one in futures} == {packed(blob)}
    assert source.reads == size + size  # once for all, and once for the comparison
    assert broadcast.held == 0


def test_what_is_not_compressed_is_shared_whatever_each_compresses_with() -> None:
    source = Counted(noise("ready", MIB))
    blob = Blob(digest_of(source.content), MIB, "", "ready", source)
    first, second = members(Broadcast(), 2)

    assert whole(first, blob, GZIP) == whole(second, blob, ZSTD) == source.content
    assert source.reads == MIB


def test_another_compression_makes_other_bytes_and_nobody_waits(pool: ThreadPoolExecutor) -> None:
    blob, source = layer("a", 4 * MIB)
    first, second = members(Broadcast(room=MIB, patience=SECONDS * 10), 2)

    futures = [pool.submit(whole, first, blob, GZIP), pool.submit(whole, second, blob, ZSTD)]

    assert ended(futures[0]) == packed(blob)
    assert ended(futures[1]) != packed(blob)
    assert source.reads == 4 * 4 * MIB


def test_who_comes_while_the_beginning_is_kept_joins() -> None:
    blob, source = layer("a", 4 * MIB)
    early, late = members(Broadcast(room=8 * MIB), 2)
    with closing(early.read(blob, GZIP)) as outgoing:
        blocks = outgoing.blocks()
        taken = [next(blocks)]
        assert whole(late, blob) == packed(blob) == b"".join([*taken, *blocks])
    assert source.reads == 2 * 4 * MIB


def test_who_comes_later_reads_alone() -> None:
    blob, source = layer("a", 4 * MIB)
    early, late = members(Broadcast(room=MIB), 2)
    late.trusted = False  # nobody waits for it
    with closing(early.read(blob, GZIP)) as outgoing:
        blocks = outgoing.blocks()
        taken = [next(blocks) for _ in range(3)]
        assert whole(late, blob) == packed(blob) == b"".join([*taken, *blocks])
    assert source.reads == 3 * 4 * MIB


def test_a_damaged_blob_is_an_error_for_all_before_its_end(pool: ThreadPoolExecutor) -> None:
    blob, source = layer("a", 3 * MIB, digest=f"sha256:{'0' * 64}")
    futures = [pool.submit(whole, one, blob) for one in members(Broadcast(), 3)]
    for one in futures:
        with pytest.raises(ArchiveError, match="should have the digest"):
            ended(one)
    assert source.reads == 3 * MIB


def test_one_that_takes_no_more_is_left_behind_and_gets_the_same_bytes_later(
    pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    blob, source = layer("a", 8 * MIB)
    broadcast = Broadcast(room=MIB, patience=0.3)
    good, idle = members(broadcast, 2)
    with closing(idle.read(blob, GZIP)) as outgoing:
        blocks = outgoing.blocks()
        begun = time.monotonic()
        taken = [next(blocks)]
        assert ended(pool.submit(whole, good, blob)) == packed(blob)
        assert 0.2 < time.monotonic() - begun < SECONDS / 2
        assert not idle.trusted
        assert good.trusted
        reads = source.reads
        assert b"".join([*taken, *blocks]) == packed(blob)
        assert outgoing.digest == digest_of(packed(blob))
        assert source.reads == reads + 3 * 8 * MIB
    # It is not waited for again, with no blob.
    other, _ = layer("b", 8 * MIB)
    monkeypatch.setattr(broadcast, "_wait_for_others", None)
    with closing(idle.read(other, GZIP)) as outgoing:
        next(outgoing.blocks())
        assert ended(pool.submit(whole, good, other)) == packed(other)


def test_one_that_is_left_behind_while_it_waits_takes_nothing_of_the_others(
    pool: ThreadPoolExecutor,
) -> None:
    blob, _ = layer("a", 3 * MIB)
    broadcast = Broadcast()
    reading = members(broadcast, 1)[0].read(blob, GZIP)
    assert isinstance(reading, Reading)
    stream = reading.stream
    stream.making = True  # by somebody else
    taking = pool.submit(lambda: b"".join(reading.blocks()))
    until(lambda: bool(stream.changed._waiters))  # type: ignore[attr-defined]
    with broadcast.lock:
        for block in ((b"the first", 1), (b"the second", 2)):
            stream.keep(block)
        stream.leave_behind(reading)
        stream.drop_first()
        stream.making = False
        stream.changed.notify_all()
    assert ended(taking) == packed(blob)


def test_one_that_crawls_costs_no_more_than_the_patience(pool: ThreadPoolExecutor) -> None:
    blob, _ = layer("a", 12 * MIB)
    good, slow = members(Broadcast(room=MIB, patience=0.2), 2)

    def crawl() -> bytes:
        taken = []
        with slow.in_hand(blob), closing(slow.read(blob, GZIP)) as outgoing:
            for block in outgoing.blocks():
                taken.append(block)
                time.sleep(0.1)  # a link of 10 MB/s
        return b"".join(taken)

    crawling = pool.submit(crawl)
    until(lambda: slow.reached is not None)
    good_bytes = ended(pool.submit(whole, good, blob))
    assert not crawling.done()
    assert good_bytes == packed(blob)
    assert not slow.trusted
    assert ended(crawling) == packed(blob)


def test_one_that_holds_up_a_single_blob_of_many_costs_no_more_either(
    pool: ThreadPoolExecutor,
) -> None:
    broadcast = Broadcast(room=8 * MIB, patience=0.5)
    good, idle = members(broadcast, 2)
    for number in range(16):
        next(good.read(layer(f"{number}", 10)[0], GZIP).blocks())
    blob, _ = layer("a", 8 * MIB)
    next(idle.read(blob, GZIP).blocks())
    begun = time.monotonic()
    assert ended(pool.submit(whole, good, blob)) == packed(blob)
    assert time.monotonic() - begun < 8 * 0.5
    assert not idle.trusted


def test_one_of_about_the_same_speed_is_not_left_behind() -> None:
    member = members(Broadcast(patience=5.0), 1)[0]
    now = time.monotonic()
    for second in range(1, 1000):
        member.charge(0.2, now + second)
    assert member.trusted
    for second in range(1000, 1050):
        member.charge(0.5, now + second)
    assert not member.trusted


@pytest.mark.parametrize("how", ["close", "raise", "stop"])
def test_one_that_ends_on_the_way_does_not_disturb_the_others(
    how: str, pool: ThreadPoolExecutor
) -> None:
    blob, source = layer("a", 8 * MIB)
    broadcast = Broadcast(room=MIB, patience=SECONDS * 10)
    good, bad = members(broadcast, 2)

    def end_early() -> None:
        with bad.in_hand(blob), closing(bad.read(blob, GZIP)) as outgoing:
            for number, _ in enumerate(outgoing.blocks()):
                if number == 2 and how == "raise":
                    raise KeyError
                if number == 2 and how == "close":
                    return
                if number == 2 and how == "stop":
                    bad.stop.set()

    ending = pool.submit(end_early)
    assert ended(pool.submit(whole, good, blob)) == packed(blob)
    expected = {"raise": KeyError, "close": None, "stop": Interrupted}[how]
    error = ending.exception(SECONDS)
    assert (error and type(error)) is expected
    assert source.reads == 2 * 8 * MIB
    assert broadcast.held == 0


def test_one_that_is_still_to_come_is_waited_for_and_not_when_it_passes_over(
    pool: ThreadPoolExecutor,
) -> None:
    large, source = layer("large", 8 * MIB)
    broadcast = Broadcast(room=MIB, patience=SECONDS * 10)
    early, late = members(broadcast, 2)
    small, _ = layer("small", 1)
    first = pool.submit(whole, early, large)
    until(lambda: source.reads >= MIB)
    assert not first.done()
    assert whole(late, large) == ended(first)
    assert source.reads == 8 * MIB

    middle, source = layer("middle", 4 * MIB)
    second = pool.submit(whole, early, middle)
    until(lambda: source.reads >= MIB)
    assert not second.done()
    with late.in_hand(small):  # comes after the other in the order of the plan
        assert ended(second) == packed(middle)


@pytest.mark.parametrize("how", ["leaves", "stops", "declines"])
def test_nobody_waits_for_one_that_will_not_come(how: str, pool: ThreadPoolExecutor) -> None:
    blob, source = layer("a", 8 * MIB)
    broadcast = Broadcast(room=MIB, patience=SECONDS * 10)
    good, other = members(broadcast, 2)
    with other.in_hand(blob):
        waiting = pool.submit(whole, good, blob)
        until(lambda: source.reads >= MIB)
        assert not waiting.done()
        if how == "leaves":
            other.leave()
        elif how == "stops":
            other.stop.set()
        else:
            other.pass_over(blob)
        assert ended(waiting) == packed(blob)


def test_one_that_waits_is_stopped_at_once(pool: ThreadPoolExecutor) -> None:
    blob, source = layer("a", 8 * MIB)
    good, other = members(Broadcast(room=MIB, patience=SECONDS * 10), 2)
    waiting = pool.submit(whole, good, blob)
    until(lambda: source.reads >= MIB)
    begun = time.monotonic()
    good.stop.set()
    with pytest.raises(Interrupted):
        ended(waiting)
    assert time.monotonic() - begun < SECONDS / 4
    assert whole(other, blob) == packed(blob)


def test_all_line_up_before_the_first_blob(pool: ThreadPoolExecutor) -> None:
    small, source = layer("small", 10)
    early, late = members(Broadcast(patience=SECONDS * 10), 2, lined_up=False)
    waiting = pool.submit(whole, early, small)
    until(lambda: early.reached is not None)
    assert source.reads == 0
    assert whole(late, small) == ended(waiting)
    assert source.reads == 10


def test_one_that_never_lines_up_is_waited_for_only_so_long(pool: ThreadPoolExecutor) -> None:
    small, _ = layer("small", 10)
    early, missing = members(Broadcast(patience=0.2), 2, lined_up=False)
    begun = time.monotonic()
    assert ended(pool.submit(whole, early, small)) == packed(small)
    assert 0.2 <= time.monotonic() - begun < SECONDS / 4
    assert not missing.trusted
    assert whole(missing, small) == packed(small)


def test_what_is_kept_for_others_stays_in_its_room(pool: ThreadPoolExecutor) -> None:
    """One mirror is far ahead: nothing is kept of what lies long behind it."""
    blobs = [layer(str(number), MIB)[0] for number in range(12)]
    broadcast = Broadcast(room=3 * MIB, patience=0.2)
    ahead, behind = members(broadcast, 2)
    most = 0

    def go_ahead() -> bytes:
        nonlocal most
        for blob in blobs:
            with ahead.in_hand(blob), closing(ahead.read(blob, GZIP)) as outgoing:
                for _ in outgoing.blocks():
                    most = max(most, broadcast.held)
        return b""

    ended(pool.submit(go_ahead))
    assert 2 * MIB < most <= 4 * MIB + 4096
    for blob in blobs:
        assert whole(behind, blob) == packed(blob)
    ahead.leave()
    behind.leave()
    assert broadcast.held <= 4 * MIB + 4096
