"""`replicate` gets two logins: one for the Harbor, and one that the Harbor is to use."""

import json
from pathlib import Path

import pytest

from core.errors import ExitCode
from tests.core.registry.feeding_ground import URL, B, feeding_mock
from tests.core.registry.servers import HttpServer
from tests.fixtures.harbor_mock import Account, HarborMock, running
from tests.fixtures.harbor_replication_mock import Moved, Site
from tests.secrets.searching import MARK, USER, WRONG, check_nowhere, holds
from tests.secrets.test_other_verbs import check_quiet, said_with_environment

pytestmark = pytest.mark.integration


def harbor(password_of_target: str) -> HarborMock:
    """A Harbor that is fed by nobody yet, and what it finds of another."""
    mock = feeding_mock()
    mock.accounts = {USER: Account(MARK, is_admin=True)}
    mock.sites[URL] = Site({USER: password_of_target})
    return mock


def replicate(server: HttpServer, *more: str | Path, by_variables: bool = True) -> tuple[int, str]:
    place = ("-r", f"{server.address}/eks-a", "--plain-http", "--to", B)
    code, said = said_with_environment(
        *("replicate", *place, *more),
        EKSA_MIRROR_TARGET_USERNAME=USER if by_variables else "",
        EKSA_MIRROR_TARGET_PASSWORD=WRONG if by_variables else "",
    )
    assert not holds(said, WRONG), said
    return code, said


def test_a_login_is_told_to_the_harbor_alone(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text(f"{WRONG}\n")
    file.chmod(0o600)
    given = ("--to-username", USER, "--to-password-file", file)
    mock = harbor(WRONG)
    mock.moves = [Moved("eks-a/etcd", "Failed", "x [ERROR] [/a.go:1]: code: 403, denied")]
    with running(mock) as server:
        code, said = replicate(server, "--dry-run")
        check_quiet(said, code, ExitCode.DONE)
        code, said = replicate(server, "--yes", "--start", "--json", *given, by_variables=False)
        check_quiet(said, code, ExitCode.SOME_FAILED)
    assert mock.endpoints[1]["access_secret"] == WRONG, "there it is needed"
    assert WRONG not in json.dumps(mock.rules)
    assert not [one for one in server.asked if holds(one.target) or holds(one.target, WRONG)]
    check_nowhere(MARK, WRONG)


def test_a_login_that_is_refused_is_not_told() -> None:
    mock = harbor("another")
    with running(mock) as server:
        code, said = replicate(server, "--yes")
        check_quiet(said, code, ExitCode.CHECK_FAILED)
    assert any(WRONG.encode() in one.body for one in server.asked), "it was tried"
    check_nowhere(MARK, WRONG)
