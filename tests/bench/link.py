"""A slow link to a registry: all connections together send so many bytes a second and no more.

A process of its own passes bytes on as they are, so that TLS ends in the registry, and the cores
are left to those that are measured. What comes back is not held up.

    python -m tests.bench.link PORT RATE
"""

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from tests.fixtures.tools import Registry

_BLOCK = 64 * 1024
_HELD = 256 * 1024
"""Bytes that a connection may hold here; more would look like a faster link."""


@dataclass(frozen=True, slots=True)
class Behind:
    """A registry that is reached over a link."""

    address: str
    ca_file: Path
    username: str
    password: SecretStr


@contextmanager
def slow_link(registry: Registry, rate: float) -> Iterator[Registry]:
    """The registry behind a link of `rate` bytes a second; itself where that is 0."""
    if not rate:
        yield registry
        return
    port = registry.address.rpartition(":")[2]
    with subprocess.Popen(
        [sys.executable, "-m", "tests.bench.link", port, str(rate)],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        address = f"127.0.0.1:{int(process.stdout.readline())}"
        try:
            yield Behind(address, registry.ca_file, registry.username, registry.password)
        finally:
            process.terminate()


class _Bucket:
    """Says when bytes may go."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._lock = threading.Lock()
        self._free_at = 0.0

    def take(self, count: int) -> None:
        with self._lock:
            begin = max(time.monotonic(), self._free_at)
            self._free_at = begin + count / self._rate
        time.sleep(max(0.0, self._free_at - time.monotonic()))


def main() -> None:
    """Print the port that it listens on, and pass bytes on until it is ended."""
    port, rate = int(sys.argv[1]), float(sys.argv[2])
    bucket = _Bucket(rate)
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _HELD)
        sys.stdout.write(f"{server.getsockname()[1]}\n")
        sys.stdout.flush()
        while True:
            client, _ = server.accept()
            upstream = socket.create_connection(("127.0.0.1", port))
            upstream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            _pass_on(client, upstream, bucket)
            _pass_on(upstream, client, None)


def _pass_on(source: socket.socket, target: socket.socket, bucket: _Bucket | None) -> None:
    def run() -> None:
        with suppress(OSError):
            while block := source.recv(_BLOCK):
                if bucket:
                    bucket.take(len(block))
                target.sendall(block)
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)

    threading.Thread(target=run, daemon=True).start()


if __name__ == "__main__":
    main()
