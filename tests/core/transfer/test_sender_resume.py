"""Going on where an earlier run was cut off: no byte twice, and nothing left behind."""

from pathlib import Path

import pytest

from core.demo.registry import DemoRegistry
from core.errors import ArchiveError, Code, Interrupted, RegistryError
from core.oci import digest_of
from core.registry.retry import RetryPolicy
from core.registry.transport import Body
from core.registry.upload import Upload
from core.transfer.states import PlacementState
from tests.core.transfer.making import (
    Site,
    layer,
    noise,
    site,
    stored_blob,
    uploads_left,
)
from tests.fixtures.proxy import Answer, Exchange, Handler, Proxy
from tests.fixtures.registries import ProxyFactory, RegistryFactory

CHUNK = 64 * 1024
BLOB = stored_blob(noise("sent", 5 * CHUNK + 1_000))


def leave_upload(place: Site, content: bytes, position: int | None = None) -> Upload:
    """An upload of an earlier run that holds `content`."""
    upload = Upload.start(place.session, place.repository("a"))
    if content:
        upload.send(Body.of(content))
    place.journal.set_placement(
        BLOB, place.repository("a"), PlacementState.SENDING, upload.location,
        upload.offset if position is None else position,
    )  # fmt: skip
    return upload


def test_an_upload_of_an_earlier_run_is_gone_on_with(place: Site, counting_proxy: Proxy) -> None:
    leave_upload(place, BLOB.read_all()[: 2 * CHUNK])
    counting_proxy.forget()
    assert place.send(BLOB) is PlacementState.SENT
    assert counting_proxy.bytes_sent() == BLOB.size - 2 * CHUNK
    assert place.content(BLOB.digest) == BLOB.read_all()


def test_only_the_registry_knows_how_far_it_came(place: Site, counting_proxy: Proxy) -> None:
    """Killed after the registry took a chunk and before the journal did."""
    leave_upload(place, BLOB.read_all()[: 2 * CHUNK], position=CHUNK)
    counting_proxy.forget()
    assert place.send(BLOB) is PlacementState.SENT
    assert counting_proxy.bytes_sent() == BLOB.size - 2 * CHUNK


def test_an_upload_with_all_bytes_only_needs_its_end(place: Site, counting_proxy: Proxy) -> None:
    leave_upload(place, BLOB.read_all())
    counting_proxy.forget()
    assert place.send(BLOB) is PlacementState.SENT
    assert counting_proxy.bytes_sent() == 0


@pytest.mark.parametrize("left", [2 * CHUNK, 2 * BLOB.size], ids=["shorter", "longer"])
def test_bytes_of_others_in_an_old_upload_do_no_harm(left: int, place: Site) -> None:
    """As after a change of the compressor."""
    leave_upload(place, noise("garbage", left))
    assert place.send(BLOB) is PlacementState.SENT
    assert place.content(BLOB.digest) == BLOB.read_all()


def test_an_old_upload_with_more_bytes_than_the_blob_is_cancelled(
    place: Site, registry: DemoRegistry
) -> None:
    leave_upload(place, noise("garbage", 2 * BLOB.size))
    assert uploads_left(registry, place.mirror.namespace)
    place.send(BLOB)
    assert not uploads_left(registry, place.mirror.namespace)


def test_an_upload_that_the_registry_forgot_begins_anew(place: Site) -> None:
    upload = leave_upload(place, BLOB.read_all()[:CHUNK])
    upload.cancel()
    assert place.send(BLOB) is PlacementState.SENT


class FaultyStatus(Handler):
    """Whoever asks for that old session gets a fault, today and tomorrow."""

    def request(self, exchange: Exchange) -> Answer | None:
        asks = exchange.method == "GET" and "/uploads/" in exchange.path
        return Answer(500) if asks else None


def test_an_old_upload_that_only_makes_trouble_does_not_block_the_blob_for_ever(
    place: Site, counting_proxy: Proxy
) -> None:
    leave_upload(place, BLOB.read_all()[:CHUNK])
    counting_proxy.handler = FaultyStatus()
    assert place.send(BLOB) is PlacementState.SENT


def test_an_upload_whose_blob_turned_up_is_cancelled(place: Site, registry: DemoRegistry) -> None:
    place.send(BLOB)
    place.journal.forget_placements(place.repository("a"), [BLOB.digest])
    leave_upload(place, BLOB.read_all()[:CHUNK])
    assert place.send(BLOB) is PlacementState.PRESENT
    assert not uploads_left(registry, place.mirror.namespace)


def test_damage_that_is_found_on_the_way_cancels_the_upload(
    place: Site, registry: DemoRegistry
) -> None:
    damaged = layer(noise("damaged", 300_000), digest=digest_of(b"other"))
    with pytest.raises(ArchiveError) as caught:
        place.send(damaged)
    assert caught.value.code is Code.ARCHIVE_DAMAGED
    assert not uploads_left(registry, place.mirror.namespace)
    assert place.journal.open_uploads() == []
    assert place.journal.known_as(damaged) is None


class StopAfter(Handler):
    """Asks the job to stop while the n-th chunk is under way."""

    def __init__(self, place: Site, number: int) -> None:
        self.place, self.left = place, number

    def upload(self, exchange: Exchange, block: bytes) -> bytes:
        if exchange.method == "PATCH" and exchange.sent == len(block):
            self.left -= 1
            if not self.left:
                self.place.stop.set()
        return block


def test_a_stop_finishes_the_chunk_in_flight_and_the_next_run_goes_on_behind_it(
    counting_proxy: Proxy, namespace: str, journal_file: Path
) -> None:
    with site(counting_proxy, namespace, journal_file) as place:
        counting_proxy.handler = StopAfter(place, 2)
        with pytest.raises(Interrupted):
            place.send(BLOB)
        assert place.journal.placement(BLOB, place.repository("a")).position == 2 * CHUNK
    counting_proxy.handler = Handler()
    with site(counting_proxy, namespace, journal_file) as place:
        assert place.send(BLOB) is PlacementState.SENT
    assert counting_proxy.bytes_sent() == BLOB.size


def test_a_registry_that_is_away_is_told_and_what_it_took_is_not_sent_again(
    fresh_registry: RegistryFactory, proxy_for: ProxyFactory, journal_file: Path
) -> None:
    registry = fresh_registry()
    proxy = proxy_for(registry)
    impatient = RetryPolicy(patience=0.3, fault_attempts=2, first_wait=0.01, longest_wait=0.05)
    with site(proxy, "ns", journal_file, policy=impatient) as place:
        proxy.handler = KillAtChunk(registry, 3)
        with pytest.raises(RegistryError) as caught:
            place.send(BLOB)
        assert caught.value.temporary
    registry.start()
    proxy.handler = Handler()
    proxy.forget()
    with site(proxy, "ns", journal_file) as place:
        assert place.send(BLOB) is PlacementState.SENT
    assert proxy.bytes_sent() == BLOB.size - 2 * CHUNK


class KillAtChunk(Handler):
    """The registry goes down before the n-th chunk reaches it."""

    def __init__(self, registry: DemoRegistry, number: int) -> None:
        self.registry, self.left = registry, number

    def request(self, exchange: Exchange) -> Answer | None:
        if exchange.method == "PATCH":
            self.left -= 1
            if not self.left:
                self.registry.kill()
        return None
