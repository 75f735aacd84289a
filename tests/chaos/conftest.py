"""Whole imports in this process for chaos to happen to; and nothing that a test starts survives."""

from collections.abc import Callable

import pytest

from core.answers import TransferAnswers
from core.demo.registry import DemoRegistry
from tests.core.transfer.running import Import
from tests.faults.conftest import CHUNK, Tarball
from tests.faults.conftest import _hasty as _hasty  # noqa: PLC0414 - pytest finds fixtures here
from tests.faults.conftest import tarball as tarball  # noqa: PLC0414
from tests.faults.scripts import On
from tests.faults.truth import Truth
from tests.fixtures.proxy import Answer, Exchange, Handler, Proxy
from tests.integration.conftest import _no_worker_survives as _no_worker_survives  # noqa: PLC0414


class When(Handler):
    """Does something once, before a request goes to the registry."""

    def __init__(self, on: On, act: Callable[[], object]) -> None:
        self.on = on
        self._act = act

    def request(self, exchange: Exchange) -> Answer | None:
        if self.on.strikes(exchange):
            self._act()
        return None


@pytest.fixture
def work(counting_proxy: Proxy, tarball: Tarball, namespace: str) -> Import:
    transfer = TransferAnswers(patience=1, jobs=2, chunk_size=CHUNK)
    return Import(counting_proxy, tarball.answers, namespace, transfer)


@pytest.fixture
def truth(registry: DemoRegistry, tarball: Tarball) -> Truth:
    return Truth(registry, tarball.images)
