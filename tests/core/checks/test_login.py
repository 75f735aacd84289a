"""The login: how it is asked for, whether it is accepted, how long it lasts, as nodes send it."""

import json

import pytest
from pydantic import SecretStr

from core.checks import login as login_checks
from core.checks.finding import Finding, State
from core.errors import Code
from core.registry.credentials import Credentials
from tests.core.checks.looking import PASSWORD, answers, login, look
from tests.core.registry.servers import Answer, Asked, Judge, http_server
from tests.fixtures.harbor_mock import Account, HarborMock, running
from tests.fixtures.zoo import Zoo, ZooServer

GOOD = login().basic_header()


def basic(message: str = "authentication required", status: int = 401) -> Judge:
    """A registry with Basic, and its words for a refusal."""

    def judge(asked: Asked) -> Answer:
        if asked.authorization == GOOD:
            return Answer(200, body=b"{}")
        body = json.dumps({"errors": [{"code": "UNAUTHORIZED", "message": message}]}).encode()
        refused = status if asked.authorization else 401
        return Answer(refused, [("WWW-Authenticate", 'Basic realm="r"')], body)

    return judge


def bearer(**token: object) -> Judge:
    """A registry with a token server beside it, and what a token's answer holds."""

    def judge(asked: Asked) -> Answer:
        if asked.path == "/token":
            if asked.authorization != GOOD:
                return Answer(401, body=b'{"errors":[{"message":"incorrect login"}]}')
            return Answer(200, body=json.dumps({"token": "abc"} | token).encode())
        if asked.authorization == "Bearer abc":
            return Answer(200, body=b"{}")
        realm = f'Bearer realm="http://{asked.headers["host"]}/token",service="s"'
        return Answer(401, [("WWW-Authenticate", realm)])

    return judge


def found_with(judge: Judge, credentials: Credentials | None) -> Finding:
    with http_server(judge) as server:
        given = answers(server.address, plain_http=True)
        return look(login_checks.check_login, given, credentials)


def test_a_basic_login_that_is_accepted_passes() -> None:
    found = found_with(basic(), login())
    assert (found.state, found.seen) == (State.PASS, "accepted as demo")
    assert "asks for: Basic realm=r" in found.details
    assert "login from: a test" in found.details


def test_harbor_tells_its_version_to_whoever_is_logged_in() -> None:
    mock = HarborMock()
    mock.accounts["demo"] = Account(PASSWORD)
    with running(mock) as server:
        given = answers(server.address, plain_http=True)
        found = look(login_checks.check_login, given, login())
    assert found.state is State.PASS
    assert "Harbor 2.11.1" in found.details


def test_a_wrong_password_fails_after_one_try() -> None:
    with http_server(basic()) as server:
        given = answers(server.address, plain_http=True)
        found = look(login_checks.check_login, given, login(password="wrong"))
        tries = [asked for asked in server.asked if asked.authorization]
    assert (found.state, found.seen) == (State.FAIL, "refused (HTTP 401)")
    assert len(tries) == 1
    assert found.code == Code.LOGIN_REFUSED


@pytest.mark.parametrize(
    ("words", "seen"),
    [
        ("Could not find robot with username: demo", "the registry does not know the user demo"),
        ("user demo not found", "the registry does not know the user demo"),
        ("unknown user", "the registry does not know the user demo"),
        ("wrong password", "the password is wrong"),
        ("password mismatch for demo", "the password is wrong"),
        ("Invalid username or password", "refused (HTTP 401)"),
        ("incorrect username or password", "refused (HTTP 401)"),
        ("the account is locked, try later", "the account is locked or has ended"),
        ("robot account expired", "the account is locked or has ended"),
    ],
)
def test_a_wrong_password_is_told_from_an_unknown_user_where_the_registry_does(
    words: str, seen: str
) -> None:
    found = found_with(basic(words), login(password="wrong"))
    assert (found.state, found.seen) == (State.FAIL, seen)
    assert any(words in line for line in found.details)


def test_a_login_that_is_forbidden_fails() -> None:
    found = found_with(basic("blocked by an address list", 403), login(password="wrong"))
    assert (found.state, found.seen) == (State.FAIL, "refused (HTTP 403)")


def test_without_a_login_a_closed_registry_fails() -> None:
    found = found_with(basic(), None)
    assert (found.state, found.code) == (State.FAIL, Code.LOGIN_MISSING)
    assert "REGISTRY_PASSWORD" in found.command
    assert PASSWORD not in found.command


