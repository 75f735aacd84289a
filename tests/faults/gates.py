"""How products let their clients in and where they send them, before a registry with Basic auth."""

import base64
import json
import re
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from tests.fixtures.proxy import Answer, Exchange, Handler
from tests.fixtures.tools import Registry


def basic(registry: Registry) -> str:
    """The header that the registry behind wants to see."""
    login = f"{registry.username}:{registry.password.get_secret_value()}"
    return f"Basic {base64.b64encode(login.encode()).decode()}"


def refusal(status: int, code: str, message: str, **headers: str) -> Answer:
    """A body as the distribution specification has it."""
    body = json.dumps({"errors": [{"code": code, "message": message, "detail": {}}]}).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, {"Content-Type": "application/json", **named}, body)


@dataclass(frozen=True, slots=True)
class _Token:
    scopes: frozenset[str]
    end: float


@dataclass
class Bearer(Handler):
    """A token server on the registry's own address, and tokens that say nothing to clients.

    Attributes:
        registry: the one behind, with Basic auth.
        path: of the token server.
        service: as the challenge names it.
        key: of the token in the answer.
        life: seconds.
        says_life: whether the answer has `expires_in`.
        last_scope_only: grants nothing but what the last `scope` asks for.
        also_basic: offers Basic beside Bearer.
        serves: how many requests a token is good for; the next one finds it ended.
    """

    registry: Registry
    path: str = "/token"
    service: str = "registry"
    key: str = "token"
    life: float = 300.0
    says_life: bool = True
    last_scope_only: bool = False
    also_basic: bool = False
    serves: int = 10**9
    issued: int = 0
    ended: int = 0
    _tokens: dict[str, _Token] = field(default_factory=dict)
    _uses: dict[str, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def request(self, exchange: Exchange) -> Answer | None:
        if exchange.path == self.path:
            return self._issue(exchange)
        sent = exchange.headers.get("Authorization", "")
        wanted = _needs(exchange)
        if not self._lets_in(sent.removeprefix("Bearer "), wanted):
            return self._challenge(exchange, wanted)
        del exchange.headers["Authorization"]
        exchange.headers["Authorization"] = basic(self.registry)
        return None

    def _lets_in(self, token: str, wanted: list[str]) -> bool:
        with self._lock:
            known = self._tokens.get(token)
            if known is None or time.monotonic() > known.end:
                return False
            self._uses[token] = self._uses.get(token, 0) + 1
            if self._uses[token] > self.serves:
                self.ended += 1
                del self._tokens[token]
                return False
        return known.scopes.issuperset(wanted)

    def _issue(self, exchange: Exchange) -> Answer:
        if exchange.headers.get("Authorization") != basic(self.registry):
            return refusal(401, "UNAUTHORIZED", "authentication required")
        scopes = parse_qs(urlsplit(exchange.target).query).get("scope", [])
        if self.last_scope_only:
            scopes = scopes[-1:]
        token = secrets.token_urlsafe(24)
        granted = frozenset(one for scope in scopes for one in _single(scope))
        with self._lock:
            self.issued += 1
            self._tokens[token] = _Token(granted, time.monotonic() + self.life)
        document: dict[str, object] = {self.key: token}
        if self.says_life:
            document["expires_in"] = int(self.life)
        return Answer(200, {"Content-Type": "application/json"}, json.dumps(document).encode())

    def _challenge(self, exchange: Exchange, wanted: list[str]) -> Answer:
        realm = f"https://{exchange.headers['Host']}{self.path}"
        challenge = f'Bearer realm="{realm}",service="{self.service}"'
        challenge += f',scope="{" ".join(wanted)}"' if wanted else ""
        if self.also_basic:
            challenge = f'Basic realm="{self.service}", {challenge}'
        return refusal(401, "UNAUTHORIZED", "authentication required", WWW_Authenticate=challenge)


def _single(scope: str) -> list[str]:
    kind, _, rest = scope.partition(":")
    name, _, actions = rest.rpartition(":")
    return [f"{kind}:{name}:{action}" for action in actions.split(",")]


def _needs(exchange: Exchange) -> list[str]:
    """What the request needs; a mount needs to read its source besides."""
    match = re.match(r"/v2/(.+)/(?:blobs|manifests)/", exchange.path)
    if match is None:
        return []
    reads = exchange.method in ("GET", "HEAD") and "/uploads/" not in exchange.path
    sources = parse_qs(urlsplit(exchange.target).query).get("from", [])
    own = f"repository:{match[1]}:{'pull' if reads else 'push'}"
    return [own, *(f"repository:{source}:pull" for source in sources)]


@dataclass
class BasicGate(Handler):
    """Basic auth with the product's own realm."""

    realm: str

    def answer(self, exchange: Exchange) -> Answer | None:
        if exchange.status == 401:
            del exchange.answer_headers["WWW-Authenticate"]
            exchange.answer_headers["WWW-Authenticate"] = f'Basic realm="{self.realm}"'
        return None


class Locations(Handler):
    """Upload sessions under addresses of the product's own.

    Args:
        form: makes one from the repository and the session's name; it may be a path, a URL, have
            a query or none.
    """

    def __init__(self, form: Callable[[str, str], str]) -> None:
        self._form = form
        self._real: dict[str, str] = {}
        self._lock = threading.Lock()

    def real(self, target: str) -> str | None:
        """The address behind one of ours; None where it is none, or forgotten."""
        parts = urlsplit(target)
        with self._lock:
            found = next((name for name in self._real if name in parts.path), None)
            if found is None:
                return None
            real = self._real[found]
        digest = re.search(r"digest=[^&]*", parts.query)
        return f"{real}&{digest[0]}" if digest else real

    def forget(self, target: str) -> None:
        """From now on nobody gets into that session."""
        with self._lock:
            for name in [name for name in self._real if name in urlsplit(target).path]:
                del self._real[name]

    def request(self, exchange: Exchange) -> Answer | None:
        if real := self.real(exchange.target):
            exchange.target = real
        return None

    def answer(self, exchange: Exchange) -> Answer | None:
        location = exchange.answer_headers.get("Location", "")
        match = re.search(r"(/v2/(.+)/blobs/uploads/([0-9a-f-]{36})\?.*)", location)
        if match:
            with self._lock:
                self._real[match[3]] = match[1]
            del exchange.answer_headers["Location"]
            exchange.answer_headers["Location"] = self._form(match[2], match[3])
        return None
