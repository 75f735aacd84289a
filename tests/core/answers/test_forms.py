"""What a form shows: a help line for every field, and an error text for every wrong value."""

from pathlib import Path

import pytest

from core.answers import SECTIONS, Answers, field_help, field_label, validate_field
from core.answers.forms import known_keys

WIDTH = 59
"""Columns of a help or error line in the narrow frame."""

FIELDS = [(section, key) for section in SECTIONS for key in known_keys((section,))]


@pytest.mark.parametrize(("section", "field"), FIELDS)
def test_every_field_has_a_label_and_a_help_line_that_fit(section: str, field: str) -> None:
    label, line = field_label(section, field), field_help(section, field)
    assert 0 < len(label) <= 17
    assert 0 < len(line) <= WIDTH
    assert line.endswith((".", ")."))


@pytest.mark.parametrize(("section", "field"), FIELDS)
@pytest.mark.parametrize("value", ["\0", ["\0"], {"a": {"b": "c"}}, 10**30, "https://x y/..", None])
def test_whatever_is_wrong_is_said_in_one_line(section: str, field: str, value: object) -> None:
    words = validate_field(section, field, value)
    assert len(words) <= WIDTH
    assert not words or words.endswith(".")
    assert "pydantic" not in words
    assert "Input should" not in words


@pytest.mark.parametrize(
    ("section", "field", "value", "words"),
    [
        ("registry", "endpoint", "harbor.local", ""),
        ("registry", "endpoint", " 10.0.0.5 ", ""),
        ("registry", "endpoint", "fd00::1", ""),
        ("registry", "endpoint", "", "Enter the host name or IP address of your registry."),
        ("registry", "endpoint", "https://h", "Leave out https://."),
        ("registry", "endpoint", "h/eks-a", "Leave out the path. It belongs to the namespace."),
        ("registry", "endpoint", "h:443", "The port goes into a field of its own."),
        ("registry", "endpoint", "a b", "No spaces."),
        ("registry", "endpoint", "[fd00::1]", "Write an IPv6 address without brackets."),
        (
            "registry",
            "endpoint",
            "5000",
            "A number is no host. The port goes into a field of its own.",
        ),
        ("registry", "endpoint", "10.0.5", "This is neither a name nor four numbers below 256."),
        ("registry", "endpoint", "h_x", "This is not the name or address of a host."),
        ("registry", "port", "443", ""),
        ("registry", "port", "", ""),
        ("registry", "port", "0", "A number from 1 to 65535."),
        ("registry", "port", "443a", "A number from 1 to 65535."),
        ("registry", "namespace", "", ""),
        ("registry", "namespace", "eks-a/", ""),
        ("registry", "namespace", "/eks-a", "No slash at the start or end."),
        ("registry", "namespace", "a//b", "No “..” and no empty part."),
        ("registry", "namespace", "a/../b", "No “..” and no empty part."),
        ("registry", "namespace", "A", "Lower case letters, digits, and . _ - / only."),
        ("mapping", "registry", "", "Enter a host name."),
        ("mapping", "registry", "docker.io", ""),
        ("mapping", "registry", "localhost:5000", ""),
        ("mapping", "registry", "[::1]:5000", ""),
        ("mapping", "registry", "https://docker.io", "Leave out https://."),
        (
            "mapping",
            "registry",
            "public.ecr.aws/eks",
            "Host name only. The path of the image name stays.",
        ),
        ("mapping", "namespace", "dockerhub", ""),
        ("credentials", "username", "", "Enter the user name."),
        ("credentials", "username", "a:b", "No colon in a user name."),
        ("artifacts", "kube_versions", ("1.33",), ""),
        ("artifacts", "kube_versions", "1.33.1", "A version such as 1.33, without a patch number."),
        ("artifacts", "archive", "", "Enter the path of the tarball."),
        ("artifacts", "archive", "/nowhere/images.tar", "No such file."),
        ("registry", "ca_file", "", ""),
        ("registry", "insecure", "perhaps", "true or false."),
    ],
)
def test_a_field_is_judged_as_it_is_typed(
    section: str, field: str, value: object, words: str
) -> None:
    assert validate_field(section, field, value) == words


def test_a_file_must_be_there_for_the_form_and_not_for_the_model(tmp_path: Path) -> None:
    path = tmp_path / "ca.crt"
    assert validate_field("registry", "ca_file", str(path)) == "No such file."
    assert Answers.model_validate({"registry": {"ca_file": path}}).registry.ca_file == path
    path.touch()
    assert validate_field("registry", "ca_file", path) == ""
    assert validate_field("output", "fragment", tmp_path / "new.yaml") == ""


def test_an_unknown_field_is_a_defect_of_the_caller() -> None:
    with pytest.raises(KeyError):
        field_help("registry", "planet")
