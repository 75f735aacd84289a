"""Faults of networks, proxies and registries, each a small script for the proxy.

A script says of which requests it speaks (`On`), and how often; `Together` joins several.
"""

import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tests.fixtures.proxy import Answer, Exchange, Handler, Hangup

FOREVER = 10**9


@dataclass
class On:
    """Which requests a script is about, counted over all threads.

    Attributes:
        method: of the requests; empty for any.
        path: pattern that their path holds.
        after: how many of them pass undisturbed first.
        times: how many of them are disturbed then.
    """

    method: str = ""
    path: str = ""
    after: int = 0
    times: int = 1
    struck: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def concerns(self, exchange: Exchange) -> bool:
        """Whether the request is of this kind; nothing is counted."""
        return self.method in {"", exchange.method} and bool(re.search(self.path, exchange.path))

    def strikes(self, exchange: Exchange) -> bool:
        """Whether this one is to be disturbed; ask once for each request."""
        if not self.concerns(exchange):
            return False
        with self._lock:
            if self.after:
                self.after -= 1
                return False
            if self.struck >= self.times:
                return False
            self.struck += 1
            return True


class Script(Handler):
    """A fault; `on` tells afterwards how often it struck."""

    def __init__(self, on: On) -> None:
        self.on = on


class Together(Handler):
    """Several scripts, in this order; the first answer that one of them gives counts."""

    def __init__(self, *handlers: Handler) -> None:
        self.handlers = handlers

    def request(self, exchange: Exchange) -> Answer | None:
        for handler in self.handlers:
            if answer := handler.request(exchange):
                return answer
        return None

    def upload(self, exchange: Exchange, block: bytes) -> bytes:
        for handler in self.handlers:
            block = handler.upload(exchange, block)
        return block

    def answer(self, exchange: Exchange) -> Answer | None:
        for handler in reversed(self.handlers):
            if answer := handler.answer(exchange):
                return answer
        return None

    def download(self, exchange: Exchange, block: bytes) -> bytes:
        for handler in reversed(self.handlers):
            block = handler.download(exchange, block)
        return block


class Say(Script):
    """An answer in the registry's place, which never sees the request."""

    def __init__(self, on: On, answer: Callable[[], Answer]) -> None:
        super().__init__(on)
        self._answer = answer

    def request(self, exchange: Exchange) -> Answer | None:
        return self._answer() if self.on.strikes(exchange) else None


class SayAfterwards(Say):
    """The registry does what it was asked, and the client is told something else."""

    def request(self, exchange: Exchange) -> Answer | None:
        return None

    def answer(self, exchange: Exchange) -> Answer | None:
        return self._answer() if self.on.strikes(exchange) else None


class _Cut(Script):
    def __init__(self, on: On, at: int, *, reset: bool = False) -> None:
        super().__init__(on)
        self._at, self._reset = at, reset
        self._seen: dict[int, bool] = {}

    def _cuts(self, exchange: Exchange, block: bytes, gone: int) -> None:
        if exchange.number not in self._seen:
            self._seen[exchange.number] = self.on.strikes(exchange)
        if self._seen[exchange.number] and gone >= self._at:
            before = gone - len(block)
            raise Hangup(reset=self._reset, passing=block[: self._at - before])


class CutRequest(_Cut):
    """The connection breaks when the registry has so many bytes of the body."""

    def upload(self, exchange: Exchange, block: bytes) -> bytes:
        self._cuts(exchange, block, exchange.sent)
        return block


class CutAnswer(_Cut):
    """The connection breaks when the client has so many bytes of the answer's body."""

    def download(self, exchange: Exchange, block: bytes) -> bytes:
        self._cuts(exchange, block, exchange.received)
        return block


class LoseAnswer(Script):
    """The registry does what it was asked, and nobody hears of it."""

    def answer(self, exchange: Exchange) -> Answer | None:
        if self.on.strikes(exchange):
            raise Hangup
        return None


class HangUp(Script):
    """Nothing reaches the registry, nothing comes back: it is away."""

    def request(self, exchange: Exchange) -> Answer | None:
        if self.on.strikes(exchange):
            raise Hangup(reset=True)
        return None


class Slow(Script):
    """Each block of the disturbed requests, or their answer's head, is held up so many seconds."""

    def __init__(self, on: On, *, head: float = 0.0, block: float = 0.0) -> None:
        super().__init__(on)
        self._head, self._block = head, block
        self._clock = threading.Event()

    def answer(self, exchange: Exchange) -> Answer | None:
        if self._head and self.on.strikes(exchange):
            self._clock.wait(self._head)
        return None

    def upload(self, exchange: Exchange, block: bytes) -> bytes:
        if self._block and self.on.strikes(exchange):
            self._clock.wait(self._block)
        return block


def status(number: int, retry_after: str = "", body: bytes = b"") -> Callable[[], Answer]:
    """A refusal."""
    headers = {"Retry-After": retry_after} if retry_after else {}
    return lambda: Answer(number, dict(headers), body)


def garbage() -> Answer:
    """What is no HTTP."""
    return Answer(0, raw=(b"\x00\xffSSH-2.0-OpenSSH_9.2\r\n\r\n",))


def half_json() -> Answer:
    """JSON that ends in the middle, with a length that fits."""
    return Answer(200, {"Content-Type": "application/json"}, b'{"schemaVersion": 2, "layers": [')


def half_error() -> Answer:
    """The same as an error of the registry."""
    return Answer(500, {"Content-Type": "application/json"}, b'{"errors": [{"code": "UNKN')


def endless() -> Answer:
    """A body without end; the proxy stops when the client hangs up."""

    def pieces() -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"
        while True:
            yield b" " * 65_536

    return Answer(200, raw=pieces())


def redirect(location: str) -> Callable[[], Answer]:
    """Somewhere else."""
    return lambda: Answer(307, {"Location": location})
