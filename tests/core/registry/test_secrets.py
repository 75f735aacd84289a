"""No secret in a log record, a repr or an exception, whatever goes wrong."""

import json
import logging
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from pydantic import SecretStr

from core.errors import RegistryError
from core.oci import digest_of
from core.registry.auth import push
from core.registry.blobs import mount_blob
from core.registry.credentials import Credentials
from core.registry.retry import RetryPolicy
from core.registry.session import Session
from core.registry.transport import Body
from core.registry.upload import Upload, UploadLostError
from tests.core.registry.servers import Answer, Asked, HttpServer, http_server, plain_session

_PASSWORD = "correct-horse-battery"
_TOKEN = "eyJhbGciOi.the-token.signature"
_STATE = "signed-upload-state"
_LOGIN = Credentials("bob", SecretStr(_PASSWORD), "a test")
_IDENTITY = Credentials("", SecretStr(_PASSWORD), "a test", is_identity_token=True)
_TWICE = RetryPolicy(patience=0.05, fault_attempts=2, first_wait=0.01, longest_wait=0.01)
_SECRETS = (_PASSWORD, _LOGIN.basic_header().removeprefix("Basic "), _TOKEN, _STATE)


@dataclass
class _Registry:
    """Bearer or Basic; fails as it is told, and puts secrets wherever a registry may."""

    bearer: bool
    failures: Iterator[int] = field(default_factory=lambda: iter(()))
    server: HttpServer | None = None

    def __call__(self, asked: Asked) -> Answer:
        assert self.server is not None
        if asked.path == "/token":
            return Answer(200, body=json.dumps({"token": _TOKEN}).encode())
        if not asked.authorization:
            challenge = f'Bearer realm="{self.server.url}/token"' if self.bearer else "Basic"
            return Answer(401, [("WWW-Authenticate", challenge)])
        location = ("Location", f"/v2/a/blobs/uploads/1?_state={_STATE}")
        status = next(self.failures, 201 if asked.method == "PUT" else 202)
        return Answer(status, [location], b'{"errors": [{"code": "X", "message": "no"}]}')


def _use(session: Session) -> list[RegistryError]:
    """Upload in all ways; the errors that came up."""
    errors: list[RegistryError] = []
    upload = Upload.start(session, "a")
    steps: tuple[Callable[[], object], ...] = (
        lambda: upload.send(Body.of(b"x" * 100)),
        upload.ask_offset,
        lambda: upload.finish(digest_of(b"x"), Body.of(b"x")),
        upload.cancel,
        lambda: mount_blob(session, "a", digest_of(b"x"), "b"),
        session.ping,
        lambda: session.request("GET", upload.location, scopes=(push("a"),), ok=(299,)),
        lambda: session.resolve(upload.location, f"ftp://u:{_PASSWORD}@h/?_state={_STATE}"),
    )
    for step in steps:
        try:
            step()
        except RegistryError as error:
            errors.append(error)
        except UploadLostError:
            continue
    _assert_clean(repr(upload))
    return errors


@pytest.mark.parametrize(
    ("bearer", "credentials"),
    [(False, _LOGIN), (True, _LOGIN), (True, _IDENTITY)],
    ids=["basic", "bearer", "identity token"],
)
@pytest.mark.parametrize("failure", [None, 400, 403, 413, 429, 500, 503])
def test_no_secret_is_logged_or_told(
    bearer: bool, failure: int | None, credentials: Credentials, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("urllib3", "urllib3.connectionpool", "core"):
        caplog.set_level(logging.DEBUG, name)
    registry = _Registry(bearer)
    with http_server(registry) as server, plain_session(server, credentials, policy=_TWICE) as used:
        registry.server = server
        failures = iter([202]) if failure is None else iter([202, *[failure] * 100])
        registry.failures = failures
        errors = _use(used)
        everything = [repr(used), repr(vars(used)), repr(vars(used._auth)), repr(credentials)]
    assert errors
    for error in errors:
        everything += [*traceback.format_exception(error), repr(error), error.cause, error.mend]
    for record in caplog.records:
        everything += [record.getMessage(), repr(record.args), str(record.exc_text)]
    assert any(record.name == "urllib3.connectionpool" for record in caplog.records)
    assert any(record.name == "core.registry.session" for record in caplog.records)
    for text in everything:
        _assert_clean(text)


def _assert_clean(text: str) -> None:
    assert not any(secret in text for secret in _SECRETS), text


def test_a_login_is_in_no_repr() -> None:
    for credentials in (_LOGIN, _IDENTITY):
        _assert_clean(repr(credentials) + str(credentials))


def test_a_request_that_breaks_off_shows_no_state(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with http_server(lambda _: Answer()) as server:
        session = plain_session(server, _LOGIN)
        location = f"http://127.0.0.1:1/u?_state={_STATE}"
        with session, pytest.raises(RegistryError) as raised:
            Upload(session, "a", location).send(Body.of(b"x"))
    _assert_clean("".join(traceback.format_exception(raised.value)))
    for record in caplog.records:
        _assert_clean(record.getMessage() + repr(record.args))
