"""A real registry on this machine: docker-registry behind TLS, with a login, in a folder.

For the demo, for tests and for benchmarks; nothing of it outlives its folder.
"""

import os
import re
import secrets
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import bcrypt
import urllib3
import yaml
from pydantic import SecretStr

from core.demo.certificates import Authority
from core.errors import Code, EksaMirrorError
from core.files import write_atomically

BINARIES = ("docker-registry", "registry")
"""What Debian calls the program, and what its makers do."""

START_SECONDS = 20.0
PORT_SECONDS = 10.0
"""How long a start is tried again while something else holds the port."""

STOP_SECONDS = 5.0
_POLL_SECONDS = 0.02
_BCRYPT_ROUNDS = 4
_LISTENING = re.compile(r"listening on \S+:(\d+)")
_PORT_TAKEN = "address already in use"
_PORTS = range(20_000, 32_768)
"""Below those that systems give to clients: what runs beside it does not take the port of a
registry that is down for a moment."""

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Login:
    """A user who may do everything."""

    username: str = "demo"
    password: SecretStr = field(default_factory=lambda: SecretStr(secrets.token_urlsafe(12)))


@dataclass(frozen=True, slots=True)
class TokenAuth:
    """A token server that the registry sends its clients to.

    Source: https://distribution.github.io/distribution/about/configuration/#token

    Attributes:
        realm: URL of the token server.
        service: name of the registry, the tokens' audience.
        issuer: who signs the tokens.
        root_cert_bundle: PEM file with the certificates that tokens must be signed under.
    """

    realm: str
    service: str
    issuer: str
    root_cert_bundle: Path


