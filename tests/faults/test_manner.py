"""Uploads to registries that want them otherwise than in chunks, and what goes wrong on the way."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.demo.registry import DemoRegistry
from core.errors import Code, Interrupted, RegistryError
from core.registry.blobs import hash_blob
from core.transfer.states import PlacementState
from tests.core.transfer.making import Site, layer, noise, packed, site, stored_blob, uploads_left
from tests.faults.gates import refusal
from tests.faults.profiles import Limit, NoChunks, NoWholeUpload
from tests.faults.scripts import FOREVER, CutRequest, LoseAnswer, On, Say, Together, status
from tests.fixtures.proxy import Answer, Exchange, Handler, Proxy

KIB = 1024
READY = stored_blob(noise("ready", 400 * KIB))
LAYER = layer(noise("layer", 300 * KIB) + b"text " * 40_000)
FINISH = ("PUT", "/uploads/")


@pytest.fixture
def place(counting_proxy: Proxy, namespace: str, journal_file: Path) -> Iterator[Site]:
    with site(counting_proxy, namespace, journal_file) as made:
        yield made


@pytest.fixture
def journal_file(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


@pytest.mark.parametrize("number", [400, 405, 415, 501])
def test_where_no_chunk_is_taken_a_blob_comes_in_one_piece(
    number: int, place: Site, counting_proxy: Proxy, registry: DemoRegistry
) -> None:
    counting_proxy.handler = Say(On("PATCH", times=FOREVER), status(number))
    assert place.send(READY) is PlacementState.SENT
    assert place.send(LAYER) is PlacementState.SENT
    assert place.content(READY.digest) == READY.read_all()
    assert place.content(place.sent_digest(LAYER)) == packed(LAYER)
    assert counting_proxy.count("PATCH") == 1, "once is enough to know"
    assert not uploads_left(registry, place.mirror.namespace)


def test_where_every_first_chunk_loses_the_session_a_blob_comes_in_one_piece(
    place: Site, counting_proxy: Proxy
) -> None:
    counting_proxy.handler = Say(On("PATCH", times=FOREVER), status(404))
    assert place.send(READY) is PlacementState.SENT
    assert place.content(READY.digest) == READY.read_all()
    assert counting_proxy.count("PATCH") == 2


@pytest.mark.parametrize(
    "fault",
    [
        CutRequest(On(*FINISH), 100 * KIB, reset=True),
        LoseAnswer(On(*FINISH)),
        Say(On(*FINISH, times=2), status(503)),
    ],
    ids=["cut", "answer lost", "503"],
)
def test_one_piece_that_breaks_off_begins_anew(
    fault: Handler, place: Site, counting_proxy: Proxy
) -> None:
    counting_proxy.handler = Together(fault, NoChunks())
    assert place.send(LAYER) is PlacementState.SENT
    assert place.content(place.sent_digest(LAYER)) == packed(LAYER)
    whole = 1 if isinstance(fault, LoseAnswer) else 2
    assert counting_proxy.bytes_sent("PUT") <= whole * len(packed(LAYER))


class StopInTheMiddle(NoChunks):
    """The operator stops the job while one piece is under way."""

    def __init__(self, place: Site) -> None:
        self._stop = place.stop

    def upload(self, exchange: Exchange, block: bytes) -> bytes:
        if exchange.method == "PUT":
            self._stop.set()
        return block


def test_a_stop_ends_one_piece_in_its_middle(
    counting_proxy: Proxy, namespace: str, journal_file: Path
) -> None:
    blob = stored_blob(noise("long", 30 * KIB * KIB))
    with site(counting_proxy, namespace, journal_file) as place:
        counting_proxy.handler = StopInTheMiddle(place)
        with pytest.raises(Interrupted):
            place.send(blob)
        assert counting_proxy.bytes_sent("PUT") < blob.size
    counting_proxy.handler = NoChunks()
    with site(counting_proxy, namespace, journal_file) as place:
        assert place.send(blob) is PlacementState.SENT
        repository = place.repository("a")
        assert hash_blob(place.session, repository, blob.digest) == blob.size


def test_one_piece_that_is_too_large_is_told(place: Site, counting_proxy: Proxy) -> None:
    counting_proxy.handler = Together(Limit(200 * KIB, lambda: Answer(413)), NoChunks())
    with pytest.raises(RegistryError) as caught:
        place.send(READY)
    assert caught.value.code is Code.BODY_TOO_LARGE


def test_where_a_put_brings_nothing_a_patch_does(place: Site, counting_proxy: Proxy) -> None:
    counting_proxy.handler = NoWholeUpload()
    small = [stored_blob(noise(f"small {number}", 5 * KIB)) for number in range(3)]
    for blob in small:
        assert place.send(blob) is PlacementState.SENT
        assert place.content(blob.digest) == blob.read_all()
    refused = [one for one in counting_proxy.matching("PUT") if one.status == 404]
    assert len(refused) == 2, "then it is known"


@pytest.mark.parametrize(
    "answer",
    [
        lambda: refusal(416, "X", "the request body is too large and exceeds the limit of 4.00MiB"),
        lambda: Answer(416),
    ],
    ids=["in words", "without"],
)
def test_a_416_that_means_the_size_makes_chunks_smaller(
    answer: Callable[[], Answer], counting_proxy: Proxy, namespace: str, journal_file: Path
) -> None:
    counting_proxy.handler = Limit(128 * KIB, answer)
    with site(counting_proxy, namespace, journal_file, chunk_size=256 * KIB) as place:
        assert place.send(READY) is PlacementState.SENT
        assert place.content(READY.digest) == READY.read_all()
        assert len([one for one in counting_proxy.matching() if one.status == 416]) == 1


def test_a_stray_refusal_of_a_chunk_holds_for_no_other_blob(
    place: Site, counting_proxy: Proxy
) -> None:
    """What a proxy says that is being reloaded must not send all that follows in one piece."""
    stray = Say(On("PATCH"), status(400))
    counting_proxy.handler = Together(Limit(200 * KIB, lambda: Answer(413)), stray)
    with pytest.raises(RegistryError) as caught:
        place.send(READY)
    assert caught.value.code is Code.BODY_TOO_LARGE
    assert place.send(READY) is PlacementState.SENT
    assert place.content(READY.digest) == READY.read_all()


def test_sessions_that_are_lost_by_chance_hold_for_no_other_blob(
    place: Site, counting_proxy: Proxy
) -> None:
    lost = Say(On("PATCH", times=2), status(404))
    counting_proxy.handler = Together(Limit(200 * KIB, lambda: Answer(413)), lost)
    with pytest.raises(RegistryError):
        place.send(READY)
    assert place.send(READY) is PlacementState.SENT
    assert lost.on.struck == 2
