"""Requests to one registry: login, scopes, redirects, second attempts."""

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urljoin, urlsplit, urlunsplit

from urllib3.response import BaseHTTPResponse

from core.errors import Code, RegistryError
from core.registry.auth import Authenticator
from core.registry.connection import Connection
from core.registry.credentials import Credentials
from core.registry.faults import plain
from core.registry.retry import IMPATIENT, RetryPolicy, Waiter, retrying
from core.registry.transport import CONNECT_SECONDS, Body, Response, Transport, without_query
from core.registry.urls import port_of, split_url

_Result = TypeVar("_Result")

_LOG = logging.getLogger(__name__)
_MAX_REDIRECTS = 5
_MAX_LOGINS = 2
"""Once because the way to log in was not known, once because a token had ended."""
REDIRECTS = frozenset({301, 302, 303, 307, 308})
_KEEPING_METHOD = frozenset({307, 308})


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    target: str
    scopes: Sequence[str]
    headers: dict[str, str]
    body: Body | None
    stall: float | None


class Session:
    """A registry that is spoken to; safe to use from several threads.

    Args:
        connection: where and how.
        credentials: None for an anonymous client.
        policy: how long a registry that is away is waited for.
        waiter: waits between attempts, and ends them when the job is to stop.
        uploads: how many threads will use it; so many connections are kept open.
        stall: seconds without a byte after which a connection is given up.
        on_retry: told of each temporary failure that is followed by another attempt.
    """

    def __init__(
        self,
        connection: Connection,
        credentials: Credentials | None = None,
        *,
        policy: RetryPolicy | None = None,
        waiter: Waiter | None = None,
        uploads: int = 4,
        stall: float = 60.0,
        on_retry: Callable[[RegistryError], None] | None = None,
    ) -> None:
        self.connection = connection
        self.policy = policy or RetryPolicy()
        self.waiter = waiter or Waiter()
        self.on_retry = on_retry
        self._transport = Transport(connection.tls, connections=uploads + 2, stall=stall)
        self._anonymous = credentials is None
        self._auth = Authenticator(
            self._transport, connection.origin, credentials, connection.trusted_hosts
        )
        self._stall = stall
        self._first_contact = threading.Lock()

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._transport.close()

    def ping(self) -> Response:
        """`GET /v2/`: is this a registry, and does the login work? Fails within seconds.

        Raises:
            RegistryError: it does not answer, is no registry, or refuses the login.
        """
        policy = min(self.policy, IMPATIENT, key=lambda policy: policy.patience)
        stall = min(CONNECT_SECONDS, self._stall)
        with self._first_contact:
            answer = self.request(
                "GET", "/v2/", ok=(200, 401, 403, 404), stall=stall, policy=policy, failing=False
            )
        if answer.status in (401, 403):
            raise self._no_entry(answer)
        if answer.status == 404:
            raise _no_registry(answer, "/v2/ is not found")
        if "html" in answer.headers.get("content-type", "").lower():
            raise _no_registry(answer, "it answers with a web page")
        return answer

    def request(
        self,
        method: str,
        target: str,
        *,
        scopes: Sequence[str] = (),
        headers: dict[str, str] | None = None,
        body: Body | None = None,
        ok: Sequence[int] = (200,),
        stall: float | None = None,
        policy: RetryPolicy | None = None,
        failing: bool = True,
    ) -> Response:
        """Send until there is a final answer.

        Args:
            target: a path of this registry, or an absolute URL that it gave.
            scopes: what a token must allow.
            ok: statuses that are an answer; every other is an error.
            stall: seconds without a byte, where another limit than the session's is right.
            policy: another policy than the session's; `retry.ONCE` where the same request must not
                be sent twice.
            failing: look for the reason of a 401 or 403 (one or two more requests).

        Raises:
            RegistryError: the last failure.
            Interrupted: the job is to stop.
        """
        request = _Request(method, target, scopes, headers or {}, body, stall)

        def attempt() -> Response:
            response = self._authorized(request)
            if response.status in ok:
                return response
            if failing and method == "HEAD" and response.status == 403 and scopes:
                response = self._in_words(request, response)
            error = response.error(method)
            raise self._reason(error, scopes) if failing else error

        return self.retrying(attempt, policy)

    def retrying(
        self, operation: Callable[[], _Result], policy: RetryPolicy | None = None
    ) -> _Result:
        """Run `operation` until it succeeds or its failure is final.

        Args:
            policy: another policy than the session's.

        Raises:
            RegistryError: the last failure.
            Interrupted: the job is to stop.
        """
        return retrying(policy or self.policy, self.waiter, operation, self._note_retry)

    @contextmanager
    def open(
        self, target: str, scopes: Sequence[str], *, start: int = 0
    ) -> Iterator[BaseHTTPResponse]:
        """GET a blob unread, redirects to a store elsewhere followed without the login.

        Args:
            start: bytes to leave out; a server that cannot answers 200 and sends all, else 206.

        Raises:
            RegistryError: there is no such blob, or no answer.
        """
        url, logins = self.absolute(target), 0
        wanted = {"Range": f"bytes={start}-"} if start else {}
        for _ in range(_MAX_REDIRECTS):
            authorization = self._authorization(url, scopes)
            with self._transport.open("GET", url, authorization | wanted) as answer:
                if answer.status == 200 or (start and answer.status == 206):
                    yield answer
                    return
                response = self._transport.read_error(answer, url)
            if response.status in REDIRECTS:
                url = self.resolve(url, response.headers.get("location", ""))
            elif logins < _MAX_LOGINS and self._may_log_in(response, url, scopes, authorization):
                logins += 1
            else:
                raise self._reason(response.error("GET"), scopes)
        raise _redirect_refused(url, "it redirects in a circle")

    def absolute(self, target: str) -> str:
        """The URL of a path of this registry."""
        return urljoin(self.connection.origin, target)

    def resolve(self, asked: str, location: str) -> str:
        """Where a `Location` leads.

        It may be relative, name the port 443 or not, or say `http` where a TLS proxy stands in
        front of a registry that does not know it.

        Raises:
            RegistryError: `redirect-refused`: no address, or plain HTTP on another host.
        """
        try:
            url = urljoin(asked, location.strip())
        except ValueError:
            url = ""
        parts, own = split_url(url), urlsplit(self.connection.origin)
        if not location or parts is None:
            raise _redirect_refused(asked, f"“{plain(without_query(location))}” is no address")
        if self.is_own(url):
            return urlunsplit((own.scheme, own.netloc, parts.path, parts.query, ""))
        if parts.scheme == "http" and own.scheme == "https":
            raise _redirect_refused(
                asked, f"it leads to plain HTTP on {plain(str(parts.hostname))}"
            )
        return url.partition("#")[0]

    def is_own(self, url: str) -> bool:
        """Whether the login may go there: same host and port, 443 and none being one."""
        parts, own = split_url(url), urlsplit(self.connection.origin)
        if parts is None or parts.hostname != own.hostname:
            return False
        return port_of(parts, own.scheme) == port_of(own, own.scheme)

    def _authorization(self, url: str, scopes: Iterable[str]) -> dict[str, str]:
        authorization = self._auth.header(scopes) if self.is_own(url) else None
        return {"Authorization": authorization} if authorization else {}

    def _authorized(self, request: _Request) -> Response:
        """Send, logging in and following redirects on the way."""
        url, method = self.absolute(request.target), request.method
        logins = redirects = 0
        while True:
            authorization = self._authorization(url, request.scopes)
            headers = request.headers | authorization
            response = self._transport.request(method, url, headers, request.body, request.stall)
            _LOG.debug("%s %s -> %d", method, without_query(url), response.status)
            if self._follows(method, url, response):
                redirects += 1
                if redirects > _MAX_REDIRECTS:
                    raise _redirect_refused(url, "it redirects in a circle")
                url = self.resolve(url, response.headers.get("location", ""))
            elif logins < _MAX_LOGINS and self._may_log_in(
                response, url, request.scopes, authorization
            ):
                logins += 1
            else:
                return response

    def _follows(self, method: str, url: str, response: Response) -> bool:
        """What is sent goes only where the registry itself says, and as it was."""
        if method in ("GET", "HEAD"):
            return response.status in REDIRECTS
        return response.status in _KEEPING_METHOD and self.is_own(url)

    def _may_log_in(
        self, response: Response, url: str, scopes: Sequence[str], sent: dict[str, str]
    ) -> bool:
        own = response.status == 401 and self.is_own(url)
        return own and self._auth.learn(response, scopes, sent)

    def _in_words(self, request: _Request, refusal: Response) -> Response:
        """The answer to a GET in place of a refused HEAD, whose answer has no body."""
        if not self.is_own(refusal.url):
            return refusal
        authorization = self._authorization(refusal.url, request.scopes)
        headers = request.headers | authorization
        with self._transport.open("GET", refusal.url, headers, None, request.stall) as answer:
            if answer.status != refusal.status:
                return refusal
            return self._transport.read_error(answer, refusal.url)

    def _reason(self, error: RegistryError, scopes: Sequence[str]) -> RegistryError:
        """Tell a lost login from a missing right: registries answer 401 to both."""
        unclear = (Code.LOGIN_REFUSED, Code.PUSH_DENIED)
        if error.status not in (401, 403) or error.code not in unclear or not scopes:
            return error
        if self._anonymous:
            return RegistryError(
                Code.LOGIN_MISSING if error.status == 401 else error.code,
                error.message,
                where=error.where,
                cause="No login is used, and without one this is not allowed.",
                status=error.status,
            )
        if error.code is Code.PUSH_DENIED:
            return error
        try:
            self.ping()
        except RegistryError as lost:
            return lost if lost.status in (401, 403) else error
        return RegistryError(
            Code.PUSH_DENIED, error.message, where=error.where, status=error.status
        )

    def _no_entry(self, answer: Response) -> RegistryError:
        error = answer.error("GET")
        forbids = "The account is locked, or something in front of the registry forbids it."
        return RegistryError(
            Code.LOGIN_MISSING if self._anonymous else Code.LOGIN_REFUSED,
            error.message,
            where=error.where,
            cause=forbids if answer.status == 403 else "",
            status=error.status,
        )

    def _note_retry(self, error: RegistryError) -> None:
        _LOG.warning("%s; trying again", error)
        if self.on_retry:
            self.on_retry(error)


def _no_registry(answer: Response, why: str) -> RegistryError:
    return RegistryError(
        Code.REGISTRY_PROTOCOL,
        f"There is no registry at this address: {why}.",
        where=answer.url,
        status=answer.status,
    )


def _redirect_refused(url: str, why: str) -> RegistryError:
    return RegistryError(
        Code.REDIRECT_REFUSED,
        f"The registry's answer cannot be followed: {why}.",
        where=without_query(url),
    )
