"""Rights and projects, with a Harbor that answers by its own description, and with others."""

import json
from collections.abc import Callable, Iterator

import pytest

from core.checks import access, namespaces
from core.checks.context import Context
from core.checks.finding import Finding, State
from core.checks.product import Kind, product
from core.errors import Code
from tests.core.checks.looking import PASSWORD, answers, context, login, look
from tests.core.registry.servers import Answer, Asked, HttpServer, Judge, http_server
from tests.fixtures.harbor_mock import Account, HarborMock, running

BOTH = {"repository:pull", "repository:push"}
ROBOT = "robot$eks-a+push"


@pytest.fixture
def mock() -> HarborMock:
    """The project eks-a and an account with all rights in it."""
    mock = HarborMock()
    mock.accounts = {
        "demo": Account(PASSWORD, rights={"eks-a": set(BOTH), "dockerhub": set(BOTH)}),
        ROBOT: Account(PASSWORD, is_robot=True, rights={"eks-a": set(BOTH)}),
        "admin": Account(PASSWORD, is_admin=True, rights={"eks-a": set(BOTH)}),
    }
    mock.add_project("eks-a", limit=2 * 10**12, used=2 * 10**11)
    return mock


@pytest.fixture
def server(mock: HarborMock) -> Iterator[HttpServer]:
    with running(mock) as server:
        yield server


def seen_as(
    server: HttpServer,
    check: Callable[[Context], Finding],
    user: str = "demo",
    path: str = "/eks-a",
    **registry: object,
) -> Finding:
    given = answers(server.address + path, plain_http=True, **registry)
    return look(check, given, login(user))


def projects(
    server: HttpServer, user: str = "demo", path: str = "/eks-a", **registry: object
) -> list[Finding]:
    given = answers(server.address + path, plain_http=True, **registry)
    with context(given, login(user)) as made:
        return namespaces.check_projects(made)


HUB = [{"registry": "docker.io", "namespace": "dockerhub"}]


def test_pull_and_push_pass_where_both_are_allowed(server: HttpServer, mock: HarborMock) -> None:
    pull, push = seen_as(server, access.check_pull), seen_as(server, access.check_push)
    assert (pull.state, pull.seen) == (State.PASS, "may read eks-a")
    assert (push.state, push.seen) == (
        State.PASS,
        "may write to eks-a (upload opened, cancelled)",
    )
    assert mock.uploads == set()


def test_the_name_of_a_robot_goes_whole(server: HttpServer) -> None:
    assert seen_as(server, access.check_push, ROBOT).state is State.PASS


@pytest.mark.parametrize(
    ("lacking", "check", "seen"),
    [
        ("pull", access.check_pull, "may not read eks-a"),
        ("push", access.check_push, "may not write to eks-a"),
    ],
)
def test_a_right_that_is_lacking_fails_its_check_alone(
    server: HttpServer,
    mock: HarborMock,
    lacking: str,
    check: Callable[[Context], Finding],
    seen: str,
) -> None:
    mock.accounts["demo"].rights["eks-a"].remove(f"repository:{lacking}")
    found = seen_as(server, check)
    assert (found.state, found.seen, found.code) == (State.FAIL, seen, Code.PUSH_DENIED)
    assert "The project exists" in found.cause
    other = access.check_push if check is access.check_pull else access.check_pull
    assert seen_as(server, other).state is State.PASS


def test_a_missing_project_is_told_in_place_of_unauthorized(server: HttpServer) -> None:
    for check in (access.check_pull, access.check_push):
        found = seen_as(server, check, mappings=HUB)
        assert found.state is State.FAIL
        assert found.seen.endswith("dockerhub")
        assert "There is no project dockerhub" in found.cause
        assert any("unauthorized" in line for line in found.details)
        assert found.code == Code.REGISTRY_NOT_FOUND


