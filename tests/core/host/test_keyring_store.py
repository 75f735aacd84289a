"""The keyring: backends that work, that fail, and the absence of any."""

import logging
import traceback
from collections.abc import Callable

import pytest
from keyring.core import load_keyring
from keyring.errors import InitError, KeyringError, KeyringLocked, PasswordSetError
from pydantic import SecretStr

from core.errors import Code, RegistryError
from core.host.keyring_store import (
    SERVICE,
    NoKeyringError,
    find_in_keyring,
    save_in_keyring,
    try_keyring,
)
from core.registry.credentials import Credentials
from tests.core.host.conftest import SetKeyring
from tests.core.host.stores import (
    FailingKeyring,
    ForgetfulKeyring,
    MemoryKeyring,
    PlaintextKeyring,
)

HOST = "harbor.example:443"
PASSWORD = "sécret: \"with' $everything\\ 日本"
LOGIN = Credentials("robot$a+b", SecretStr(PASSWORD), "a form")


def test_a_login_comes_back(memory_keyring: MemoryKeyring) -> None:
    save_in_keyring(HOST, LOGIN)
    found = find_in_keyring(HOST)
    assert found == Credentials("robot$a+b", SecretStr(PASSWORD), "keyring")
    assert list(memory_keyring.kept) == [(SERVICE, HOST)]


def test_an_identity_token_comes_back(memory_keyring: MemoryKeyring) -> None:
    save_in_keyring(HOST, Credentials("", SecretStr("x"), is_identity_token=True))
    found = find_in_keyring(HOST)
    assert found is not None
    assert found.is_identity_token


@pytest.mark.parametrize(
    ("saved", "wanted"),
    [
        ("h.example", "h.example:443"),
        ("h.example:443", "h.example"),
        ("h.example", "H.Example"),
        ("[fd00::1]", "[fd00::1]:443"),
    ],
)
def test_one_registry_has_one_login(saved: str, wanted: str, memory_keyring: MemoryKeyring) -> None:
    save_in_keyring(saved, LOGIN)
    assert find_in_keyring(wanted) is not None
    save_in_keyring(wanted, Credentials("new", SecretStr("new")))
    assert list(memory_keyring.kept) == [(SERVICE, wanted)]


def test_another_port_is_another_registry(memory_keyring: MemoryKeyring) -> None:
    save_in_keyring("h.example:5000", LOGIN)
    assert find_in_keyring("h.example") is None


@pytest.mark.parametrize("secret", ["bare secret", "12345", '{"a": 1}', "[]", "", "ünï"])
def test_a_bare_password_is_read_for_a_user_that_is_known(
    secret: str, memory_keyring: MemoryKeyring
) -> None:
    memory_keyring.set_password(SERVICE, HOST, secret)
    found = find_in_keyring(HOST, "bob")
    assert found is not None
    assert (found.username, found.password.get_secret_value()) == ("bob", secret)
    with pytest.raises(RegistryError) as raised:
        find_in_keyring(HOST, chosen=True)
    assert "no user name" in raised.value.message
    assert "--username" in raised.value.mend


# No keyring


@pytest.mark.parametrize("kind", ["null", "fail"])
def test_a_machine_without_a_keyring_is_passed_over_in_silence(
    kind: str, set_keyring: SetKeyring, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    set_keyring(load_keyring(f"keyring.backends.{kind}.Keyring"))
    assert find_in_keyring(HOST) is None
    assert not caplog.records


@pytest.mark.parametrize("kind", ["null", "fail"])
def test_a_machine_without_a_keyring_is_told_where_one_was_chosen(
    kind: str, set_keyring: SetKeyring
) -> None:
    set_keyring(load_keyring(f"keyring.backends.{kind}.Keyring"))
    acts: list[Callable[[], object]] = [
        lambda: find_in_keyring(HOST, chosen=True),
        lambda: save_in_keyring(HOST, LOGIN),
    ]
    for act in acts:
        with pytest.raises(NoKeyringError) as raised:
            act()
        assert raised.value.code is Code.CREDENTIALS_UNREADABLE
        assert raised.value.message == "No keyring on this machine."
        assert "gnome-keyring" in raised.value.mend
        assert "REGISTRY_PASSWORD" in raised.value.mend


def test_a_backend_that_does_not_exist_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "no.such.Keyring")
    assert find_in_keyring(HOST) is None
    with pytest.raises(RegistryError) as raised:
        find_in_keyring(HOST, chosen=True)
    assert "ModuleNotFoundError" in raised.value.message


# Keyrings that fail


@pytest.mark.parametrize(
    "error",
    [
        KeyringLocked("Failed to unlock the collection!"),
        InitError("Failed to create the collection"),
        PasswordSetError("no"),
        KeyringError("x"),
        OSError("no bus"),
        RuntimeError(f"a backend that shows {PASSWORD}"),
        KeyError("anything"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_keyring_that_fails_is_told_or_passed_over(
    error: Exception, set_keyring: SetKeyring, caplog: pytest.LogCaptureFixture
) -> None:
    set_keyring(FailingKeyring(error))
    assert find_in_keyring(HOST) is None
    assert "passed over" in caplog.text
    assert PASSWORD not in caplog.text
    acts: list[Callable[[], object]] = [
        lambda: find_in_keyring(HOST, chosen=True),
        lambda: save_in_keyring(HOST, LOGIN),
    ]
    for act in acts:
        with pytest.raises(RegistryError) as raised:
            act()
        assert raised.value.code is Code.CREDENTIALS_UNREADABLE
        assert PASSWORD not in "".join(traceback.format_exception(raised.value))


def test_a_locked_keyring_is_told_as_such(set_keyring: SetKeyring) -> None:
    set_keyring(FailingKeyring(KeyringLocked("dismissed")))
    with pytest.raises(RegistryError) as raised:
        find_in_keyring(HOST, chosen=True)
    assert raised.value.message == "The keyring is locked."
    assert raised.value.mend.startswith("Unlock it")


def test_a_keyring_that_keeps_nothing_is_found_out(set_keyring: SetKeyring) -> None:
    set_keyring(ForgetfulKeyring())
    with pytest.raises(RegistryError) as raised:
        save_in_keyring(HOST, LOGIN)
    assert "does not keep" in raised.value.message


def test_nothing_is_saved_in_clear(set_keyring: SetKeyring) -> None:
    backend = PlaintextKeyring()
    set_keyring(backend)
    with pytest.raises(RegistryError) as raised:
        save_in_keyring(HOST, LOGIN)
    assert "in clear" in raised.value.message
    assert not backend.kept


def test_a_keyring_that_works_is_left_as_it_was(memory_keyring: MemoryKeyring) -> None:
    memory_keyring.set_password(SERVICE, HOST, "mine")
    try_keyring()
    assert memory_keyring.kept == {(SERVICE, HOST): "mine"}


@pytest.mark.parametrize("backend", [ForgetfulKeyring(), PlaintextKeyring()])
def test_a_keyring_that_is_of_no_use_fails_when_it_is_tried(
    backend: MemoryKeyring, set_keyring: SetKeyring
) -> None:
    set_keyring(backend)
    with pytest.raises(RegistryError):
        try_keyring()
