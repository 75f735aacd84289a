"""Logging in: against token servers that are asked over real HTTP."""

import base64
import json
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from pydantic import SecretStr

from core.errors import Code, RegistryError
from core.registry.auth import Authenticator, pull, push
from core.registry.credentials import Credentials
from core.registry.retry import RetryPolicy
from core.registry.session import Session
from core.registry.tls import TlsSettings
from core.registry.transport import Response, Transport
from tests.core.registry.servers import (
    FAST,
    Answer,
    Asked,
    HttpServer,
    http_server,
    plain_session,
)


def _refusal(*challenges: str) -> Response:
    headers = {"www-authenticate": ", ".join(challenges)} if challenges else {}
    return Response(401, "https://r.example/v2/", headers, b"")


def _bearer(realm: str, **parameters: str) -> str:
    written = "".join(f',{name}="{value}"' for name, value in parameters.items())
    return f'Bearer realm="{realm}"{written}'


@dataclass
class _Tokens:
    """A token server that counts its tokens: `t1`, `t2`, …

    Attributes:
        answer: what it gives beside the token.
        gate: asked before each answer.
    """

    status: int = 200
    answer: dict[str, object] = field(default_factory=dict)
    field_name: str = "token"
    gate: Callable[[], object] = lambda: None
    given: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, _: Asked) -> Answer:
        self.gate()
        with self.lock:
            self.given += 1
            document = {self.field_name: f"t{self.given}"} | self.answer
        return Answer(self.status, body=json.dumps(document).encode())


class _Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@contextmanager
def _authenticator(
    tokens: _Tokens,
    credentials: Credentials | None = None,
    clock: _Clock | None = None,
    **parameters: str,
) -> Iterator[tuple[Authenticator, HttpServer]]:
    """An authenticator that was told of a token server."""
    transport = Transport(TlsSettings())
    with http_server(tokens) as server:
        origin = f"http://{server.address}"
        auth = Authenticator(transport, origin, credentials, clock=clock or _Clock())
        auth.learn(_refusal(_bearer(f"{server.url}/token", **parameters)), (), {})
        try:
            yield auth, server
        finally:
            transport.close()


def _query(asked: Asked) -> list[tuple[str, str]]:
    return urllib.parse.parse_qsl(asked.target.partition("?")[2])


# Tokens


def test_nothing_is_shown_before_the_registry_asks(login: Credentials) -> None:
    auth = Authenticator(Transport(TlsSettings()), "https://r.example", login)
    assert auth.header((push("a"),)) is None
    assert auth.challenge is None


def test_a_token_is_asked_for_with_service_scopes_and_login(login: Credentials) -> None:
    with _authenticator(_Tokens(), login, service="a registry") as (auth, server):
        assert auth.header((push("a/b"), pull("c"))) == "Bearer t1"
        (asked,) = server.asked
    assert _query(asked) == [
        ("service", "a registry"),
        ("scope", "repository:a/b:pull,push"),
        ("scope", "repository:c:pull"),
    ]
    kind, _, encoded = asked.authorization.partition(" ")
    assert kind == "Basic"
    assert base64.b64decode(encoded).decode() == "robot$eks-a+push:pä:s\"s w\\ör'd"


def test_an_anonymous_token_is_asked_for_without_a_login() -> None:
    with _authenticator(_Tokens()) as (auth, server):
        assert auth.header((pull("a"),)) == "Bearer t1"
        assert server.asked[0].authorization == ""


def test_a_realm_with_a_query_keeps_it() -> None:
    tokens = _Tokens()
    transport = Transport(TlsSettings())
    with http_server(tokens) as server:
        auth = Authenticator(transport, server.url, None)
        auth.learn(_refusal(_bearer(f"{server.url}/token?account=x#part")), (), {})
        auth.header((pull("a"),))
        assert _query(server.asked[0]) == [("account", "x"), ("scope", "repository:a:pull")]
    transport.close()


