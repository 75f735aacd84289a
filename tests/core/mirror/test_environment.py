"""The environment file is safe to read into a shell, and holds no secret."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import Code, MirrorError, UsageError
from core.mirror.configuration import RegistryMirrorConfiguration
from core.mirror.environment import environment_file

NAMES = ("EKSA_REGISTRY_MIRROR_CA", "REGISTRY_USERNAME", "REGISTRY_PASSWORD")


def after_reading(
    text: str, tmp_path: Path, typed: str = "", environment: dict[str, str] | None = None
) -> tuple[dict[str, str], str]:
    """Variables of a child of a shell that has read the file, and what it said."""
    file = tmp_path / "eks-anywhere.env"
    file.write_text(text)
    ran = subprocess.run(
        ["sh", "-euc", '. "$0"; env -0', str(file)],
        input=typed,
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": "/usr/bin:/bin", **(environment or {})},
    )
    pairs = dict(one.split("=", 1) for one in ran.stdout.split("\0") if "=" in one)
    return {name: pairs[name] for name in NAMES if name in pairs}, ran.stderr


def test_a_robot_account_survives_the_shell(tmp_path: Path) -> None:
    text = environment_file(username="robot$a+b", ca_file="/srv/site a/ca's.crt")
    found, said = after_reading(text, tmp_path, "pass$word`x`\\y '\"z\n")
    assert found == {
        "EKSA_REGISTRY_MIRROR_CA": "/srv/site a/ca's.crt",
        "REGISTRY_USERNAME": "robot$a+b",
        "REGISTRY_PASSWORD": "pass$word`x`\\y '\"z",
    }
    assert said == "Password of robot$a+b: \n"


def test_a_password_that_is_set_is_not_asked_for(tmp_path: Path) -> None:
    text = environment_file(username="bob")
    found, said = after_reading(text, tmp_path, "typed\n", {"REGISTRY_PASSWORD": "set"})
    assert found["REGISTRY_PASSWORD"] == "set"
    assert said == ""


def test_without_a_login_nothing_is_asked_for(tmp_path: Path) -> None:
    found, said = after_reading(environment_file(ca_file="/ca.crt"), tmp_path)
    assert found == {"EKSA_REGISTRY_MIRROR_CA": "/ca.crt"}
    assert said == ""
    assert after_reading(environment_file(), tmp_path) == ({}, "")


@pytest.mark.parametrize("value", ["a\nb", "a\x00b", "a\x1b[31m", "a\rb"])
def test_control_characters_are_refused(value: str) -> None:
    for username, ca_file in ((value, ""), ("", value)):
        with pytest.raises(UsageError) as caught:
            environment_file(username=username, ca_file=ca_file)
        assert caught.value.code is Code.BAD_USAGE


@settings(max_examples=25, deadline=None)
@given(st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=20))
def test_any_name_survives_the_shell(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    folder = tmp_path_factory.mktemp("env")
    found, _ = after_reading(environment_file(username=name), folder, "secret\n")
    assert found["REGISTRY_USERNAME"] == name
    assert found["REGISTRY_PASSWORD"] == "secret"


def test_the_ca_comes_from_the_variable_only_where_none_is_written(tmp_path: Path) -> None:
    file = tmp_path / "ca.crt"
    file.write_text("PEM\n")
    environment = {"EKSA_REGISTRY_MIRROR_CA": str(file)}
    bare = RegistryMirrorConfiguration(endpoint="h")
    filled = bare.with_defaults(environment)
    assert (filled.port, filled.ca_cert_content) == ("443", "PEM\n")
    own = RegistryMirrorConfiguration(endpoint="h", ca_cert_content="own", port="1")
    assert own.with_defaults(environment) == own
    assert bare.with_defaults({"EKSA_REGISTRY_MIRROR_CA": ""}).ca_cert_content == ""
    assert bare.with_defaults({}).ca_cert_content == ""


def test_a_ca_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    binary = tmp_path / "ca.der"
    binary.write_bytes(b"\xff\x00")
    for path in (tmp_path / "missing", tmp_path, binary):
        with pytest.raises(MirrorError) as caught:
            RegistryMirrorConfiguration(endpoint="h").with_defaults(
                {"EKSA_REGISTRY_MIRROR_CA": str(path)}
            )
        assert caught.value.code is Code.CA_FILE_INVALID
        assert caught.value.where == str(path)
