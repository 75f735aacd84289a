"""What the tests of transfer share: a place to send to, behind a proxy that counts."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.transfer import launch
from tests.core.transfer.making import Site, site
from tests.fixtures.proxy import Proxy


@pytest.fixture
def journal_file(tmp_path: Path) -> Path:
    """Where the journal of this test is."""
    return tmp_path / "journal.sqlite"


@pytest.fixture
def workers(monkeypatch: pytest.MonkeyPatch) -> Iterator[list["subprocess.Popen[bytes]"]]:
    """The workers that a test starts; none of them outlives it."""
    started: list[subprocess.Popen[bytes]] = []
    spawn = launch._spawn

    def spawned(*given: Any) -> "subprocess.Popen[bytes]":
        started.append(spawn(*given))
        return started[-1]

    monkeypatch.setattr(launch, "_spawn", spawned)
    yield started
    for worker in started:
        worker.kill()
        worker.wait()


@pytest.fixture
def place(counting_proxy: Proxy, namespace: str, journal_file: Path) -> Iterator[Site]:
    """Everything for one run to the shared registry, through the proxy."""
    with site(counting_proxy, namespace, journal_file) as made:
        yield made
