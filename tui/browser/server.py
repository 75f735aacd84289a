"""Serves the page until it is told to end."""

import asyncio
import signal
import ssl
from collections.abc import Callable, Sequence
from pathlib import Path

from aiohttp import WSCloseCode, web
from textual_serve.server import Server, to_int

from tui.browser.gate import Gate
from tui.browser.process import WizardProcess

_PAGES = Path(__file__).with_name("pages")
_MOST_CELLS = 1000
"""Columns or rows of a page; no screen has more."""
_MOST_BYTES = 8192
"""Of what a page sends: a form with a password."""
_SHUTDOWN_SECONDS = 10.0
_ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class PageServer(Server):
    """The wizard's page.

    Args:
        gate: who may see it.
        arguments: of the verb `wizard`.
        host: where it listens.
        port: where it listens; 0 takes a free one.
        context: for TLS.
    """

    def __init__(
        self,
        gate: Gate,
        arguments: Sequence[str],
        *,
        host: str,
        port: int,
        context: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__("eksa-mirror wizard", host, port, "eksa-mirror")
        self._gate = gate
        self._arguments = arguments
        self._context = context
        self._sockets: set[web.WebSocketResponse] = set()

    async def run(self, ready: Callable[[int], None]) -> None:
        """Serve until Ctrl-C or another request to end; every wizard has ended then.

        Args:
            ready: told the port once it listens.

        Raises:
            OSError: it cannot listen there.
        """
        ended = asyncio.Event()
        for number in _ENDS:
            asyncio.get_running_loop().add_signal_handler(number, ended.set)
        runner = web.AppRunner(
            await self._make_app(), access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS
        )
        await runner.setup()
        try:
            site = web.TCPSite(runner, self.host, self.port, ssl_context=self._context)
            await site.start()
            ready(runner.addresses[0][1])
            await ended.wait()
        finally:
            await runner.cleanup()

    async def _make_app(self) -> web.Application:
        """The same routes as above, but behind the gate and without lists of files."""
        app = web.Application(middlewares=[self._gate.guard], client_max_size=_MOST_BYTES)
        app.add_routes(
            [
                web.get("/", self._page, allow_head=False),
                web.get("/ws", self.handle_websocket, allow_head=False),
                web.get("/download/{key}", self.handle_download, allow_head=False),
                web.static("/static", self.statics_path),
                web.get("/page.css", self._file, allow_head=False),
                web.get("/page.js", self._file, allow_head=False),
            ]
        )
        app.on_response_prepare.append(self._gate.add_headers)
        app.on_shutdown.append(self.on_shutdown)
        return app

    async def on_shutdown(self, app: web.Application) -> None:
        """Every page is told; each wizard ends as its page leaves."""
        del app
        for websocket in tuple(self._sockets):
            await websocket.close(code=WSCloseCode.GOING_AWAY)

    async def _page(self, request: web.Request) -> web.StreamResponse:
        scheme = "wss" if self._context else "ws"
        html = (_PAGES / "wizard.html").read_text()
        # The gate let only a name of ours through.
        return web.Response(
            text=html.replace("$websocket", f"{scheme}://{request.host}/ws"),
            content_type="text/html",
        )

    async def _file(self, request: web.Request) -> web.StreamResponse:
        return web.FileResponse(_PAGES / request.path.removeprefix("/"))

    async def handle_websocket(self, request: web.Request) -> web.WebSocketResponse:
        """A wizard for as long as a page is open."""
        websocket = web.WebSocketResponse(heartbeat=15)
        await websocket.prepare(request)
        wizard = WizardProcess(self._arguments, websocket, self.download_manager)
        self._sockets.add(websocket)
        try:
            await wizard.start(_cells(request, "width", 80), _cells(request, "height", 24))
            await self._process_messages(websocket, wizard)
        finally:
            self._sockets.discard(websocket)
            await wizard.stop()
        return websocket


def _cells(request: web.Request, name: str, default: int) -> int:
    """How many the browser's window has."""
    return min(max(to_int(request.query.get(name, ""), default), 1), _MOST_CELLS)
