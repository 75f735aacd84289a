"""A kill at every moment at which something is written: the next run brings it to the end."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from sqlite3 import Connection

import pytest

from core.demo.registry import DemoRegistry
from core.transfer.journal import Journal
from tests.core.transfer.making import (
    Site,
    config_of,
    layer,
    noise,
    packed,
    ready_image,
    saved_image,
    site,
    stored_blob,
    upstream,
)
from tests.fixtures.proxy import Proxy
from tests.fixtures.registries import ProxyFactory

BASE = layer(noise("base", 150_000))
PACKED = stored_blob(noise("packed", 70_000))
IMAGES = (
    saved_image(upstream("one"), BASE, layer(noise("one", 2_000))),
    saved_image(upstream("two"), BASE),
    ready_image(upstream("ready"), PACKED),
)
BLOBS = {blob.digest: blob for image in IMAGES for blob in image.content.all_blobs()}
WHOLE = sum(len(packed(b)) if b.compressible else b.size for b in BLOBS.values())


class Killed(BaseException):
    """What a process does not live to see."""


class Killer:
    """Ends the process before or after the n-th commit."""

    def __init__(self, journal: Journal, number: int, *, after: bool) -> None:
        self._database = journal._database
        self._left, self._after = number, after
        self.struck = False

    @contextmanager
    def writing(self, *, durable: bool = True) -> Iterator[Connection]:
        if self.struck:
            raise Killed  # other threads are dead, too
        outermost = not self._database._db.in_transaction
        self._left -= outermost
        strikes = outermost and not self._left
        if strikes and not self._after:
            self._strike()
        with self._database.writing(durable=durable) as connection:
            yield connection
        if strikes:
            self._strike()

    def _strike(self) -> None:
        self.struck = True
        raise Killed


def killed_at(number: int, proxy: Proxy, namespace: str, journal: Path, *, after: bool) -> bool:
    """Run an import that is killed; False where it came to its end before."""
    with site(proxy, namespace, journal, jobs=1) as place:
        killer = Killer(place.journal, number, after=after)
        place.journal._writing = killer.writing
        with suppress(Killed):
            place.move(*IMAGES)
    return killer.struck


def check(place: Site) -> None:
    assert set(place.states().values()) <= {"done", "present"}
    assert place.content(PACKED.digest, "ready") == PACKED.read_all()
    for name in ("one", "two"):
        assert place.content(place.sent_digest(BASE), name) == packed(BASE)
    assert place.content(config_of(IMAGES[1]).digest, "two") == config_of(IMAGES[1]).read_all()


@pytest.mark.parametrize("after", [True, False], ids=["after it is written", "before"])
def test_a_kill_at_any_commit_is_outlived(
    after: bool, registry: DemoRegistry, proxy_for: ProxyFactory, namespace: str, tmp_path: Path
) -> None:
    proxy = proxy_for(registry)
    number = 0
    while True:
        number += 1
        proxy.forget()
        where, journal = f"{namespace}/{number}", tmp_path / f"{number}.sqlite"
        if not killed_at(number, proxy, where, journal, after=after):
            break
        with site(proxy, where, journal) as place:
            place.move(*IMAGES)
            check(place)
        sent = sum(one.sent for one in proxy.matching(path="/blobs/"))
        # What was written is not sent again. Where the registry took something that was not
        # written, docker-registry 2 forgets the session, and one blob begins anew.
        assert WHOLE <= sent <= WHOLE + (0 if after else len(packed(BASE))), number
    assert number > 20, "there were that many commits"
