"""A wizard's process behind a page."""

import asyncio
import sys
from asyncio.subprocess import Process
from collections.abc import Sequence
from typing import Final

from aiohttp import web
from textual_serve.app_service import AppService
from textual_serve.download_manager import DownloadManager

PATIENCE: Final = 5.0
"""Seconds in which a wizard that was told to end should have ended. Its answers are saved as they
are given, so it may be killed then."""

_HANDED_ON = frozenset(
    {
        "COLUMNS",
        "DBUS_SESSION_BUS_ADDRESS",
        "EKSA_REGISTRY_MIRROR_CA",
        "HOME",
        "LOGNAME",
        "NO_COLOR",
        "PATH",
        "PYTHON_KEYRING_BACKEND",
        "REGISTRY_AUTH_FILE",
        "REGISTRY_PASSWORD",
        "REGISTRY_USERNAME",
        "ROWS",
        "SSL_CERT_DIR",
        "SSL_CERT_FILE",
        "SUDO_USER",
        "TERM_PROGRAM",
        "TERM_PROGRAM_VERSION",
        "TEXTUAL_COLOR_SYSTEM",
        "TEXTUAL_DRIVER",
        "TEXTUAL_FPS",
        "TMPDIR",
        "TZ",
        "USER",
    }
)
_HANDED_ON_BEGINNINGS = ("DOCKER_", "XDG_")
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
_OF_THE_PAGE = {"LC_ALL": "C.UTF-8", "TERM": "xterm-256color"}
"""A browser has letters and colours, whatever the terminal is that serves."""


def command(arguments: Sequence[str]) -> list[str]:
    """How a wizard is started, also in the kit, whose program takes this for Python."""
    return [sys.executable, "-P", "-m", "tui.cli", "wizard", *arguments]


class WizardProcess(AppService):
    """A wizard that draws into a websocket.

    Args:
        arguments: of the verb `wizard`.
        websocket: of the page.
        downloads: of the server.
    """

    def __init__(
        self, arguments: Sequence[str], websocket: web.WebSocketResponse, downloads: DownloadManager
    ) -> None:
        async def close() -> None:
            await websocket.close()

        super().__init__(
            "eksa-mirror wizard",
            write_bytes=websocket.send_bytes,
            write_str=websocket.send_str,
            close=close,
            download_manager=downloads,
        )
        self._arguments = command(arguments)

    def _build_environment(self, width: int = 80, height: int = 24) -> dict[str, str]:
        whole = super()._build_environment(width, height)
        return {name: text for name, text in whole.items() if _is_handed_on(name)} | _OF_THE_PAGE

    async def _open_app_process(self, width: int = 80, height: int = 24) -> Process:
        """Without a shell, and in a session of its own: Ctrl-C is for the server alone."""
        self._process = process = await asyncio.create_subprocess_exec(
            *self._arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=self._build_environment(width, height),
            start_new_session=True,
        )
        self._stdin = process.stdin
        # What it says when it ends goes straight to our own standard error.
        process.stderr = asyncio.StreamReader()
        process.stderr.feed_eof()
        return process

    async def run(self) -> None:
        """Until it has ended; then the page is told, however it ended."""
        try:
            await super().run()
        finally:
            await self.remote_close()

    async def stop(self) -> None:
        """End it, kindly first."""
        if self._task is None or self._process is None:
            return
        await self._download_manager.cancel_app_downloads(app_service_id=self.app_service_id)
        await self.send_meta({"type": "quit"})
        try:
            await asyncio.wait_for(self._process.wait(), PATIENCE)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        await self._task
        self._task = None


def _is_handed_on(name: str) -> bool:
    return name in _HANDED_ON or name.startswith(_HANDED_ON_BEGINNINGS) or name.upper() in _PROXIES
