"""Who may see the page.

Whoever is let in acts with the rights of the account that serves it. So there is one way in: on
loopback a token that works once, elsewhere a password. Both give a cookie, and without it there is
nothing: no page, no file, no websocket. A page of somebody else that the same browser shows cannot
use the cookie: `Host` must be a name of ours (DNS rebinding), `Origin` must be our own page.
"""

import asyncio
import hmac
import re
import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path
from string import Template
from typing import ClassVar

from aiohttp import web
from pydantic import SecretStr

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z.-]+)(:[0-9]{1,5})?")
_PAGES = Path(__file__).with_name("pages")
_RANDOM_BYTES = 32
_WRONG_PASSWORD_SECONDS = 1.0
"""How long a wrong password waits for its answer; the next one waits behind it."""
_MOST_WAITING = 8
"""Passwords that may wait to be tried; more are turned away."""


class Gate:
    """Lets in who brings the token or the password.

    Args:
        knows_host: whether a name, without port, is one of ours.
        secure: whether the page is served over TLS.
        password: asked for in place of a token.

    Attributes:
        token: works once; empty where there is a password, and once it was used.
    """

    _HEADERS: ClassVar = {
        "Cache-Control": "no-store",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Referrer-Policy": "same-origin",  # without one, browsers hide the origin of a form
        "Server": "eksa-mirror",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }

    def __init__(
        self, knows_host: Callable[[str], bool], *, secure: bool, password: SecretStr | None = None
    ) -> None:
        self._knows_host = knows_host
        self._secure = secure
        self._password = password
        self.token = "" if password else secrets.token_urlsafe(_RANDOM_BYTES)
        self._key = secrets.token_urlsafe(_RANDOM_BYTES)
        self._trying = asyncio.Lock()
        self._waiting = 0

    @web.middleware
    async def guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """What every request passes before anything else looks at it."""
        if not self._is_meant_for_us(request):
            return _refused("This address is not one that eksa-mirror answers to.")
        if self._has_cookie(request):
            return await handler(request)
        if request.path == "/" and request.method == "GET":
            return self._at_the_door(request)
        if request.path == "/sign-in" and request.method == "POST" and self._password:
            return await self._sign_in(request, self._password.get_secret_value())
        return _refused("Not signed in.")

    async def add_headers(self, request: web.Request, response: web.StreamResponse) -> None:
        """What every answer carries; the page may load nothing but from here."""
        response.headers.update(self._HEADERS)
        host = request.host if _HOST.fullmatch(request.host) else ""
        socket = f"{'wss' if self._secure else 'ws'}://{host}"
        # Letters are measured and coloured by styles that the terminal's script makes.
        response.headers["Content-Security-Policy"] = (
            "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
            f"font-src 'self'; img-src 'self' data:; connect-src 'self' {socket}; "
            "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
        )

    def _is_meant_for_us(self, request: web.Request) -> bool:
        """Whether name and origin are ours; browsers send no origin with a plain visit."""
        host = _HOST.fullmatch(request.host)
        if not host or not self._knows_host(host[1].strip("[]")):
            return False
        origin = request.headers.get("Origin")
        if origin is None:
            return request.path != "/ws"
        return origin == f"{'https' if self._secure else 'http'}://{request.host}"

    @property
    def _cookie(self) -> str:
        """Its name; browsers keep the prefix `__Host-` for this host, `/` and TLS."""
        return "__Host-eksa-mirror" if self._secure else "eksa-mirror"

    def _has_cookie(self, request: web.Request) -> bool:
        return _same(request.cookies.get(self._cookie, ""), self._key)

    def _at_the_door(self, request: web.Request) -> web.StreamResponse:
        """The page is asked for, without a cookie."""
        if self._password:
            return _page("sign_in", 403, message="")
        given = request.query.get("token", "")
        if self.token and _same(given, self.token):
            self.token = ""
            return self._let_in()
        return _refused(
            "This address works once, and with its token alone. "
            "For a new one start eksa-mirror serve again; a running import goes on meanwhile."
        )

    async def _sign_in(self, request: web.Request, password: str) -> web.StreamResponse:
        """A password was sent. One is tried at a time, so that guessing stays slow."""
        given = (await request.post()).get("password", "")
        if self._waiting >= _MOST_WAITING:
            return _page("sign_in", 429, message="Too many passwords are being tried. Wait.")
        self._waiting += 1
        try:
            async with self._trying:
                if isinstance(given, str) and _same(given, password):
                    return self._let_in()
                await asyncio.sleep(_WRONG_PASSWORD_SECONDS)
        finally:
            self._waiting -= 1
        return _page("sign_in", 403, message="The password is wrong.")

    def _let_in(self) -> web.StreamResponse:
        """On to the page, whose address holds no token."""
        response = web.Response(status=303, headers={"Location": "/"})
        response.set_cookie(
            self._cookie,
            self._key,
            path="/",
            httponly=True,
            samesite="Strict",
            secure=self._secure,
        )
        return response


def _same(given: str, expected: str) -> bool:
    """Compared in a time that tells nothing about how much was right."""
    return hmac.compare_digest(given.encode(errors="replace"), expected.encode())


def _refused(why: str) -> web.Response:
    return _page("refused", 403, message=why)


def _page(name: str, status: int, **texts: str) -> web.Response:
    """A page of ours; the texts are ours too."""
    html = Template((_PAGES / f"{name}.html").read_text()).substitute(texts)
    return web.Response(status=status, text=html, content_type="text/html")
