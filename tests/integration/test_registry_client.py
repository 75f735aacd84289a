"""The registry client against docker-registry: getting in, tokens, a registry that goes away."""

import logging
import threading
import time

import pytest
from pydantic import SecretStr

from core.demo.registry import DemoRegistry, Login
from core.errors import Code, RegistryError
from core.oci import digest_of
from core.registry.auth import push
from core.registry.blobs import blob_size, has_blob, hash_blob, mount_blob, read_blob
from core.registry.connection import Connection
from core.registry.credentials import Credentials
from core.registry.retry import ONCE
from core.registry.session import Session
from core.registry.transport import Body
from core.registry.upload import Upload, UploadLostError
from tests.fixtures.registries import ProxyFactory, RegistryFactory, TokenRegistry
from tests.fixtures.tools import Registry
from tests.integration.clients import connection, content_of, login_of, push_blob, session_with

# Getting in


def test_a_ping_with_the_login(registry: DemoRegistry) -> None:
    with session_with(registry) as session:
        answer = session.ping()
    assert answer.headers["docker-distribution-api-version"] == "registry/2.0"


def test_a_ping_without_one_where_none_is_needed(anonymous_registry: DemoRegistry) -> None:
    with session_with(anonymous_registry) as session:
        assert session.ping().status == 200


def test_a_wrong_password_is_told_as_a_refused_login(registry: DemoRegistry) -> None:
    wrong = Credentials(registry.username, SecretStr("wrong"))
    with Session(connection(registry), wrong) as session:
        with pytest.raises(RegistryError) as pinged:
            session.ping()
        with pytest.raises(RegistryError) as pushed:
            Upload.start(session, "a/b")
    assert pinged.value.code is Code.LOGIN_REFUSED
    assert pushed.value.code is Code.LOGIN_REFUSED


def test_no_credentials_are_told_as_a_missing_login(registry: DemoRegistry) -> None:
    with Session(connection(registry)) as session:
        with pytest.raises(RegistryError) as pinged:
            session.ping()
        with pytest.raises(RegistryError) as pushed:
            Upload.start(session, "a/b")
    assert pinged.value.code is Code.LOGIN_MISSING
    assert pushed.value.code is Code.LOGIN_MISSING


def test_a_token_server_tells_the_same(token_registry: TokenRegistry) -> None:
    wrong = Credentials(token_registry.username, SecretStr("wrong"))
    codes = []
    for credentials in (wrong, None):
        with (
            Session(connection(token_registry), credentials) as session,
            pytest.raises(RegistryError) as raised,
        ):
            session.ping()
        codes.append(raised.value.code)
    assert codes == [Code.LOGIN_REFUSED, Code.LOGIN_MISSING]


def test_a_password_of_any_characters_is_shown_right(fresh_registry: RegistryFactory) -> None:
    login = Login("robot$eks-a+push", SecretStr("p:ä\"'\\ $日本&%"))
    registry = fresh_registry(auth=login)
    with session_with(registry) as session:
        assert session.ping().status == 200


def test_a_registry_without_tls(fresh_registry: RegistryFactory) -> None:
    registry = fresh_registry(tls=False)
    with Session(Connection(registry.address, plain_http=True)) as session:
        digest = push_blob(session, "a", b"blob")
        assert read_blob(session, "a", digest) == b"blob"
    with (
        Session(connection(registry), policy=ONCE) as session,
        pytest.raises(RegistryError) as raised,
    ):
        session.ping()
    assert raised.value.code is Code.TLS_FAILED
    assert "plain HTTP" in raised.value.message


def test_plain_http_to_a_registry_with_tls_is_told(anonymous_registry: DemoRegistry) -> None:
    connection = Connection(anonymous_registry.address, plain_http=True)
    with Session(connection, policy=ONCE) as session, pytest.raises(RegistryError) as raised:
        session.ping()
    assert raised.value.code is Code.REGISTRY_PROTOCOL
    assert raised.value.cause == "The port speaks TLS."


def test_a_connection_that_is_refused_is_told_at_once(fresh_registry: RegistryFactory) -> None:
    registry = fresh_registry()
    registry.stop()
    started = time.monotonic()
    with session_with(registry, ONCE) as session, pytest.raises(RegistryError) as raised:
        session.ping()
    assert raised.value.code is Code.REGISTRY_UNREACHABLE
    assert "refused" in raised.value.message
    assert time.monotonic() - started < 1


@pytest.mark.parametrize("kind", ["registry", "token_registry"])
def test_eight_threads_at_first_contact(
    kind: str, request: pytest.FixtureRequest, namespace: str
) -> None:
    registry: Registry = request.getfixturevalue(kind)
    start = threading.Barrier(8)
    digests: list[str] = []

    def work(number: int) -> None:
        start.wait(20)
        digests.append(push_blob(session, f"{namespace}/{number % 2}", content_of(str(number))))

    with session_with(registry) as session:
        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert sorted(digests) == sorted(digest_of(content_of(str(number))) for number in range(8))


# Tokens


