"""What is sent, and answers that come before all of it was sent."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import ArchiveError, Code, RegistryError
from core.registry.connection import Connection
from core.registry.credentials import Credentials
from core.registry.session import Session
from core.registry.tls import TlsSettings
from core.registry.transport import Body, Transport
from tests.core.registry.certificates import from_trustme
from tests.core.registry.servers import (
    FAST,
    Answer,
    Asked,
    RawServer,
    http_server,
    plain_session,
    refuse_early,
)

_MIB = 2**20


def test_a_body_is_sent_with_its_length_and_type(transport: Transport) -> None:
    with http_server(lambda asked: Answer(201, body=asked.body)) as server:
        body = Body(6, (b"ab", b"", b"cdef"), "text/x-test")
        response = transport.request("PUT", f"{server.url}/x", {}, body)
        (asked,) = server.asked
    assert response.content == b"abcdef"
    assert asked.headers["content-length"] == "6"
    assert asked.headers["content-type"] == "text/x-test"
    assert "transfer-encoding" not in asked.headers


def test_an_empty_body_has_a_length_too(transport: Transport) -> None:
    with http_server(lambda _: Answer(202)) as server:
        transport.request("POST", f"{server.url}/x", {}, Body.of(b""))
        assert server.asked[0].headers["content-length"] == "0"


def test_a_body_is_sent_whole_again_on_a_second_attempt() -> None:
    answers = iter([503, 401, 201])

    def judge(_: Asked) -> Answer:
        return Answer(next(answers), [("WWW-Authenticate", "Basic")])

    with http_server(judge) as server, plain_session(server, policy=FAST) as session:
        with pytest.raises(RegistryError):
            session.request("PUT", "/x", body=Body(4, (b"ab", b"cd")), ok=(201,))
        session.request("PUT", "/x", body=Body(4, (b"ab", b"cd")), ok=(201,))
        assert [asked.body for asked in server.asked] == [b"abcd"] * 3


@pytest.mark.parametrize("length", [3, 5])
def test_a_body_of_another_length_is_a_defect_that_does_not_hang(
    length: int, transport: Transport
) -> None:
    with http_server(lambda _: Answer(201)) as server, pytest.raises(ValueError, match="body of"):
        transport.request("PUT", f"{server.url}/x", {}, Body(length, (b"ab", b"cd")))


def test_a_source_that_fails_in_the_middle_is_told_as_it_is(transport: Transport) -> None:
    error = ArchiveError(Code.ARCHIVE_TRUNCATED, "the archive ends early")

    def pieces() -> Iterator[bytes]:
        yield b"x" * 100_000
        raise error

    with http_server(lambda _: Answer(201)) as server:
        with pytest.raises(ArchiveError) as raised:
            transport.request("PUT", f"{server.url}/x", {}, Body(200_000, pieces()))
        assert raised.value is error
        assert transport.request("GET", f"{server.url}/y", {}).status == 201


@pytest.mark.parametrize("pieces", [1, 64], ids=["one piece", "many pieces"])
@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_an_early_413_is_read_and_told(secure: bool, pieces: int, tmp_path: Path) -> None:
    shown = from_trustme(tmp_path)
    context = shown.context if secure else None
    body = Body(64 * _MIB, (bytes(64 * _MIB // pieces),) * pieces)
    with RawServer(refuse_early(0.3), context) as server:
        connection = Connection(server.address, TlsSettings(shown.ca_file), plain_http=not secure)
        with Session(connection, policy=FAST) as session:
            for _ in range(3):
                with pytest.raises(RegistryError) as raised:
                    session.request("PATCH", "/v2/a/blobs/uploads/1", body=body, ok=(202,))
                assert raised.value.code is Code.BODY_TOO_LARGE


def test_an_early_413_that_is_cut_off_at_once_is_told_as_either() -> None:
    """A reset may overtake the answer: then nobody can read it."""
    body = Body(16 * _MIB, (bytes(_MIB),) * 16)
    with (
        RawServer(refuse_early(0)) as server,
        plain_session(server) as session,
        pytest.raises(RegistryError) as raised,
    ):
        session.request("PATCH", "/u", body=body)
    error = raised.value
    assert error.code is Code.BODY_TOO_LARGE or (
        error.code is Code.REGISTRY_UNREACHABLE and error.temporary
    )


def test_an_early_401_while_the_body_is_sent_leads_to_the_login(login: Credentials) -> None:
    def judge(asked: Asked) -> Answer:
        if asked.authorization:
            return Answer(202)
        return Answer(401, [("WWW-Authenticate", 'Basic realm="r"')])

    with http_server(judge) as server, plain_session(server, login) as session:
        body = Body(4 * _MIB, (bytes(_MIB),) * 4)
        session.request("PATCH", "/u", body=body, ok=(202,))
        assert [len(asked.body) for asked in server.asked] == [4 * _MIB] * 2
