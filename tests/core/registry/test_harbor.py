"""Harbor's API: what the client asks and understands, held against Harbor's own description."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import SecretStr

from core.errors import Code, RegistryError
from core.registry.connection import Connection
from core.registry.credentials import Credentials
from core.registry.harbor import UNLIMITED, Harbor
from tests.core.registry.servers import Answer, HttpServer, http_server
from tests.fixtures.harbor_mock import DESCRIPTION_FILE, Account, HarborMock, running

ADMIN, ROBOT, GUEST = "admin", "robot$eks-a+push", "guest"
PASSWORD = 'pä:s"s $w'
OFFICIAL = Path(__file__).parents[4] / "shared" / "data" / "harbor-swagger.yaml"


@pytest.fixture
def mock() -> HarborMock:
    """An administrator, a robot account of the project eks-a, and a guest."""
    mock = HarborMock()
    mock.accounts = {
        ADMIN: Account(PASSWORD, is_admin=True),
        ROBOT: Account(
            PASSWORD, is_robot=True, rights={"eks-a": {"repository:pull", "repository:push"}}
        ),
        GUEST: Account(PASSWORD, rights={"eks-a": {"repository:pull"}}),
    }
    mock.add_project("eks-a", limit=10**12, used=4 * 10**11)
    mock.add_project("open", public=True)
    return mock


def as_user(server: HttpServer, name: str = ADMIN, password: str = PASSWORD) -> Harbor:
    credentials = Credentials(name, SecretStr(password)) if name else None
    return Harbor(Connection(server.address, plain_http=True), credentials, stall=5)


def test_the_version_is_told_to_whoever_is_logged_in(server: HttpServer) -> None:
    with as_user(server) as harbor, as_user(server, "") as anonymous:
        assert harbor.system_info().harbor_version == "v2.11.1-6b7ecba1"
        assert anonymous.system_info().harbor_version == ""


def test_the_login_goes_along_unasked_and_whole(server: HttpServer) -> None:
    with as_user(server, ROBOT) as harbor:
        assert harbor.system_info().harbor_version
    assert [asked.authorization[:6] for asked in server.asked] == ["Basic "]


def test_an_identity_token_is_no_password_for_the_api(server: HttpServer) -> None:
    token = Credentials("", SecretStr("refresh-me"), is_identity_token=True)
    with Harbor(Connection(server.address, plain_http=True), token) as harbor:
        harbor.system_info()
    assert server.asked[0].authorization == ""


def test_projects_are_those_that_the_account_may_see(server: HttpServer) -> None:
    with as_user(server) as harbor, as_user(server, "") as anonymous:
        assert [one.name for one in harbor.projects()] == ["eks-a", "open"]
        assert [one.name for one in anonymous.projects()] == ["open"]


def test_more_projects_than_a_page_holds_are_all_listed(
    mock: HarborMock, server: HttpServer
) -> None:
    for number in range(230):
        mock.add_project(f"project-{number}")
    with as_user(server) as harbor:
        assert len(harbor.projects()) == 232
    assert server.count("GET", "/api/v2.0/projects") == 3


@pytest.mark.parametrize("name", [ADMIN, ROBOT, ""])
def test_everybody_can_ask_whether_a_project_exists(server: HttpServer, name: str) -> None:
    with as_user(server, name) as harbor:
        assert harbor.has_project("eks-a")
        assert not harbor.has_project("eks-b")


def test_a_project_tells_whether_it_is_public_or_a_cache(
    mock: HarborMock, server: HttpServer
) -> None:
    mock.add_project("hub-cache", registry=7)
    with as_user(server) as harbor:
        private, public, cache = (harbor.project(name) for name in ("eks-a", "open", "hub-cache"))
        assert private is not None
        assert public is not None
        assert cache is not None
        assert (private.is_public, public.is_public) == (False, True)
        assert (private.is_proxy_cache, cache.is_proxy_cache) == (False, True)
        assert harbor.project("eks-b") is None


def test_a_project_whose_name_is_a_number_is_asked_for_by_name(server: HttpServer) -> None:
    with as_user(server) as harbor:
        assert harbor.project("2") is None
    assert server.asked[-1].headers["x-is-resource-name"] == "true"


def test_a_project_that_may_not_be_seen_is_told_as_a_missing_right(
    mock: HarborMock, server: HttpServer
) -> None:
    mock.add_project("secret")
    with as_user(server, ROBOT) as harbor, pytest.raises(RegistryError) as caught:
        harbor.project("secret")
    assert caught.value.code is Code.RIGHT_MISSING
    assert "project: read" in caught.value.cause


def test_a_quota_tells_what_is_left(server: HttpServer) -> None:
    with as_user(server) as harbor:
        limited, unlimited = harbor.quota("eks-a"), harbor.quota("open")
    assert limited is not None
    assert limited.left == 6 * 10**11
    assert unlimited is not None
    assert unlimited.left is None


def test_a_quota_that_is_overdrawn_has_nothing_left(mock: HarborMock, server: HttpServer) -> None:
    mock.projects["eks-a"].used = 2 * 10**12
    with as_user(server) as harbor:
        quota = harbor.quota("eks-a")
    assert quota is not None
    assert quota.left == 0


def test_a_quota_that_may_not_be_seen_is_none(mock: HarborMock, server: HttpServer) -> None:
    mock.add_project("secret")
    with as_user(server, ROBOT) as harbor:
        assert harbor.quota("secret") is None
        assert harbor.quota("nowhere") is None


@pytest.mark.parametrize("public", [False, True])
def test_a_project_is_created_as_it_was_asked_for(
    mock: HarborMock, server: HttpServer, *, public: bool
) -> None:
    with as_user(server) as harbor:
        assert harbor.create_project("dockerhub", public=public)
        assert not harbor.create_project("dockerhub", public=public)
    assert mock.projects["dockerhub"].public is public
    assert mock.projects["dockerhub"].limit == UNLIMITED


def test_who_may_not_create_projects_is_told_whom_to_ask(
    mock: HarborMock, server: HttpServer
) -> None:
    with as_user(server, GUEST) as harbor, pytest.raises(RegistryError) as caught:
        harbor.create_project("dockerhub")
    assert caught.value.code is Code.RIGHT_MISSING
    assert "dockerhub" not in mock.projects
    assert "Only system admin can create project" in caught.value.message
    assert "only its administrators" in caught.value.cause
    assert caught.value.mend == "Ask the Harbor administrator for: dockerhub"


def test_everybody_creates_projects_where_harbor_lets_them(
    mock: HarborMock, server: HttpServer
) -> None:
    mock.restriction = "everyone"
    with as_user(server, GUEST) as harbor:
        assert harbor.create_project("dockerhub")


def test_a_wrong_password_is_not_told_as_a_missing_right(server: HttpServer) -> None:
    with as_user(server, ADMIN, "wrong") as harbor, pytest.raises(RegistryError) as caught:
        harbor.create_project("dockerhub")
    assert caught.value.code is Code.LOGIN_REFUSED
    assert caught.value.status == 401


def test_a_name_that_harbor_does_not_take_is_told_in_its_words(server: HttpServer) -> None:
    with as_user(server) as harbor, pytest.raises(RegistryError) as caught:
        harbor.create_project("Docker_Hub__")
    assert "is not in a right format" in caught.value.message


def test_rights_in_a_project_are_named(server: HttpServer) -> None:
    with as_user(server, GUEST) as harbor:
        project = harbor.project("eks-a")
        assert project is not None
        assert harbor.rights(project) == frozenset({"repository:pull"})
    with as_user(server, "") as anonymous:
        assert anonymous.rights(project) is None


def test_a_harbor_that_is_out_of_order_is_told(mock: HarborMock, server: HttpServer) -> None:
    mock.broken = 500
    with as_user(server) as harbor:
        for ask in (
            harbor.system_info,
            harbor.projects,
            lambda: harbor.has_project("eks-a"),
            lambda: harbor.create_project("x"),
        ):
            with pytest.raises(RegistryError, match="HTTP 500"):
                ask()


@pytest.mark.parametrize("body", [b"<html>Welcome</html>", b"[1, 2]", b'{"read_only": "perhaps"}'])
def test_an_answer_that_is_not_harbors_is_told(body: bytes) -> None:
    with (
        http_server(lambda _: Answer(200, body=body)) as server,
        as_user(server) as harbor,
        pytest.raises(RegistryError) as caught,
    ):
        harbor.system_info()
    assert caught.value.code is Code.REGISTRY_PROTOCOL


def test_nulls_stand_for_what_is_left_out() -> None:
    told = {"harbor_version": None, "read_only": None, "project_creation_restriction": "everyone"}
    body = json.dumps(told).encode()
    with http_server(lambda _: Answer(200, body=body)) as server, as_user(server) as harbor:
        info = harbor.system_info()
    assert (info.harbor_version, info.read_only) == ("", False)
    assert info.project_creation_restriction == "everyone"


def test_the_mock_notices_what_the_description_does_not_allow(mock: HarborMock) -> None:
    with (
        pytest.raises(AssertionError, match="no query parameter limit"),
        running(mock) as server,
        as_user(server) as harbor,
    ):
        harbor._get("/projects?limit=3")


def test_the_description_agrees_with_harbors_own() -> None:
    if not OFFICIAL.exists():
        pytest.skip(f"Harbor's own description is not here: {OFFICIAL}")
    ours, theirs = (
        yaml.load(file.read_text(), yaml.CSafeLoader) for file in (DESCRIPTION_FILE, OFFICIAL)
    )
    assert ours["basePath"] == theirs["basePath"]
    for path, operations in ours["paths"].items():
        for method, operation in operations.items():
            official = theirs["paths"][path][method]
            _compare_parameters(operation, official, theirs, f"{method} {path}")
            _compare_responses(operation, official, theirs, f"{method} {path}")
    for name, fields in ours["definitions"].items():
        _compare_fields(fields, theirs["definitions"][name], name)


def _compare_parameters(ours: Any, theirs: Any, document: Any, what: str) -> None:
    official = {one["name"]: one for one in _resolved(theirs.get("parameters", []), document)}
    for one in ours["parameters"]:
        assert one["name"] in official, f"{what}: {one['name']}"
        other = official[one["name"]]
        assert other["in"] == one["in"], what
        assert other.get("required", False) == one.get("required", False), what
        if one["in"] == "body":
            assert other["schema"] == {"$ref": f"#/definitions/{one['schema']}"}, what
        else:
            assert other["type"] == one["type"], what
    required = {name for name, one in official.items() if one.get("required")}
    assert required <= {one["name"] for one in ours["parameters"]}, what


def _compare_responses(ours: Any, theirs: Any, document: Any, what: str) -> None:
    assert set(ours["responses"]) == {str(status) for status in theirs["responses"]}, what
    for status, described in ours["responses"].items():
        (official,) = _resolved([theirs["responses"][status]], document)
        schema = official.get("schema", {})
        reference = schema.get("items", {}).get("$ref") or schema.get("$ref", "")
        wanted = described.get("list") or described.get("object") or ""
        assert reference.rpartition("/")[2] == wanted, f"{what}, {status}"
        assert (schema.get("type") == "array") == ("list" in described), f"{what}, {status}"


def _compare_fields(ours: Any, theirs: Any, name: str) -> None:
    for key, kind in ours.items():
        official = theirs["additionalProperties"] if key == "*" else theirs["properties"][key]
        if isinstance(kind, list):
            assert official["items"]["$ref"].rpartition("/")[2] == kind[0], f"{name}.{key}"
        elif "$ref" in official:
            assert official["$ref"].rpartition("/")[2] == kind, f"{name}.{key}"
        else:
            assert official.get("type", "any") == kind, f"{name}.{key}"


def _resolved(parts: list[Any], document: Any) -> list[Any]:
    """The parts, each reference replaced by what it names."""
    found = []
    for part in parts:
        one = part
        if "$ref" in part:
            one = document
            for step in part["$ref"].removeprefix("#/").split("/"):
                one = one[step]
        found.append(one)
    return found
