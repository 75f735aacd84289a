"""The environment file: private, readable by a shell, and never shown with its password."""

import stat
import subprocess
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from core.answers import Answers
from core.errors import UsageError
from core.mirror.outputs import Change, Login, environment_has_login, write_outputs
from tests.core.mirror.ground import Ground

SECRET = "s3cr'et $x"


def test_a_new_environment_file_is_private(ground: Ground) -> None:
    write_outputs(ground.plan(login=Login("bob")))
    assert stat.S_IMODE(ground.environment.stat().st_mode) == 0o600
    assert stat.S_IMODE(ground.fragment.stat().st_mode) == 0o644
    assert "no password" in ground.environment.read_text()


def test_a_password_makes_an_open_file_private(ground: Ground) -> None:
    ground.environment.write_text("export REGISTRY_PASSWORD=old\n")
    ground.environment.chmod(0o644)
    login = Login("bob", SecretStr(SECRET))
    *_, written = write_outputs(ground.plan(login=login))
    assert written.backup is not None
    for path in (ground.environment, written.backup):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    ground.environment.chmod(0o640)
    *_, planned = ground.plan(login=login)
    assert planned.change is Change.REPLACE
    assert planned.difference() == ""
    write_outputs((planned,))
    assert stat.S_IMODE(ground.environment.stat().st_mode) == 0o600
    *_, planned = ground.plan(login=login)
    assert planned.change is Change.SAME


def test_rights_stay_where_there_is_no_password(ground: Ground) -> None:
    ground.environment.write_text("# mine\n")
    ground.environment.chmod(0o664)
    write_outputs(ground.plan(login=Login("bob")))
    assert stat.S_IMODE(ground.environment.stat().st_mode) == 0o664


def test_the_shell_reads_the_password_that_was_written(ground: Ground) -> None:
    write_outputs(ground.plan(login=Login("robot$a+b", SecretStr(SECRET))))
    ran = subprocess.run(
        ["sh", "-euc", '. "$0"; printf "%s|%s" "$REGISTRY_USERNAME" "$REGISTRY_PASSWORD"',
         str(ground.environment)],
        capture_output=True, text=True, check=True, env={}, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert ran.stdout == f"robot$a+b|{SECRET}"


_PASSWORDS = st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=8, max_size=24)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(_PASSWORDS, _PASSWORDS)
def test_no_password_is_ever_shown(ground: Ground, old: str, new: str) -> None:
    ground.environment.unlink(missing_ok=True)
    *_, first = ground.plan(login=Login("bob", SecretStr(old)))
    write_outputs((first,))
    *_, second = ground.plan(login=Login("bob", SecretStr(new)))
    for planned in (first, second):
        for shown in (repr(planned), planned.difference()):
            assert old not in shown
            assert new not in shown
    assert bool(second.difference()) is (old != new)


def test_a_control_character_in_a_password_is_refused_without_repeating_it(ground: Ground) -> None:
    with pytest.raises(UsageError) as caught:
        ground.plan(login=Login("bob", SecretStr("secret\nrm -rf /")))
    assert "secret" not in str(caught.value)


def test_a_name_cannot_smuggle_a_line_into_the_environment_file(ground: Ground) -> None:
    with pytest.raises(UsageError):
        ground.plan(sections={"output": {"environment": ground.folder / "a\nrm -rf b"}})


@pytest.mark.parametrize(
    ("sections", "expected"),
    [
        ({}, False),
        ({"credentials": {"authenticate": True}}, True),
        ({"credentials": {"username": "bob"}}, True),
        ({"output": {"with_password": True}}, True),
    ],
)
def test_when_the_environment_file_tells_a_login(sections: dict[str, Any], expected: bool) -> None:
    assert environment_has_login(Answers.model_validate(sections)) is expected
