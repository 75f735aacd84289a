"""The real names of upstream, behind a company's proxy, which alone knows where they are."""

import socket
import socketserver
from collections.abc import Mapping
from threading import Thread

from core.demo.certificates import Authority
from core.demo.registry import DemoRegistry
from tests.fixtures.https_server import HttpsServer, InThread
from tests.fixtures.proxy import Proxy

BLOCK = 64 * 1024


class NamedProxy(Proxy):
    """A registry under a name of upstream, with a certificate for it."""

    def __init__(self, upstream: DemoRegistry, authority: Authority, name: str) -> None:
        super().__init__(upstream, authority)
        certificate = authority.issue(name, hosts=(name,))
        self._context.load_cert_chain(certificate.certificate_file, certificate.key_file)


def rename(server: HttpsServer, authority: Authority, name: str) -> None:
    """Give a server that does not run yet a certificate for `name`."""
    certificate = authority.issue(name, hosts=(name,))
    server._context.load_cert_chain(certificate.certificate_file, certificate.key_file)


class ForwardProxy(InThread, socketserver.ThreadingTCPServer):
    """Answers CONNECT for the names that it knows; runs inside a `with`.

    Attributes:
        asked: every `host:port` that was asked for.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, places: Mapping[str, str]) -> None:
        super().__init__(("127.0.0.1", 0), _Tunnel)
        self.places = places
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        """For HTTPS_PROXY."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Tunnel(socketserver.StreamRequestHandler):
    server: ForwardProxy

    def handle(self) -> None:
        method, target, _ = self.rfile.readline().decode().split()
        while self.rfile.readline().strip():
            pass
        self.server.asked.append(target)
        place = self.server.places.get(target)
        if method != "CONNECT" or place is None:
            self.wfile.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            return
        host, _, port = place.rpartition(":")
        with socket.create_connection((host, int(port))) as beyond:
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = Thread(target=_pump, args=(beyond, self.connection), daemon=True)
            back.start()
            _pump(self.connection, beyond)
            back.join()


def _pump(source: socket.socket, target: socket.socket) -> None:
    """Pass bytes on until one side ends; the other is told."""
    try:
        while block := source.recv(BLOCK):
            target.sendall(block)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return
