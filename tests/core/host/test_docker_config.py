"""Docker's config: real files, real helpers."""

import json
import logging
import os
import time
import traceback
from pathlib import Path
from typing import Any

import pytest

from core.errors import Code, RegistryError
from core.host import credential_helpers
from core.host.docker_config import docker_config_file, find_in_docker_config
from tests.core.host.stores import (
    basic,
    helper_with,
    write_config,
    write_helper,
    write_shell_helper,
)

HOST = "harbor.example:443"
PASSWORD = "sécret: \"with' $everything\\ 日本"


def _refused(environment: dict[str, str], *, chosen: bool = False) -> RegistryError:
    with pytest.raises(RegistryError) as raised:
        find_in_docker_config(HOST, environment, chosen=chosen)
    error = raised.value
    assert error.code is Code.CREDENTIALS_UNREADABLE
    said = "".join(traceback.format_exception(error)) + error.cause + error.mend
    assert PASSWORD not in said
    assert "hidden" not in said
    return error


# The file


@pytest.mark.parametrize(
    ("environment", "file"),
    [
        ({"DOCKER_CONFIG": "/etc/d", "HOME": "/home/u"}, "/etc/d/config.json"),
        ({"HOME": "/home/u"}, "/home/u/.docker/config.json"),
        ({"DOCKER_CONFIG": "", "HOME": "/home/u"}, "/home/u/.docker/config.json"),
    ],
)
def test_the_config_lies_where_docker_keeps_it(environment: dict[str, str], file: str) -> None:
    assert docker_config_file(environment) == Path(file)


def test_a_machine_without_docker_has_no_login(tmp_path: Path) -> None:
    assert find_in_docker_config(HOST, {"HOME": str(tmp_path)}) is None
    assert find_in_docker_config(HOST, {"DOCKER_CONFIG": str(tmp_path / "none")}) is None


@pytest.mark.parametrize("config", [b"", b"  \n", {}, {"auths": {}}, {"auths": None}, {"x": 1}])
def test_a_config_without_logins_has_none(config: Any, tmp_path: Path) -> None:
    assert find_in_docker_config(HOST, write_config(tmp_path, config)) is None


@pytest.mark.parametrize(
    "key",
    [
        "harbor.example",
        "harbor.example:443",
        "https://harbor.example",
        "https://harbor.example:443/v2/",
        "Harbor.Example",
    ],
)
@pytest.mark.parametrize("address", ["harbor.example", "harbor.example:443"])
def test_a_login_is_found_under_every_spelling(key: str, address: str, tmp_path: Path) -> None:
    config = {"auths": {"other.example": {}, key: {"auth": basic("robot$a+b", PASSWORD)}}}
    found = find_in_docker_config(address, write_config(tmp_path, config))
    assert found is not None
    assert found.username == "robot$a+b"
    assert found.password.get_secret_value() == PASSWORD
    assert found.source == "docker config"
    assert not found.is_identity_token


@pytest.mark.parametrize("key", ["harbor.example:5000", "other.example", "harbor.example.other"])
def test_the_login_of_another_registry_is_not_taken(key: str, tmp_path: Path) -> None:
    config = {"auths": {key: {"auth": basic("bob", PASSWORD)}}}
    assert find_in_docker_config(HOST, write_config(tmp_path, config)) is None


def test_an_identity_token_is_found(tmp_path: Path) -> None:
    entry = {"auth": basic("00000000", ""), "identitytoken": PASSWORD}
    found = find_in_docker_config(HOST, write_config(tmp_path, {"auths": {HOST: entry}}))
    assert found is not None
    assert found.is_identity_token
    assert found.username == ""
    assert found.password.get_secret_value() == PASSWORD


@pytest.mark.parametrize("entry", [{}, {"auth": ""}, {"auth": None}, {"email": "a@b"}])
def test_an_entry_that_docker_leaves_empty_is_no_login(
    entry: dict[str, Any], tmp_path: Path
) -> None:
    assert find_in_docker_config(HOST, write_config(tmp_path, {"auths": {HOST: entry}})) is None


@pytest.mark.parametrize(
    "entry",
    [
        5,
        "hidden",
        ["hidden"],
        {"auth": "hidden!"},
        {"auth": "aGlkZGVu"},  # no colon in it
        {"auth": "//79/Dr/"},
        {"auth": 5},
        {"auth": ["hidden"]},
        {"auth": "hiddén"},
        {"identitytoken": {"hidden": 1}},
    ],
)
def test_a_broken_entry_of_this_registry_is_told(entry: Any, tmp_path: Path) -> None:
    error = _refused(write_config(tmp_path, {"auths": {HOST: entry}}))
    assert HOST in error.message
    assert error.where == str(tmp_path / "config.json")


