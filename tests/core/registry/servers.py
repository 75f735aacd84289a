"""Small servers on loopback for what a real registry never does."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from core.registry.connection import Connection
from core.registry.credentials import Credentials
from core.registry.retry import ONCE, RetryPolicy
from core.registry.session import Session


@dataclass(frozen=True, slots=True)
class Asked:
    """A request; header names in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes = field(repr=False)

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def authorization(self) -> str:
        return self.headers.get("authorization", "")


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer; headers may come several times."""

    status: int = 200
    headers: Iterable[tuple[str, str]] = ()
    body: bytes = b""


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
"""What a server says that has nothing to say."""

Judge = Callable[[Asked], Answer]


class HttpServer(ThreadingHTTPServer):
    """Plain HTTP; a function answers every request.

    Attributes:
        asked: every request so far.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self, judge: Judge) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.judge = judge
        self.asked: list[Asked] = []

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_port}"

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    def count(self, method: str, path: str) -> int:
        return sum(asked.method == method and asked.path == path for asked in list(self.asked))


class _Handler(BaseHTTPRequestHandler):
    server: HttpServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length", "0"))
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = Asked(self.command, self.path, headers, self.rfile.read(length))
        self.server.asked.append(asked)
        answer = self.server.judge(asked)
        self.send_response_only(answer.status)
        for name, value in answer.headers:
            self.send_header(name, value)
        if not any(name.lower() == "content-length" for name, _ in answer.headers):
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Standard error stays clean."""


for _method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"):
    setattr(_Handler, f"do_{_method}", _Handler._answer)


@contextmanager
def http_server(judge: Judge) -> Iterator[HttpServer]:
    """A running HTTP server."""
    with HttpServer(judge) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


class RawServer:
    """Hands each connection to a function, in a thread of its own.

    Args:
        talk: gets the connection and its number, from 1 on.
        context: TLS, where it is to be spoken.
    """

    def __init__(
        self, talk: Callable[[socket.socket, int], None], context: ssl.SSLContext | None = None
    ) -> None:
        self._talk = talk
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self.connections = 0

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> "RawServer":
        self._acceptor.start()
        return self

    def __exit__(self, *_: object) -> None:
        # A blocked accept is not ended by close alone.
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._acceptor.join(10)
        for thread in self._threads:
            thread.join(10)

    def _accept(self) -> None:
        while True:
            try:
                plain, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(
                target=self._serve, args=(plain, self.connections), daemon=True
            )
            self._threads.append(thread)
            thread.start()

    def _serve(self, plain: socket.socket, number: int) -> None:
        connection = plain
        try:
            if self._context:
                connection = self._context.wrap_socket(plain, server_side=True)
            self._talk(connection, number)
        except OSError:
            pass  # the client hung up or distrusts the certificate
        finally:
            connection.close()
            plain.close()


def read_head(connection: socket.socket) -> bytes:
    """A request up to the end of its headers, byte for byte so that the body stays unread."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = connection.recv(1)
        if not byte:
            return head
        head += byte
    return head


def answer_ok(connection: socket.socket, _: int = 0) -> None:
    """`200 {}` to one request."""
    if read_head(connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")


def refuse_early(linger: float) -> Callable[[socket.socket, int], None]:
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


def wait_for_hangup(connection: socket.socket) -> None:
    """Say nothing until the client gives up."""
    while connection.recv(65536):
        pass


FAST = RetryPolicy(patience=5.0, fault_attempts=3, first_wait=0.01, longest_wait=0.05)
"""Second attempts without waits that a test would feel."""


def plain_session(
    server: HttpServer | RawServer,
    credentials: Credentials | None = None,
    *,
    policy: RetryPolicy = ONCE,
    stall: float = 10.0,
    trusted_hosts: tuple[str, ...] = (),
) -> Session:
    """A session with a server of this module."""
    connection = Connection(server.address, plain_http=True, trusted_hosts=trusted_hosts)
    return Session(connection, credentials, policy=policy, stall=stall)