def test_without_a_namespace_there_is_nothing_to_try(server: HttpServer) -> None:
    for check in (access.check_pull, access.check_push):
        assert seen_as(server, check, path="").state is State.SKIPPED
    assert [one.state for one in projects(server, path="")] == [State.SKIPPED]


def test_a_registry_that_fails_is_not_told_as_a_lacking_right() -> None:
    def judge(asked: Asked) -> Answer:
        return Answer(200, body=b"{}") if asked.path == "/v2/" else Answer(500, body=b"oops")

    with http_server(judge) as server:
        found = seen_as(server, access.check_push)
    assert (found.state, found.code) == (State.FAIL, Code.REGISTRY_FAULT)


def test_an_upload_that_cannot_be_cancelled_is_noted() -> None:
    def judge(asked: Asked) -> Answer:
        if asked.method == "POST":
            return Answer(202, [("Location", "/v2/eks-a/x/blobs/uploads/1")])
        return Answer(500) if asked.method == "DELETE" else Answer(200, body=b"{}")

    with http_server(judge) as server:
        found = seen_as(server, access.check_push)
    assert found.state is State.PASS
    assert "could not be cancelled" in found.details[0]


def test_quay_is_not_made_to_create_a_repository() -> None:
    def judge(asked: Asked) -> Answer:
        if asked.path == "/health/instance":
            return Answer(200, body=b'{"data": {"services": {}}}')
        return Answer(200, body=b"{}") if asked.path == "/v2/" else Answer(404)

    with http_server(judge) as server:
        found = seen_as(server, access.check_push)
        assert not [asked for asked in server.asked if asked.method == "POST"]
    assert found.state is State.SKIPPED


def test_a_project_with_all_rights_passes_with_its_quota(server: HttpServer) -> None:
    (found,) = projects(server)
    assert (found.state, found.subject) == (State.PASS, "eks-a")
    assert found.seen == "exists, push and pull allowed, 1800.0 GB quota left"


def test_each_project_has_a_finding_of_its_own(server: HttpServer, mock: HarborMock) -> None:
    first, second = projects(server, mappings=HUB)
    assert (first.subject, first.state) == ("dockerhub", State.FAIL)
    assert first.seen == "missing, needed for docker.io"
    assert (second.subject, second.state) == ("eks-a", State.PASS)
    mock.add_project("dockerhub")
    assert {one.state for one in projects(server, mappings=HUB)} == {State.PASS}


def test_a_robot_that_may_not_see_a_project_is_told_what_it_may_do(
    server: HttpServer, mock: HarborMock
) -> None:
    mock.projects["eks-a"].limit = -1
    (found,) = projects(server, ROBOT)
    assert found.seen == "exists, push and pull allowed, no quota"


def test_rights_that_are_lacking_are_named(server: HttpServer, mock: HarborMock) -> None:
    mock.accounts["demo"].rights["eks-a"].remove("repository:push")
    (found,) = projects(server)
    assert (found.state, found.seen) == (State.WARN, "exists, but you may not push")
    assert "lacking: repository:push" in found.details


def test_a_proxy_cache_is_no_place_for_an_import(server: HttpServer, mock: HarborMock) -> None:
    mock.projects["eks-a"].registry = 3
    (found,) = projects(server)
    assert (found.state, found.seen) == (
        State.FAIL,
        "exists, but is only a cache of another registry",
    )


def test_a_quota_that_is_used_up_fails(server: HttpServer, mock: HarborMock) -> None:
    mock.projects["eks-a"].used = mock.projects["eks-a"].limit
    (found,) = projects(server)
    assert (found.state, found.code) == (State.FAIL, Code.QUOTA_EXCEEDED)


def test_a_harbor_in_read_only_mode_fails(server: HttpServer, mock: HarborMock) -> None:
    mock.read_only = True
    (found,) = projects(server)
    assert (found.state, found.seen) == (State.FAIL, "Harbor is in read-only mode")


