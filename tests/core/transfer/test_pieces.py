"""Pieces: their order, what they hold at the most, and that every layer gets on."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.transfer.compression import Compression
from core.transfer.pieces import Helpers, pieces_of
from tests.core.transfer.making import joined, noise

SECONDS = 10


@given(sizes=st.lists(st.integers(0, 50), max_size=30), piece=st.integers(1, 120))
def test_pieces_are_all_blocks_in_their_order(sizes: list[int], piece: int) -> None:
    blocks = [bytes([number]) * size for number, size in enumerate(sizes)]
    made = list(pieces_of(blocks, piece))
    assert [block for one in made for block in one] == blocks
    assert all(sum(map(len, one)) >= piece for one in made[:-1])


@pytest.mark.parametrize("count", [1, 2, 7])
def test_the_bytes_are_the_same_however_many_cores_there_are(count: int) -> None:
    content = [noise(f"block {number}", 30_000) + bytes(30_000) for number in range(40)]
    gzip = Compression("gzip", 6)

    def whole(piece: list[bytes]) -> bytes:
        return joined(gzip.apply(piece))

    alone = [whole(piece) for piece in pieces_of(content, 100_000)]
    assert list(Helpers(count).each(whole, pieces_of(content, 100_000))) == alone


def test_an_error_comes_where_its_result_would_have_come() -> None:
    helpers, taken = Helpers(2), list[int]()
    with pytest.raises(ZeroDivisionError):
        taken.extend(helpers.each(lambda divisor: 12 // divisor, [1, 2, 3, 0, 4]))
    assert taken == [12, 6, 4]
    assert list(helpers.each(abs, range(20))) == list(range(20)), "its room was given back"


def test_all_helpers_work_at_the_same_time() -> None:
    together = threading.Barrier(3)
    assert list(Helpers(3).each(lambda _: together.wait(SECONDS) >= 0, range(3))) == [True] * 3


def test_no_more_is_read_than_there_is_room_for() -> None:
    read: list[int] = []

    def items() -> Iterator[int]:
        for number in range(100):
            read.append(number)
            yield number

    results = Helpers(2).each(abs, items())
    for number in range(100):
        assert next(results) == number
        assert len(read) <= number + 4, "three in hand, and one that waits for room"


def test_where_others_have_all_helpers_a_layer_gets_on_by_itself() -> None:
    go_on, full = threading.Event(), threading.Event()
    helpers = Helpers(2)

    def items() -> Iterator[int]:
        yield from range(3)
        full.set()
        yield 3

    def others() -> None:
        assert list(helpers.each(lambda _: go_on.wait(SECONDS), items())) == [True] * 4

    other = threading.Thread(target=others)
    other.start()
    try:
        assert full.wait(SECONDS)
        workers = list(helpers.each(lambda _: threading.current_thread(), range(3)))
        assert workers == [threading.current_thread()] * 3
    finally:
        go_on.set()
        other.join()
    assert helpers._in_hand == 0


def test_the_more_layers_the_less_is_held_for_each() -> None:
    helpers = Helpers(2)
    with ExitStack() as stack:
        for _ in range(4):
            layer = stack.enter_context(closing(helpers.each(abs, range(50))))
            assert next(layer) == 0
        workers = helpers.each(lambda _: threading.current_thread(), range(3))
        assert list(workers) == [threading.current_thread()] * 3
    assert helpers._in_hand == 0


def test_who_gives_up_leaves_room_for_the_next() -> None:
    helpers = Helpers(2)
    for _ in range(5):
        with closing(helpers.each(abs, range(50))) as given_up:
            assert next(given_up) == 0
    assert helpers._in_hand == 0
