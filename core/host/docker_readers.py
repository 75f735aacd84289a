"""Whose folders of trust matter on this machine."""

import os
import shutil
from collections.abc import Mapping

from core.errors import MachineError
from core.host.certs_d import Reader
from core.host.daemon import DaemonFacts, DaemonKind, connect

_READERS = {
    DaemonKind.DOCKER: Reader.DOCKER,
    DaemonKind.ROOTLESS_DOCKER: Reader.ROOTLESS_DOCKER,
    DaemonKind.PODMAN: Reader.PODMAN,
}


def daemon_here(environment: Mapping[str, str] = os.environ) -> DaemonFacts | None:
    """The daemon that the docker command uses; None where none answers."""
    try:
        with connect(environment) as daemon:
            return daemon.facts
    except MachineError:
        return None


def readers_for(
    facts: DaemonFacts | None, environment: Mapping[str, str] = os.environ
) -> tuple[Reader, ...]:
    """Who shall trust the registry: a daemon that was asked, and podman where it is installed.

    Without a daemon that answers, docker with root rights is meant: it is what EKS Anywhere uses,
    and it may be started later.
    """
    found = [_READERS[facts.kind] if facts else Reader.DOCKER]
    if Reader.PODMAN not in found and shutil.which("podman", path=environment.get("PATH")):
        found.append(Reader.PODMAN)
    return tuple(found)


def readers_here(environment: Mapping[str, str] = os.environ) -> tuple[Reader, ...]:
    """The same, with the daemon asked now."""
    return readers_for(daemon_here(environment), environment)
