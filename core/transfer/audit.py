"""Comparing a mirror with what is required, without a job: for `verify` and later checks."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from core.errors import EksaMirrorError, RegistryError
from core.reference import Reference
from core.registry.session import Session
from core.transfer.inspection import Inspector
from core.transfer.plan import Plan, PlannedArtifact
from core.transfer.records import ArtifactRow
from core.transfer.threads import run_in_threads
from core.transfer.verification import concerns_one_artifact, difference


@dataclass(frozen=True, slots=True)
class Audited:
    """An artifact, and what is wrong with it in the mirror.

    Attributes:
        artifact: what was looked for.
        digest: of the manifest in the mirror; empty where there is none.
        problem: None where all of it is there.
    """

    artifact: PlannedArtifact
    digest: str
    problem: EksaMirrorError | None


def audit(plan: Plan, session: Session, *, threads: int, deep: bool = False) -> Sequence[Audited]:
    """Ask for every artifact by its name in the mirror, and for every blob of it.

    An artifact that the archive holds must be there with that content; without an archive, any
    whole artifact under the right name will do.

    Args:
        deep: read every blob back and compare its hash.

    Raises:
        RegistryError: the registry does not answer, or refuses the login.
    """
    inspector = Inspector(session, deep=deep)
    wanted = [(i, one) for i, one in enumerate(plan.artifacts) if not one.skipped]
    results: dict[int, Audited] = {}

    def look(_: int, task: tuple[int, PlannedArtifact]) -> None:
        number, one = task
        try:
            results[number] = _look(inspector, one)
        except RegistryError as error:
            if not concerns_one_artifact(error, session):
                raise
            results[number] = Audited(one, "", error)

    run_in_threads(threads, wanted, look, threading.Event())
    return [results[number] for number, _ in wanted]


def audit_rows(
    rows: Sequence[ArtifactRow],
    session: Session,
    *,
    threads: int,
    stop: threading.Event,
    on_look: Callable[[int, int], None] = lambda _done, _all: None,
) -> dict[int, RegistryError]:
    """Ask again for every artifact that a job brought to the mirror; needs no archive.

    Args:
        rows: of the journal; only those that arrived are asked for.
        on_look: told, in some thread, how many were asked for, and how many there are.

    Returns:
        What is wrong, by the number of the artifact.

    Raises:
        RegistryError: the registry does not answer, or refuses the login.
        Interrupted: `stop` was set.
    """
    inspector = Inspector(session, deep=False)
    arrived = [row for row in rows if row.state.arrived]
    wrong: dict[int, RegistryError] = {}
    looked: list[int] = []

    def look(_: int, row: ArtifactRow) -> None:
        try:
            found = inspector.check(Reference.parse(row.destination), row.digest)
        except RegistryError as error:
            if not concerns_one_artifact(error, session):
                raise
            wrong[row.number] = error
        else:
            if not found.complete:
                wrong[row.number] = difference(found, row.destination)
        looked.append(row.number)
        on_look(len(looked), len(arrived))

    run_in_threads(threads, arrived, look, stop)
    return wrong


def _look(inspector: Inspector, one: PlannedArtifact) -> Audited:
    if one.destination is None:
        return Audited(one, "", one.problem)
    if one.stored:
        found = inspector.find(one.destination, one.stored.content)
    else:
        found = inspector.check(one.destination)
    problem = None if found.complete else difference(found, str(one.destination))
    return Audited(one, found.digest, problem)
