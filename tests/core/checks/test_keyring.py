"""Whether this machine's secret store works, where the login shall be kept in it."""

import keyring
import pytest
from keyring.errors import KeyringLocked
from pydantic import SecretStr

from core.answers import Answers, CredentialAnswers, CredentialSource
from core.checks.finding import State
from core.checks.login import check_keyring
from core.registry.credentials import Credentials
from tests.core.checks.looking import look
from tests.core.host.stores import FailingKeyring, MemoryKeyring

IN_KEYRING = Answers(credentials=CredentialAnswers(source=CredentialSource.KEYRING))


@pytest.fixture(autouse=True)
def _no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keyring.core._keyring_backend", None)


def test_a_keyring_that_works_passes_and_keeps_nothing_of_it() -> None:
    store = MemoryKeyring()
    keyring.set_keyring(store)
    found = look(check_keyring, IN_KEYRING)
    assert (found.state, found.seen) == (State.PASS, "unlocked, written and read back")
    assert not store.kept


def test_a_locked_one_fails_with_what_to_do() -> None:
    keyring.set_keyring(FailingKeyring(KeyringLocked("locked")))
    found = look(check_keyring, IN_KEYRING)
    assert (found.state, found.seen) == (State.FAIL, "the keyring is locked")
    assert found.mend == "Unlock it, or choose another source."


def test_without_one_it_fails_and_names_the_way_out() -> None:
    found = look(check_keyring, IN_KEYRING)
    assert (found.state, found.seen) == (State.FAIL, "no keyring on this machine")
    assert "REGISTRY_PASSWORD" in found.mend


def test_without_one_a_login_that_is_at_hand_is_only_not_kept() -> None:
    found = look(check_keyring, IN_KEYRING, Credentials("ann", SecretStr("x"), "typed in"))
    assert (found.state, found.seen) == (State.WARN, "no keyring on this machine")
    assert found.effect == "This import works; a later start asks for the login again."
    assert "REGISTRY_PASSWORD" in found.mend


def test_where_the_login_lies_elsewhere_it_is_not_touched() -> None:
    found = look(check_keyring, Answers())
    assert (found.state, found.seen) == (State.SKIPPED, "the login is not kept there")
