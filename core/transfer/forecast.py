"""What an import would send, mount and find in place, asked of the mirror without changing it."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.archive.model import Blob
from core.registry.blobs import has_blob
from core.registry.session import Session
from core.transfer.inspection import Inspector
from core.transfer.plan import Plan, PlannedArtifact
from core.transfer.threads import run_in_threads


@dataclass(frozen=True, slots=True)
class Forecast:
    """Bytes as stored in the archive; layers are compressed on the way, so less goes out.

    Attributes:
        present: sources of the artifacts that are complete in the mirror.
        send: each distinct blob that no repository holds, once.
        mount: what further repositories get without sending.
        there: distinct blobs that are in place.
        compressible: of what is sent, layers that are compressed on the way.
    """

    present: frozenset[str]
    send: int
    mount: int
    there: int
    compressible: int


def forecast(
    plan: Plan,
    session: Session | None,
    threads: int,
    stop: threading.Event,
    layers: Mapping[str, tuple[str, int]] | None = None,
) -> Forecast:
    """Ask the mirror for what the plan holds; without a session nothing is taken to be there.

    Args:
        layers: digest and size under which layers were sent before, by their stored digest; those
            of all others cannot be known before they are compressed (`hearsay.hear` tells them).

    Raises:
        RegistryError: no answer, or no right to look.
        Interrupted: `stop` was set.
    """
    present = _present(plan, session, threads, stop) if session else frozenset()
    known = _held(plan, present)
    if session:
        wanted = [
            (need.blob, repository)
            for need in plan.needs()
            for repository in need.repositories
            if (need.blob.digest, repository) not in known
        ]
        known |= _found(wanted, layers or {}, session, threads, stop)
    send = mount = there = compressible = 0
    for need in plan.needs():
        lacking = [r for r in need.repositories if (need.blob.digest, r) not in known]
        if not lacking:
            there += need.blob.size
            continue
        anywhere = len(lacking) < len(need.repositories)
        sent = 0 if anywhere else need.blob.size
        send += sent
        compressible += sent if need.blob.compressible else 0
        mount += need.blob.size * (len(lacking) - (0 if anywhere else 1))
    return Forecast(present, send, mount, there, compressible)


def _present(plan: Plan, session: Session, threads: int, stop: threading.Event) -> frozenset[str]:
    inspector, lock = Inspector(session), threading.Lock()
    present: set[str] = set()

    def look(_: int, one: PlannedArtifact) -> None:
        if one.destination and one.stored:
            found = inspector.find(one.destination, one.stored.content)
            if found.complete:
                with lock:
                    present.add(one.source)

    run_in_threads(threads, [one for one in plan.artifacts if one.to_move], look, stop)
    return frozenset(present)


def _held(plan: Plan, present: frozenset[str]) -> set[tuple[str, str]]:
    """Digests of the blobs of complete artifacts, each with the repository that holds it."""
    return {
        (blob.digest, one.destination.repository)
        for one in plan.artifacts
        if one.destination and one.source in present
        for blob in one.blobs()
    }


def _found(
    wanted: Sequence[tuple[Blob, str]],
    layers: Mapping[str, tuple[str, int]],
    session: Session,
    threads: int,
    stop: threading.Event,
) -> set[tuple[str, str]]:
    """Blobs whose digest is known beforehand, looked for where they are needed."""
    lock = threading.Lock()
    found: set[tuple[str, str]] = set()

    def look(_: int, task: tuple[Blob, str]) -> None:
        blob, repository = task
        sent = layers.get(blob.digest) if blob.compressible else (blob.digest, blob.size)
        if sent and has_blob(session, repository, *sent):
            with lock:
                found.add((blob.digest, repository))

    run_in_threads(threads, wanted, look, stop)
    return found