def test_broken_entries_of_other_registries_do_no_harm(tmp_path: Path) -> None:
    config = {
        "auths": {"a": 5, "b": {"auth": "%%%"}, HOST: {"auth": basic("bob", PASSWORD)}},
        "credHelpers": {"c": 7, "d": "no-such-helper"},
    }
    found = find_in_docker_config(HOST, write_config(tmp_path, config))
    assert found is not None
    assert found.username == "bob"


@pytest.mark.parametrize(
    "content",
    [
        b"{hidden",
        b"[]",
        b'"hidden"',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"auths": ["hidden"]}',
        b'{"credHelpers": "hidden"}',
    ],
    ids=range(7),
)
def test_a_config_that_cannot_be_read_is_told(content: bytes, tmp_path: Path) -> None:
    error = _refused(write_config(tmp_path, content))
    assert error.where == str(tmp_path / "config.json")


def test_a_config_that_may_not_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "config.json").mkdir()
    assert "directory" in _refused({"DOCKER_CONFIG": str(tmp_path)}).message
    assert "not valid" in _refused({"DOCKER_CONFIG": "a\0b"}).message


# Helpers


def test_a_helper_for_this_registry_is_asked(tmp_path: Path) -> None:
    write_helper(tmp_path, "mine", helper_with({"harbor.example": ("robot$a+b", PASSWORD)}))
    config = {"credHelpers": {"harbor.example": "mine", "other": "none"}}
    found = find_in_docker_config(HOST, write_config(tmp_path, config))
    assert found is not None
    assert (found.username, found.password.get_secret_value()) == ("robot$a+b", PASSWORD)
    assert found.source == "docker config (docker-credential-mine)"


@pytest.mark.parametrize(
    "server", ["harbor.example", "harbor.example:443", "https://harbor.example"]
)
def test_the_general_store_is_asked_under_every_spelling(server: str, tmp_path: Path) -> None:
    write_helper(tmp_path, "store", helper_with({server: ("bob", PASSWORD)}))
    config = {"credsStore": "store", "auths": {server: {}}}
    found = find_in_docker_config(HOST, write_config(tmp_path, config))
    assert found is not None
    assert found.username == "bob"


def test_the_general_store_is_asked_without_an_entry(tmp_path: Path) -> None:
    write_helper(tmp_path, "store", helper_with({HOST: ("bob", PASSWORD)}))
    found = find_in_docker_config(HOST, write_config(tmp_path, {"credsStore": "store"}))
    assert found is not None


def test_a_helper_of_this_registry_goes_before_the_store_and_the_file(tmp_path: Path) -> None:
    write_helper(tmp_path, "mine", helper_with({HOST: ("helper", "1")}))
    write_helper(tmp_path, "store", helper_with({HOST: ("store", "2")}))
    config: dict[str, Any] = {
        "credHelpers": {HOST: "mine"},
        "credsStore": "store",
        "auths": {HOST: {"auth": basic("file", "3")}},
    }
    names = []
    for key in ("credHelpers", "credsStore", "auths"):
        found = find_in_docker_config(HOST, write_config(tmp_path, config))
        assert found is not None
        names.append(found.username)
        del config[key]
    assert names == ["helper", "store", "file"]


def test_the_file_is_read_where_helper_and_store_hold_nothing(tmp_path: Path) -> None:
    write_helper(tmp_path, "empty", helper_with({}))
    write_helper(tmp_path, "pass", 'print(json.dumps({"Username": "", "Secret": ""}))')
    config = {
        "credHelpers": {HOST: "empty"},
        "credsStore": "pass",
        "auths": {HOST: {"auth": basic("file", "3")}},
    }
    found = find_in_docker_config(HOST, write_config(tmp_path, config))
    assert found is not None
    assert found.username == "file"


def test_a_helper_may_hold_an_identity_token(tmp_path: Path) -> None:
    write_helper(tmp_path, "mine", helper_with({HOST: ("<token>", PASSWORD)}))
    found = find_in_docker_config(HOST, write_config(tmp_path, {"credHelpers": {HOST: "mine"}}))
    assert found is not None
    assert found.is_identity_token
    assert found.username == ""


