"""Logging in: where the login goes, which way is taken, and what a registry answers."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from pydantic import SecretStr

from core.errors import Code, RegistryError
from core.registry.auth import Authenticator, push
from core.registry.credentials import Credentials
from core.registry.retry import RetryPolicy
from core.registry.session import Session
from core.registry.tls import TlsSettings
from core.registry.transport import Transport
from tests.core.registry.servers import FAST, Answer, Asked, HttpServer, http_server, plain_session
from tests.core.registry.token_servers import Tokens, bearer, in_threads, query, refusal

# Where the login goes


def _learned(
    realm: str, origin: str = "https://r.example:5000", trusted: tuple[str, ...] = ()
) -> RegistryError:
    """What is said when a token is wanted from `realm`; nothing may be sent."""
    transport = Transport(TlsSettings())
    auth = Authenticator(transport, origin, Credentials("u", SecretStr("p")), trusted)
    auth.learn(refusal(bearer(realm)), ("s",), {})
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
    with http_server(Tokens()) as server:
        auth = Authenticator(transport, "http://r.example", login, (trusted, "[", ""))
        auth.learn(refusal(bearer(f"{server.url}/token")), (), {})
        assert auth.header(("s",)) == "Bearer t1"
    transport.close()


def test_the_name_of_a_trusted_host_may_be_written_in_capitals(login: Credentials) -> None:
    transport = Transport(TlsSettings())
    with http_server(Tokens()) as server:
        auth = Authenticator(transport, "http://r.example", login, ("LocalHost",))
        port = server.server_port
        auth.learn(refusal(bearer(f"http://localhost:{port}/token")), (), {})
        assert auth.header(("s",)) == "Bearer t1"
    transport.close()


# Choosing


def test_bearer_is_taken_where_both_are_offered(login: Credentials) -> None:
    auth = Authenticator(Transport(TlsSettings()), "https://r.example", login)
    assert auth.learn(refusal('Basic realm="r"', bearer("https://r.example/t")), (), {})
    assert auth.challenge is not None
    assert auth.challenge.scheme == "bearer"


def test_basic_is_taken_where_bearer_has_no_realm(login: Credentials) -> None:
    auth = Authenticator(Transport(TlsSettings()), "https://r.example", login)
    auth.learn(refusal("Bearer", 'Basic realm="r"'), (), {})
    assert auth.header(("s",)) == login.basic_header()


def test_a_basic_registry_without_a_login_is_told() -> None:
    auth = Authenticator(Transport(TlsSettings()), "https://r.example", None)
    with pytest.raises(RegistryError) as raised:
        auth.learn(refusal('Basic realm="r"'), (), {})
    assert raised.value.code is Code.LOGIN_MISSING


@pytest.mark.parametrize("offered", ["", "Negotiate, NTLM", "Bearer"])
def test_a_registry_that_offers_no_way_is_told(offered: str, login: Credentials) -> None:
    auth = Authenticator(Transport(TlsSettings()), "https://r.example", login)
    with pytest.raises(RegistryError) as raised:
        auth.learn(refusal(offered), (), {})
    assert raised.value.code is Code.REGISTRY_PROTOCOL


def test_a_refused_basic_login_is_not_shown_again(login: Credentials) -> None:
    auth = Authenticator(Transport(TlsSettings()), "https://r.example", login)
    refused = refusal('Basic realm="r"')
    assert auth.learn(refused, (), {})
    assert not auth.learn(refused, (), {"Authorization": login.basic_header()})


def test_a_refusal_without_a_challenge_after_a_login_is_final(login: Credentials) -> None:
    auth = Authenticator(Transport(TlsSettings()), "https://r.example", login)
    auth.learn(refusal('Basic realm="r"'), (), {})
    assert not auth.learn(refusal(), (), {"Authorization": login.basic_header()})


def test_an_identity_token_is_never_shown_as_a_password() -> None:
    identity = Credentials("", SecretStr("x"), is_identity_token=True)
    auth = Authenticator(Transport(TlsSettings()), "https://r.example", identity)
    with pytest.raises(RegistryError):
        auth.learn(refusal('Basic realm="r"'), (), {})


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
        challenge = bearer(f"{self.server.url}/token", service="s", scope=self.demanded)
        return Answer(401, [("WWW-Authenticate", challenge)])

    def _give(self, asked: Asked) -> Answer:
        scopes = {value for name, value in query(asked) if name == "scope"}
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
        with plain_session(server, login) as session, pytest.raises(RegistryError) as raised:
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

            assert in_threads(8, work) == [200] * 8
