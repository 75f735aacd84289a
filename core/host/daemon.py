"""The docker daemon of this machine: what it is, a pull through it, and a login by it.

An import needs no daemon. EKS Anywhere does: it pulls its tools image and logs in through it, so
what is said to work is tried here the same way.
"""

import errno
import os
import re
import socket
import stat
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import docker
import urllib3.exceptions
from docker.errors import APIError, DockerException, ImageNotFound, StreamParseError
from docker.tls import TLSConfig

from core.errors import Code, EksaMirrorError, MachineError, RegistryError
from core.host.docker_endpoint import Endpoint, find_endpoint
from core.reference import Reference
from core.registry.credentials import Credentials
from core.registry.faults import plain

REQUEST_SECONDS = 10

_TROUBLES = (
    DockerException,
    OSError,  # those of requests, too
    urllib3.exceptions.HTTPError,
    StreamParseError,
    ValueError,
    KeyError,  # this and the next two: the SDK, of an answer that has not the shape it thinks
    TypeError,
    AttributeError,
)


class DaemonKind(StrEnum):
    """Whose daemon answers, and with which rights."""

    DOCKER = "docker"
    ROOTLESS_DOCKER = "rootless docker"
    PODMAN = "podman"


@dataclass(frozen=True, slots=True)
class DaemonFacts:
    """What a daemon says about itself.

    Attributes:
        endpoint: where it listens.
        version: `27.1.1`.
        kind: docker, rootless docker, or podman in docker's place.
        storage: its storage driver, `overlay2`.
        platform: `linux/amd64`.
    """

    endpoint: Endpoint
    version: str
    kind: DaemonKind
    storage: str
    platform: str


@dataclass(frozen=True, slots=True)
class Pulled:
    """What came through a daemon.

    Attributes:
        image_id: digest of the image's config.
        size: bytes on the daemon's disk.
        seconds: how long it took.
    """

    image_id: str
    size: int
    seconds: float


class DockerDaemon:
    """A daemon that answers; made by `connect`."""

    def __init__(self, client: docker.DockerClient, facts: DaemonFacts) -> None:
        self._client = client
        self.facts = facts

    def pull_through(self, reference: Reference, credentials: Credentials | None = None) -> Pulled:
        """Pull an image the way `docker pull` does, and remove it again if it was not there.

        Args:
            reference: in the mirror; its registry is written as it shall be asked for.
            credentials: the login; docker's own config where None.

        Raises:
            RegistryError: the registry, or the trust in it, is in the way.
            MachineError: docker itself is.
        """
        name, began = str(reference), time.monotonic()
        with _troubles(name):
            was_there = self._image(name) is not None
            self._pull(reference, credentials)
            image = self._image(name) or {}
            seconds = time.monotonic() - began
            if image and not was_there:
                self._client.images.remove(name)
        return Pulled(str(image.get("Id", "")), int(image.get("Size", 0)), seconds)

    def login(self, registry: str, credentials: Credentials) -> None:
        """Have the daemon log in, as `docker login` does; nothing is kept anywhere.

        Args:
            registry: as references are written: `host` and `host:443` are two for docker.

        Raises:
            RegistryError: `login-refused`, or the trust in the registry is missing.
            MachineError: docker itself is in the way.
        """
        with _troubles(registry):
            self._client.api.login(
                credentials.username,
                credentials.password.get_secret_value(),
                registry=registry,
                reauth=True,
            )

    def _pull(self, reference: Reference, credentials: Credentials | None) -> None:
        events = self._client.api.pull(
            f"{reference.registry}/{reference.repository}",
            tag=reference.target,
            stream=True,
            decode=True,
            auth_config=_auth(credentials),
        )
        for event in events:
            if isinstance(event, dict) and event.get("error"):
                raise _refusal(str(event["error"]), str(reference))

    def _image(self, name: str) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = self._client.images.get(name).attrs
        except ImageNotFound:
            return None
        return found


@contextmanager
def connect(
    environment: Mapping[str, str] = os.environ, *, seconds: int = REQUEST_SECONDS
) -> Iterator[DockerDaemon]:
    """The daemon that the docker command would use.

    Args:
        environment: where `DOCKER_HOST` and its kin stand.
        seconds: for each answer; a pull may take longer.

    Raises:
        MachineError: `docker-unreachable`.
    """
    endpoint = find_endpoint(environment)
    if endpoint.is_local:
        _probe_socket(endpoint, environment, seconds)
    if endpoint.address.startswith("ssh://"):
        raise _unreachable(
            endpoint,
            "It is reached by ssh, which is not tried from here.",
            cause="Docker runs on another machine.",
            mend="Run eksa-mirror on that machine.",
        )
    with ExitStack() as stack:
        try:
            client = docker.DockerClient(
                base_url=endpoint.address, version="auto", timeout=seconds, tls=_tls(endpoint)
            )
            stack.callback(client.close)
            facts = _facts(endpoint, client.version(), client.info())
        except _TROUBLES as error:
            raise _unreachable(endpoint, f"It does not answer: {plain(str(error))}.") from None
        yield DockerDaemon(client, facts)


