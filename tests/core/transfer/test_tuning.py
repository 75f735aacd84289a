"""Choosing a compression by the link: what is timed, what is chosen, and that it stays."""

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.demo.registry import DemoRegistry
from core.errors import Interrupted
from core.registry.manifests import get_manifest
from core.transfer.compression import Compression
from core.transfer.journal import Journal
from core.transfer.pieces import cores
from core.transfer.plan import Need
from core.transfer.states import PlacementState
from core.transfer.tuning import Meter, Tuning
from tests.core.transfer.making import (
    Site,
    joined,
    layer,
    noise,
    plan_of,
    saved_image,
    site,
    stored_blob,
    uploads_left,
    upstream,
)
from tests.fixtures.proxy import Proxy

AUTO = Compression.parse("auto")
KIB = 1024
LAYERS = [layer(noise(f"layer {n}", 40_000) + bytes(30_000 + n)) for n in range(6)]
IMAGES = [saved_image(upstream(f"image{n}"), one) for n, one in enumerate(LAYERS)]


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_rate_is_what_was_taken_while_something_was_under_way() -> None:
    clock = Clock()
    meter = Meter(clock)
    assert meter.rate == 0
    with meter.timing(300):
        clock.now += 1
        with meter.timing(500):
            clock.now += 2
        clock.now += 1
    clock.now += 60  # a pause
    assert (meter.taken, meter.rate) == (800, 200)
    with meter.timing(200):
        clock.now += 1
    assert meter.rate == 200


def test_what_the_registry_did_not_take_makes_a_link_slower() -> None:
    clock = Clock()
    meter = Meter(clock)

    def refused() -> None:
        with meter.timing(1000):
            clock.now += 3
            raise ConnectionError

    with pytest.raises(ConnectionError):
        refused()
    with meter.timing(1000):
        clock.now += 1
    assert (meter.taken, meter.rate) == (1000, 250)


def test_a_rate_is_known_while_bodies_are_under_way() -> None:
    clock = Clock()
    meter = Meter(clock)
    with meter.timing(10):
        with meter.timing(100):
            clock.now += 2
        assert meter.rate == 50


@pytest.fixture
def journal(journal_file: Path) -> Iterator[Journal]:
    made, _ = Journal.open(journal_file)
    yield made
    made.close()


def fed(journal: Journal, wanted: str, *, seconds: float, taken: int = 1000) -> Tuning:
    """As after so many bytes."""
    made, clock = Tuning(Compression.parse(wanted), journal, enough=1000), Clock()
    made.meter = Meter(clock)
    with made.meter.timing(taken):
        clock.now += seconds
    return made


def test_the_choice_is_written_down_with_its_reason(journal: Journal) -> None:
    tuning = fed(journal, "auto", seconds=1000 / (10e6 * cores()))
    assert tuning.choose(), "it is another than before"
    assert not tuning.is_open
    assert str(tuning.compression) == journal.fact("compression") == "gzip:6"
    assert int(journal.fact("link_rate")) == pytest.approx(10e6 * cores())


def test_on_a_fast_link_all_stays_as_it_began(journal: Journal) -> None:
    tuning = fed(journal, "auto", seconds=1000 / (100e6 * cores()))
    assert not tuning.choose()
    assert not tuning.is_open
    assert str(tuning.compression) == journal.fact("compression") == "gzip:1"


def test_too_little_is_no_ground_for_a_choice(journal: Journal) -> None:
    tuning = fed(journal, "auto", seconds=60, taken=999)
    assert not tuning.choose()
    assert tuning.is_open
    assert journal.fact("compression") == ""


def test_what_was_told_is_not_chosen_again(journal: Journal) -> None:
    tuning = fed(journal, "gzip:1", seconds=60)
    assert not tuning.choose()
    assert str(tuning.compression) == "gzip:1"
    assert journal.fact("compression") == ""


def test_middling_blobs_are_timed_before_large_and_tiny_ones(journal: Journal) -> None:
    needs = [Need(stored_blob(bytes(size)), ("a",)) for size in (7000, 2, 900, 1000, 1001, 40)]
    ordered = Tuning(AUTO, journal, enough=1000).timed_whole(needs)
    assert [need.blob.size for need in ordered] == [1000, 900, 40, 2, 1001, 7000]


