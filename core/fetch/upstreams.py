"""The upstream registries and web servers, each under its name or where the operator says it is.

A network may reach `public.ecr.aws` only through a cache of its own. So every host name can be
given another place; the names in what is downloaded stay those of upstream.
"""

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from core.errors import (
    Code,
    EksaMirrorError,
    Interrupted,
    RegistryError,
    ReleaseError,
    UsageError,
)
from core.reference import Reference, is_repository
from core.registry.connection import Connection
from core.registry.credentials import Credentials
from core.registry.retry import RetryPolicy, Waiter
from core.registry.session import Session
from core.registry.tls import TlsSettings

FindLogin = Callable[[str], Credentials | None]
"""The login for the registry at `host[:port]`; None for none."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a host of upstream is really reached.

    Attributes:
        address: `host[:port]`.
        prefix: path in front of every repository or file there; may be empty.
    """

    address: str
    prefix: str = ""

    def below(self, path: str) -> str:
        """`path` as it is named there."""
        return f"{self.prefix}/{path}" if self.prefix else path


@dataclass(frozen=True, slots=True)
class Reach:
    """How upstream is reached.

    Attributes:
        places: host of upstream to its place; a host that is missing is its own.
        tls: how certificates are judged.
        trusted_hosts: token servers on other hosts than their registries'.
        policy: how long a server that is away is waited for.
        connections: how many are kept open to one server.
    """

    places: Mapping[str, Place]
    tls: TlsSettings = field(default_factory=TlsSettings)
    trusted_hosts: tuple[str, ...] = ()
    policy: RetryPolicy = field(default_factory=RetryPolicy)
    connections: int = 4


def parse_places(texts: Iterable[str]) -> dict[str, Place]:
    """Read `UPSTREAM=HOST[:PORT][/PREFIX]`, each once.

    Raises:
        UsageError: `bad-usage`.
    """
    places = {}
    for text in texts:
        name, equals, place = text.partition("=")
        address, _, prefix = place.partition("/")
        prefix = prefix.rstrip("/")
        if not equals or not name or not address or "/" in name:
            raise _bad_place(text, "it is not UPSTREAM=HOST[:PORT][/PREFIX]")
        if prefix and not is_repository(prefix):
            raise _bad_place(text, f"“{prefix}” is no path in a registry")
        places[name] = Place(address, prefix)
    return places


class Upstreams:
    """Sessions with the upstream servers, opened when they are first needed; for all threads.

    Args:
        reach: how they are reached.
        find_login: asked once for each registry.
        waiter: ends all waiting when the download is to stop.
        on_retry: told of each temporary failure that is followed by another attempt.
    """

    def __init__(
        self,
        reach: Reach,
        find_login: FindLogin,
        waiter: Waiter,
        on_retry: Callable[[RegistryError], None] | None = None,
    ) -> None:
        self.waiter = waiter
        self._reach = reach
        self._find_login = find_login
        self._on_retry = on_retry
        self._lock = threading.Lock()
        self._sessions: dict[tuple[str, bool], Session] = {}

    def __enter__(self) -> "Upstreams":
        return self

    def __exit__(self, *_: object) -> None:
        for session in self._sessions.values():
            session.close()

    def registry(self, reference: Reference) -> tuple[Session, str]:
        """The registry that `reference` is taken from, and its repository there.

        Raises:
            RegistryError: the registry does not answer, or its login cannot be found.
        """
        place = self._place(reference.registry)
        return self._session(place.address, is_registry=True), place.below(reference.repository)

    def read(self, url: str) -> bytes:
        """A file of a web server.

        Raises:
            ReleaseError: `manifest-not-found` where the answer is not 200; the answer's body is
                never taken for the file.
            RegistryError: there was no answer.
        """
        parts = urlsplit(url)
        if parts.scheme != "https" or not parts.netloc:
            raise UsageError(Code.BAD_USAGE, f"“{url}” is no https address.", where=url)
        place = self._place(parts.netloc)
        path = "/" + place.below(parts.path.lstrip("/"))
        query = f"?{parts.query}" if parts.query else ""
        session = self._session(place.address, is_registry=False)
        answer = session.request("GET", path + query, ok=(200, *range(400, 500)), failing=False)
        if answer.status in (408, 425, 429):  # a busy server, not an answer
            answer = session.request("GET", path + query, failing=False)
        if answer.status != 200:
            raise ReleaseError(
                Code.MANIFEST_NOT_FOUND,
                f"The server answers HTTP {answer.status}.",
                where=url,
                cause="The file is not there, or a proxy forbids it.",
                mend="Open the address in a browser of this machine.",
            )
        return answer.content

    def _place(self, host: str) -> Place:
        return self._reach.places.get(host) or Place(host)

    def _session(self, address: str, *, is_registry: bool) -> Session:
        with self._lock:
            key = address, is_registry
            if key not in self._sessions:
                self._sessions[key] = self._opened(address, is_registry=is_registry)
            return self._sessions[key]

    def _opened(self, address: str, *, is_registry: bool) -> Session:
        reach = self._reach
        session = Session(
            Connection(address, reach.tls, trusted_hosts=reach.trusted_hosts),
            self._find_login(address) if is_registry else None,
            policy=reach.policy,
            waiter=self.waiter,
            uploads=reach.connections,
            on_retry=self._on_retry,
        )
        try:
            _first_contact(session, is_registry=is_registry)
        except BaseException:
            session.close()
            raise
        return session


def concerns_all(error: EksaMirrorError) -> bool:
    """Whether an error is not of one artifact alone: a request to stop, a server that is away."""
    away = isinstance(error, RegistryError) and error.temporary
    return away or isinstance(error, Interrupted)


def _first_contact(session: Session, *, is_registry: bool) -> None:
    """A wrong address is told within seconds. A refusal is not: what is public may be read yet."""
    if not is_registry:
        return
    try:
        session.ping()
    except RegistryError as error:
        if error.status not in (401, 403):
            raise


def _bad_place(text: str, why: str) -> UsageError:
    return UsageError(
        Code.BAD_USAGE,
        f"“{text}” cannot be used: {why}.",
        where="--upstream-mirror",
        mend="For example: --upstream-mirror public.ecr.aws=cache.example:5000/ecr-public",
    )
