"""Answers that stall, trickle in, never end or are no HTTP."""

import socket
import time
from pathlib import Path

import pytest

from core.errors import Code, RegistryError
from core.registry.tls import TlsSettings
from core.registry.transport import MAX_ANSWER_BYTES, Body, Transport, read_stream, without_query
from tests.core.registry.certificates import from_trustme
from tests.core.registry.servers import (
    OK,
    Answer,
    RawServer,
    http_server,
    plain_session,
    read_head,
    wait_for_hangup,
)

_MIB = 2**20


def _get(server: RawServer, transport: Transport, stall: float | None = None) -> RegistryError:
    """What a GET of this server is told as."""
    with pytest.raises(RegistryError) as raised:
        transport.request("GET", f"http://{server.address}/v2/", {}, stall=stall)
    return raised.value


def test_a_registry_that_does_not_answer_is_given_up(transport: Transport) -> None:
    with RawServer(lambda connection, _: wait_for_hangup(connection)) as server:
        started = time.monotonic()
        error = _get(server, transport, stall=0.3)
    assert error.code is Code.REGISTRY_STALLED
    assert error.temporary
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_a_registry_that_stops_taking_bytes_is_given_up(secure: bool, tmp_path: Path) -> None:
    def talk(connection: socket.socket, _: int) -> None:
        read_head(connection)
        time.sleep(2)

    shown = from_trustme(tmp_path)
    transport = Transport(TlsSettings(shown.ca_file), stall=0.3)
    body = Body(64 * _MIB, (bytes(_MIB),) * 64)
    with RawServer(talk, shown.context if secure else None) as server:
        url = f"{'https' if secure else 'http'}://{server.address}/u"
        started = time.monotonic()
        with pytest.raises(RegistryError) as raised:
            transport.request("PATCH", url, {}, body)
        assert time.monotonic() - started < 1.5
    transport.close()
    assert raised.value.code is Code.REGISTRY_STALLED
    assert raised.value.temporary


def test_a_registry_that_takes_bytes_slowly_is_not_given_up() -> None:
    """The whole takes several times the stall limit, though it is a single piece."""
    length = 16 * _MIB

    def talk(connection: socket.socket, _: int) -> None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
        read_head(connection)
        taken = 0
        while taken < length:
            taken += len(connection.recv(512 * 1024, socket.MSG_WAITALL))
            time.sleep(0.05)
        connection.sendall(OK)

    transport = Transport(TlsSettings(), stall=0.5)
    started = time.monotonic()
    with RawServer(talk) as server:
        body = Body.of(bytes(length))
        assert transport.request("PUT", f"http://{server.address}/", {}, body).status == 200
    transport.close()
    assert time.monotonic() - started > 1.5


def test_an_answer_that_trickles_in_is_given_up(transport: Transport) -> None:
    def talk(connection: socket.socket, _: int) -> None:
        read_head(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(200):
            connection.sendall(b"x")
            time.sleep(0.05)

    with RawServer(talk) as server:
        started = time.monotonic()
        error = _get(server, transport, stall=0.2)
        assert time.monotonic() - started < 5
    assert error.code is Code.REGISTRY_STALLED


def test_a_blob_that_stops_in_the_middle_is_given_up() -> None:
    def talk(connection: socket.socket, _: int) -> None:
        read_head(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nbegin")
        wait_for_hangup(connection)

    with (
        RawServer(talk) as server,
        plain_session(server, stall=0.3) as session,
        pytest.raises(RegistryError) as raised,
        session.open("/b", ()) as answer,
    ):
        list(read_stream(answer, "/b"))
    assert raised.value.code is Code.REGISTRY_STALLED


def test_an_endless_answer_is_refused(transport: Transport) -> None:
    def talk(connection: socket.socket, _: int) -> None:
        read_head(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(bytes(_MIB))

    with RawServer(talk) as server:
        error = _get(server, transport)
    assert error.code is Code.REGISTRY_PROTOCOL
    assert "longer than 8 MiB" in error.message


def test_the_largest_answer_is_read(transport: Transport) -> None:
    with http_server(lambda _: Answer(body=bytes(MAX_ANSWER_BYTES))) as server:
        assert len(transport.request("GET", server.url, {}).content) == MAX_ANSWER_BYTES


def test_an_error_in_many_small_chunks_is_told_whole() -> None:
    def talk(connection: socket.socket, _: int) -> None:
        read_head(connection)
        body = b'{"errors": [{"code": "DENIED", "message": "no right"}]}'
        chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in body)
        head = b"HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        connection.sendall(head + chunks + b"0\r\n\r\n")

    with RawServer(talk) as server, plain_session(server) as session:
        with pytest.raises(RegistryError) as opened, session.open("/b", ()):
            pass
        with pytest.raises(RegistryError) as requested:
            session.request("GET", "/b")
    assert opened.value.message.endswith("no right")
    assert requested.value.message.endswith("no right")


@pytest.mark.parametrize(
    "said",
    [
        b"SSH-2.0-OpenSSH_9.2p1\r\n",
        b"\x15\x03\x01\x00\x02\x02\x16",
        b"220 mail.example ESMTP\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 99999 Huge\r\n\r\n",
        b"\x1b[2J\x1b]0;owned\x07\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",
    ],
    ids=["ssh", "tls", "smtp", "status", "number", "escape", "long header", "many headers"],
)
def test_what_is_no_http_is_told_as_such(said: bytes, transport: Transport) -> None:
    def talk(connection: socket.socket, _: int) -> None:
        read_head(connection)
        connection.sendall(said)

    with RawServer(talk) as server:
        error = _get(server, transport)
    assert error.code is Code.REGISTRY_PROTOCOL
    assert error.message.startswith("The answer is not HTTP")
    assert error.message.isprintable()


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nhalf",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nrubbish\r\n",
    ],
    ids=["nothing", "half a body", "half a chunk", "no chunk"],
)
def test_an_answer_that_breaks_off_is_temporary(said: bytes, transport: Transport) -> None:
    def talk(connection: socket.socket, _: int) -> None:
        read_head(connection)
        connection.sendall(said)

    with RawServer(talk) as server:
        error = _get(server, transport)
    assert error.code is Code.REGISTRY_UNREACHABLE
    assert error.temporary


def test_headers_that_come_twice_are_joined(transport: Transport) -> None:
    headers = [("X-A", "1"), ("x-a", "2"), ("X-B", "3")]
    with http_server(lambda _: Answer(200, headers)) as server:
        response = transport.request("GET", server.url, {})
    assert response.headers["x-a"] == "1, 2"
    assert response.headers["x-b"] == "3"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://h/u/1?_state=secret", "https://h/u/1"),
        ("https://h/u#secret", "https://h/u"),
        ("https://user:secret@h:5000/u?x", "https://h:5000/u"),
        ("https://h/path@digest?x", "https://h/path@digest"),
        ("/v2/a@sha256:x", "/v2/a@sha256:x"),
    ],
)
def test_urls_are_shown_without_what_is_secret(url: str, shown: str) -> None:
    assert without_query(url) == shown
