"""What the place of a login holds already."""

import base64
import json
from pathlib import Path

import pytest
from pydantic import SecretStr

from core.answers import Answers, CredentialAnswers, CredentialSource
from core.host.kept_login import KeptLogin, look_at_kept_login
from core.host.keyring_store import save_in_keyring
from core.registry.credentials import Credentials
from tests.core.host.conftest import SetKeyring
from tests.core.host.stores import FailingKeyring, MemoryKeyring

HOST = "harbor.site-a.example:8443"


def looked(source: CredentialSource, username: str = "", **environment: str) -> KeptLogin:
    answers = Answers(credentials=CredentialAnswers(source=source, username=username))
    return look_at_kept_login(answers, HOST, environment)


@pytest.mark.usefixtures("memory_keyring")
def test_the_keyring_is_found_whether_chosen_or_not() -> None:
    save_in_keyring(HOST, Credentials("ann", SecretStr("x")))
    found = KeptLogin(CredentialSource.KEYRING, "ann")
    assert looked(CredentialSource.KEYRING) == found
    assert looked(CredentialSource.AUTO) == found
    assert looked(CredentialSource.KEYRING, "bob") == found


def test_a_machine_without_a_keyring_says_so() -> None:
    kept = looked(CredentialSource.KEYRING)
    assert kept == KeptLogin(CredentialSource.KEYRING, words="No keyring on this machine.")


def test_what_does_not_fit_the_line_points_to_the_check(set_keyring: SetKeyring) -> None:
    set_keyring(FailingKeyring(RuntimeError("x")))
    assert len(looked(CredentialSource.KEYRING).words) <= 59


@pytest.mark.usefixtures("memory_keyring")
def test_the_environment_goes_first_where_nothing_is_chosen() -> None:
    given = {"REGISTRY_USERNAME": "ann", "REGISTRY_PASSWORD": "x"}
    assert looked(CredentialSource.AUTO, **given) == KeptLogin(CredentialSource.ENVIRONMENT, "ann")
    assert looked(CredentialSource.ENVIRONMENT, **given).username == "ann"
    words = looked(CredentialSource.ENVIRONMENT).words
    assert words == "REGISTRY_PASSWORD is not set."


@pytest.mark.usefixtures("memory_keyring")
def test_dockers_config_is_looked_into(tmp_path: Path) -> None:
    environment = {"DOCKER_CONFIG": str(tmp_path), "HOME": str(tmp_path)}
    words = looked(CredentialSource.DOCKER_CONFIG, **environment).words
    assert words == f"No login for {HOST} in it."
    login = base64.b64encode(b"ann:x").decode()
    auths = {"auths": {HOST: {"auth": login}}}
    (tmp_path / "config.json").write_text(json.dumps(auths))
    kept = KeptLogin(CredentialSource.DOCKER_CONFIG, "ann")
    assert looked(CredentialSource.DOCKER_CONFIG, **environment) == kept
    assert looked(CredentialSource.AUTO, **environment) == kept


def test_where_nothing_is_known_the_keyring_is_proposed(memory_keyring: MemoryKeyring) -> None:
    assert looked(CredentialSource.AUTO, "ann") == KeptLogin(CredentialSource.KEYRING)
    assert not memory_keyring.kept
