"""Requests to a registry: ping, reasons, second attempts."""

import json
import threading
import time

import pytest

from core.errors import Code, Interrupted, RegistryError
from core.registry.auth import push
from core.registry.connection import Connection
from core.registry.credentials import Credentials
from core.registry.retry import ONCE, RetryPolicy, Waiter
from core.registry.session import Session
from tests.core.registry.servers import FAST, Answer, Asked, Judge, http_server, plain_session

_BASIC = [("WWW-Authenticate", 'Basic realm="r"')]


def _denied(status: int = 403, message: str = "no right") -> Answer:
    body = json.dumps({"errors": [{"code": "DENIED", "message": message}]}).encode()
    return Answer(status, body=body)


def _for_the_login(login: Credentials, judge: Judge) -> Judge:
    """A registry with Basic login; `judge` answers those who have it."""

    def all_requests(asked: Asked) -> Answer:
        if asked.authorization != login.basic_header():
            return Answer(401, _BASIC)
        return judge(asked)

    return all_requests


# Ping


@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8"])
def test_a_registry_answers_a_ping(content_type: str) -> None:
    judge = Answer(200, [("Content-Type", content_type)], b"{}")
    with http_server(lambda _: judge) as server, plain_session(server) as session:
        assert session.ping().content == b"{}"


def test_an_empty_answer_is_that_of_a_registry() -> None:
    with http_server(lambda _: Answer()) as server, plain_session(server) as session:
        assert session.ping().status == 200


@pytest.mark.parametrize(
    "answer",
    [
        Answer(404, body=b"<html><body>Not Found</body></html>"),
        Answer(200, [("Content-Type", "text/html; charset=utf-8")], b"<!doctype html><html>"),
        Answer(400, body=b"Bad Request"),
        Answer(405),
        Answer(302, [("Location", "/login"), ("Content-Type", "text/html")]),
    ],
    ids=["not found", "page", "bad request", "method", "redirect in a circle"],
)
def test_what_is_no_registry_is_told(answer: Answer) -> None:
    with (
        http_server(lambda _: answer) as server,
        plain_session(server) as session,
        pytest.raises(RegistryError) as raised,
    ):
        session.ping()
    assert raised.value.code in (Code.REGISTRY_PROTOCOL, Code.REDIRECT_REFUSED)


def test_a_redirect_to_a_login_page_is_no_registry() -> None:
    def judge(asked: Asked) -> Answer:
        if asked.path == "/login":
            return Answer(200, [("Content-Type", "text/html")], b"<html>Sign in")
        return Answer(302, [("Location", "/login")])

    with (
        http_server(judge) as server,
        plain_session(server) as session,
        pytest.raises(RegistryError) as raised,
    ):
        session.ping()
    assert raised.value.code is Code.REGISTRY_PROTOCOL
    assert "web page" in raised.value.message


def test_a_refused_login_is_told_after_one_try(login: Credentials) -> None:
    """More tries could lock the account."""
    with http_server(lambda _: Answer(401, _BASIC)) as server, plain_session(server, login) as s:
        with pytest.raises(RegistryError) as raised:
            s.ping()
        assert [bool(asked.authorization) for asked in server.asked] == [False, True]
    assert raised.value.code is Code.LOGIN_REFUSED


def test_a_missing_login_is_told() -> None:
    with http_server(lambda _: Answer(401, _BASIC)) as server, plain_session(server) as session:
        with pytest.raises(RegistryError) as raised:
            session.ping()
        assert len(server.asked) == 1
    assert raised.value.code is Code.LOGIN_MISSING


def test_a_forbidden_ping_is_a_refused_login(login: Credentials) -> None:
    with http_server(lambda _: Answer(403)) as server:
        with plain_session(server, login) as session, pytest.raises(RegistryError) as refused:
            session.ping()
        with plain_session(server) as session, pytest.raises(RegistryError) as missing:
            session.ping()
    assert refused.value.code is Code.LOGIN_REFUSED
    assert "locked" in refused.value.cause
    assert missing.value.code is Code.LOGIN_MISSING


def test_an_anonymous_token_that_does_not_suffice_is_a_missing_login() -> None:
    def judge(asked: Asked) -> Answer:
        if asked.path == "/token":
            return Answer(200, body=b'{"token": "anonymous"}')
        return Answer(401, [("WWW-Authenticate", f'Bearer realm="{url}/token"')])

    with http_server(judge) as server, plain_session(server) as session:
        url = server.url
        with pytest.raises(RegistryError) as raised:
            session.ping()
        with pytest.raises(RegistryError) as pushed:
            session.request("POST", "/v2/a/blobs/uploads/", scopes=(push("a"),))
    assert raised.value.code is Code.LOGIN_MISSING
    assert pushed.value.code is Code.LOGIN_MISSING


@pytest.mark.parametrize(("policy", "most"), [(ONCE, 1.0), (RetryPolicy(), 6.0)])
def test_a_ping_is_given_up_within_seconds_whatever_the_patience(
    policy: RetryPolicy, most: float
) -> None:
    started = time.monotonic()
    with (
        Session(Connection("127.0.0.1:1", plain_http=True), policy=policy) as session,
        pytest.raises(RegistryError) as raised,
    ):
        session.ping()
    assert raised.value.code is Code.REGISTRY_UNREACHABLE
    assert time.monotonic() - started < most


# Reasons


