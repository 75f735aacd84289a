"""`docker login`: what docker's config says, and how a login gets into it."""

import base64
import json
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from core.errors import Code, EksaMirrorError, MachineError, RegistryError, UsageError
from core.host.daemon import connect
from core.host.docker_login import docker_login, logged_in_as
from core.registry.credentials import Credentials
from tests.core.host.daemons import answering

NAMES = ("harbor.local", "harbor.local:443")
SECRET = "hunter2 \"'$ä:"
LOGIN = Credentials("robot$a+b", SecretStr(SECRET))

HELPER = """\
#!/bin/sh
# Keeps each login in a file of its own, as docker-credential-helpers do it.
case "$1" in
store) cat > "$STORE/new" && server=$(sed 's/.*"ServerURL": "\\([^"]*\\)".*/\\1/' "$STORE/new")
       mv "$STORE/new" "$STORE/$server" ;;
get)   read -r server || :; if [ -f "$STORE/$server" ]; then cat "$STORE/$server"
       else echo "credentials not found in native keychain"; exit 1; fi ;;
esac
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short one: the path of a socket is limited."""
    with tempfile.TemporaryDirectory(prefix="eksa-") as name:
        yield Path(name)


@pytest.fixture
def environment(folder: Path) -> dict[str, str]:
    """Docker's config in `folder`, and a credential helper called `test` on the PATH."""
    helper = folder / "docker-credential-test"
    helper.write_text(HELPER)
    helper.chmod(0o755)
    (folder / "store").mkdir()
    return {
        "DOCKER_CONFIG": str(folder / "config"),
        "PATH": f"{folder}:{os.environ['PATH']}",
        "STORE": str(folder / "store"),
    }


def test_a_login_is_kept_in_the_config_for_its_owner_alone(
    folder: Path, environment: dict[str, str]
) -> None:
    assert logged_in_as(NAMES[0], environment) is None
    kept = _log_in(folder, environment)
    file = folder / "config" / "config.json"
    assert kept == f"{file} (not encrypted)"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    entry = {"auth": base64.b64encode(f"robot$a+b:{SECRET}".encode()).decode()}
    assert json.loads(file.read_text()) == {"auths": dict.fromkeys(NAMES, entry)}
    for name in NAMES:
        assert logged_in_as(name, environment) == "robot$a+b"
    assert logged_in_as("harbor.local:8443", environment) is None


def test_whatever_else_is_in_the_config_stays(folder: Path, environment: dict[str, str]) -> None:
    file = folder / "config" / "config.json"
    target = folder / "dotfiles.json"
    file.parent.mkdir()
    file.symlink_to(target)
    others = {"auths": {"docker.io": {"auth": "eDp5"}}, "proxies": {"default": {}}, "psFormat": "ü"}
    target.write_text(json.dumps(others))
    _log_in(folder, environment)
    assert file.is_symlink()
    document = json.loads(target.read_text())
    assert document["auths"].pop("docker.io") == {"auth": "eDp5"}
    assert set(document.pop("auths")) == set(NAMES)
    assert document == {"proxies": {"default": {}}, "psFormat": "ü"}


@pytest.mark.parametrize(
    "config", [{"credsStore": "test"}, {"credHelpers": dict.fromkeys(NAMES, "test")}]
)
def test_a_credential_helper_keeps_the_login_and_the_config_does_not(
    folder: Path, environment: dict[str, str], config: dict[str, object]
) -> None:
    (folder / "config").mkdir()
    (folder / "config" / "config.json").write_text(json.dumps(config))
    assert logged_in_as(NAMES[0], environment) is None
    assert _log_in(folder, environment) == "docker-credential-test"
    written = (folder / "config" / "config.json").read_text()
    assert json.loads(written) == config | {"auths": {name: {} for name in NAMES}}
    for name in NAMES:
        kept = json.loads((folder / "store" / name).read_text())
        assert kept == {"ServerURL": name, "Username": "robot$a+b", "Secret": SECRET}
        assert logged_in_as(name, environment) == "robot$a+b"


