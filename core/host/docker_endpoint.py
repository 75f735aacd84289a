"""Which docker daemon the docker command would speak to.

`DOCKER_HOST` wins, then `DOCKER_CONTEXT`, then the context that `docker context use` set, then the
usual socket.
"""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import Code, MachineError
from core.host.docker_config import docker_config_file
from core.oci import InvalidContentError, parse_json

DEFAULT_SOCKET = "unix:///var/run/docker.sock"

_DEFAULT_CONTEXT = "default"
_MAX_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a daemon listens.

    Attributes:
        address: `unix:///var/run/docker.sock`, `tcp://host:2376`.
        chosen_by: what says so: `DOCKER_HOST`, `context rootless`, `default`.
        certificates: folder with `ca.pem`, `cert.pem` and `key.pem` for TLS; None without TLS.
        verify: whether the daemon's certificate is checked.
    """

    address: str
    chosen_by: str
    certificates: Path | None = None
    verify: bool = True

    @property
    def is_local(self) -> bool:
        """Whether the daemon runs on this machine, and so reads its folders of trust."""
        return self.address.startswith("unix://")


def find_endpoint(environment: Mapping[str, str] = os.environ) -> Endpoint:
    """The daemon that `docker` would use.

    Raises:
        MachineError: `docker-unreachable` where the context that was chosen is not there.
    """
    if host := environment.get("DOCKER_HOST"):
        return _from_variables(host, environment)
    config = docker_config_file(environment)
    name = environment.get("DOCKER_CONTEXT") or _current_context(config)
    if name == _DEFAULT_CONTEXT:
        return Endpoint(DEFAULT_SOCKET, _DEFAULT_CONTEXT)
    return _from_context(name, config.parent / "contexts")


def _from_variables(host: str, environment: Mapping[str, str]) -> Endpoint:
    folder, verify = environment.get("DOCKER_CERT_PATH"), environment.get("DOCKER_TLS_VERIFY")
    if not folder and not verify:
        return Endpoint(host, "DOCKER_HOST")
    certificates = Path(folder) if folder else docker_config_file(environment).parent
    return Endpoint(host, "DOCKER_HOST", certificates, verify=bool(verify))


def _current_context(config: Path) -> str:
    name = _read(config).get("currentContext")
    return name if isinstance(name, str) and name else _DEFAULT_CONTEXT


def _from_context(name: str, contexts: Path) -> Endpoint:
    key = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()
    meta = contexts / "meta" / key / "meta.json"
    endpoint = _section(_section(_read(meta), "Endpoints"), "docker")
    host = endpoint.get("Host")
    if not isinstance(host, str) or not host:
        raise MachineError(
            Code.DOCKER_UNREACHABLE,
            f"The docker context “{name}” is not there, or names no daemon.",
            where=str(meta),
            cause="It was removed, or DOCKER_CONTEXT or DOCKER_CONFIG is wrong.",
            mend="List them: docker context ls; choose one: docker context use NAME",
        )
    folder = contexts / "tls" / key / "docker"
    return Endpoint(
        host,
        f"context {name}",
        folder if folder.is_dir() else None,
        verify=not endpoint.get("SkipTLSVerify", False),
    )


def _section(document: dict[str, Any], name: str) -> dict[str, Any]:
    section = document.get(name)
    return section if isinstance(section, dict) else {}


def _read(path: Path) -> dict[str, Any]:
    """A JSON object; empty where there is none: what is broken has its own check."""
    try:
        with path.open("rb") as file:
            document = parse_json(file.read(_MAX_BYTES))
    except (OSError, ValueError, InvalidContentError):
        return {}
    return document if isinstance(document, dict) else {}
