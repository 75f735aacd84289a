"""Connections: kept, replaced, given back, and those that never come about."""

import gc
import os
import select
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.errors import Code, RegistryError
from core.registry.connection import Connection
from core.registry.session import Session
from core.registry.tls import TlsSettings
from core.registry.transport import Body, Transport, read_stream
from core.registry.urls import split_url
from tests.core.registry.certificates import from_trustme
from tests.core.registry.servers import (
    FAST,
    OK,
    Answer,
    Asked,
    RawServer,
    answer_ok,
    http_server,
    plain_session,
    read_head,
    refuse_early,
)

_MIB = 2**20


def _two_answers_a_connection(connection: socket.socket, _: int) -> None:
    for _ in range(2):
        if read_head(connection):
            connection.sendall(OK)


def test_a_connection_is_used_again(transport: Transport) -> None:
    with RawServer(_two_answers_a_connection) as server:
        for _ in range(2):
            assert transport.request("GET", f"http://{server.address}/", {}).status == 200
        assert server.connections == 1


def test_a_connection_that_the_server_closed_meanwhile_is_replaced(transport: Transport) -> None:
    def talk(connection: socket.socket, _: int) -> None:
        read_head(connection)
        connection.sendall(OK)

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
        connection.sendall(OK)
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
        refuse_early(0),
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
                client.sendall(OK)

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


def test_tls_with_a_record_that_was_altered_is_temporary(tmp_path: Path) -> None:
    """A middlebox that damages bytes: the handshake worked, so another attempt makes sense."""
    shown = from_trustme(tmp_path)
    asked = threading.Event()

    def registry(connection: socket.socket, _: int) -> None:
        read_head(connection)
        asked.set()
        connection.sendall(OK)

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
