"""Which login is used: flags, environment, keyring, docker config, nobody."""

import logging
import subprocess
import sys
import traceback
from pathlib import Path

import keyring
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keyring.core import load_keyring
from pydantic import SecretStr

from core.answers import CredentialSource
from core.errors import Code, EksaMirrorError, RegistryError, UsageError
from core.host.credentials import check_login, find_credentials
from core.host.keyring_store import save_in_keyring
from core.registry.credentials import Credentials
from tests.core.host.stores import MemoryKeyring, basic, write_config

HOST = "harbor.example"
PASSWORD = "sécret: \"with' $everything\\ 日本"
ENVIRONMENT = {"REGISTRY_USERNAME": "env", "REGISTRY_PASSWORD": "from env"}


@pytest.fixture
def everywhere(memory_keyring: MemoryKeyring, tmp_path: Path) -> dict[str, str]:
    """A login in keyring, docker config and environment, each of another user."""
    save_in_keyring(HOST, Credentials("ring", SecretStr("from keyring")))
    config = {"auths": {HOST: {"auth": basic("docker", "from docker")}}}
    return ENVIRONMENT | write_config(tmp_path, config)


def _without(environment: dict[str, str], *names: str) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name not in names}


def _pair(found: Credentials | None) -> tuple[str, str] | None:
    return None if found is None else (found.username, found.password.get_secret_value())


def _refused(**options: object) -> EksaMirrorError:
    with pytest.raises(EksaMirrorError) as raised:
        find_credentials(HOST, **options)  # type: ignore[arg-type]
    return raised.value


# Order


def test_the_first_that_is_found_wins(
    everywhere: dict[str, str], memory_keyring: MemoryKeyring
) -> None:
    found = find_credentials(
        HOST, username="flag", password=SecretStr("from flag"), environment=everywhere
    )
    assert _pair(found) == ("flag", "from flag")
    assert found is not None
    assert found.source == "flags"
    assert _pair(find_credentials(HOST, environment=everywhere)) == ("env", "from env")
    environment = _without(everywhere, *ENVIRONMENT)
    assert _pair(find_credentials(HOST, environment=environment)) == ("ring", "from keyring")
    memory_keyring.kept.clear()
    assert _pair(find_credentials(HOST, environment=environment)) == ("docker", "from docker")
    assert find_credentials(HOST, environment={}) is None


def test_the_process_environment_is_looked_into_by_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert find_credentials(HOST) is None
    monkeypatch.setenv("REGISTRY_USERNAME", "bob")
    monkeypatch.setenv("REGISTRY_PASSWORD", PASSWORD)
    assert _pair(find_credentials(HOST)) == ("bob", PASSWORD)


@pytest.mark.parametrize(
    ("source", "user"),
    [
        (CredentialSource.ENVIRONMENT, "env"),
        (CredentialSource.KEYRING, "ring"),
        (CredentialSource.DOCKER_CONFIG, "docker"),
    ],
)
def test_a_chosen_source_is_the_only_one(
    source: CredentialSource, user: str, everywhere: dict[str, str]
) -> None:
    found = find_credentials(HOST, source=source, environment=everywhere)
    assert found is not None
    assert found.username == user
    assert found.source
    assert find_credentials(HOST, source=CredentialSource.NONE, environment=everywhere) is None


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (CredentialSource.ENVIRONMENT, "REGISTRY_PASSWORD is not set."),
        (CredentialSource.KEYRING, "No login for harbor.example in the keyring."),
        (CredentialSource.DOCKER_CONFIG, "No login for harbor.example in /nowhere/config.json."),
        (CredentialSource.ASK, "There is no password."),
    ],
)
@pytest.mark.usefixtures("memory_keyring")
def test_a_chosen_source_without_a_login_is_told(source: CredentialSource, said: str) -> None:
    error = _refused(source=source, environment={"DOCKER_CONFIG": "/nowhere"})
    assert isinstance(error, RegistryError)
    assert error.message == said


def test_a_chosen_keyring_that_is_missing_is_told(everywhere: dict[str, str]) -> None:
    keyring.set_keyring(load_keyring("keyring.backends.fail.Keyring"))
    error = _refused(source=CredentialSource.KEYRING, environment=everywhere)
    assert error.message == "No keyring on this machine."
    environment = _without(everywhere, *ENVIRONMENT)
    assert _pair(find_credentials(HOST, environment=environment)) == ("docker", "from docker")


# One user


