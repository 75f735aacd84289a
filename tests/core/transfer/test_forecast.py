"""What an import would send, said beforehand and true afterwards."""

import threading
from pathlib import Path

import pytest

from core.errors import Interrupted
from core.transfer.forecast import Forecast, forecast
from core.transfer.hearsay import hear
from core.transfer.plan import Plan
from tests.core.transfer.making import (
    GZIP,
    Site,
    layer,
    noise,
    plan_of,
    ready_image,
    saved_image,
    stored_blob,
    upstream,
)
from tests.fixtures.proxy import Proxy

BASE, APP, TOOL = (layer(noise(name, 50_000)) for name in ("base", "app", "tool"))
PACKED = stored_blob(noise("packed", 30_000))
ONE = saved_image(upstream("one"), BASE, APP)
TWO = saved_image(upstream("two"), BASE, TOOL)
READY = ready_image(upstream("ready"), PACKED)
ALL = (ONE, TWO, READY)
EVERYTHING = sum({b.digest: b.size for s in ALL for b in s.content.all_blobs()}.values())


def ask(place: Site, plan: Plan, layers: dict[str, tuple[str, int]] | None = None) -> Forecast:
    return forecast(plan, place.session, 2, threading.Event(), layers)


def test_of_an_empty_mirror_everything_is_sent_once(place: Site, counting_proxy: Proxy) -> None:
    seen = ask(place, plan_of(place.mirror, *ALL))
    layers = BASE.size + APP.size + TOOL.size
    assert seen == Forecast(frozenset(), EVERYTHING, BASE.size, there=0, compressible=layers)
    assert {one.method for one in counting_proxy.exchanges} <= {"GET", "HEAD"}


def test_without_a_registry_the_same_is_said(place: Site, counting_proxy: Proxy) -> None:
    plan = plan_of(place.mirror, *ALL)
    assert forecast(plan, None, 1, threading.Event()) == ask(place, plan)


def test_of_a_full_mirror_nothing_is_sent(place: Site) -> None:
    place.move(*ALL)
    seen = ask(place, plan_of(place.mirror, *ALL))
    assert seen.present == {upstream(name) for name in ("one", "two", "ready")}
    assert (seen.send, seen.mount, seen.there) == (0, 0, EVERYTHING)


def test_what_an_image_of_the_mirror_has_is_mounted_to_the_next(place: Site) -> None:
    place.move(ONE)
    plan = plan_of(place.mirror, ONE, TWO)
    seen = ask(place, plan)
    assert seen.present == {upstream("one")}
    assert seen.mount == BASE.size
    assert seen.send == TWO.size - BASE.size

    engine = place.move(ONE, TWO)

    assert engine.totals.mounted == seen.mount
    assert engine.totals.done == seen.send


def test_blobs_of_an_image_that_is_not_finished_are_found_one_by_one(place: Site) -> None:
    place.send(PACKED, "ready")
    seen = ask(place, plan_of(place.mirror, READY))
    assert seen.there == PACKED.size
    assert seen.send == READY.size - PACKED.size


def test_layers_are_found_where_a_journal_tells_what_they_became(
    place: Site, journal_file: Path
) -> None:
    place.send(BASE, "one")
    plan = plan_of(place.mirror, ONE)
    assert ask(place, plan).there == 0, "nobody can know its name before it is compressed"
    place.journal.set_facts(mirror=str(place.mirror), compression=str(GZIP))
    seen = ask(place, plan, hear(plan, GZIP, [journal_file]).layers)
    assert seen.there == BASE.size
    assert seen.send == ONE.size - BASE.size


def test_a_stop_ends_it(place: Site) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(Interrupted):
        forecast(plan_of(place.mirror, ONE), place.session, 2, stop)