def test_large_layers_are_not_timed_whole(journal: Journal) -> None:
    """The choice is about them."""
    sizes = (7000, 900, 1000, 1001, 25_000)
    needs = [Need(layer(bytes(size)), ("a",)) for size in sizes]
    tuning = Tuning(AUTO, journal, enough=1000)
    assert [need.blob.size for need in tuning.timed_whole(needs)] == [1000, 900]
    assert [need.blob.size for need in tuning.timed_in_part(needs)] == [7000, 1001, 25_000]
    assert tuning.timed_in_part(needs[:-1]) == [], "what is timed of them would cost more"


@contextmanager
def hasty(proxy: Proxy, namespace: str, journal_file: Path) -> Iterator[Site]:
    """A slow link, and little is enough to know it: the layers of these tests are small."""
    with site(proxy, namespace, journal_file, compression=AUTO, jobs=1) as place:
        place.sender.tuning = Tuning(AUTO, place.journal, enough=80_000)
        place.progress.throttle.limit = 1_000_000 * cores()
        yield place


def became(place: Site, number: int) -> str:
    """With which of the two levels a layer was sent."""
    manifest = get_manifest(place.session, place.repository(f"image{number}"), "v1")
    assert manifest
    content = place.content(manifest.layers[0].digest, f"image{number}")
    assert gzip.decompress(content) == LAYERS[number].read_all()
    (level,) = [
        level
        for level in (1, 6)
        if joined(Compression("gzip", level).apply(LAYERS[number].blocks())) == content
    ]
    return f"gzip:{level}"


def test_after_the_first_blobs_a_slow_link_gets_the_stronger_codec(
    counting_proxy: Proxy, namespace: str, journal_file: Path
) -> None:
    with hasty(counting_proxy, namespace, journal_file) as place:
        engine = place.move(*IMAGES)
        levels = [became(place, number) for number in range(6)]
        assert set(place.states().values()) == {"done"}
    assert len(counting_proxy.matching("PUT", "/manifests/")) == 6, "what was timed is through"
    assert levels.count("gzip:1") == 2, "as many as it took to know"
    assert levels.count("gzip:6") == 4
    assert engine.totals.total == engine.totals.done


def test_uploads_that_began_before_the_choice_are_given_up(
    registry: DemoRegistry, counting_proxy: Proxy, namespace: str, journal_file: Path
) -> None:
    """One was cut off; it would not end as it began."""
    with hasty(counting_proxy, namespace, journal_file) as place:
        engine = place.engine(plan_of(place.mirror, *IMAGES))
        engine.register()
        place.journal.set_placement(
            LAYERS[5], "elsewhere", PlacementState.SENDING, "/v2/elsewhere/blobs/uploads/x", 1
        )
        engine.send()
        assert place.journal.fact("compression") == "gzip:6"
        assert not place.journal.open_uploads()
    assert not uploads_left(registry, namespace)


def test_a_later_run_goes_on_with_what_was_chosen_and_sends_nothing_twice(
    counting_proxy: Proxy, namespace: str, journal_file: Path
) -> None:
    with hasty(counting_proxy, namespace, journal_file) as place:
        plan = plan_of(place.mirror, *IMAGES)
        engine = place.engine(plan)
        engine.register()
        original = place.sender.choose_compression

        def choose_and_stop() -> None:
            original()
            place.stop.set()

        place.sender.choose_compression = choose_and_stop  # type: ignore[method-assign]
        with pytest.raises(Interrupted):
            engine.send()
        noted = place.journal.fact("compression")
    assert noted == "gzip:6"
    counting_proxy.forget()
    chosen = Compression.parse(noted)
    with site(counting_proxy, namespace, journal_file, compression=chosen) as place:
        place.move(*IMAGES)
        levels = [became(place, number) for number in range(6)]
    assert sorted(levels) == ["gzip:1"] * 2 + ["gzip:6"] * 4
    puts = counting_proxy.matching("PUT", "/blobs/uploads/")
    assert len([one for one in puts if one.sent > 30_000]) == 4, "layers; the others are configs"