def test_an_identity_token_is_posted_and_never_put_in_a_url() -> None:
    identity = Credentials("", SecretStr("refresh-me"), "a test", is_identity_token=True)
    with _authenticator(_Tokens(field_name="access_token"), identity, service="s") as (auth, to):
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
    with _authenticator(_Tokens()) as (auth, server):
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
    clock = _Clock()
    with _authenticator(_Tokens(answer=told), clock=clock) as (auth, _):
        assert auth.header(("s",)) == "Bearer t1"
        clock.seconds = life * 0.75 - 0.01
        assert auth.header(("s",)) == "Bearer t1"
        clock.seconds = life * 0.75
        assert auth.header(("s",)) == "Bearer t2"


def test_threads_that_want_the_same_token_ask_for_it_once() -> None:
    gate = threading.Barrier(1)
    with _authenticator(_Tokens(gate=gate.wait)) as (auth, server):
        headers = _in_threads(8, lambda _: auth.header(("s",)))
        assert headers == ["Bearer t1"] * 8
        assert len(server.asked) == 1


def test_threads_that_want_different_tokens_do_not_wait_for_each_other() -> None:
    # The server answers only when all eight requests are there at once.
    gate = threading.Barrier(8, timeout=20)
    with _authenticator(_Tokens(gate=gate.wait)) as (auth, server):
        headers = _in_threads(8, lambda number: auth.header((f"s{number}",)))
        assert len(set(headers)) == 8
        assert len(server.asked) == 8


def _in_threads(count: int, work: Callable[[int], object]) -> list[object]:
    results: list[object] = [None] * count
    start = threading.Barrier(count)

    def run(number: int) -> None:
        start.wait(20)
        try:
            results[number] = work(number)
        except RegistryError as error:
            results[number] = error

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results


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
        auth.learn(_refusal(_bearer(f"{server.url}/token")), (), {})
        with pytest.raises(RegistryError) as raised:
            auth.header(("s",))
    transport.close()
    assert raised.value.code is Code.REGISTRY_PROTOCOL
    assert "without a token" in raised.value.message


@pytest.mark.parametrize("status", [401, 403])
def test_a_token_server_that_refuses_the_login_is_told(status: int, login: Credentials) -> None:
    with _authenticator(_Tokens(status), login) as (auth, _), pytest.raises(RegistryError) as told:
        auth.header(("s",))
    assert told.value.code is Code.LOGIN_REFUSED
    assert not told.value.temporary


@pytest.mark.parametrize("status", [401, 403])
def test_a_token_server_that_wants_a_login_is_told(status: int) -> None:
    with _authenticator(_Tokens(status)) as (auth, _), pytest.raises(RegistryError) as raised:
        auth.header(("s",))
    assert raised.value.code is Code.LOGIN_MISSING


def test_a_token_server_that_is_busy_is_asked_again(login: Credentials) -> None:
    with _authenticator(_Tokens(503), login) as (auth, _), pytest.raises(RegistryError) as raised:
        auth.header(("s",))
    assert raised.value.temporary


# Where the login goes


def _learned(
    realm: str, origin: str = "https://r.example:5000", trusted: tuple[str, ...] = ()
) -> RegistryError:
    """What is said when a token is wanted from `realm`; nothing may be sent."""
    transport = Transport(TlsSettings())
    auth = Authenticator(transport, origin, Credentials("u", SecretStr("p")), trusted)
    auth.learn(_refusal(_bearer(realm)), ("s",), {})
    with pytest.raises(RegistryError) as raised:
        auth.header(("s",))
    return raised.value


def test_a_token_server_on_another_host_is_refused() -> None:
    error = _learned("https://auth.example/token")
    assert error.code is Code.TOKEN_SERVER_ELSEWHERE
    assert "auth.example" in error.message
    assert "--trust-host auth.example" in error.mend


@pytest.mark.parametrize("realm", ["http://r.example:5000/token", "http://r.example/token"])
def test_a_token_server_over_plain_http_is_refused(realm: str) -> None:
    error = _learned(realm)
    assert error.code is Code.TOKEN_SERVER_ELSEWHERE
    assert "external_url" in error.mend


