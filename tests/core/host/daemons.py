"""A server that answers like a docker daemon, for shapes that no daemon at hand has."""

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

VERSION: dict[str, Any] = {
    "Version": "27.1.1",
    "ApiVersion": "1.46",
    "MinAPIVersion": "1.24",
    "Os": "linux",
    "Arch": "amd64",
    "Components": [{"Name": "Engine", "Version": "27.1.1"}],
}
INFO: dict[str, Any] = {
    "Driver": "overlay2",
    "DriverStatus": [["Backing Filesystem", "extfs"]],
    "SecurityOptions": ["name=seccomp,profile=builtin"],
}

_NOT_FOUND = b'{"message": "no such image"}'


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    answers: dict[str, bytes]


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        path = self.path.partition("?")[0]
        found = (body for end, body in self.server.answers.items() if path.endswith(end))
        body = next(found, None)
        self.send_response(404 if body is None else 200)
        content = _NOT_FOUND if body is None else body
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def address_string(self) -> str:
        return "unix"

    def log_message(self, *_: object) -> None:
        """Tests are quiet."""


@contextmanager
def answering(path: Path, **answers: Any) -> Iterator[str]:
    """A daemon on a socket.

    Args:
        path: of the socket; short.
        answers: what is said under `/version`, `/info` and so on; bytes as they are, all else as
            JSON.

    Yields:
        Its address, for DOCKER_HOST.
    """
    said = {"version": VERSION, "info": INFO} | answers
    with _Server(str(path), _Handler) as server:
        server.answers = {
            f"/{name}": body if isinstance(body, bytes) else json.dumps(body).encode()
            for name, body in said.items()
        }
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"unix://{path}"
        finally:
            server.shutdown()
            thread.join()
