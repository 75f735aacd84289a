"""`check --create-projects`: missing projects of a Harbor are made, after a yes."""

from collections.abc import Iterator

import pytest

from core.answers import Answers, RegistryAnswers
from core.errors import UsageError
from tests.core.checks.looking import PASSWORD, login
from tests.core.registry.servers import HttpServer
from tests.fixtures.harbor_mock import Account, HarborMock, running
from tests.fixtures.tools import Registry
from tui.commands.creating import create_projects


@pytest.fixture
def mock() -> HarborMock:
    """An administrator, and somebody who may not create projects."""
    mock = HarborMock()
    mock.accounts = {"admin": Account(PASSWORD, is_admin=True), "demo": Account(PASSWORD)}
    return mock


@pytest.fixture
def server(mock: HarborMock) -> Iterator[HttpServer]:
    with running(mock) as server:
        yield server


def answers(server: HttpServer) -> Answers:
    address = f"{server.address}/eks-a"
    return Answers(registry=RegistryAnswers(address=address, plain_http=True))


def test_what_is_missing_is_created_and_told(
    server: HttpServer, mock: HarborMock, capsys: pytest.CaptureFixture[str]
) -> None:
    create_projects(answers(server), login("admin"), public=False, yes=True)

    assert list(mock.projects) == ["eks-a"]
    assert not mock.projects["eks-a"].public
    told = capsys.readouterr().err
    assert "Missing on" in told
    assert "created, private" in told
    assert mock.problems == []

    create_projects(answers(server), login("admin"), public=False, yes=True)
    assert "is there already" in capsys.readouterr().err


def test_public_ones_are_made_only_where_that_is_asked_for(
    server: HttpServer, mock: HarborMock
) -> None:
    create_projects(answers(server), login("admin"), public=True, yes=True)

    assert mock.projects["eks-a"].public


def test_who_may_not_create_is_told_so(
    server: HttpServer, mock: HarborMock, capsys: pytest.CaptureFixture[str]
) -> None:
    create_projects(answers(server), login("demo"), public=False, yes=True)

    assert mock.projects == {}
    assert "you may not create projects" in capsys.readouterr().err


def test_without_anybody_to_ask_nothing_is_created(server: HttpServer, mock: HarborMock) -> None:
    with pytest.raises(UsageError, match="nobody to ask"):
        create_projects(answers(server), login("admin"), public=False, yes=False)

    assert mock.projects == {}


def test_other_registries_have_no_projects_to_create(registry: Registry) -> None:
    given = RegistryAnswers(address=f"{registry.address}/eks-a", ca_file=registry.ca_file)

    with pytest.raises(UsageError, match="Harbor only"):
        create_projects(Answers(registry=given), None, public=False, yes=True)