def test_a_harbor_whose_api_is_out_of_order_fails(server: HttpServer, mock: HarborMock) -> None:
    given = answers(f"{server.address}/eks-a", plain_http=True)
    with context(given, login()) as made:
        assert product(made).kind is Kind.HARBOR
        mock.broken = 500
        (found,) = namespaces.check_projects(made)
    assert found.state is State.FAIL
    assert found.seen.startswith("projects cannot be read: ")


def test_nothing_is_created_by_looking(server: HttpServer, mock: HarborMock) -> None:
    projects(server, mappings=HUB)
    assert list(mock.projects) == ["eks-a"]
    assert mock.uploads == set()
    assert not [asked for asked in server.asked if asked.path.endswith("/projects") and asked.body]


def created(server: HttpServer, user: str, *, public: bool = False) -> Finding:
    given = answers(f"{server.address}/eks-a", plain_http=True)
    with context(given, login(user)) as made:
        return namespaces.create_project(made, "dockerhub", public=public)


@pytest.mark.parametrize(("public", "word"), [(False, "private"), (True, "public")])
def test_a_project_is_created_on_request_and_its_quota_shown(
    server: HttpServer, mock: HarborMock, word: str, *, public: bool
) -> None:
    found = created(server, "admin", public=public)
    assert (found.state, found.seen) == (State.PASS, f"created, {word}, no quota")
    assert (found.name, found.title) == ("projects", "dockerhub")
    assert mock.projects["dockerhub"].public is public
    assert created(server, "admin").seen == "was there already, no quota"


def test_who_may_not_create_is_told_whom_to_ask(server: HttpServer, mock: HarborMock) -> None:
    found = created(server, "demo")
    assert (found.state, found.seen) == (State.FAIL, "you may not create projects")
    assert found.mend == "Ask the Harbor administrator for: dockerhub"
    assert "dockerhub" not in mock.projects


def other_registry(push_status: int = 202, **extra: str) -> Judge:
    """A registry without projects."""

    def judge(asked: Asked) -> Answer:
        headers = [("Docker-Distribution-Api-Version", "registry/2.0"), *extra.items()]
        if asked.path == "/v2/":
            return Answer(200, headers, b"{}")
        if asked.method == "POST":
            body = json.dumps({"errors": [{"code": "DENIED", "message": "no"}]}).encode()
            return Answer(push_status, [("Location", "/v2/u/1")], body)
        return Answer(204) if asked.method == "DELETE" else Answer(404)

    return judge


def test_other_registries_need_no_projects() -> None:
    with http_server(other_registry()) as server:
        (found,) = projects(server)
    assert (found.state, found.seen) == (
        State.PASS,
        "repositories are made at the first push, nothing to prepare (eks-a)",
    )


def test_another_registry_that_takes_nothing_is_a_warning() -> None:
    with http_server(other_registry(403)) as server:
        (found,) = projects(server)
    assert (found.state, found.seen) == (State.WARN, "eks-a cannot be written to")


def test_gitlab_wants_a_project_at_the_path() -> None:
    extra = {"Gitlab-Container-Registry-Version": "4.9.0"}
    with http_server(other_registry(403, **extra)) as server:
        (found,) = projects(server)
    assert "GitLab project must exist" in found.mend


def test_ecr_wants_each_repository_made_first() -> None:
    def judge(asked: Asked) -> Answer:
        if asked.path == "/v2/":
            asks = 'Basic realm="https://x/",service="ecr.amazonaws.com"'
            granted = bool(asked.authorization)
            return Answer(200 if granted else 401, [("WWW-Authenticate", asks)], b"{}")
        body = b'{"errors": [{"code": "NAME_UNKNOWN", "message": "does not exist"}]}'
        return Answer(404, body=body)

    with http_server(judge) as server:
        (found,) = projects(server)
    assert (found.state, found.code) == (State.FAIL, Code.REGISTRY_NOT_FOUND)
    assert found.command.startswith("aws ecr create-repository --repository-name eks-a/")
