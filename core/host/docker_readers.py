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


def readers_here(environment: Mapping[str, str] = os.environ) -> tuple[Reader, ...]:
    """Who shall trust the registry: the daemon that the docker command uses, and podman.

    Without a daemon that answers, docker with root rights is meant: it is what EKS Anywhere uses,
    and it may be started later.
    """
    try:
        with connect(environment) as daemon:
            facts: DaemonFacts | None = daemon.facts
    except MachineError:
        facts = None
    return readers_for(facts, environment)


def readers_for(
    facts: DaemonFacts | None, environment: Mapping[str, str] = os.environ
) -> tuple[Reader, ...]:
    """The same for a daemon that was asked already; None where none answers."""
    found = [_READERS[facts.kind] if facts else Reader.DOCKER]
    if Reader.PODMAN not in found and shutil.which("podman", path=environment.get("PATH")):
        found.append(Reader.PODMAN)
    return tuple(found)
