"""A compression chosen where all layers are large: by their beginnings, before one is sent."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.demo.registry import DemoRegistry
from core.errors import Interrupted
from core.registry.manifests import get_manifest
from core.transfer.compression import Compression
from core.transfer.first_chunks import FirstChunks
from core.transfer.pieces import cores
from core.transfer.plan import Need
from core.transfer.tuning import Tuning
from tests.core.transfer.making import (
    Site,
    joined,
    layer,
    noise,
    plan_of,
    saved_image,
    site,
    uploads_left,
    upstream,
)
from tests.fixtures.proxy import Answer, Exchange, Handler, Proxy

AUTO = Compression.parse("auto")
ENOUGH = 200_000
LAYERS = [layer(noise(f"large {n}", 400_000) + bytes(2_000_000 + n)) for n in range(3)]
IMAGES = [saved_image(upstream(f"image{n}"), one) for n, one in enumerate(LAYERS)]
SLOW, FAST = 4_000_000, 0
"""Bytes a second; 0 is whatever this machine does."""


@contextmanager
def on_link(
    proxy: Proxy, namespace: str, journal_file: Path, rate: int, asked: Compression = AUTO
) -> Iterator[Site]:
    """Two uploads at a time, on a link that is slow or fast, however busy this machine is."""
    most = 2 * rate / cores()
    with (
        pytest.MonkeyPatch.context() as patch,
        site(proxy, namespace, journal_file, compression=asked, jobs=2) as place,
    ):
        patch.setattr("core.transfer.compression._BY_RATE", {"gzip": ((most, 6),)})
        place.sender.tuning = Tuning(asked, place.journal, enough=ENOUGH)
        place.progress.throttle.limit = rate
        yield place


def sent_as(level: int, number: int) -> bytes:
    return joined(Compression("gzip", level).apply(LAYERS[number].blocks()))


def stored(place: Site, number: int) -> bytes:
    manifest = get_manifest(place.session, place.repository(f"image{number}"), "v1")
    assert manifest
    return place.content(manifest.layers[0].digest, f"image{number}")


def test_on_a_slow_link_no_layer_is_sent_with_the_weaker_codec(
    registry: DemoRegistry, counting_proxy: Proxy, namespace: str, journal_file: Path
) -> None:
    with on_link(counting_proxy, namespace, journal_file, SLOW) as place:
        engine = place.move(*IMAGES)
        assert place.journal.fact("compression") == "gzip:6"
        assert [stored(place, n) for n in range(3)] == [sent_as(6, n) for n in range(3)]
        assert set(place.states().values()) == {"done"}
        assert not place.journal.open_uploads()
    assert engine.totals.total == engine.totals.done
    assert not uploads_left(registry, namespace)
    needed = sum(len(sent_as(6, n)) for n in range(3))
    spare = counting_proxy.bytes_sent() - needed
    assert ENOUGH <= spare <= 2 * ENOUGH + 10_000, "what was timed, and what was under way then"


def test_on_a_fast_link_the_beginnings_are_gone_on_with(
    counting_proxy: Proxy, namespace: str, journal_file: Path
) -> None:
    with on_link(counting_proxy, namespace, journal_file, FAST) as place:
        place.move(*IMAGES)
        assert place.journal.fact("compression") == "gzip:1"
        assert [stored(place, n) for n in range(3)] == [sent_as(1, n) for n in range(3)]
    needed = sum(len(sent_as(1, n)) for n in range(3))
    assert counting_proxy.bytes_sent() <= needed + 10_000, "no byte of a layer is sent twice"


def test_what_was_begun_before_a_stop_is_gone_on_with(
    registry: DemoRegistry, counting_proxy: Proxy, namespace: str, journal_file: Path
) -> None:
    class Stops(Handler):
        def answer(self, exchange: Exchange) -> Answer | None:
            if exchange.method == "PATCH":
                place.stop.set()
            return None

    with on_link(counting_proxy, namespace, journal_file, FAST) as place:
        engine = place.engine(plan_of(place.mirror, *IMAGES))
        engine.register()
        counting_proxy.handler = Stops()
        with pytest.raises(Interrupted):
            engine.send()
        counting_proxy.handler = Handler()
        begun = place.journal.open_uploads()
        assert begun
        assert place.journal.fact("compression") == ""
    first = counting_proxy.bytes_sent()
    counting_proxy.forget()
    with on_link(counting_proxy, namespace, journal_file, FAST) as place:
        place.move(*IMAGES)
        assert place.journal.fact("compression") == "gzip:1"
    needed = sum(len(sent_as(1, n)) for n in range(3))
    assert first > ENOUGH / 4
    assert first + counting_proxy.bytes_sent() <= needed + 10_000
    assert not uploads_left(registry, namespace)


class Narrow(Handler):
    """A proxy that takes no body over so many bytes."""

    def __init__(self, most: int) -> None:
        self.most = most

    def request(self, exchange: Exchange) -> Answer | None:
        length = int(exchange.headers.get("content-length", "0"))
        return Answer(413) if length > self.most else None


def test_a_proxy_that_takes_less_at_a_time_gets_less(
    counting_proxy: Proxy, namespace: str, journal_file: Path
) -> None:
    counting_proxy.handler = Narrow(70_000)
    with on_link(counting_proxy, namespace, journal_file, SLOW) as place:
        place.move(*IMAGES)
        assert place.journal.fact("compression") == "gzip:6"
        assert [stored(place, n) for n in range(3)] == [sent_as(6, n) for n in range(3)]


def test_a_registry_that_takes_no_chunks_leaves_the_choice_open(
    counting_proxy: Proxy, namespace: str, journal_file: Path
) -> None:
    class Whole(Handler):
        def request(self, exchange: Exchange) -> Answer | None:
            return Answer(405) if exchange.method == "PATCH" else None

    counting_proxy.handler = Whole()
    with on_link(counting_proxy, namespace, journal_file, SLOW) as place:
        place.move(*IMAGES)
        assert place.journal.fact("compression") == ""
        assert [stored(place, n) for n in range(3)] == [sent_as(1, n) for n in range(3)]


def test_a_layer_that_was_sent_before_is_not_begun(
    counting_proxy: Proxy, namespace: str, journal_file: Path
) -> None:
    gzip = Compression("gzip", 1)
    with on_link(counting_proxy, namespace, journal_file, FAST, gzip) as place:
        place.move(*IMAGES)
        for number in range(3):
            manifest = get_manifest(place.session, place.repository(f"image{number}"), "v1")
            assert manifest
            place.delete(f"manifests/{manifest.digest}", f"image{number}")
    counting_proxy.forget()
    with on_link(counting_proxy, namespace, journal_file, FAST) as place:
        place.move(*IMAGES)
    assert not counting_proxy.matching("PATCH")


def test_a_registry_that_does_not_answer_is_not_waited_for_with_each_layer(
    counting_proxy: Proxy, namespace: str, journal_file: Path
) -> None:
    class Away(Handler):
        def request(self, exchange: Exchange) -> Answer | None:
            return Answer(503) if exchange.method == "POST" else None

    counting_proxy.handler = Away()
    with on_link(counting_proxy, namespace, journal_file, SLOW) as place:
        first = FirstChunks(place.session, place.journal, place.sender.tuning, place.progress)
        needs = [Need(one, (place.repository("a"),)) for one in LAYERS]
        assert all(first.is_wanted(need) for need in needs)
        first.send(needs[0], place.progress.slots[0])
        assert not any(first.is_wanted(need) for need in needs)
        assert place.sender.tuning.is_open