@pytest.mark.parametrize(
    ("username", "password"),
    [("env", "from env"), ("ring", "from keyring"), ("docker", "from docker")],
)
def test_the_source_that_has_the_wanted_user_is_taken(
    username: str, password: str, everywhere: dict[str, str]
) -> None:
    found = find_credentials(HOST, username=username, environment=everywhere)
    assert _pair(found) == (username, password)


def test_a_user_that_no_source_knows_is_told(everywhere: dict[str, str]) -> None:
    error = _refused(username="bob", environment=everywhere)
    assert error.code is Code.LOGIN_MISSING
    assert "“bob”" in error.message
    assert _refused(username="bob", environment={}).code is Code.LOGIN_MISSING


@pytest.mark.parametrize(
    "source",
    [CredentialSource.ENVIRONMENT, CredentialSource.KEYRING, CredentialSource.DOCKER_CONFIG],
)
def test_another_user_in_a_chosen_source_is_told(
    source: CredentialSource, everywhere: dict[str, str]
) -> None:
    error = _refused(username="bob", source=source, environment=everywhere)
    assert error.code is Code.CREDENTIALS_UNREADABLE
    assert "not of “bob”" in error.message


@pytest.mark.parametrize("source", [CredentialSource.AUTO, CredentialSource.ENVIRONMENT])
@pytest.mark.parametrize("name", [None, ""])
def test_a_password_of_the_environment_goes_with_the_user_that_was_named(
    name: str | None, source: CredentialSource
) -> None:
    environment = {"REGISTRY_PASSWORD": "x"} | ({} if name is None else {"REGISTRY_USERNAME": name})
    found = find_credentials(HOST, username="bob", source=source, environment=environment)
    assert _pair(found) == ("bob", "x")


def test_a_password_of_the_keyring_goes_with_the_user_that_was_named(
    memory_keyring: MemoryKeyring,
) -> None:
    memory_keyring.set_password("eksa-mirror", HOST, "bare")
    assert _pair(find_credentials(HOST, username="bob", environment={})) == ("bob", "bare")


# Half a login


@pytest.mark.parametrize("source", [CredentialSource.AUTO, CredentialSource.ENVIRONMENT])
def test_empty_variables_stand_for_no_login(
    source: CredentialSource, everywhere: dict[str, str]
) -> None:
    environment = everywhere | {"REGISTRY_USERNAME": "", "REGISTRY_PASSWORD": ""}
    assert find_credentials(HOST, source=source, environment=environment) is None


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"REGISTRY_USERNAME": "bob"}, "REGISTRY_PASSWORD is not set."),
        ({"REGISTRY_USERNAME": ""}, "REGISTRY_PASSWORD is not set."),
        ({"REGISTRY_USERNAME": "bob", "REGISTRY_PASSWORD": ""}, "REGISTRY_PASSWORD is empty."),
        ({"REGISTRY_PASSWORD": "x"}, "REGISTRY_USERNAME is not set."),
        ({"REGISTRY_USERNAME": "", "REGISTRY_PASSWORD": "x"}, "REGISTRY_USERNAME is empty."),
    ],
)
@pytest.mark.parametrize("source", [CredentialSource.AUTO, CredentialSource.ENVIRONMENT])
def test_half_a_login_in_the_environment_is_told(
    environment: dict[str, str], said: str, source: CredentialSource
) -> None:
    error = _refused(source=source, environment=environment)
    assert error.code is Code.CREDENTIALS_UNREADABLE
    assert error.message == said


def test_half_a_login_in_flags_is_told() -> None:
    error = _refused(password=SecretStr("x"), environment={})
    assert isinstance(error, UsageError)
    assert error.where == "--username"
    assert find_credentials(HOST, password=SecretStr(""), environment=ENVIRONMENT) is None


# A file


def _file(folder: Path, content: bytes, mode: int = 0o600) -> Path:
    file = folder / "password"
    file.write_bytes(content)
    file.chmod(mode)
    return file


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_password_file_is_read(end: str, tmp_path: Path) -> None:
    file = _file(tmp_path, f"{PASSWORD}{end}".encode())
    found = find_credentials(
        HOST, username="bob", source=CredentialSource.FILE, password_file=file, environment={}
    )
    assert _pair(found) == ("bob", PASSWORD)


@pytest.mark.parametrize(
    ("content", "mode", "said"),
    [
        (b"x", 0o644, "open to others"),
        (b"x", 0o620, "open to others"),
        (b"", 0o600, "is empty"),
        (b"\n", 0o600, "is empty"),
        (b"\xff", 0o600, "not UTF-8"),
        (b"two\nlines", 0o600, "line break"),
    ],
)
def test_a_password_file_that_cannot_be_used_is_told(
    content: bytes, mode: int, said: str, tmp_path: Path
) -> None:
    file = _file(tmp_path, content, mode)
    error = _refused(
        username="bob", source=CredentialSource.FILE, password_file=file, environment={}
    )
    assert error.code is Code.CREDENTIALS_UNREADABLE
    assert said in error.message
    assert error.where == str(file)


