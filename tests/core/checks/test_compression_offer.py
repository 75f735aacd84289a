"""When a stronger compression is offered, which, and what is said of it."""

import pytest

from core.answers import Answers, ArtifactAnswers, RegistryAnswers, TransferAnswers
from core.checks.compression_offer import CompressionOffer, docker_version, offer_compression
from core.transfer.compression import Compression
from core.transfer.job import job_for
from core.transfer.pieces import cores
from tests.fixtures.private_docker import PrivateDocker

MB = 10**6


def answers(compression: str = "gzip:1") -> Answers:
    return Answers(
        artifacts=ArtifactAnswers.model_validate({"archive": "images.tar"}),
        registry=RegistryAnswers.model_validate({"address": "registry.example:5000/eks-a"}),
        transfer=TransferAnswers(compression=compression),
    )


def offered(
    rate: float, compression: str = "gzip:1", compressible: int = MB, docker: str = "24.0.7"
) -> CompressionOffer | None:
    """Args: rate: for each core."""
    return offer_compression(answers(compression), rate * cores(), compressible, docker)


def test_on_a_slow_link_what_saves_more_is_offered_with_what_it_needs() -> None:
    offer = offered(2 * MB)
    assert offer
    assert offer.rate == 2 * MB * cores()
    told = [(one.name, one.level, f"{one.saved:.0%}") for one in offer.choices]
    assert told == [
        ("gzip:1", "gzip:1", "0%"),
        ("auto", "gzip:6", "11%"),
        ("zstd:auto", "zstd:6", "20%"),
    ]
    assert [bool(one.needs) for one in offer.choices] == [False, False, True]
    for word in ("containerd 1.5", "Docker 23", "OCI"):
        assert word in offer.choices[-1].needs


@pytest.mark.parametrize(
    ("rate", "compressible"),
    [
        pytest.param(0, MB, id="rate-not-known"),
        pytest.param(16 * MB, MB, id="fast"),
        pytest.param(2 * MB, 0, id="nothing-to-compress"),
    ],
)
def test_else_the_usual_one_stays(rate: float, compressible: int) -> None:
    assert offered(rate, compressible=compressible) is None


def test_every_level_that_may_be_chosen_has_its_figure() -> None:
    for rate in (1, 11, 13, 14, 15):
        offer = offered(rate * MB)
        assert offer
        assert all(one.saved > 0 for one in offer.choices[1:])


@pytest.mark.parametrize("chosen", ["auto", "zstd:auto"])
def test_what_was_chosen_of_the_offer_can_be_changed(chosen: str) -> None:
    assert offered(2 * MB, chosen) == offered(2 * MB)


@pytest.mark.parametrize("chosen", ["gzip:9", "zstd:3", "none"])
def test_who_chose_something_else_is_not_asked(chosen: str) -> None:
    assert offered(2 * MB, chosen) is None


def test_once_an_import_has_begun_its_compression_stays() -> None:
    assert offered(2 * MB)
    job_for(answers()).journal.touch()
    assert offered(2 * MB) is None


def test_a_docker_that_could_not_pull_them_keeps_zstd_away() -> None:
    offer = offered(2 * MB, docker="20.10.24+dfsg1")
    assert offer
    assert [one.name for one in offer.choices] == ["gzip:1", "auto"]
    assert offer.lacking == "Docker 20.10.24+dfsg1 here cannot pull zstd; 23 and later can."
    for version in ("23.0.1", "29.1", ""):
        newer = offered(2 * MB, docker=version)
        assert newer
        assert (len(newer.choices), newer.lacking) == (3, "")


def test_the_docker_of_this_machine_tells_its_version(
    private_docker: PrivateDocker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", private_docker.host)
    assert docker_version() == private_docker.client.version()["Version"]
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    assert docker_version() == ""


def test_the_offered_names_are_those_that_an_import_takes() -> None:
    offer = offered(2 * MB)
    assert offer
    for one in offer.choices:
        assert str(Compression.parse(one.name)) == one.name
        assert TransferAnswers(compression=one.name).compression == one.name
    assert str(Compression()) == TransferAnswers().compression
