"""Logging in: Basic and Bearer, with tokens that are renewed before they end.

Sources: RFC 7617, the distribution project's token specification, OAuth2 for identity tokens.
"""

import re
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

from core.errors import Code, RegistryError
from core.oci import InvalidContentError, parse_json
from core.registry.challenge import Challenge, parse_challenges
from core.registry.credentials import Credentials
from core.registry.faults import plain
from core.registry.transport import Body, Response, Transport, without_query
from core.registry.urls import split_url

DEFAULT_TOKEN_SECONDS = 60.0
_RENEW_AFTER = 0.75
"""Share of a token's life after which it is renewed: a chunk may be long under way."""
_LONGEST_TOKEN_SECONDS = 86_400.0

_Scopes = frozenset[str]


def pull(repository: str) -> str:
    """The scope to read from `repository`."""
    return f"repository:{repository}:pull"


def push(repository: str) -> str:
    """The scope to write to `repository`; registries look before they take, hence the pull."""
    return f"repository:{repository}:pull,push"


@dataclass(frozen=True, slots=True)
class _Token:
    header: str = field(repr=False)
    seconds: float
    renew_at: float


class Authenticator:
    """Gives the `Authorization` header for a request to one registry.

    Args:
        transport: asks the token server.
        origin: scheme and authority of the registry; credentials go there.
        credentials: None for an anonymous client.
        trusted_hosts: further hosts that the operator named; a token server on any other host than
            the registry's is refused.
        clock: seconds that only go forward.
    """

    def __init__(
        self,
        transport: Transport,
        origin: str,
        credentials: Credentials | None,
        trusted_hosts: Iterable[str] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._transport = transport
        self._origin = origin
        self._credentials = credentials
        self._hosts = {host for host in map(_host_name, (origin, *trusted_hosts)) if host}
        self._clock = clock
        self._lock = threading.Lock()
        self._challenge: Challenge | None = None
        self._tokens: dict[_Scopes, _Token] = {}
        self._demanded: dict[_Scopes, _Scopes] = {}
        self._fetching: defaultdict[_Scopes, threading.Lock] = defaultdict(threading.Lock)

    @property
    def challenge(self) -> Challenge | None:
        """How the registry asked; None before it did."""
        return self._challenge

    def header(self, scopes: Iterable[str]) -> str | None:
        """The header for a request that needs `scopes`; None where nothing was asked for yet.

        Raises:
            RegistryError: the token server refuses the login, or does not answer.
        """
        challenge = self._challenge
        if challenge is None:
            return None
        if challenge.scheme == "basic":
            return self._credentials.basic_header() if self._credentials else None
        wanted = frozenset(scopes)
        with self._lock:
            fetching = self._fetching[wanted]
        with fetching:
            token = self._tokens.get(wanted)
            if token is None or self._clock() >= token.renew_at:
                scopes = sorted(wanted | self._demanded.get(wanted, frozenset()))
                token = self._tokens[wanted] = self._fetch(challenge, scopes)
            return token.header

    def token_seconds(self, scopes: Iterable[str]) -> float | None:
        """How long the token for `scopes` lasts, by its server; None where none was fetched."""
        token = self._tokens.get(frozenset(scopes))
        return token.seconds if token else None

    def learn(self, refusal: Response, scopes: Iterable[str], sent: Mapping[str, str]) -> bool:
        """Take note of a 401; True when another attempt makes sense.

        Args:
            scopes: what the refused request needed.
            sent: the header that was refused; empty where none was sent.

        Raises:
            RegistryError: `login-missing`, or a way of asking that is not known.
        """
        challenge = self._choose(refusal)
        if challenge is None and sent:
            return False
        if challenge is None:
            raise self._no_way(refusal)
        if challenge.scheme == "basic" and self._credentials is None:
            raise RegistryError(
                Code.LOGIN_MISSING,
                "The registry wants a user name and a password.",
                where=refusal.url,
                status=401,
            )
        wanted = frozenset(scopes)
        with self._lock:
            self._challenge = challenge
            token = self._tokens.get(wanted)
            if token and token.header == sent.get("Authorization"):
                self._tokens.pop(wanted)
                # Ours did not suffice: to cancel an upload, for one, some want the right to delete.
                self._demanded[wanted] = frozenset(challenge.parameters.get("scope", "").split())
        return not sent or challenge.scheme == "bearer"

    def _choose(self, refusal: Response) -> Challenge | None:
        by_scheme = challenges(refusal)
        identity_token = self._credentials is not None and self._credentials.is_identity_token
        bearer, basic = by_scheme.get("bearer"), by_scheme.get("basic")
        if bearer and "realm" in bearer.parameters:
            return bearer
        return None if identity_token else basic

    def _no_way(self, refusal: Response) -> RegistryError:
        offered = plain(", ".join(challenges(refusal))) or "nothing"
        return RegistryError(
            Code.REGISTRY_PROTOCOL,
            f"The registry refuses (HTTP 401) and offers no way to log in ({offered}).",
            where=refusal.url,
            status=401,
        )

    def _fetch(self, challenge: Challenge, scopes: list[str]) -> _Token:
        realm = self._checked_realm(challenge.parameters["realm"])
        service = challenge.parameters.get("service", "")
        started = self._clock()
        response = self._ask(realm, service, scopes)
        if response.status in (401, 403):
            raise self._refused(response)
        if response.status != 200:
            raise response.error("a request for a token")
        token, seconds = _read_token(response)
        lasts = seconds or DEFAULT_TOKEN_SECONDS
        return _Token(f"Bearer {token}", seconds, started + lasts * _RENEW_AFTER)

    def _ask(self, realm: str, service: str, scopes: list[str]) -> Response:
        credentials = self._credentials
        query = [("service", service)] if service else []
        if credentials is not None and credentials.is_identity_token:
            form = [
                ("grant_type", "refresh_token"),
                ("refresh_token", credentials.password.get_secret_value()),
                ("client_id", "eksa-mirror"),
                *query,
                ("scope", " ".join(scopes)),
            ]
            body = Body.of(urlencode(form).encode(), "application/x-www-form-urlencoded")
            return self._transport.request("POST", realm, {}, body)
        query += [("scope", scope) for scope in scopes]
        headers = {"Authorization": credentials.basic_header()} if credentials else {}
        joint = "&" if "?" in realm else "?"
        return self._transport.request("GET", f"{realm}{joint}{urlencode(query)}", headers)

    def _refused(self, response: Response) -> RegistryError:
        if self._credentials is None:
            return RegistryError(
                Code.LOGIN_MISSING,
                "The token server gives nothing without a login.",
                where=response.url,
                status=response.status,
            )
        refused = response.error("a request for a token")
        return RegistryError(
            Code.LOGIN_REFUSED, refused.message, where=response.url, status=response.status
        )

    def _checked_realm(self, realm: str) -> str:
        """Credentials go only where the operator sent them, and never in clear."""
        parts = split_url(realm)
        if parts is None:
            raise RegistryError(
                Code.REGISTRY_PROTOCOL,
                f"The registry names “{plain(without_query(realm))}” as its token server, "
                "which is no address.",
                where=self._origin,
            )
        if parts.hostname not in self._hosts:
            raise RegistryError(
                Code.TOKEN_SERVER_ELSEWHERE,
                f"The registry sends logins to another host: {plain(str(parts.hostname))}.",
                where=self._origin,
                mend=f"Where you know that host: --trust-host {plain(str(parts.hostname))}",
            )
        if parts.scheme == "http" and urlsplit(self._origin).scheme == "https":
            raise RegistryError(
                Code.TOKEN_SERVER_ELSEWHERE,
                f"The registry sends logins over plain HTTP: {plain(without_query(realm))}.",
                where=self._origin,
                cause="It does not know that a TLS proxy stands in front of it.",
                mend="Correct its own address; on Harbor: external_url in harbor.yml.",
            )
        return realm.partition("#")[0]


def challenges(answer: Response) -> dict[str, Challenge]:
    """In which ways a registry asks for a login, by scheme; empty where it asks for none."""
    found = parse_challenges(answer.headers.get("www-authenticate", ""))
    return {one.scheme: one for one in reversed(found)}  # the first of a scheme counts


def _host_name(text: str) -> str:
    """The host of a URL, or of `host[:port]`; empty where there is none."""
    parts = split_url(text if "://" in text else f"https://{text}")
    return parts.hostname or "" if parts else ""


def _read_token(response: Response) -> tuple[str, float]:
    try:
        document = parse_json(response.content)
    except InvalidContentError:
        document = None
    if not isinstance(document, dict):
        document = {}
    token = document.get("token") or document.get("access_token")
    if not isinstance(token, str) or not re.fullmatch(r"[!-~]+", token):
        raise RegistryError(
            Code.REGISTRY_PROTOCOL, "The token server answered without a token.", where=response.url
        )
    seconds = document.get("expires_in")
    if not isinstance(seconds, int | float) or not seconds >= 0:
        return token, DEFAULT_TOKEN_SECONDS
    return token, float(min(seconds, _LONGEST_TOKEN_SECONDS))