@pytest.mark.parametrize("credentials", [None, login()])
def test_an_open_registry_needs_no_login(credentials: Credentials | None) -> None:
    found = found_with(lambda _: Answer(200, body=b"{}"), credentials)
    assert found.state is State.PASS
    assert found.seen.startswith("no login is needed")


@pytest.mark.parametrize(
    ("life", "words"), [({"expires_in": 1800}, "30 min 0 s"), ({}, "1 min 0 s")]
)
def test_a_token_tells_how_long_it_lasts(life: dict[str, int], words: str) -> None:
    found = found_with(bearer(**life), login())
    assert (found.state, found.seen) == (State.PASS, f"accepted as demo, for {words} at a time")


def test_a_token_that_ends_at_once_is_a_warning() -> None:
    found = found_with(bearer(expires_in=5), login())
    assert (found.state, found.seen) == (
        State.WARN,
        "accepted as demo, but a token lasts only 5 s",
    )


def test_a_token_server_that_refuses_fails_after_one_try() -> None:
    with http_server(bearer()) as server:
        given = answers(server.address, plain_http=True)
        found = look(login_checks.check_login, given, login(password="wrong"))
        assert server.count("GET", "/token") == 1
    assert (found.state, found.seen) == (State.FAIL, "refused (HTTP 401)")


def test_the_login_is_not_shown_to_another_host() -> None:
    with http_server(lambda _: Answer(200, body=b"{}")) as elsewhere:
        realm = f'Bearer realm="http://localhost:{elsewhere.server_port}/token"'
        found = found_with(lambda _: Answer(401, [("WWW-Authenticate", realm)]), login())
        assert elsewhere.asked == []
    assert (found.state, found.code) == (State.FAIL, Code.TOKEN_SERVER_ELSEWHERE)


def test_a_registry_that_does_not_answer_is_not_told_as_a_wrong_password() -> None:
    def judge(asked: Asked) -> Answer:
        return Answer(503) if asked.authorization else basic()(asked)

    found = found_with(judge, login())
    assert found.state is State.FAIL
    assert "HTTP 503" in found.seen


@pytest.mark.parametrize("judge", [basic(), bearer()])
def test_no_secret_is_in_a_finding(judge: Judge) -> None:
    for password in (PASSWORD, "another secret"):
        found = found_with(judge, login(password=password))
        assert password not in repr(found)
        assert login(password=password).basic_header() not in repr(found)


def as_node(server: ZooServer, credentials: Credentials | None, **registry: object) -> Finding:
    return look(login_checks.check_node_login, answers(server.address, **registry), credentials)


def test_the_login_as_nodes_send_it_passes_where_it_is_taken(zoo: Zoo) -> None:
    specimen = zoo.good()
    with ZooServer(specimen) as server:
        found = as_node(server, login(), ca_file=specimen.ca_file)
    assert (found.state, found.seen) == (
        State.PASS,
        "the basic login that nodes send is accepted",
    )


def test_a_registry_that_takes_tokens_only_fails_nodes(zoo: Zoo) -> None:
    specimen = zoo.good()
    headers = {"WWW-Authenticate": 'Bearer realm="https://127.0.0.1/token"'}
    with ZooServer(specimen, status=401, headers=headers) as server:
        found = as_node(server, login(), ca_file=specimen.ca_file)
    assert (found.state, found.seen) == (State.FAIL, "only token logins are accepted")


@pytest.mark.parametrize("status", [401, 403, 500])
def test_a_login_that_is_refused_fails_nodes(zoo: Zoo, status: int) -> None:
    specimen = zoo.good()
    with ZooServer(specimen, status=status) as server:
        found = as_node(server, login(), ca_file=specimen.ca_file)
    assert (found.state, found.seen) == (
        State.FAIL,
        f"the basic login that nodes send is refused ({status})",
    )


def test_an_identity_token_cannot_be_given_to_nodes(zoo: Zoo) -> None:
    specimen = zoo.good()
    token = Credentials("", SecretStr("refresh"), is_identity_token=True)
    with ZooServer(specimen) as server:
        found = as_node(server, token, ca_file=specimen.ca_file)
    assert (found.state, found.seen) == (State.FAIL, "nodes cannot use this login")


def test_without_a_login_nodes_need_none(zoo: Zoo) -> None:
    with ZooServer(zoo.good()) as server:
        assert as_node(server, None).seen == "nodes need no login"


def test_nodes_do_not_use_plain_http() -> None:
    with ZooServer(None) as server:
        assert as_node(server, login(), plain_http=True).state is State.SKIPPED