def test_a_trusted_token_server_over_plain_http_is_refused() -> None:
    error = _learned("http://auth.example/token", trusted=("auth.example",))
    assert error.code is Code.TOKEN_SERVER_ELSEWHERE
    assert "plain HTTP" in error.message


@pytest.mark.parametrize(
    "realm",
    ["token", "ftp://r.example/", "https://", "https://[::1", "https://r.example:99999/", ""],
)
def test_a_realm_that_is_no_address_is_told(realm: str) -> None:
    assert _learned(realm).code is Code.REGISTRY_PROTOCOL


@pytest.mark.parametrize("trusted", ["127.0.0.1", "127.0.0.1:9999"])
def test_a_token_server_on_a_trusted_host_is_asked(trusted: str, login: Credentials) -> None:
    transport = Transport(TlsSettings())
    with http_server(_Tokens()) as server:
        auth = Authenticator(transport, "http://r.example", login, (trusted, "[", ""))
        auth.learn(_refusal(_bearer(f"{server.url}/token")), (), {})
        assert auth.header(("s",)) == "Bearer t1"
    transport.close()


def test_the_name_of_a_trusted_host_may_be_written_in_capitals(login: Credentials) -> None:
    transport = Transport(TlsSettings())
    with http_server(_Tokens()) as server:
        auth = Authenticator(transport, "http://r.example", login, ("LocalHost",))
        port = server.server_port
        auth.learn(_refusal(_bearer(f"http://localhost:{port}/token")), (), {})
        assert auth.header(("s",)) == "Bearer t1"
    transport.close()


# Choosing


def test_bearer_is_taken_where_both_are_offered(login: Credentials) -> None:
    auth = Authenticator(Transport(TlsSettings()), "https://r.example", login)
    assert auth.learn(_refusal('Basic realm="r"', _bearer("https://r.example/t")), (), {})
    assert auth.challenge is not None
    assert auth.challenge.scheme == "bearer"


def test_basic_is_taken_where_bearer_has_no_realm(login: Credentials) -> None:
    auth = Authenticator(Transport(TlsSettings()), "https://r.example", login)
    auth.learn(_refusal("Bearer", 'Basic realm="r"'), (), {})
    assert auth.header(("s",)) == login.basic_header()


def test_a_basic_registry_without_a_login_is_told() -> None:
    auth = Authenticator(Transport(TlsSettings()), "https://r.example", None)
    with pytest.raises(RegistryError) as raised:
        auth.learn(_refusal('Basic realm="r"'), (), {})
    assert raised.value.code is Code.LOGIN_MISSING


@pytest.mark.parametrize("offered", ["", "Negotiate, NTLM", "Bearer"])
def test_a_registry_that_offers_no_way_is_told(offered: str, login: Credentials) -> None:
    auth = Authenticator(Transport(TlsSettings()), "https://r.example", login)
    with pytest.raises(RegistryError) as raised:
        auth.learn(_refusal(offered), (), {})
    assert raised.value.code is Code.REGISTRY_PROTOCOL


def test_a_refused_basic_login_is_not_shown_again(login: Credentials) -> None:
    auth = Authenticator(Transport(TlsSettings()), "https://r.example", login)
    refusal = _refusal('Basic realm="r"')
    assert auth.learn(refusal, (), {})
    assert not auth.learn(refusal, (), {"Authorization": login.basic_header()})


def test_a_refusal_without_a_challenge_after_a_login_is_final(login: Credentials) -> None:
    auth = Authenticator(Transport(TlsSettings()), "https://r.example", login)
    auth.learn(_refusal('Basic realm="r"'), (), {})
    assert not auth.learn(_refusal(), (), {"Authorization": login.basic_header()})


def test_an_identity_token_is_never_shown_as_a_password() -> None:
    identity = Credentials("", SecretStr("x"), is_identity_token=True)
    auth = Authenticator(Transport(TlsSettings()), "https://r.example", identity)
    with pytest.raises(RegistryError):
        auth.learn(_refusal('Basic realm="r"'), (), {})


