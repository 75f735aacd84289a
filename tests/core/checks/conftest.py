"""What the tests of the live checks share."""

import pytest

from tests.fixtures.zoo import Zoo


@pytest.fixture(scope="session")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Zoo:
    """Certificates of every kind, made once."""
    return Zoo(tmp_path_factory.mktemp("zoo"))
