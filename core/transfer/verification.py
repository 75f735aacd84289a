"""Asking the mirror for every artifact, so that “done” means that it is there."""

import threading

from core.errors import Code, RegistryError
from core.reference import Reference
from core.registry.session import Session
from core.transfer.inspection import Found, Inspector
from core.transfer.journal import ArtifactRow, Journal
from core.transfer.threads import run_in_threads


def verify(
    session: Session,
    journal: Journal,
    *,
    threads: int,
    stop: threading.Event,
    deep: bool = False,
    again: bool = False,
) -> None:
    """Check every artifact that is said to have arrived; what is not whole there becomes failed.

    Args:
        deep: read every blob back and compare its hash.
        again: also what was verified before.

    Raises:
        RegistryError: the registry does not answer, or refuses the login.
        Interrupted: the job is to stop.
    """
    inspector = Inspector(session, deep=deep)
    rows = [row for row in journal.artifacts() if row.state.arrived and (again or not row.verified)]

    def check(_: int, row: ArtifactRow) -> None:
        destination = Reference.parse(row.destination)
        problem: RegistryError | None = None
        try:
            found = inspector.check(destination, row.digest)
        except RegistryError as error:
            if not concerns_one_artifact(error, session):
                raise
            problem = error
        else:
            if not found.complete:
                problem = difference(found, row.destination)
        with journal.together(durable=problem is not None):
            journal.set_verified(row.number, problem is None)
            if problem:
                journal.forget_placements(destination.repository, journal.blobs_of(row.number))
                journal.set_failed(row.number, problem, final=True)

    run_in_threads(threads, rows, check, stop)


def concerns_one_artifact(error: RegistryError, session: Session) -> bool:
    """Whether the others can be asked for all the same: the registry answers and lets us in."""
    if not error.temporary:
        return error.code not in (Code.LOGIN_REFUSED, Code.LOGIN_MISSING)
    try:
        session.ping()
    except RegistryError:
        return False
    return True


def difference(found: Found, destination: str) -> RegistryError:
    """What is wrong with an artifact in the mirror, as an error."""
    if not found.digest:
        message = "The registry has nothing under this name."
    elif not found.matches:
        message = f"The registry has another content under this name ({found.digest})."
    else:
        shown = ", ".join(found.missing[:3])
        more = f" and {len(found.missing) - 3} more" if len(found.missing) > 3 else ""
        message = f"The registry lacks parts of it: {shown}{more}."
    return RegistryError(Code.MIRROR_DIFFERS, message, where=destination)