def test_a_helper_sees_the_environment_and_nothing_else(tmp_path: Path) -> None:
    script = 'print(json.dumps({"Username": os.environ["MARK"], "Secret": ",".join(sys.argv[1:])}))'
    write_helper(tmp_path, "mine", script)
    environment = write_config(tmp_path, {"credHelpers": {HOST: "mine"}}) | {"MARK": "here"}
    found = find_in_docker_config(HOST, environment)
    assert found is not None
    assert found.username == "here"
    assert found.password.get_secret_value() == "get"


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("cat >/dev/null; echo hidden; exit 1", "exit code 1"),
        ("echo hidden >&2; exit 3", "exit code 3"),
        ("kill -9 $$", "exit code -9"),
        ("echo hidden", "no login"),
        ("exit 0", "no login"),
        ("""echo '{"Username": "hidden"}'""", "no login"),
        ("""echo '{"Username": 1, "Secret": "hidden"}'""", "no login"),
        ("""echo '["hidden"]'""", "no login"),
        ("printf '\\377'", "no login"),
        ("yes hidden", "more than a login"),
    ],
)
def test_a_helper_that_fails_is_named_and_its_output_is_not(
    script: str, said: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    write_shell_helper(tmp_path, "bad", script)
    error = _refused(write_config(tmp_path, {"credHelpers": {HOST: "bad"}}))
    assert "docker-credential-bad" in error.message
    assert said in error.message
    assert "hidden" not in caplog.text


def test_a_helper_that_is_missing_is_named(tmp_path: Path) -> None:
    error = _refused(write_config(tmp_path, {"credHelpers": {HOST: "none"}}))
    assert error.message == "The credential helper docker-credential-none is not installed."
    assert "Install docker-credential-none" in error.mend


def test_a_helper_that_cannot_be_started_is_named(tmp_path: Path) -> None:
    program = tmp_path / "docker-credential-bad"
    program.write_bytes(b"\x7fELF rubbish")
    program.chmod(0o700)
    assert (
        "cannot be started"
        in _refused(write_config(tmp_path, {"credHelpers": {HOST: "bad"}})).message
    )


@pytest.mark.parametrize("name", ["../bad", "/bin/sh", "a b", "", "-x", "bad\0", "\x1b[2J"])
def test_a_name_that_no_helper_has_runs_nothing(name: str, tmp_path: Path) -> None:
    write_shell_helper(tmp_path, "bad", f"touch {tmp_path}/ran")
    for config in ({"credHelpers": {HOST: name}}, {"credsStore": name, "auths": {HOST: {}}}):
        if name or "credHelpers" in config:
            error = _refused(write_config(tmp_path, config))
            assert "names no credential helper" in error.message
            assert error.message.isprintable()
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("name", [5, None, ["hidden"], {"hidden": 1}])
def test_a_helper_that_is_no_name_is_told(name: Any, tmp_path: Path) -> None:
    for config in ({"credHelpers": {HOST: name}}, {"credsStore": name}):
        if name is not None or "credHelpers" in config:
            error = _refused(write_config(tmp_path, config), chosen=True)
            assert "names no credential helper" in error.message


@pytest.mark.parametrize(
    "script",
    [
        "sleep 60",
        "sleep 60 & wait",
        "sleep 60 & exit 0",
        "exec >&-; sleep 60",
        "trap '' TERM; sleep 60",
    ],
)
def test_a_helper_that_hangs_is_ended_with_all_it_started(
    script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(credential_helpers, "HELPER_SECONDS", 1.0)
    write_shell_helper(tmp_path, "bad", f"echo $$ > {tmp_path}/group; {script}")
    started = time.monotonic()
    error = _refused(write_config(tmp_path, {"credHelpers": {HOST: "bad"}}))
    assert "no answer within" in error.message
    assert time.monotonic() - started < 10
    group = int((tmp_path / "group").read_text())
    _until_gone(group)


def _until_gone(group: int) -> None:
    end = time.monotonic() + 10
    while any(_group_of(entry) == group for entry in Path("/proc").glob("[0-9]*")):
        assert time.monotonic() < end
        time.sleep(0.01)


def _group_of(process: Path) -> int:
    """Its process group; 0 where it is gone or only waits to be buried."""
    try:
        state, _, group = (process / "stat").read_text().rpartition(")")[2].split()[:3]
    except OSError:
        return 0
    return 0 if state == "Z" else int(group)


# Broken, but not about this registry


@pytest.mark.parametrize("script", ["exit 1", None], ids=["fails", "missing"])
def test_a_general_store_that_fails_is_passed_over(
    script: str | None, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    if script:
        write_shell_helper(tmp_path, "store", script)
    config = {"credsStore": "store", "auths": {"other.example": {}}}
    assert find_in_docker_config(HOST, write_config(tmp_path, config)) is None
    assert "docker-credential-store" in caplog.text


def test_a_general_store_that_fails_is_told_where_it_is_meant(tmp_path: Path) -> None:
    write_shell_helper(tmp_path, "store", "exit 1")
    config: dict[str, Any] = {"credsStore": "store"}
    assert "store" in _refused(write_config(tmp_path, config), chosen=True).message
    config["auths"] = {"harbor.example": {}}
    assert "store" in _refused(write_config(tmp_path, config)).message


def test_dockers_own_variables_of_this_process_are_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the environment that was given counts."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    write_config(elsewhere, {"auths": {HOST: {"auth": basic("bob", "x")}}})
    monkeypatch.setenv("DOCKER_CONFIG", str(elsewhere))
    assert find_in_docker_config(HOST, {"HOME": str(tmp_path)}) is None
    found = find_in_docker_config(HOST, os.environ)
    assert found is not None
    assert json.loads((elsewhere / "config.json").read_text())["auths"]
