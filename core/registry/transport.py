"""One HTTP request at a time: connections, timeouts, bodies. No login, no second attempt."""

import logging
import re
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import cast

import urllib3
import urllib3.exceptions
from urllib3.response import BaseHTTPResponse

from core import __version__
from core.errors import Code, RegistryError
from core.registry import faults
from core.registry.pools import close_all, new_manager
from core.registry.proxies import HttpProxy, proxy_for
from core.registry.tls import TlsSettings, ssl_context

CONNECT_SECONDS = 15.0
STALL_SECONDS = 60.0
"""A connection without a byte for this long is given up; the whole may take as long as it likes."""

MAX_ANSWER_BYTES = 8 * 1024 * 1024
"""Manifests are at most 4 MiB; an answer beyond this is not one of a registry."""

_ERROR_BYTES = 64 * 1024
_BLOCK = 64 * 1024
_ANSWER_STALLS = 5
"""An answer that is kept whole is small: it may take so many times the stall limit in all."""

_ERRORS = (urllib3.exceptions.HTTPError, OSError)


class _WithoutQueries(logging.Filter):
    """urllib3 logs whole targets; the query of an upload is signed state, which opens it."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = re.sub(r"\?[^\s\"]*", "?…", record.getMessage()), None
        return True


logging.getLogger("urllib3.connectionpool").addFilter(_WithoutQueries())


@dataclass(frozen=True, slots=True)
class Body:
    """What a request sends.

    Attributes:
        length: bytes in all; always told to the registry, never sent as chunked encoding.
        pieces: the bytes; an iterable that can be gone through again for a second attempt.
        media_type: the Content-Type.
    """

    length: int
    pieces: Iterable[bytes | memoryview] = field(repr=False)
    media_type: str = "application/octet-stream"

    @classmethod
    def of(cls, content: bytes, media_type: str = "application/octet-stream") -> "Body":
        """A body of one piece."""
        return cls(len(content), (content,), media_type)

    def blocks(self) -> Iterator[memoryview]:
        """The bytes, uncopied, in blocks so small that the stall limit means standing still.

        Raises:
            ValueError: the pieces are not `length` bytes, by a defect of ours: a registry would
                wait for the rest.
        """
        sent = 0
        for piece in self.pieces:
            sent += len(piece)
            if sent > self.length:
                break
            view = memoryview(piece)
            for start in range(0, len(piece), _BLOCK):
                yield view[start : start + _BLOCK]
        if sent != self.length:
            raise ValueError(f"a body of {self.length} bytes does not end there")


@dataclass(frozen=True, slots=True)
class Response:
    """A whole answer.

    Attributes:
        url: what was asked, without the query (it may hold signed state).
        headers: names in lower case.
    """

    status: int
    url: str
    headers: dict[str, str]
    content: bytes = field(repr=False)

    @classmethod
    def begun(cls, answer: BaseHTTPResponse, url: str, content: bytes) -> "Response":
        """From an open answer; a header that came several times is one, joined by commas."""
        headers = {name.lower(): value for name, value in answer.headers.itermerged()}
        return cls(answer.status, without_query(url), headers, content)

    def error(self, method: str) -> RegistryError:
        """This answer as the error that it means."""
        retry_after = self.headers.get("retry-after")
        return faults.from_response(method, self.url, self.status, self.content, retry_after)


class Transport:
    """Connections to registries, shared by all threads of a job.

    Args:
        tls: how certificates are judged.
        connections: how many are kept open to one host.
        stall: seconds without a byte after which a connection is given up.
    """

    def __init__(
        self, tls: TlsSettings, *, connections: int = 8, stall: float = STALL_SECONDS
    ) -> None:
        self._context = ssl_context(tls)
        if not tls.verify:
            # The operator said so; screens and reports repeat it in words of their own.
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        self._connections = connections
        self._stall = stall
        self._lock = threading.Lock()
        self._proxies: dict[str, HttpProxy | None] = {}
        self._pools: dict[HttpProxy | None, urllib3.PoolManager] = {}

    def request(
        self,
        method: str,
        url: str,
        headers: dict[str, str],
        body: Body | None = None,
        stall: float | None = None,
    ) -> Response:
        """Send, and read the whole answer.

        Raises:
            RegistryError: there was no answer, or one that is too large.
        """
        seconds = _ANSWER_STALLS * (stall or self._stall)
        with self.open(method, url, headers, body, stall) as answer:
            return Response.begun(answer, url, _read(answer, url, seconds))

    def read_error(self, answer: BaseHTTPResponse, url: str) -> Response:
        """An open answer that was not wanted, with the beginning of its body.

        Raises:
            RegistryError: the connection broke or stalled.
        """
        seconds = _ANSWER_STALLS * self._stall
        content = b"".join(_blocks(answer, url, seconds, _ERROR_BYTES))
        return Response.begun(answer, url, content)

    @contextmanager
    def open(
        self,
        method: str,
        url: str,
        headers: dict[str, str],
        body: Body | None = None,
        stall: float | None = None,
    ) -> Iterator[BaseHTTPResponse]:
        """Send, and give the answer unread, for blobs that are too large to keep.

        Raises:
            RegistryError: there was no answer.
        """
        answer = self._send(method, url, headers, body, stall or self._stall)
        try:
            yield answer
        finally:
            # What was not read to its end would be taken for the next answer.
            if not answer.closed:
                answer.close()
            answer.release_conn()

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            managers = list(self._pools.values())
            self._pools.clear()
        for manager in managers:
            close_all(manager)

    def _send(
        self, method: str, url: str, headers: dict[str, str], body: Body | None, stall: float
    ) -> BaseHTTPResponse:
        sent = {"User-Agent": f"eksa-mirror/{__version__}", **headers}
        # urllib3 uses the connect timeout while it sends, too: an upload needs the long one.
        connect = stall if body and body.length else min(CONNECT_SECONDS, stall)
        if body is not None:
            sent |= {"Content-Type": body.media_type, "Content-Length": str(body.length)}
        # urllib3 sends memory views as well, though its types do not say so.
        blocks = cast("Iterable[bytes]", body.blocks()) if body and body.length else None
        proxy = self._proxy(url)
        try:
            return self._pool(proxy).request(
                method,
                url,
                headers=sent,
                body=blocks,
                timeout=urllib3.Timeout(connect=connect, read=stall),
                redirect=False,
                retries=False,
                preload_content=False,
                decode_content=False,
            )
        except _ERRORS as error:
            proxied = proxy is not None
            raise faults.from_exception(error, without_query(url), through_proxy=proxied) from None

    def _proxy(self, url: str) -> HttpProxy | None:
        """Looked up once for a server: going through the environment costs as much as a request."""
        origin = "/".join(url.split("/", 3)[:3])
        if origin not in self._proxies:
            self._proxies[origin] = proxy_for(origin)
        return self._proxies[origin]

    def _pool(self, proxy: HttpProxy | None) -> urllib3.PoolManager:
        with self._lock:
            if proxy not in self._pools:
                self._pools[proxy] = new_manager(self._context, self._connections, proxy)
            return self._pools[proxy]


def without_query(url: str) -> str:
    """`url` as it may be logged: upload locations carry signed state in their query."""
    return re.sub(r"//[^/@]*@", "//", re.split(r"[?#]", url, maxsplit=1)[0], count=1)


def read_stream(answer: BaseHTTPResponse, url: str, block: int = 1024 * 1024) -> Iterator[bytes]:
    """The body of an open answer in blocks.

    Raises:
        RegistryError: the connection broke or stalled.
    """
    try:
        yield from answer.stream(block, decode_content=False)
    except _ERRORS as error:
        raise faults.from_exception(error, without_query(url)) from None


def _read(answer: BaseHTTPResponse, url: str, seconds: float) -> bytes:
    content = b"".join(_blocks(answer, url, seconds, MAX_ANSWER_BYTES + 1))
    if len(content) > MAX_ANSWER_BYTES:
        raise RegistryError(
            Code.REGISTRY_PROTOCOL,
            f"The answer is longer than {MAX_ANSWER_BYTES // 2**20} MiB.",
            where=without_query(url),
            status=answer.status,
        )
    return content


def _blocks(answer: BaseHTTPResponse, url: str, seconds: float, most: int) -> Iterator[bytes]:
    """At most `most` bytes of a body, as they come in, within `seconds`."""
    end = time.monotonic() + seconds
    try:
        while most > 0 and (block := answer.read1(min(_BLOCK, most), decode_content=False)):
            most -= len(block)
            yield block
            if time.monotonic() > end:
                raise TimeoutError
    except _ERRORS as error:
        raise faults.from_exception(error, without_query(url)) from None
