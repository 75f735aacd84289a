"""Connections: bodies, early answers, stalls, rubbish, and sockets that are given back."""

import gc
import os
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.errors import ArchiveError, Code, RegistryError
from core.registry.credentials import Credentials
from core.registry.session import Connection, Session
from core.registry.tls import TlsSettings
from core.registry.transport import MAX_ANSWER_BYTES, Body, Transport, read_stream, without_query
from core.registry.urls import split_url
from tests.core.registry.certificates import from_trustme
from tests.core.registry.servers import (
    FAST,
    Answer,
    Asked,
    RawServer,
    answer_ok,
    http_server,
    plain_session,
    read_head,
    wait_for_hangup,
)

_MIB = 2**20
_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@pytest.fixture
def transport() -> Iterator[Transport]:
    transport = Transport(TlsSettings(), stall=10)
    yield transport
    transport.close()


def _get(server: RawServer, transport: Transport, stall: float | None = None) -> RegistryError:
    """What a GET of this server is told as."""
    with pytest.raises(RegistryError) as raised:
        transport.request("GET", f"http://{server.address}/v2/", {}, stall=stall)
    return raised.value


# Bodies


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


# Early answers


def _refuse_early(linger: float) -> Callable[[socket.socket, int], None]:
    """413 after the first bytes of the body; the rest is left unread for `linger` seconds."""

    def talk(connection: socket.socket, _: int) -> None:
        read_head(connection)
        connection.recv(1000)
        body = b"<html><body>413 Request Entity Too Large</body></html>"
        connection.sendall(
            b"HTTP/1.1 413 Request Entity Too Large\r\nConnection: close\r\n"
            b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
        )
        if linger:
            connection.shutdown(socket.SHUT_WR)
            time.sleep(linger)

    return talk


