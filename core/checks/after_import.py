"""What is looked at once an import has ended: every artifact, a pull as a node, the certificate."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from core.answers import Answers
from core.checks.context import Context
from core.checks.finding import Finding, cleaned, from_error
from core.checks.node_view import check_node_view
from core.checks.presented import presented
from core.errors import EksaMirrorError
from core.registry.credentials import Credentials
from core.registry.retry import IMPATIENT
from core.registry.session import Session
from core.transfer.audit import audit_rows
from core.transfer.job import Job
from core.transfer.records import ArtifactRow
from core.transfer.settings import connection_of
from core.transfer.standing import Stand, standing_of
from core.transfer.states import JobState
from core.transfer.verified import Counted, counted
from core.transfer.view import JournalView, Summary


@dataclass(frozen=True, slots=True)
class LookedAfter:
    """What is known of a finished import.

    Attributes:
        summary: as the journal tells it.
        stand: where the import is: it may run still, or have been cut off.
        counts: artifacts by kind.
        asked: whether the registry was asked for each of them, by the import or since.
        moment: seconds since 1970 of that.
        seconds: that it took; 0 where the import did it.
    """

    summary: Summary
    stand: Stand
    counts: tuple[Counted, ...]
    asked: bool
    moment: float
    seconds: float = 0.0


def look_into(job: Job) -> LookedAfter:
    """What the import itself found; the registry is not asked.

    Raises:
        JobError: the journal cannot be read.
    """
    stand, summary, rows = _read(job)
    ended = summary.state in (JobState.DONE, JobState.SOME_FAILED)
    asked = ended and summary.facts.get("verification") == "on"
    return LookedAfter(summary, stand, counted(rows), asked, summary.number("ended"))


def ask_again(
    job: Job,
    answers: Answers,
    login: Credentials | None,
    stop: threading.Event,
    on_look: Callable[[int, int], None],
) -> LookedAfter:
    """Ask the registry for each artifact that arrived; it needs no tarball.

    Raises:
        JobError: the journal cannot be read.
        RegistryError: the registry does not answer, or refuses the login.
        Interrupted: `stop` was set.
    """
    stand, summary, rows = _read(job)
    began = time.monotonic()
    with Session(connection_of(answers), login, policy=IMPATIENT) as session:
        session.ping()
        problems = audit_rows(
            rows, session, threads=answers.transfer.jobs, stop=stop, on_look=on_look
        )
    seconds = time.monotonic() - began
    return LookedAfter(summary, stand, counted(rows, problems), True, time.time(), seconds)


def _read(job: Job) -> tuple[Stand, Summary, list[ArtifactRow]]:
    alive = job.is_running()  # before the journal is read: who ends between the two was not killed
    with JournalView(job.journal) as view:
        summary, rows = view.summary(), view.artifacts()
    return standing_of(job, summary, alive=alive).stand, summary, rows


def pull_as_a_node(answers: Answers, login: Credentials | None) -> Finding:
    """One image by the path, the CA and the login that nodes use."""
    with Context(answers, login) as context:
        try:
            return cleaned(check_node_view(context))
        except EksaMirrorError as error:
            return cleaned(from_error(error))


def certificate_ends(answers: Answers) -> date | None:
    """When the registry's own certificate ends; None where that cannot be seen."""
    if answers.registry.plain_http or not answers.registry.endpoint:
        return None
    with Context(answers) as context:
        try:
            return presented(context).chain.leaf.parsed.not_valid_after_utc.date()
        except EksaMirrorError:
            return None
