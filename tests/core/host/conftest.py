"""A keyring of the test's own."""

from collections.abc import Callable

import keyring
import pytest
from keyring.backend import KeyringBackend

from tests.core.host.stores import MemoryKeyring

SetKeyring = Callable[[KeyringBackend], None]


@pytest.fixture
def set_keyring(monkeypatch: pytest.MonkeyPatch) -> SetKeyring:
    """Makes a backend this test's keyring."""
    monkeypatch.setattr("keyring.core._keyring_backend", None)
    return keyring.set_keyring


@pytest.fixture
def memory_keyring(set_keyring: SetKeyring) -> MemoryKeyring:
    """An empty keyring that works."""
    backend = MemoryKeyring()
    set_keyring(backend)
    return backend


@pytest.fixture(autouse=True)
def _no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chosen anew in each test: the library remembers the first one that it found."""
    monkeypatch.setattr("keyring.core._keyring_backend", None)