def test_a_mount_asks_for_both_rights_in_one_token(token_registry: TokenRegistry) -> None:
    with session_with(token_registry) as session:
        digest = push_blob(session, "source", b"blob")
        token_registry.tokens.asked.clear()
        assert mount_blob(session, "target", digest, "source") is None
        assert has_blob(session, "target", digest, 4)
    scopes = {asked.scopes for asked in token_registry.tokens.asked}
    assert ("repository:source:pull", "repository:target:pull,push") in scopes


def test_a_repository_that_may_only_be_read_is_told_as_denied(
    token_registry: TokenRegistry,
) -> None:
    token_registry.tokens.read_only.add("secret")
    with session_with(token_registry) as session:
        assert blob_size(session, "secret", digest_of(b"x")) is None
        with pytest.raises(RegistryError) as raised:
            Upload.start(session, "secret")
    assert raised.value.code is Code.PUSH_DENIED


def test_an_upload_is_cancelled_with_the_right_that_this_needs(
    token_registry: TokenRegistry,
) -> None:
    with session_with(token_registry) as session:
        upload = Upload.start(session, "a")
        upload.cancel()
        with pytest.raises(UploadLostError):
            upload.ask_offset()


@pytest.mark.parametrize("says_life", [True, False], ids=["said", "not said"])
def test_tokens_that_end_in_mid_upload_are_renewed(
    says_life: bool, token_registry: TokenRegistry, proxy_for: ProxyFactory
) -> None:
    """Before their end where it is said, else when the registry refuses them."""
    tokens = token_registry.tokens
    tokens.life, tokens.says_life = 2.0, says_life
    proxy = proxy_for(token_registry.registry)
    login = Credentials(tokens.login.username, tokens.login.password)
    content = bytearray()
    pause = threading.Event()
    with Session(connection(proxy), login, policy=ONCE) as session:
        upload = Upload.start(session, "a")
        end = time.monotonic() + 30
        while len(tokens.asked) < 3:
            assert time.monotonic() < end
            chunk = content_of(str(len(content)), 10_000)
            content += chunk
            upload.send(Body.of(chunk))
            pause.wait(0.02)
        upload.finish(digest_of(bytes(content)))
        assert hash_blob(session, "a", digest_of(bytes(content))) == len(content)
    refused = [one for one in proxy.matching("PATCH") if one.status == 401]
    assert bool(refused) is not says_life


def test_a_token_is_used_for_many_requests(token_registry: TokenRegistry) -> None:
    with session_with(token_registry) as session:
        for number in range(10):
            push_blob(session, "a", content_of(str(number)))
    assert len(token_registry.tokens.asked) == 1


def test_access_token_is_understood(token_registry: TokenRegistry) -> None:
    token_registry.tokens.field = "access_token"
    with session_with(token_registry) as session:
        assert session.ping().status == 200


# A registry that goes away


def test_a_registry_that_is_killed_and_restarted_is_outlived(
    fresh_registry: RegistryFactory,
) -> None:
    registry = fresh_registry(auth=Login())
    away = threading.Event()
    contents = [content_of(str(number), 200_000) for number in range(40)]
    failures: list[Exception] = []

    def work() -> None:
        try:
            for number, content in enumerate(contents):
                if number == 10:
                    registry.kill()
                _send_until_there(session, content)
        except (RegistryError, UploadLostError) as error:
            failures.append(error)

    with Session(
        connection(registry), login_of(registry), on_retry=lambda _: away.set()
    ) as session:
        thread = threading.Thread(target=work)
        thread.start()
        assert away.wait(30)
        registry.start()
        thread.join(60)
        assert not thread.is_alive()
        assert not failures
        for content in contents:
            assert has_blob(session, "a", digest_of(content), len(content))


def _send_until_there(session: Session, content: bytes) -> None:
    """A blob in two chunks; begun anew where the registry forgot it or was away meanwhile."""

    def send() -> None:
        upload = Upload.start(session, "a")
        upload.send(Body.of(content[:100_000]))
        upload.finish(digest_of(content), Body.of(content[100_000:]))

    session.retrying(send)


def test_an_upload_goes_on_after_the_registry_was_restarted(
    fresh_registry: RegistryFactory,
) -> None:
    registry = fresh_registry(auth=Login())
    content = content_of("restarted", 300_000)
    with session_with(registry) as session:
        upload = Upload.start(session, "a")
        upload.send(Body.of(content[:100_000]))
        registry.kill()
        with pytest.raises(RegistryError) as raised:
            upload.send(Body.of(content[100_000:200_000]))
        assert raised.value.temporary
        registry.start()
        assert upload.ask_offset() == 100_000
        upload.send(Body.of(content[100_000:200_000]))
        upload.finish(digest_of(content), Body.of(content[200_000:]))
        assert hash_blob(session, "a", digest_of(content)) == len(content)


# Secrets


def test_a_whole_push_logs_no_secret(
    token_registry: TokenRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, "urllib3.connectionpool")
    with session_with(token_registry) as session:
        upload = Upload.start(session, "a")
        state = upload.location.partition("_state=")[2]
        upload.send(Body.of(b"12345"))
        upload.finish(digest_of(b"12345"))
        header = session._auth.header((push("a"),)) or ""
    assert state
    logged = "\n".join(f"{record.getMessage()} {record.args}" for record in caplog.records)
    assert "PATCH" in logged
    for secret in (state, header[7:], token_registry.password.get_secret_value()):
        assert secret
        assert secret not in logged
