"""Token servers for tests, and what is said to those who log in."""

import json
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from core.errors import RegistryError
from core.registry.auth import Authenticator
from core.registry.credentials import Credentials
from core.registry.tls import TlsSettings
from core.registry.transport import Response, Transport
from tests.core.registry.servers import Answer, Asked, HttpServer, http_server


def refusal(*challenges: str) -> Response:
    """A 401 with these challenges."""
    headers = {"www-authenticate": ", ".join(challenges)} if challenges else {}
    return Response(401, "https://r.example/v2/", headers, b"")


def bearer(realm: str, **parameters: str) -> str:
    """A challenge that leads to a token server."""
    written = "".join(f',{name}="{value}"' for name, value in parameters.items())
    return f'Bearer realm="{realm}"{written}'


@dataclass
class Tokens:
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


class Clock:
    """Turned by the test."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@contextmanager
def authenticator(
    tokens: Tokens,
    credentials: Credentials | None = None,
    clock: Clock | None = None,
    **parameters: str,
) -> Iterator[tuple[Authenticator, HttpServer]]:
    """An authenticator that was told of a token server."""
    transport = Transport(TlsSettings())
    with http_server(tokens) as server:
        origin = f"http://{server.address}"
        auth = Authenticator(transport, origin, credentials, clock=clock or Clock())
        auth.learn(refusal(bearer(f"{server.url}/token", **parameters)), (), {})
        try:
            yield auth, server
        finally:
            transport.close()


def query(asked: Asked) -> list[tuple[str, str]]:
    """The query of a request, in the order in which it was sent."""
    return urllib.parse.parse_qsl(asked.target.partition("?")[2])


def in_threads(count: int, work: Callable[[int], object]) -> list[object]:
    """What `work` gives or raises for each number, done at once in as many threads."""
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
