"""What the tests of the registry client share."""

import pytest
from pydantic import SecretStr

from core.registry.credentials import Credentials


@pytest.fixture
def login() -> Credentials:
    """A login with characters that need care."""
    return Credentials("robot$eks-a+push", SecretStr("pä:s\"s w\\ör'd"), "a test")