def test_a_401_with_a_login_that_works_is_a_missing_right(login: Credentials) -> None:
    """Harbor answers so where the project is missing."""

    def judge(asked: Asked) -> Answer:
        return Answer(200) if asked.path == "/v2/" else Answer(401, _BASIC)

    with (
        http_server(_for_the_login(login, judge)) as server,
        plain_session(server, login) as session,
        pytest.raises(RegistryError) as raised,
    ):
        session.request("POST", "/v2/a/blobs/uploads/", scopes=(push("a"),))
    assert raised.value.code is Code.PUSH_DENIED


def test_a_401_with_a_login_that_ended_is_a_refused_login(login: Credentials) -> None:
    with (
        http_server(lambda _: Answer(401, _BASIC)) as server,
        plain_session(server, login) as session,
        pytest.raises(RegistryError) as raised,
    ):
        session.request("POST", "/v2/a/blobs/uploads/", scopes=(push("a"),))
    assert raised.value.code is Code.LOGIN_REFUSED


def test_a_missing_right_keeps_the_registrys_words(login: Credentials) -> None:
    def judge(_: Asked) -> Answer:
        return _denied()

    with (
        http_server(_for_the_login(login, judge)) as server,
        plain_session(server, login) as session,
        pytest.raises(RegistryError) as raised,
    ):
        session.request("POST", "/v2/a/blobs/uploads/", scopes=(push("a"),))
    assert raised.value.code is Code.PUSH_DENIED
    assert raised.value.message.endswith("no right")
    assert server.count("GET", "/v2/") == 0


def test_a_refused_head_is_explained_by_a_get(login: Credentials) -> None:
    """The answer to a HEAD has no words: harbor's robots that may push but not pull get it."""
    with http_server(lambda _: _denied()) as server, plain_session(server, login) as session:
        with pytest.raises(RegistryError) as raised:
            session.request("HEAD", "/v2/a/blobs/x", scopes=(push("a"),))
        assert [asked.method for asked in server.asked] == ["HEAD", "GET"]
    assert raised.value.code is Code.PUSH_DENIED
    assert raised.value.message.endswith("no right")


def test_a_refused_head_whose_get_is_allowed_stays_refused(login: Credentials) -> None:
    def judge(asked: Asked) -> Answer:
        return Answer(403 if asked.method == "HEAD" else 200, body=b"x" * 10_000_000)

    with (
        http_server(judge) as server,
        plain_session(server, login) as session,
        pytest.raises(RegistryError) as raised,
    ):
        session.request("HEAD", "/v2/a/blobs/x", scopes=(push("a"),))
    assert raised.value.code is Code.PUSH_DENIED


# Second attempts


def test_a_registry_that_is_busy_is_asked_again() -> None:
    answers = iter([429, 503, 500, 502, 200])
    told: list[int] = []

    def judge(_: Asked) -> Answer:
        return Answer(next(answers))

    with http_server(judge) as server:
        connection = Connection(server.address, plain_http=True)
        note = told.append
        with Session(connection, policy=FAST, on_retry=lambda e: note(e.status)) as session:
            assert session.request("GET", "/v2/x").status == 200
    assert told == [429, 503, 500, 502]


def test_retry_after_is_waited_for() -> None:
    answers = iter([Answer(429, [("Retry-After", "1")]), Answer(200)])
    started = time.monotonic()
    with http_server(lambda _: next(answers)) as server, plain_session(server, policy=FAST) as s:
        s.request("GET", "/v2/x")
    assert 1 <= time.monotonic() - started < 5


def test_a_stop_ends_the_wait_for_a_registry_at_once() -> None:
    stop = threading.Event()
    started = time.monotonic()
    threading.Timer(0.2, stop.set).start()
    connection = Connection("127.0.0.1:1", plain_http=True)
    with (
        Session(connection, policy=RetryPolicy(first_wait=60), waiter=Waiter(stop)) as session,
        pytest.raises(Interrupted),
    ):
        session.request("GET", "/v2/x")
    assert time.monotonic() - started < 5


def test_other_statuses_are_errors() -> None:
    with http_server(lambda _: Answer(202)) as server, plain_session(server) as session:
        assert session.request("GET", "/v2/x", ok=(202,)).status == 202
        with pytest.raises(RegistryError) as raised:
            session.request("GET", "/v2/x?secret=1", ok=(200, 201))
    assert raised.value.status == 202
    assert raised.value.where == f"{server.url}/v2/x"


def test_a_blob_is_opened_after_a_login(login: Credentials) -> None:
    def judge(_: Asked) -> Answer:
        return Answer(200, body=b"blob")

    with http_server(_for_the_login(login, judge)) as server, plain_session(server, login) as s:
        with s.open("/v2/a/blobs/x", ("s",)) as answer:
            assert answer.read() == b"blob"
        assert [bool(asked.authorization) for asked in server.asked] == [False, True]


def test_a_blob_is_not_opened_with_a_refused_login(login: Credentials) -> None:
    with (
        http_server(lambda _: Answer(401, _BASIC)) as server,
        plain_session(server, login) as session,
        pytest.raises(RegistryError) as raised,
        session.open("/v2/a/blobs/x", ("s",)),
    ):
        pass
    assert raised.value.code is Code.LOGIN_REFUSED
    assert [asked.path for asked in server.asked] == ["/v2/a/blobs/x"] * 2 + ["/v2/"]