def _facts(endpoint: Endpoint, version: dict[str, Any], info: dict[str, Any]) -> DaemonFacts:
    kind = DaemonKind.DOCKER
    if "Podman" in str(version.get("Components")):
        kind = DaemonKind.PODMAN
    elif "name=rootless" in str(info.get("SecurityOptions")):
        kind = DaemonKind.ROOTLESS_DOCKER
    storage = plain(str(info.get("Driver", "")))
    if "io.containerd.snapshotter" in str(info.get("DriverStatus")):
        storage += " in the containerd image store"
    platform = f"{version.get('Os', '')}/{version.get('Arch', '')}"
    return DaemonFacts(endpoint, plain(str(version.get("Version", ""))), kind, storage, platform)


def _probe_socket(endpoint: Endpoint, environment: Mapping[str, str], seconds: int) -> None:
    """Connect once by hand: the system says more clearly than the SDK what is in the way."""
    path = endpoint.address.removeprefix("unix://")
    try:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(seconds)
            probe.connect(path)
    except PermissionError:
        raise _unreachable(
            endpoint,
            "This account may not speak to it.",
            cause=f"It is not in the group that {path} belongs to.",
            mend="sudo usermod -aG docker $USER, then log in anew",
        ) from None
    except (OSError, ValueError) as error:
        reason = {errno.ENOENT: "its socket is not there", errno.ECONNREFUSED: "nobody listens"}
        why = reason.get(getattr(error, "errno", None) or 0) or str(error)
        if other := _other_socket(environment):
            raise _unreachable(
                endpoint,
                f"It does not run: {why}.",
                cause=f"Another daemon listens on {other}, but nothing points to it.",
                mend=f"export DOCKER_HOST=unix://{other}",
            ) from None
        raise _unreachable(
            endpoint,
            f"It does not run: {why}.",
            cause="Docker is not installed, or was not started.",
            mend="sudo systemctl start docker",
        ) from None


def _other_socket(environment: Mapping[str, str]) -> str:
    """Where rootless docker or podman listen, if one of them does; empty otherwise."""
    own = environment.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}"
    for path in (f"{own}/docker.sock", f"{own}/podman/podman.sock", "/run/podman/podman.sock"):
        with suppress(OSError):
            if stat.S_ISSOCK(Path(path).stat().st_mode):
                return path
    return ""


def _tls(endpoint: Endpoint) -> TLSConfig | bool:
    folder = endpoint.certificates
    if folder is None:
        return False
    return TLSConfig(
        client_cert=(str(folder / "cert.pem"), str(folder / "key.pem")),
        ca_cert=str(folder / "ca.pem"),
        verify=endpoint.verify,
    )


def _auth(credentials: Credentials | None) -> dict[str, str] | None:
    if credentials is None:
        return None
    secret = credentials.password.get_secret_value()
    if credentials.is_identity_token:
        return {"identitytoken": secret}
    return {"username": credentials.username, "password": secret}


@contextmanager
def _troubles(where: str) -> Iterator[None]:
    try:
        yield
    except APIError as error:
        raise _refusal(str(error.explanation or error), where) from None
    except _TROUBLES as error:
        raise MachineError(
            Code.DOCKER_UNREACHABLE, f"It stopped answering: {plain(str(error))}.", where=where
        ) from None


_BY_WORDS: tuple[tuple[str, Code], ...] = (
    (r"missing (?:client )?(?:key|certificate) ", Code.CLIENT_KEY_MISSING),
    (r"unknown authority|not trusted", Code.TLS_UNTRUSTED),
    (r"expired|not yet valid", Code.TLS_EXPIRED),
    (
        r"certificate is (?:valid|not valid)|any IP SANs|Common Name|any names",
        Code.TLS_NAME_MISMATCH,
    ),
    (r"x509|tls:|HTTP response to HTTPS", Code.TLS_FAILED),
    (r"no basic auth credentials|authentication required", Code.LOGIN_MISSING),
    (r"unauthorized|incorrect username", Code.LOGIN_REFUSED),
    (r"denied|forbidden", Code.PUSH_DENIED),
    (r"manifest unknown|not found|does not exist", Code.REGISTRY_NOT_FOUND),
    (r"no space left", Code.DISK_FULL),
    (
        r"refused|no such host|no route|i/o timeout|deadline exceeded|unreachable",
        Code.REGISTRY_UNREACHABLE,
    ),
)
"""Words of docker's errors, most special first; what it says is all that there is to go by."""

_OF_THE_MACHINE = frozenset({Code.CLIENT_KEY_MISSING, Code.DISK_FULL, Code.DOCKER_REFUSED})
_MENDS = {
    Code.TLS_UNTRUSTED: "Install the CA for docker: eksa-mirror trust -r HOST:PORT --ca-file ca.crt"
}


def _refusal(words: str, where: str) -> EksaMirrorError:
    """What docker said, under the code of the trouble that it tells of."""
    found = (code for pattern, code in _BY_WORDS if re.search(pattern, words, re.IGNORECASE))
    code = next(found, Code.DOCKER_REFUSED)
    kind = MachineError if code in _OF_THE_MACHINE else RegistryError
    return kind(code, f"Docker says: {plain(words)}", where=where, mend=_MENDS.get(code, ""))


def _unreachable(
    endpoint: Endpoint, message: str, *, cause: str = "", mend: str = ""
) -> MachineError:
    where = f"{endpoint.address} ({endpoint.chosen_by})"
    return MachineError(Code.DOCKER_UNREACHABLE, message, where=where, cause=cause, mend=mend)
