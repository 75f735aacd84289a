"""`trust --save-root`: a CA out of the chain that the registry shows, never unconfirmed."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes

from core.errors import ExitCode
from tests.fixtures.zoo import Zoo, ZooServer, pem
from tests.integration.program import run


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Zoo:
    """Certificates of every kind, made once."""
    return Zoo(tmp_path_factory.mktemp("zoo"))


@pytest.fixture
def server(zoo: Zoo) -> Iterator[ZooServer]:
    """A registry that sends its root along."""
    with ZooServer(zoo.root_sent()) as server:
        yield server


def fingerprint(zoo: Zoo) -> str:
    return zoo.root.certificate.fingerprint(hashes.SHA256()).hex()


def test_without_a_fingerprint_the_chain_is_shown_and_nothing_is_written(
    server: ZooServer, zoo: Zoo, tmp_path: Path
) -> None:
    target = tmp_path / "ca.crt"

    result = run("trust", "-r", server.address, "--save-root", target)

    assert result.code == ExitCode.USAGE
    assert "Zoo Root CA" in result.err
    assert fingerprint(zoo).upper() in result.err.replace(":", "")
    assert not target.exists()


def test_the_root_is_written_once_its_fingerprint_is_confirmed(
    server: ZooServer, zoo: Zoo, tmp_path: Path
) -> None:
    target = tmp_path / "ca.crt"

    result = run("trust", "-r", server.address, "--save-root", target,
                 "--fingerprint", fingerprint(zoo))  # fmt: skip

    assert result.code == ExitCode.DONE, result.err
    assert target.read_bytes() == pem(zoo.root.certificate)


def test_another_fingerprint_writes_nothing(server: ZooServer, tmp_path: Path) -> None:
    target = tmp_path / "ca.crt"

    result = run("trust", "-r", server.address, "--save-root", target, "--fingerprint", "00" * 32)

    assert result.code == ExitCode.USAGE
    assert not target.exists()
