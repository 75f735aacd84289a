"""What the tests of transfer share: a place to send to, behind a proxy that counts."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.core.transfer.making import Site, site
from tests.fixtures.proxy import Proxy


@pytest.fixture
def journal_file(tmp_path: Path) -> Path:
    """Where the journal of this test is."""
    return tmp_path / "journal.sqlite"


@pytest.fixture
def place(counting_proxy: Proxy, namespace: str, journal_file: Path) -> Iterator[Site]:
    """Everything for one run to the shared registry, through the proxy."""
    with site(counting_proxy, namespace, journal_file) as made:
        yield made
