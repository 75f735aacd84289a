"""What the tests of the registry client share."""

from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from core.registry.credentials import Credentials
from core.registry.tls import TlsSettings
from core.registry.transport import Transport
from tests.core.registry.feeding_ground import feeding_mock
from tests.core.registry.servers import HttpServer
from tests.fixtures.harbor_mock import HarborMock, running


@pytest.fixture
def login() -> Credentials:
    """A login with characters that need care."""
    return Credentials("robot$eks-a+push", SecretStr("pä:s\"s w\\ör'd"), "a test")


@pytest.fixture
def transport() -> Iterator[Transport]:
    """Connections without a login."""
    transport = Transport(TlsSettings(), stall=10)
    yield transport
    transport.close()


@pytest.fixture
def mock() -> HarborMock:
    """A Harbor that may feed others."""
    return feeding_mock()


@pytest.fixture
def server(mock: HarborMock) -> Iterator[HttpServer]:
    """The Harbor of this test, at work."""
    with running(mock) as server:
        yield server