@pytest.mark.parametrize(
    "script", [None, "#!/bin/sh\ncat; exit 3\n", "not a program", "#!/nowhere\n"]
)
def test_a_credential_helper_that_fails_is_told_without_the_secret(
    folder: Path, environment: dict[str, str], script: str | None
) -> None:
    (folder / "config").mkdir()
    (folder / "config" / "config.json").write_text('{"credsStore": "bad"}')
    if script is not None:
        helper = folder / "docker-credential-bad"
        helper.write_text(script)
        helper.chmod(0o755)
    with pytest.raises(MachineError, match="docker-credential-bad did not keep") as caught:
        _log_in(folder, environment)
    assert caught.value.code is Code.CREDENTIALS_UNREADABLE
    assert "hunter2" not in f"{caught.value} {caught.value.cause} {caught.value.mend}"
    with pytest.raises(RegistryError):
        logged_in_as(NAMES[0], environment)


@pytest.mark.parametrize("content", ["{", "[]", '{"auths": []}', '"x"', "\0"])
def test_a_config_that_is_broken_is_told_and_left_as_it_is(
    folder: Path, environment: dict[str, str], content: str
) -> None:
    file = folder / "config" / "config.json"
    file.parent.mkdir()
    file.write_text(content)
    with pytest.raises(MachineError) as caught:
        _log_in(folder, environment)
    assert caught.value.code is Code.CREDENTIALS_UNREADABLE
    assert file.read_text() == content


def test_a_folder_that_cannot_be_written_is_told(folder: Path, environment: dict[str, str]) -> None:
    (folder / "config").touch()
    with pytest.raises(MachineError) as caught:
        _log_in(folder, environment)
    assert caught.value.code is Code.FILE_NOT_WRITTEN


@pytest.mark.parametrize(
    ("entry", "user"),
    [
        ({"auth": "cm9ib3QkYTpi"}, "robot$a"),
        ({"username": "robot", "password": "hunter2"}, "robot"),
        ({"identitytoken": "hunter2"}, ""),
        ({"auth": "%%%"}, ""),
        ({"auth": 1}, ""),
        ({}, None),
        ({"auth": ""}, None),
        ([], None),
        (None, None),
    ],
)
def test_whose_login_it_is_is_told(
    folder: Path, environment: dict[str, str], entry: object, user: str | None
) -> None:
    (folder / "config").mkdir()
    config = {"auths": {f"https://{NAMES[0]}/v1/": entry, NAMES[1]: None}}
    (folder / "config" / "config.json").write_text(json.dumps(config))
    assert logged_in_as(NAMES[0], environment) == user
    assert logged_in_as(NAMES[1], environment) is None


def test_a_login_that_the_daemon_refuses_is_kept_nowhere(
    folder: Path, environment: dict[str, str]
) -> None:
    with (
        answering(folder / "docker.sock") as host,  # it knows no /auth
        connect({"DOCKER_HOST": host}) as daemon,
        pytest.raises(EksaMirrorError) as caught,
    ):
        docker_login(daemon, NAMES, LOGIN, environment)
    assert "hunter2" not in str(caught.value)
    assert not (folder / "config").exists()


def test_a_token_is_no_password(folder: Path, environment: dict[str, str]) -> None:
    token = Credentials("", SecretStr("hunter2"), is_identity_token=True)
    with (
        answering(folder / "docker.sock") as host,
        connect({"DOCKER_HOST": host}) as daemon,
        pytest.raises(UsageError),
    ):
        docker_login(daemon, NAMES, token, environment)


def _log_in(folder: Path, environment: dict[str, str]) -> str:
    said = {"Status": "Login Succeeded", "IdentityToken": ""}
    with (
        answering(folder / "docker.sock", auth=said) as host,
        connect({"DOCKER_HOST": host}) as daemon,
    ):
        return docker_login(daemon, NAMES, LOGIN, environment)