def test_a_password_file_that_is_missing_is_told(tmp_path: Path) -> None:
    for file in (tmp_path / "none", tmp_path, Path("a\0b")):
        error = _refused(
            username="bob", source=CredentialSource.FILE, password_file=file, environment={}
        )
        assert "cannot be read" in error.message
    for options in ({"username": "bob"}, {"password_file": _file(tmp_path, b"x")}):
        error = _refused(source=CredentialSource.FILE, environment={}, **options)
        assert isinstance(error, UsageError)


# Characters


@pytest.mark.parametrize(
    "password",
    [
        PASSWORD,
        "a:b:c",
        "'\"`$(id)\\",
        " spaces ",
        "日本語",
        "🔑",
        "%41%0a",
        "<token>",
        "-p",
        "\u2028",
    ],
)
@pytest.mark.parametrize("username", ["bob", "robot$eks-a+push", "ä b", "user@example.com"])
def test_every_printable_login_is_taken(username: str, password: str) -> None:
    environment = {"REGISTRY_USERNAME": username, "REGISTRY_PASSWORD": password}
    assert _pair(find_credentials(HOST, environment=environment)) == (username, password)
    found = find_credentials(HOST, username=username, password=SecretStr(password))
    assert _pair(found) == (username, password)


@pytest.mark.parametrize("character", ["\n", "\r", "\t", "\0", "\x1b", "\x7f"])
@pytest.mark.parametrize("place", ["user name", "password"])
def test_control_characters_are_told_without_the_secret(character: str, place: str) -> None:
    username = f"bob{character}" if place == "user name" else "bob"
    password = f"hidden{character}" if place == "password" else "hidden"
    for options in (
        {"username": username, "password": SecretStr(password), "environment": {}},
        {"environment": {"REGISTRY_USERNAME": username, "REGISTRY_PASSWORD": password}},
    ):
        error = _refused(**options)
        assert error.code is Code.CREDENTIALS_UNREADABLE
        assert f"The {place} holds a line break or another control character" in error.message
        assert "printf" in error.mend
        assert "hidden" not in "".join(traceback.format_exception(error))


def test_a_colon_in_a_user_name_is_told() -> None:
    error = _refused(username="a:b", password=SecretStr("x"), environment={})
    assert error.message == "The user name holds a colon."


def test_bytes_that_are_no_utf8_are_told() -> None:
    environment = {
        "REGISTRY_USERNAME": "bob",
        "REGISTRY_PASSWORD": b"\xff".decode("utf-8", "surrogateescape"),
    }
    assert "not valid UTF-8" in _refused(environment=environment).message


def test_a_login_of_docker_is_judged_as_well(tmp_path: Path) -> None:
    config = {"auths": {HOST: {"auth": basic("bob", "line\n")}}}
    error = _refused(environment=write_config(tmp_path, config))
    assert "line break" in error.message


@given(st.text(max_size=20), st.text(max_size=20))
def test_a_login_that_passes_can_be_sent(username: str, password: str) -> None:
    credentials = Credentials(username, SecretStr(password))
    try:
        check_login(credentials)
    except RegistryError as error:
        assert error.code is Code.CREDENTIALS_UNREADABLE  # noqa: PT017 - either is right
    else:
        assert credentials.basic_header().isascii()
        assert credentials.basic_header().isprintable()


# Secrets


def test_no_secret_is_logged_or_shown(
    everywhere: dict[str, str], memory_keyring: MemoryKeyring, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    environment = _without(everywhere, *ENVIRONMENT)
    shown = [repr(find_credentials(HOST, environment=everywhere))]
    shown.append(repr(find_credentials(HOST, environment=environment)))
    memory_keyring.kept.clear()
    shown.append(repr(find_credentials(HOST, environment=environment)))
    shown += [record.getMessage() + repr(record.args) for record in caplog.records]
    for text in shown:
        assert "from " not in text


def test_the_keyring_and_dockers_sdk_are_loaded_only_when_they_are_needed() -> None:
    program = (
        "import sys, core.host.credentials as c\n"
        "from pydantic import SecretStr\n"
        "c.find_credentials('h', username='u', password=SecretStr('p'))\n"
        "assert not {'keyring', 'docker'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
