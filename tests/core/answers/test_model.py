"""What the model takes, and how addresses are taken apart."""

import pytest
from pydantic import ValidationError

from core.answers import (
    Answers,
    ClusterAnswers,
    CredentialAnswers,
    CredentialSource,
    MappingAnswer,
    OsFamily,
    Provider,
    RegistryAnswers,
    TransferAnswers,
    take_apart,
)


@pytest.mark.parametrize(
    ("address", "endpoint", "port", "namespace"),
    [
        ("harbor.local", "harbor.local", None, ""),
        ("harbor.local:443/eks-a", "harbor.local", 443, "eks-a"),
        ("10.0.0.5:8443/team//mirror/", "10.0.0.5", 8443, "team/mirror"),
        ("[fd00::1]:5000/a", "fd00::1", 5000, "a"),
        ("[fd00::1]", "fd00::1", None, ""),
        ("fd00::1/a", "fd00::1", None, "a"),
        (" harbor.local/ ", "harbor.local", None, ""),
        ("", "", None, ""),
    ],
)
def test_an_address_is_taken_apart(
    address: str, endpoint: str, port: int | None, namespace: str
) -> None:
    answers = RegistryAnswers(address=address)
    assert (answers.endpoint, answers.port, answers.namespace) == (endpoint, port, namespace)
    assert answers == RegistryAnswers(endpoint=endpoint, port=port, namespace=namespace)
    assert RegistryAnswers(address=answers.address) == answers


@pytest.mark.parametrize(
    ("answers", "address"),
    [
        (RegistryAnswers(endpoint="h"), "h"),
        (RegistryAnswers(endpoint="h", port=443, namespace="a/b"), "h:443/a/b"),
        (RegistryAnswers(endpoint="::1", port=5000), "[::1]:5000"),
        (RegistryAnswers(port=5000, namespace="a"), ""),
    ],
)
def test_the_address_is_put_together(answers: RegistryAnswers, address: str) -> None:
    assert answers.address == address


@pytest.mark.parametrize(
    "address",
    [
        "https://h",
        "h:",
        "h:0",
        "h:65536",
        "h:x",
        ":443",
        "/eks-a",
        "h/../a",
        "h/A",
        "h h",
        "u:p@h",
        "-h",
        "h_x",
        "[fd00::1",
        "[h]:1",
        "[fd00::1]5000",
        "[fd00::1]:",
        "h" * 254,
        "fd00::1:99999",
        "::1.2.3.4",
        "fe80::1%eth0",
    ],
)
def test_an_address_that_makes_no_sense_is_refused(address: str) -> None:
    with pytest.raises(ValidationError):
        RegistryAnswers(address=address)


def test_a_pasted_url_is_taken_apart() -> None:
    expected = {"endpoint": "harbor.site-a.example", "port": "8443", "namespace": "eks-a"}
    assert take_apart(" https://harbor.site-a.example:8443/eks-a/ ") == expected


@pytest.mark.parametrize("spelling", ["bare metal", "Bare-Metal", "BARE_METAL", "tinkerbell"])
def test_a_choice_may_be_spelled_in_other_ways(spelling: str) -> None:
    answers = ClusterAnswers.model_validate({"provider": spelling, "os_family": "RHEL"})
    assert answers == ClusterAnswers(provider=Provider.BARE_METAL, os_family=OsFamily.RHEL)
    login = CredentialAnswers.model_validate({"source": "docker config"})
    assert login.source is CredentialSource.DOCKER_CONFIG


def test_nothing_chosen_is_no_choice() -> None:
    assert ClusterAnswers.model_validate({"provider": "", "os_family": ""}) == ClusterAnswers()


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("8M", 8_000_000),
        ("8Mi", 8 * 2**20),
        ("8MiB", 8 * 2**20),
        ("8 mb/s", 8_000_000),
        ("1.5G", 1_500_000_000),
        ("512K", 512_000),
        ("123456789012345", 123456789012345),
        ("7", 7),
    ],
)
def test_bytes_may_have_a_unit(text: str, count: int) -> None:
    assert TransferAnswers.model_validate({"limit_rate": text}).limit_rate == count


@pytest.mark.parametrize("text", ["", "M", "-1", "1e3", "8X", "8MM", "8iM", "nan", "inf", "9" * 99])
def test_what_is_no_number_of_bytes_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        TransferAnswers.model_validate({"limit_rate": text})


def test_a_registry_is_mapped_once() -> None:
    row = MappingAnswer(registry="docker.io", namespace="a")
    with pytest.raises(ValidationError, match=r"docker\.io is already in the list"):
        RegistryAnswers(mappings=(row, row))


@pytest.mark.parametrize("username", ["robot$a+b", "jörg", "a b", "'\"\\`$(x)"])
def test_a_user_name_may_hold_almost_anything(username: str) -> None:
    assert CredentialAnswers(username=username).username == username


@pytest.mark.parametrize("username", ["a:b", "a\nb", "a\x1b[2J"])
def test_a_user_name_that_no_header_can_carry_is_refused(username: str) -> None:
    with pytest.raises(ValidationError):
        CredentialAnswers(username=username)


def test_a_refused_value_is_not_repeated() -> None:
    with pytest.raises(ValidationError) as caught:
        Answers.model_validate({"credentials": {"username": "robot:hunter2", "token": "hunter2"}})
    assert "hunter2" not in str(caught.value)
