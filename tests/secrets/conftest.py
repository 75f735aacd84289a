"""What tests of secrets share: a registry whose password is easy to look for."""

import pytest
from pydantic import SecretStr

from core.demo.registry import DemoRegistry, Login
from tests.fixtures.registries import RegistryFactory
from tests.integration.conftest import _no_worker_survives as _no_worker_survives  # noqa: PLC0414 - pytest finds it here
from tests.secrets.searching import MARK, USER


@pytest.fixture
def locked(fresh_registry: RegistryFactory) -> DemoRegistry:
    return fresh_registry(auth=Login(USER, SecretStr(MARK)))
