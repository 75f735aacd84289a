"""Tokens: how they are asked for, kept and renewed; token servers are asked over real HTTP."""

import base64
import threading
import urllib.parse

import pytest
from pydantic import SecretStr

from core.errors import Code, RegistryError
from core.registry.auth import Authenticator, pull, push
from core.registry.credentials import Credentials
from core.registry.tls import TlsSettings
from core.registry.transport import Transport
from tests.core.registry.servers import Answer, http_server
from tests.core.registry.token_servers import (
    Clock,
    Tokens,
    authenticator,
    bearer,
    in_threads,
    query,
    refusal,
)


def test_nothing_is_shown_before_the_registry_asks(login: Credentials) -> None:
    auth = Authenticator(Transport(TlsSettings()), "https://r.example", login)
    assert auth.header((push("a"),)) is None
    assert auth.challenge is None


def test_a_token_is_asked_for_with_service_scopes_and_login(login: Credentials) -> None:
    with authenticator(Tokens(), login, service="a registry") as (auth, server):
        assert auth.header((push("a/b"), pull("c"))) == "Bearer t1"
        (asked,) = server.asked
    assert query(asked) == [
        ("service", "a registry"),
        ("scope", "repository:a/b:pull,push"),
        ("scope", "repository:c:pull"),
    ]
    kind, _, encoded = asked.authorization.partition(" ")
    assert kind == "Basic"
    assert base64.b64decode(encoded).decode() == "robot$eks-a+push:pä:s\"s w\\ör'd"


def test_an_anonymous_token_is_asked_for_without_a_login() -> None:
    with authenticator(Tokens()) as (auth, server):
        assert auth.header((pull("a"),)) == "Bearer t1"
        assert server.asked[0].authorization == ""


def test_a_realm_with_a_query_keeps_it() -> None:
    tokens = Tokens()
    transport = Transport(TlsSettings())
    with http_server(tokens) as server:
        auth = Authenticator(transport, server.url, None)
        auth.learn(refusal(bearer(f"{server.url}/token?account=x#part")), (), {})
        auth.header((pull("a"),))
        assert query(server.asked[0]) == [("account", "x"), ("scope", "repository:a:pull")]
    transport.close()


def test_an_identity_token_is_posted_and_never_put_in_a_url() -> None:
    identity = Credentials("", SecretStr("refresh-me"), "a test", is_identity_token=True)
    with authenticator(Tokens(field_name="access_token"), identity, service="s") as (auth, to):
        assert auth.header((push("a"), pull("b"))) == "Bearer t1"
        (asked,) = to.asked
    assert asked.method == "POST"
    assert "refresh-me" not in asked.target
    assert not asked.authorization
    assert dict(urllib.parse.parse_qsl(asked.body.decode())) == {
        "grant_type": "refresh_token",
        "refresh_token": "refresh-me",
        "client_id": "eksa-mirror",
        "service": "s",
        "scope": "repository:a:pull,push repository:b:pull",
    }


def test_each_set_of_scopes_has_a_token_of_its_own() -> None:
    with authenticator(Tokens()) as (auth, server):
        assert auth.header((push("a"),)) == "Bearer t1"
        assert auth.header((push("b"),)) == "Bearer t2"
        assert auth.header((push("a"), pull("b"))) == "Bearer t3"
        assert auth.header((pull("b"), push("a"))) == "Bearer t3"
        assert auth.header((push("a"),)) == "Bearer t1"
        assert len(server.asked) == 3


@pytest.mark.parametrize(
    ("told", "life"),
    [
        ({"expires_in": 300}, 300.0),
        ({"expires_in": 12.5}, 12.5),
        ({}, 60.0),
        ({"expires_in": 0}, 60.0),
        ({"expires_in": -5}, 60.0),
        ({"expires_in": "300"}, 60.0),
        ({"expires_in": None}, 60.0),
        ({"expires_in": float("nan")}, 60.0),
        ({"expires_in": float("inf")}, 86_400.0),
        ({"expires_in": 10**400}, 86_400.0),
    ],
)
def test_a_token_is_renewed_at_three_quarters_of_its_life(
    told: dict[str, object], life: float
) -> None:
    clock = Clock()
    with authenticator(Tokens(answer=told), clock=clock) as (auth, _):
        assert auth.header(("s",)) == "Bearer t1"
        clock.seconds = life * 0.75 - 0.01
        assert auth.header(("s",)) == "Bearer t1"
        clock.seconds = life * 0.75
        assert auth.header(("s",)) == "Bearer t2"


def test_threads_that_want_the_same_token_ask_for_it_once() -> None:
    gate = threading.Barrier(1)
    with authenticator(Tokens(gate=gate.wait)) as (auth, server):
        headers = in_threads(8, lambda _: auth.header(("s",)))
        assert headers == ["Bearer t1"] * 8
        assert len(server.asked) == 1


def test_threads_that_want_different_tokens_do_not_wait_for_each_other() -> None:
    # The server answers only when all eight requests are there at once.
    gate = threading.Barrier(8, timeout=20)
    with authenticator(Tokens(gate=gate.wait)) as (auth, server):
        headers = in_threads(8, lambda number: auth.header((f"s{number}",)))
        assert len(set(headers)) == 8
        assert len(server.asked) == 8


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"token": 5}',
        b'{"token": ""}',
        b'{"token": "two words"}',
        b'{"token": "line\\r\\nX-Injected: 1"}',
        '{"token": "日本"}'.encode(),
        b"[" * 5000,
    ],
)
def test_an_answer_without_a_token_is_told(content: bytes) -> None:
    transport = Transport(TlsSettings())
    with http_server(lambda _: Answer(body=content)) as server:
        auth = Authenticator(transport, server.url, None)
        auth.learn(refusal(bearer(f"{server.url}/token")), (), {})
        with pytest.raises(RegistryError) as raised:
            auth.header(("s",))
    transport.close()
    assert raised.value.code is Code.REGISTRY_PROTOCOL
    assert "without a token" in raised.value.message


@pytest.mark.parametrize("status", [401, 403])
def test_a_token_server_that_refuses_the_login_is_told(status: int, login: Credentials) -> None:
    with authenticator(Tokens(status), login) as (auth, _), pytest.raises(RegistryError) as told:
        auth.header(("s",))
    assert told.value.code is Code.LOGIN_REFUSED
    assert not told.value.temporary


@pytest.mark.parametrize("status", [401, 403])
def test_a_token_server_that_wants_a_login_is_told(status: int) -> None:
    with authenticator(Tokens(status)) as (auth, _), pytest.raises(RegistryError) as raised:
        auth.header(("s",))
    assert raised.value.code is Code.LOGIN_MISSING


def test_a_token_server_that_is_busy_is_asked_again(login: Credentials) -> None:
    with authenticator(Tokens(503), login) as (auth, _), pytest.raises(RegistryError) as raised:
        auth.header(("s",))
    assert raised.value.temporary
