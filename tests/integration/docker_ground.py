"""A machine of the tests' own: a docker daemon and a registry at harbor.site-a.example:443.

Both run in mount and network namespaces of their own. There /etc/docker and /etc/hosts are files of
a temporary folder, and the only network is a loopback with one more address: nothing outside of the
folder is written, and nothing leaves the machine. The address is not in 127.0.0.0/8, which docker
takes for insecure, so certificates are checked in earnest.
"""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from core.demo.registry import DemoRegistry
from core.errors import MachineError
from core.host.daemon import DockerDaemon, connect
from core.registry.credentials import Credentials
from tests.fixtures.private_docker import daemon_settings
from tests.fixtures.tools import need
from tests.integration.program import PROGRAM, Ended

HOST = "harbor.site-a.example"
ADDRESS = "192.0.2.1"
"""Of a network that is reserved for documentation (RFC 5737)."""

START_SECONDS = 60.0
STOP_SECONDS = 20.0
RUN_SECONDS = 60.0
_POLL_SECONDS = 0.05

_SCRIPT = """\
set -eu
ip link set lo up
ip address add "$ADDRESS/32" dev lo
mount --make-rprivate /
mount --bind "$FOLDER/etc-docker" /etc/docker
mount --bind "$FOLDER/hosts" /etc/hosts
docker-registry serve "$FOLDER/registry.yml" > "$FOLDER/registry.log" 2>&1 &
exec dockerd --iptables=false --ip6tables=false --ip-forward=false --bridge=none \\
    --host="unix://$FOLDER/docker.sock" --config-file="$FOLDER/daemon.json" \\
    --data-root="$FOLDER/data" --exec-root="$FOLDER/exec" --pidfile="$FOLDER/docker.pid"
"""


@dataclass(frozen=True, slots=True)
class Ground:
    """The machine, as long as it runs.

    Attributes:
        folder: all that belongs to it.
        pid: a process in its namespaces.
        ca_file: who signed the registry's certificate.
        credentials: the registry's login.
    """

    folder: Path
    pid: int
    ca_file: Path
    credentials: Credentials

    @property
    def docker_host(self) -> str:
        """Where its daemon listens."""
        return f"unix://{self.folder}/docker.sock"

    @property
    def certs(self) -> Path:
        """What the daemon sees as /etc/docker/certs.d."""
        return self.folder / "etc-docker" / "certs.d"

    @contextmanager
    def connected(self) -> Iterator[DockerDaemon]:
        """Its daemon."""
        with connect({**os.environ, "DOCKER_HOST": self.docker_host}, seconds=60) as daemon:
            yield daemon

    def run(
        self,
        *command: str | Path,
        terminal: int | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Ended:
        """Run a command on this machine, as root.

        Args:
            terminal: its standard input; nothing where None.
            environment: further variables.
        """
        done = subprocess.run(
            ["nsenter", f"--target={self.pid}", "--mount", "--net", "--", *map(str, command)],
            env={**os.environ, "DOCKER_HOST": self.docker_host, **(environment or {})},
            stdin=subprocess.DEVNULL if terminal is None else terminal,
            capture_output=True,
            text=True,
            timeout=RUN_SECONDS,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def eksa_mirror(self, *arguments: str | Path, terminal: int | None = None) -> Ended:
        """Run the installed program on this machine."""
        return self.run(PROGRAM, *arguments, terminal=terminal)


@contextmanager
def docker_ground(filled: DemoRegistry, certificate: Path, key: Path) -> Iterator[Ground]:
    """Start the machine.

    Args:
        filled: a registry that was stopped; its content and login are taken over.
        certificate, key: of the registry, for `HOST`.
    """
    need("dockerd", "docker-registry", "unshare", "nsenter", "ip", "mount")
    if os.geteuid() != 0:
        pytest.skip("namespaces and dockerd need root: run the tests as root")
    if not Path("/etc/docker").is_dir():
        pytest.skip("/etc/docker is missing, and only there docker looks for a CA: mkdir it")
    folder = Path(tempfile.mkdtemp(prefix="eksa-ground-"))  # short: a socket's path is limited
    try:
        _lay_out(folder, filled, certificate, key)
        process = _spawn(folder)
        try:
            _wait_for(folder, process)
            login = Credentials(filled.username, filled.password, "test")
            yield Ground(folder, process.pid, filled.ca_file, login)
        finally:
            _end(process)
    finally:
        shutil.rmtree(folder)


def _lay_out(folder: Path, filled: DemoRegistry, certificate: Path, key: Path) -> None:
    (folder / "etc-docker").mkdir()
    (folder / "daemon.json").write_text(json.dumps(daemon_settings(folder)))
    hosts = Path("/etc/hosts").read_text()
    (folder / "hosts").write_text(f"{hosts}\n{ADDRESS} {HOST}\n")
    settings: dict[str, Any] = yaml.safe_load(
        (filled.storage.parent / "config.yml").read_text(encoding="utf-8")
    )
    settings["http"] |= {
        "addr": f"{ADDRESS}:443",
        "tls": {"certificate": str(certificate), "key": str(key)},
    }
    (folder / "registry.yml").write_text(yaml.safe_dump(settings))


def _spawn(folder: Path) -> subprocess.Popen[bytes]:
    with (folder / "dockerd.log").open("wb") as log:
        return subprocess.Popen(
            ["unshare", "--mount", "--net", "sh", "-c", _SCRIPT],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={"PATH": os.environ["PATH"], "FOLDER": str(folder), "ADDRESS": ADDRESS},
            start_new_session=True,
        )


def _wait_for(folder: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not (_answers(folder) and "listening on" in _said(folder / "registry.log")):
        if time.monotonic() > deadline or process.poll() is not None:
            said = _said(folder / "dockerd.log") + _said(folder / "registry.log")
            pytest.fail(f"the machine did not start:\n{said[-3000:]}")
        time.sleep(_POLL_SECONDS)


def _answers(folder: Path) -> bool:
    try:
        with connect({"DOCKER_HOST": f"unix://{folder}/docker.sock"}):
            return True
    except MachineError:
        return False


def _said(path: Path) -> str:
    return path.read_text(errors="replace") if path.exists() else ""


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the daemon, which ends its containerd itself, and the registry of the same group."""
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