def test_two_www_authenticate_headers_are_both_read(login: Credentials) -> None:
    def judge(asked: Asked) -> Answer:
        if asked.authorization:
            return Answer(200)
        return Answer(
            401, [("WWW-Authenticate", 'Basic realm="r"'), ("WWW-Authenticate", "Negotiate")]
        )

    with http_server(judge) as server, plain_session(server, login) as session:
        assert session.ping().status == 200


# With a registry


class _TokenRegistry:
    """A registry with a token server in one: refuses every token that it did not give last."""

    def __init__(self, demanded: str = "") -> None:
        self.server: HttpServer | None = None
        self.demanded = demanded
        self.valid: set[str] = set()
        self.lock = threading.Lock()
        self.given = 0

    def __call__(self, asked: Asked) -> Answer:
        if asked.path == "/token":
            return self._give(asked)
        if asked.authorization.removeprefix("Bearer ") in self.valid:
            return Answer(200, body=b"{}")
        assert self.server is not None
        challenge = _bearer(f"{self.server.url}/token", service="s", scope=self.demanded)
        return Answer(401, [("WWW-Authenticate", challenge)])

    def _give(self, asked: Asked) -> Answer:
        scopes = {value for name, value in _query(asked) if name == "scope"}
        with self.lock:
            self.given += 1
            token = f"t{self.given}"
            if not self.demanded or self.demanded in scopes:
                self.valid.add(token)
        return Answer(200, body=json.dumps({"token": token, "expires_in": 300}).encode())


@contextmanager
def _token_session(
    registry: _TokenRegistry, login: Credentials, policy: RetryPolicy = FAST
) -> Iterator[tuple[Session, HttpServer]]:
    with http_server(registry) as server:
        registry.server = server
        with plain_session(server, login, policy=policy) as session:
            yield session, server


def test_a_token_that_ended_early_is_renewed_in_the_same_request(login: Credentials) -> None:
    registry = _TokenRegistry()
    with _token_session(registry, login) as (session, server):
        session.request("GET", "/v2/x", scopes=("s",))
        registry.valid.clear()
        session.request("GET", "/v2/x", scopes=("s",))
        assert server.count("GET", "/v2/x") == 4
        assert registry.given == 2


def test_a_scope_that_the_registry_demands_is_asked_for(login: Credentials) -> None:
    registry = _TokenRegistry(demanded="repository:a:delete")
    with _token_session(registry, login) as (session, _):
        session.request("DELETE", "/v2/a/blobs/uploads/1", scopes=(push("a"),))
        session.request("DELETE", "/v2/a/blobs/uploads/2", scopes=(push("a"),))
    assert registry.given == 2


def test_a_token_that_never_suffices_ends_as_no_right(login: Credentials) -> None:
    registry = _TokenRegistry(demanded="what:nobody:gets another:one")

    def judge(asked: Asked) -> Answer:
        return Answer(200) if asked.path == "/v2/" else registry(asked)

    with http_server(judge) as server:
        registry.server = server
        with (
            plain_session(server, login) as session,
            pytest.raises(RegistryError) as raised,
        ):
            session.request("POST", "/v2/a/blobs/uploads/", scopes=(push("a"),))
    assert raised.value.code is Code.PUSH_DENIED
    assert server.count("POST", "/v2/a/blobs/uploads/") == 3


@pytest.mark.parametrize("kind", ["basic", "bearer"])
def test_eight_threads_at_first_contact_all_get_in(kind: str, login: Credentials) -> None:
    registry = _TokenRegistry()
    gate = threading.Barrier(8, timeout=20)
    first: set[str] = set()

    def judge(asked: Asked) -> Answer:
        # All eight arrive without a login before one of them is told to log in.
        if asked.path not in first and asked.path != "/token":
            first.add(asked.path)
            gate.wait()
        if kind == "bearer":
            return registry(asked)
        if asked.authorization == login.basic_header():
            return Answer(200)
        return Answer(401, [("WWW-Authenticate", 'Basic realm="r"')])

    with http_server(judge) as server:
        registry.server = server
        with plain_session(server, login) as session:

            def work(number: int) -> int:
                return session.request("GET", f"/v2/{number}", scopes=(f"s{number}",)).status

            assert _in_threads(8, work) == [200] * 8