@pytest.mark.parametrize("pieces", [1, 64], ids=["one piece", "many pieces"])
@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_an_early_413_is_read_and_told(secure: bool, pieces: int, tmp_path: Path) -> None:
    shown = from_trustme(tmp_path)
    context = shown.context if secure else None
    body = Body(64 * _MIB, (bytes(64 * _MIB // pieces),) * pieces)
    with RawServer(_refuse_early(0.3), context) as server:
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
        RawServer(_refuse_early(0)) as server,
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


# Connections that are kept


def _two_answers_a_connection(connection: socket.socket, _: int) -> None:
    for _ in range(2):
        if read_head(connection):
            connection.sendall(_OK)


def test_a_connection_is_used_again(transport: Transport) -> None:
    with RawServer(_two_answers_a_connection) as server:
        for _ in range(2):
            assert transport.request("GET", f"http://{server.address}/", {}).status == 200
        assert server.connections == 1


def test_a_connection_that_the_server_closed_meanwhile_is_replaced(transport: Transport) -> None:
    def talk(connection: socket.socket, _: int) -> None:
        read_head(connection)
        connection.sendall(_OK)

    with RawServer(talk) as server:
        for number in range(1, 5):
            assert transport.request("GET", f"http://{server.address}/", {}).status == 200
            # The end of the connection has arrived before the next request is made.
            _until(lambda: not _established(server))
            assert server.connections == number


def _until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def _established(server: RawServer) -> bool:
    """Whether a connection to the server is open on both sides."""
    port = f":{int(server.address.rpartition(':')[2]):04X}"
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return any(line.split()[1].endswith(port) and line.split()[3] == "01" for line in lines)


def test_a_connection_that_is_closed_instead_of_an_answer_is_tried_again() -> None:
    def talk(connection: socket.socket, number: int) -> None:
        read_head(connection)
        connection.sendall(_OK)
        if number == 1:
            read_head(connection)  # and hang up

    with RawServer(talk) as server, plain_session(server, policy=FAST) as session:
        for _ in range(2):
            assert session.request("GET", "/").status == 200
        assert server.connections == 2


@pytest.mark.parametrize("status", [200, 404])
def test_an_answer_that_was_not_read_to_its_end_is_not_mixed_with_the_next(status: int) -> None:
    """Nor does the rest come through later: the connection is given up."""

    def judge(asked: Asked) -> Answer:
        if asked.path == "/large":
            return Answer(status, body=b"x" * (4 * _MIB))
        return Answer(200, body=b"small")

    with http_server(judge) as server, plain_session(server) as session:
        for _ in range(5):
            if status == 200:
                with session.open("/large", ()) as answer:
                    answer.read(10)
            else:
                with pytest.raises(RegistryError), session.open("/large", ()):
                    pass
            assert session.request("GET", "/small").content == b"small"


def test_an_answer_that_was_read_to_its_end_leaves_the_connection_open() -> None:
    clients: set[str] = set()

    def talk(connection: socket.socket, _: int) -> None:
        while head := read_head(connection):
            clients.add(str(connection.getpeername()))
            body = b"blob" if b"GET" in head else b""
            status = b"404 Not Found" if b"missing" in head else b"200 OK"
            connection.sendall(b"HTTP/1.1 %b\r\nContent-Length: 4\r\n\r\n%b" % (status, body))

    with RawServer(talk) as server, plain_session(server) as session:
        for _ in range(3):
            with session.open("/b", ()) as answer:
                assert b"".join(read_stream(answer, "/b")) == b"blob"
            session.request("HEAD", "/b")
            session.request("GET", "/missing", ok=(404,))
            with pytest.raises(RegistryError), session.open("/missing", ()):
                pass
        session.close()
        assert server.connections == 1


def test_no_socket_is_left_open() -> None:
    def open_files() -> int:
        gc.collect()
        return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - of links that vanish

    judges: list[Callable[[socket.socket, int], None]] = [
        answer_ok,
        lambda connection, _: connection.sendall(b"rubbish\r\n\r\n"),
        lambda connection, _: None,
        lambda connection, _: connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}"),
        _refuse_early(0),
    ]
    before = open_files()
    for judge in judges:
        with RawServer(judge) as server, plain_session(server) as session:
            for _ in range(20):
                try:
                    session.request("PUT", "/", body=Body.of(bytes(_MIB)))
                except RegistryError:
                    continue
    assert open_files() <= before


# Stalls


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
        connection.sendall(_OK)

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


# Rubbish


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
        head = b"HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n"
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


# No connection


def test_a_port_where_nobody_listens_is_told_at_once(transport: Transport) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    started = time.monotonic()
    with pytest.raises(RegistryError) as raised:
        transport.request("GET", f"https://127.0.0.1:{port}/v2/", {})
    assert raised.value.code is Code.REGISTRY_UNREACHABLE
    assert "refused" in raised.value.message.lower()
    assert raised.value.temporary
    assert time.monotonic() - started < 2


def test_a_firewall_that_drops_everything_is_told(transport: Transport) -> None:
    """A full backlog drops new connections as a firewall does."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for client in waiting:
            client.setblocking(False)
            client.connect_ex(listener.getsockname())
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        with pytest.raises(RegistryError) as raised:
            transport.request("GET", url, {}, stall=0.5)
        for client in waiting:
            client.close()
    assert raised.value.code is Code.REGISTRY_UNREACHABLE
    assert "firewall" in raised.value.cause


def test_a_name_that_nobody_knows_is_told(
    transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(RegistryError) as raised:
        transport.request("GET", "https://harbor.invalid/v2/", {})
    assert raised.value.code is Code.REGISTRY_UNREACHABLE
    assert "Name or service not known" in raised.value.message
    assert "DNS" in raised.value.cause
    assert raised.value.temporary


@pytest.mark.parametrize("host", ["a" * 70 + ".example", "a..b", ".."])
def test_a_name_that_cannot_be_one_is_final(host: str, transport: Transport) -> None:
    with pytest.raises(RegistryError) as raised:
        transport.request("GET", f"https://{host}/v2/", {})
    assert raised.value.code is Code.REGISTRY_UNREACHABLE
    assert not raised.value.temporary


@given(
    st.text("abc.-_:@[]%/?#\\x00\\n \x1bü日", max_size=30).map("https://{}".format)
    | st.text(max_size=30).map("http://h.example/{}".format)
)
@example("https://[fe80::1%25eth0]/")
@example("https://h.example:443 /")
@example("https://xn--/")
@example("https://a b/")
def test_no_url_gives_another_exception(url: str) -> None:
    if split_url(url) is None:
        return

    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    transport = Transport(TlsSettings(verify=False))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", unknown)
        with pytest.raises(RegistryError):
            transport.request("GET", url, {})
    transport.close()


def test_ipv6_is_spoken() -> None:
    if not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as listener:
        listener.settimeout(10)
        address = f"[::1]:{listener.getsockname()[1]}"
        connection = Connection(address, plain_http=True)

        def serve() -> None:
            client, _ = listener.accept()
            with client:
                heads.append(read_head(client))
                client.sendall(_OK)

        heads: list[bytes] = []
        thread = threading.Thread(target=serve)
        thread.start()
        with Session(connection) as session:
            assert session.ping().status == 200
        thread.join(10)
    assert f"Host: {address}".encode() in heads[0]


def test_a_session_may_be_used_after_it_was_closed() -> None:
    with http_server(lambda _: Answer()) as server, plain_session(server) as session:
        session.ping()
        session.close()
        assert session.ping().status == 200


# URLs


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


def test_tls_with_a_record_that_was_altered_is_temporary(tmp_path: Path) -> None:
    """A middlebox that damages bytes: the handshake worked, so another attempt makes sense."""
    shown = from_trustme(tmp_path)
    asked = threading.Event()

    def registry(connection: socket.socket, _: int) -> None:
        read_head(connection)
        asked.set()
        connection.sendall(_OK)

    def middlebox(client: socket.socket, _: int) -> None:
        with socket.create_connection(("127.0.0.1", port)) as server:
            _relay(client, server, asked)

    with RawServer(registry, shown.context) as behind, RawServer(middlebox) as before:
        port = int(behind.address.rpartition(":")[2])
        transport = Transport(TlsSettings(shown.ca_file), stall=5)
        with pytest.raises(RegistryError) as raised:
            transport.request("GET", f"https://{before.address}/", {})
        transport.close()
    assert raised.value.temporary
    assert "bad record mac" in raised.value.message


def _relay(client: socket.socket, server: socket.socket, asked: threading.Event) -> None:
    """Pass bytes on both ways; once the request was read, damage the last one of each block."""
    while True:
        for source in select.select([client, server], [], [])[0]:
            data = source.recv(65536)
            if not data:
                return
            if source is client:
                server.sendall(data)
            else:
                damaged = data[:-1] + bytes([data[-1] ^ 0xFF])
                client.sendall(damaged if asked.is_set() else data)
