"""One blob into one repository of a real registry, through a proxy that makes trouble."""

import re

import pytest

from core.archive.model import Blob
from core.demo.registry import DemoRegistry
from core.oci import digest_of
from core.registry.blobs import has_blob
from core.transfer.chunk_size import LARGEST_FORCED_CHUNK, SMALLEST_CHUNK, ChunkSize
from core.transfer.states import PlacementState
from tests.core.transfer.making import (
    Site,
    layer,
    noise,
    packed,
    stored_blob,
    uploads_left,
)
from tests.fixtures.proxy import Answer, Exchange, Handler, Proxy

KIB = 1024
CHUNK = 64 * KIB
BLOB = stored_blob(noise("sent", 5 * CHUNK + 1_000))
LAYER = layer(noise("layer", 200_000) + b"text " * 40_000)
SENT_LAYER = packed(LAYER)


def test_a_blob_arrives_in_chunks_of_the_wanted_size(place: Site, counting_proxy: Proxy) -> None:
    assert place.send(BLOB) is PlacementState.SENT
    assert place.content(BLOB.digest) == BLOB.read_all()
    assert [one.sent for one in counting_proxy.matching("PATCH")] == [CHUNK] * 5
    assert [one.sent for one in counting_proxy.matching("PUT")] == [1_000]
    assert place.journal.placement(BLOB, place.repository("a")).state is PlacementState.SENT
    assert place.journal.open_uploads() == []
    assert place.progress.sent_bytes == BLOB.size


def test_a_small_blob_takes_one_request_with_its_bytes(place: Site, counting_proxy: Proxy) -> None:
    small = stored_blob(b"small")
    assert place.send(small) is PlacementState.SENT
    assert counting_proxy.count("PATCH") == 0
    assert counting_proxy.count("PUT") == 1


@pytest.mark.parametrize("blob", [stored_blob(b""), layer(b"")], ids=["as stored", "compressed"])
def test_an_empty_blob_arrives(place: Site, blob: Blob) -> None:
    assert place.send(blob) is PlacementState.SENT
    known = place.journal.known_as(blob)
    assert known
    assert has_blob(place.session, place.repository("a"), *known)


def test_a_layer_is_compressed_and_its_new_name_is_remembered(place: Site) -> None:
    assert place.send(LAYER) is PlacementState.SENT
    assert place.journal.known_as(LAYER) == (digest_of(SENT_LAYER), len(SENT_LAYER))
    assert place.content(digest_of(SENT_LAYER)) == SENT_LAYER


def test_what_the_journal_knows_to_be_there_costs_no_request(
    place: Site, counting_proxy: Proxy
) -> None:
    place.send(BLOB)
    counting_proxy.forget()
    assert place.send(BLOB) is PlacementState.SENT
    assert counting_proxy.count() == 0


@pytest.mark.parametrize("blob", [BLOB, LAYER], ids=["as stored", "compressed"])
def test_what_the_registry_holds_already_is_not_sent(
    place: Site, counting_proxy: Proxy, blob: Blob
) -> None:
    place.send(blob)
    place.journal.forget_placements(place.repository("a"), [blob.digest])
    counting_proxy.forget()
    assert place.send(blob) is PlacementState.PRESENT
    assert counting_proxy.bytes_sent() == 0
    assert counting_proxy.count("POST") == 0


def test_it_is_mounted_where_another_repository_holds_it(
    place: Site, counting_proxy: Proxy
) -> None:
    place.send(LAYER, "a")
    counting_proxy.forget()
    assert place.send(LAYER, "b", holders=("a",)) is PlacementState.MOUNTED
    assert counting_proxy.bytes_sent() == 0
    assert place.content(digest_of(SENT_LAYER), "b") == SENT_LAYER


def test_a_holder_of_an_earlier_run_is_found_in_the_journal(
    place: Site, counting_proxy: Proxy
) -> None:
    place.send(LAYER, "a")
    counting_proxy.forget()
    assert place.send(LAYER, "b") is PlacementState.MOUNTED
    assert counting_proxy.bytes_sent() == 0


def test_holders_that_hold_nothing_any_more_are_passed_over(
    place: Site, counting_proxy: Proxy
) -> None:
    place.send(LAYER, "z-real")
    told = [(LAYER.digest, place.repository(name)) for name in ("a-gone", "b-gone", "target")]
    place.journal.set_hearsay(told)
    counting_proxy.forget()
    assert place.send(LAYER, "target") is PlacementState.MOUNTED
    assert counting_proxy.bytes_sent() == 0


def test_where_no_holder_holds_it_it_is_sent(place: Site) -> None:
    place.journal.set_known(LAYER, digest_of(SENT_LAYER), len(SENT_LAYER))
    place.journal.set_hearsay((LAYER.digest, place.repository(str(n))) for n in range(20))
    assert place.send(LAYER, "target") is PlacementState.SENT


class RefuseMounts(Handler):
    """As GitLab, Zot or a token server do; 202 is what a registry says that has no such blob."""

    def __init__(self, status: int) -> None:
        self.status = status

    def request(self, exchange: Exchange) -> Answer | None:
        if exchange.method != "POST" or "mount=" not in exchange.target:
            return None
        if self.status == 202:
            exchange.target = re.sub(
                r"mount=sha256:\w+", "mount=sha256:" + "0" * 64, exchange.target
            )
            return None
        return Answer(self.status)


@pytest.mark.parametrize("status", [202, 400, 401, 403, 404, 405, 500])
def test_a_mount_that_is_refused_becomes_an_upload(
    status: int, place: Site, counting_proxy: Proxy, registry: DemoRegistry
) -> None:
    place.send(LAYER, "a")
    counting_proxy.handler = RefuseMounts(status)
    assert place.send(LAYER, "b", holders=("a",)) is PlacementState.SENT
    assert place.content(digest_of(SENT_LAYER), "b") == SENT_LAYER
    assert not uploads_left(registry, place.mirror.namespace)


class WantsLargeChunks(Handler):
    """A registry that tells the least that a chunk must have."""

    def answer(self, exchange: Exchange) -> Answer | None:
        if exchange.method == "POST":
            exchange.answer_headers["OCI-Chunk-Min-Length"] = str(2 * CHUNK)
        return None


def test_a_registry_that_wants_larger_chunks_gets_them(place: Site, counting_proxy: Proxy) -> None:
    counting_proxy.handler = WantsLargeChunks()
    assert place.send(BLOB) is PlacementState.SENT
    assert {one.sent for one in counting_proxy.matching("PATCH")} == {2 * CHUNK}


def test_no_registry_can_ask_for_chunks_that_fill_the_memory() -> None:
    size = ChunkSize(CHUNK)
    size.raise_to(10**15)
    assert size.value == LARGEST_FORCED_CHUNK
    size.raise_to(0)
    assert size.value == LARGEST_FORCED_CHUNK


def test_chunks_shrink_to_the_smallest_and_no_further() -> None:
    size = ChunkSize(300 * KIB)
    assert size.shrink_below(300 * KIB)
    assert size.value == 150 * KIB
    assert size.shrink_below(300 * KIB), "another thread was refused with the old size"
    assert size.value == 150 * KIB
    assert size.shrink_below(150 * KIB)
    assert size.shrink_below(75 * KIB)
    assert size.value == SMALLEST_CHUNK
    assert not size.shrink_below(SMALLEST_CHUNK)
