"""A running `serve`, and what is asked of it over HTTP."""

import signal
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from pathlib import Path
from urllib.parse import urlsplit

from core.demo.certificates import Certificate
from tests.integration.program import PROGRAM, environment

PASSWORD = "correct-horse-battery"


@dataclass
class Served:
    """A running `serve`.

    Attributes:
        url: that it printed.
        trusted: its CA, where it has TLS.
    """

    process: "subprocess.Popen[str]"
    url: str
    trusted: Path | None = None

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or 0

    @property
    def origin(self) -> str:
        return f"{urlsplit(self.url).scheme}://{urlsplit(self.url).netloc}"

    @property
    def token(self) -> str:
        return urlsplit(self.url).query.removeprefix("token=")

    def ask(self, path: str, method: str = "GET", body: str = "", **headers: str) -> HTTPResponse:
        """One request; `_` in names of headers stands for `-`."""
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        if self.trusted:
            context = ssl.create_default_context(cafile=self.trusted)
            connection: HTTPConnection = HTTPSConnection(
                "localhost", self.port, timeout=30, context=context
            )
        else:
            connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request(method, path, body or None, named)
        answer = connection.getresponse()
        if answer.status != 101:
            answer.read()
        connection.close()
        return answer

    def enter(self) -> str:
        """Use the token up; the cookie that comes for it."""
        answer = self.ask(f"/?token={self.token}")
        assert answer.status == 303
        return (answer.headers["Set-Cookie"]).partition(";")[0]

    def wizards(self) -> list[int]:
        """The processes behind its pages."""
        listed = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(self.process.pid)],
            capture_output=True,
            text=True,
            check=False,
        )
        return [int(pid) for pid in listed.stdout.split()]

    def end(self) -> tuple[int, str]:
        """Ctrl-C; its exit code and all that it said to people."""
        self.process.send_signal(signal.SIGINT)
        _, said = self.process.communicate(timeout=30)
        return self.process.returncode, said


@contextmanager
def serving(
    *flags: str | Path, stdin: str = "", trusted: Path | None = None, **more: str
) -> Iterator[Served]:
    process = subprocess.Popen(
        [PROGRAM, "serve", "--port", "0", *map(str, flags)],
        env=environment(None) | more,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin
    assert process.stdout
    with process:
        process.stdin.write(stdin)
        process.stdin.flush()
        try:
            yield Served(process, process.stdout.readline().strip(), trusted)
        finally:
            process.kill()


def tls(certificate: Certificate) -> list[str | Path]:
    return ["--tls-cert", certificate.certificate_file, "--tls-key", certificate.key_file]
