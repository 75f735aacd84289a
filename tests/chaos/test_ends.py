"""Every artifact comes to an end, also where two of its blobs fail at the same moment."""

import threading
from pathlib import Path

import pytest

from core.demo.registry import DemoRegistry
from core.errors import EksaMirrorError
from core.transfer.journal import Journal
from core.transfer.states import ArtifactState
from tests.core.transfer.making import layer, noise, saved_image, site, upstream
from tests.fixtures.proxy import Answer, Exchange, Handler
from tests.fixtures.registries import ProxyFactory


class Refuses(Handler):
    """No upload may begin."""

    def request(self, exchange: Exchange) -> Answer | None:
        return Answer(403) if exchange.method == "POST" else None


def test_a_failure_is_not_written_over_by_the_beginning_of_another_blob(
    registry: DemoRegistry,
    proxy_for: ProxyFactory,
    namespace: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    failed = threading.Event()
    begun: list[int] = []
    set_artifact, set_failed = Journal.set_artifact, Journal.set_failed

    def begin(
        self: Journal, number: int, state: ArtifactState, *, digest: str = "", note: str = ""
    ) -> None:
        if state is ArtifactState.SENDING:
            begun.append(number)
            if len(begun) % 2:
                failed.clear()
            else:
                failed.wait(1)  # the other thread fails now, if it can
        set_artifact(self, number, state, digest=digest, note=note)

    def fail(self: Journal, number: int, error: EksaMirrorError, *, final: bool) -> None:
        set_failed(self, number, error, final=final)
        failed.set()

    monkeypatch.setattr(Journal, "set_artifact", begin)
    monkeypatch.setattr(Journal, "set_failed", fail)
    image = saved_image(upstream("one"), layer(noise("a", 500)))

    with site(proxy_for(registry, Refuses()), namespace, tmp_path / "j.sqlite", jobs=2) as place:
        place.move(image)
        assert place.journal.unsettled() == []

    assert len(begun) >= 2