class DemoRegistry:
    """A docker-registry that runs inside a `with`.

    Args:
        folder: for storage, certificates, configuration and log; made where it is missing.
        auth: a login, a token server, or None for a registry that is open to everybody.
        authority: who issues its certificate; an authority of its own where none is given.
        tls: False for plain HTTP.
        port: 0 for one that is free. Restarts keep the port that was found.

    Attributes:
        ca_file: root certificate that clients must trust.
        storage: folder in which the registry keeps its content.
        log_file: what the registry says, access log included, over all its starts.
        port: where it listens; 0 before the first start.

    Raises:
        EksaMirrorError: `tool-missing` where no registry is installed.
    """

    def __init__(
        self,
        folder: Path,
        *,
        auth: Login | TokenAuth | None = None,
        authority: Authority | None = None,
        tls: bool = True,
        port: int = 0,
    ) -> None:
        self._binary = _find_binary()
        self._login = auth if isinstance(auth, Login) else Login("", SecretStr(""))
        self._process: subprocess.Popen[bytes] | None = None
        self._secret = secrets.token_hex(16)
        self.port = port
        self._keeps_port = port != 0
        self.storage = folder / "storage"
        self.log_file = folder / "registry.log"
        self._config_file = folder / "config.yml"
        self._htpasswd_file = folder / "htpasswd"
        self.storage.mkdir(parents=True, exist_ok=True)
        authority = authority or Authority(folder / "certificates")
        self.ca_file = authority.ca_file
        self._certificate = authority.issue("registry") if tls else None
        self._auth = self._auth_settings(auth)

    @property
    def address(self) -> str:
        """`127.0.0.1:PORT`."""
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """The address with its scheme."""
        return f"{'https' if self._certificate else 'http'}://{self.address}"

    @property
    def username(self) -> str:
        """Empty where there is no login."""
        return self._login.username

    @property
    def password(self) -> SecretStr:
        """Empty where there is no login."""
        return self._login.password

    @property
    def process_id(self) -> int:
        """Of the running registry; 0 while it is down."""
        return self._process.pid if self.running and self._process else 0

    @property
    def running(self) -> bool:
        """Whether its process is alive."""
        return self._process is not None and self._process.poll() is None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            # Also a signal while it comes up: nobody else would end it.
            self.kill()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start it and wait until it answers; nothing where it runs already.

        Raises:
            EksaMirrorError: `registry-unreachable`, with the end of its log.
        """
        give_up = time.monotonic() + PORT_SECONDS
        while not self.running:
            said = self.log_file.stat().st_size if self.log_file.exists() else 0
            if not self._keeps_port:
                self.port = secrets.choice(_PORTS)
            with _signals_wait():
                self._process = self._spawn()
            if self._becomes_ready(self._process, said):
                self._keeps_port = True
                return
            self.kill()
            if _PORT_TAKEN not in self._log_since(said) or time.monotonic() > give_up:
                raise self._did_not_start(said)

    def stop(self) -> None:
        """Ask it to end, and end it if it does not; nothing where it is down."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def kill(self) -> None:
        """End it at once, in the middle of whatever it does (SIGKILL)."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def restart(self) -> None:
        """Stop it if it runs, and start it on the same port and storage.

        Raises:
            EksaMirrorError: `registry-unreachable`, with the end of its log.
        """
        self.stop()
        self.start()

    def _spawn(self) -> subprocess.Popen[bytes]:
        write_atomically(self._config_file, yaml.safe_dump(self._settings()).encode())
        with self.log_file.open("ab") as log:
            return subprocess.Popen(
                [self._binary, "serve", str(self._config_file)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=_environment(),
                start_new_session=True,
            )

    def _becomes_ready(self, process: subprocess.Popen[bytes], said: int) -> bool:
        """Wait until it answers, it ends, or the time is up; `said` is where its log begins."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self._find_port(said) and self._answers():
                return True
            try:
                process.wait(_POLL_SECONDS)
            except subprocess.TimeoutExpired:
                continue
            return False
        return False

    def _find_port(self, said: int) -> bool:
        listening = _LISTENING.search(self._log_since(said))
        if listening:
            self.port = int(listening[1])
        return listening is not None

    def _answers(self) -> bool:
        with urllib3.PoolManager(ca_certs=str(self.ca_file), retries=False, timeout=2) as pool:
            try:
                return pool.request("GET", f"{self.url}/v2/").status in {200, 401}
            except urllib3.exceptions.HTTPError:
                return False

    def _log_since(self, said: int) -> str:
        with self.log_file.open("rb") as log:
            log.seek(said)
            return log.read().decode(errors="replace")

    def _did_not_start(self, said: int) -> EksaMirrorError:
        lines = self._log_since(said).strip().splitlines()[-3:]
        return EksaMirrorError(
            Code.REGISTRY_UNREACHABLE,
            f"{self._binary} did not start: {' / '.join(lines) or 'it said nothing'}",
            where=str(self.log_file),
            cause="Its configuration or folder cannot be used, or its port is taken.",
            mend=f"Read its log: less {self.log_file}",
        )

    def _settings(self) -> dict[str, Any]:
        """The registry's configuration.

        Source: https://distribution.github.io/distribution/about/configuration/
        """
        http: dict[str, Any] = {"addr": self.address, "secret": self._secret}
        if self._certificate:
            http["tls"] = {
                "certificate": str(self._certificate.certificate_file),
                "key": str(self._certificate.key_file),
            }
        return {
            "version": 0.1,
            "log": {"level": "info"},
            "storage": {
                "filesystem": {"rootdirectory": str(self.storage)},
                "delete": {"enabled": True},
            },
            "http": http,
        } | ({"auth": self._auth} if self._auth else {})

    def _auth_settings(self, auth: Login | TokenAuth | None) -> dict[str, Any]:
        if isinstance(auth, TokenAuth):
            return {
                "token": {
                    "realm": auth.realm,
                    "service": auth.service,
                    "issuer": auth.issuer,
                    "rootcertbundle": str(auth.root_cert_bundle),
                }
            }
        if auth is None:
            return {}
        write_atomically(self._htpasswd_file, _htpasswd(auth))
        return {"htpasswd": {"realm": "eksa-mirror demo", "path": str(self._htpasswd_file)}}


def _find_binary() -> str:
    for name in BINARIES:
        if path := shutil.which(name):
            return path
    raise EksaMirrorError(
        Code.TOOL_MISSING,
        "docker-registry is not installed.",
        cause="A registry on this machine needs the program of Debian and Ubuntu.",
        mend="apt-get install docker-registry",
    )


def _environment() -> dict[str, str]:
    """No REGISTRY_* of the operator: the registry would take it for its configuration."""
    return {"PATH": os.environ.get("PATH", os.defpath), "OTEL_TRACES_EXPORTER": "none"}


def _htpasswd(login: Login) -> bytes:
    password = login.password.get_secret_value().encode()
    hashed = bcrypt.hashpw(password, bcrypt.gensalt(_BCRYPT_ROUNDS))
    return login.username.encode() + b":" + hashed + b"\n"


@contextmanager
def _signals_wait() -> Iterator[None]:
    """Hold back what ends the program: a registry that was begun must be known, to be ended too."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = {number: signal.signal(number, lambda got, _: came.append(got)) for number in _ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for late in came:
            signal.raise_signal(late)
