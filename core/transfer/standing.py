"""How a job stands, in one value: for a title line, for Start and for `status`."""

import time
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from core.errors import Code, EksaMirrorError, JobError
from core.transfer.job import Job, existing_jobs
from core.transfer.states import ArtifactState, JobState
from core.transfer.view import JournalView, Summary

STALLED_SECONDS = 30.0
"""Without a byte from any thread for so long, a job counts as stalled."""

_FIRST_SECONDS = 10.0
"""Before, nothing is said of the time that is left."""


class Stand(StrEnum):
    """Where a job is."""

    READY = "ready"
    RUNNING = "running"
    PAUSED = "paused"
    STALLED = "stalled"
    VERIFYING = "verifying"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"
    BROKEN = "broken"
    CUT_OFF = "cut-off"

    @property
    def lives(self) -> bool:
        """Whether a worker is at it."""
        return self in (Stand.RUNNING, Stand.PAUSED, Stand.STALLED, Stand.VERIFYING)


@dataclass(frozen=True, slots=True)
class Standing:
    """How a job stands.

    Attributes:
        stand: in one word.
        failed: artifacts that failed for good, so far or in the end.
        idle: seconds without a byte, where it is stalled.
        seconds: since the start, or from start to end.
        ended: when it ended or was cut off, seconds since 1970; None while it lives or is ready.
    """

    stand: Stand
    failed: int = 0
    idle: float = 0.0
    seconds: float = 0.0
    ended: float | None = None


def in_motion(stand: Stand, summary: Summary | None) -> bool:
    """Whether something can be in flight.

    Else there is no rate and no time left, and what the journal says of artifacts under way is of
    a run that was cut off, or stopped.
    """
    moving = (JobState.PLANNING, JobState.SENDING)
    return stand.lives and summary is not None and summary.state in moving


def state_of(artifact: ArtifactState, *, moving: bool) -> ArtifactState:
    """How far an artifact is: what was under way when all stood still waits for the next start.

    Args:
        artifact: its state in the journal.
        moving: as `in_motion` tells.
    """
    under_way = artifact in (ArtifactState.SENDING, ArtifactState.RETRYING)
    return ArtifactState.WAITING if under_way and not moving else artifact


@dataclass(frozen=True, slots=True)
class Overview:
    """A job in two lines.

    Attributes:
        registry: address of the mirror with its namespace; empty where that cannot be read.
        per_cent: by bytes, 0 to 100; 100 only when all is done and verified.
        seconds_left: None where it is not known yet.
        trouble: why the journal cannot be read; empty where it can.
    """

    job: Job
    registry: str
    standing: Standing
    per_cent: int = 0
    seconds_left: float | None = None
    arrived: int = 0
    artifacts: int = 0
    trouble: str = ""


def standing_of(
    job: Job, summary: Summary | None, *, alive: bool, now: float | None = None
) -> Standing:
    """How a job stands.

    Args:
        summary: what its journal says; None where the import has not begun.
        alive: whether a worker held the job *before* the journal was read: one that ends between
            the two is then seen to have ended, not to have been killed.
        now: seconds since 1970.
    """
    now = time.time() if now is None else now
    if summary is None:
        return Standing(Stand.RUNNING if alive else Stand.READY)
    stand, idle = _stand(summary, alive, now)
    ended = None
    if stand is Stand.CUT_OFF:
        ended = _last_sign(job) or now
    elif summary.state.ended:
        ended = summary.number("ended") or summary.number("state_since") or now
    begun = summary.number("started")
    seconds = max(0.0, (now if ended is None else ended) - begun) if begun else 0.0
    return Standing(stand, summary.failed, idle if stand is Stand.STALLED else 0.0, seconds, ended)


def look_at(job: Job) -> tuple[Standing, Summary | None]:
    """How a job stands, with what its journal says; None where the import has not begun.

    Raises:
        JobError: `journal-damaged`, `job-folder-unsafe`.
    """
    alive = job.is_running()
    try:
        with JournalView(job.journal) as view:
            summary: Summary | None = view.summary()
    except JobError as error:
        if error.code is not Code.JOB_NOT_FOUND:
            raise
        summary = None
    return standing_of(job, summary, alive=alive), summary


def overview(job: Job) -> Overview:
    """A job in two lines, also where its journal is damaged."""
    try:
        standing, summary = look_at(job)
    except JobError as error:
        return Overview(job, _address(job), Standing(Stand.BROKEN), trouble=error.message)
    if summary is None:
        return Overview(job, _address(job), standing)
    return Overview(
        job,
        summary.facts.get("mirror") or _address(job),
        standing,
        per_cent(summary),
        seconds_left(summary) if in_motion(standing.stand, summary) else None,
        summary.arrived,
        summary.artifacts,
    )


def overviews() -> list[Overview]:
    """All jobs of this account, the one that was worked on last first.

    Raises:
        JobError: `job-folder-unsafe`.
    """
    return [overview(job) for job in existing_jobs()]


def per_cent(summary: Summary) -> int:
    """How far it is by bytes, rounded down; 100 only when all is done and verified."""
    if summary.state is JobState.DONE:
        return 100
    total = summary.number("total_bytes")
    if not total:
        return 0
    return max(0, min(99, int(100 * summary.number("done_bytes") / total)))


def seconds_left(summary: Summary, now: float | None = None) -> float | None:
    """Seconds until all is sent, at the rate of the last seconds; None where it is not known."""
    now = time.time() if now is None else now
    rate = summary.number("rate")
    known = now - summary.number("state_since") >= _FIRST_SECONDS
    if summary.state is not JobState.SENDING or summary.paused or not known or rate <= 0:
        return None
    return max(0.0, summary.number("total_bytes") - summary.number("done_bytes")) / rate


def _stand(summary: Summary, alive: bool, now: float) -> tuple[Stand, float]:
    ends = {
        JobState.DONE: Stand.DONE,
        JobState.SOME_FAILED: Stand.FAILED,
        JobState.STOPPED: Stand.STOPPED,
        JobState.BROKEN: Stand.BROKEN,
    }
    idle = summary.idle(now)
    if summary.state in ends:
        return ends[summary.state], idle
    if not alive:
        return Stand.CUT_OFF, idle
    if summary.state is JobState.VERIFYING:
        return Stand.VERIFYING, idle
    if summary.paused:
        return Stand.PAUSED, idle
    return (Stand.STALLED if idle >= STALLED_SECONDS else Stand.RUNNING), idle


def _last_sign(job: Job) -> float:
    """When the worker last wrote: its log and its journal keep the time, whatever ended it."""
    wal = job.journal.with_name(job.journal.name + "-wal")
    return max((_changed(one) for one in (wal, job.journal, job.log)), default=0.0)


def _changed(path: Path) -> float:
    try:
        status = path.stat()
    except OSError:
        return 0.0
    # Whoever reads a journal that was closed well leaves an empty write-ahead log beside it.
    return status.st_mtime if status.st_size else 0.0


def _address(job: Job) -> str:
    from core.answers import load_answers  # noqa: PLC0415 - the journal tells it, if there is one

    try:
        registry = load_answers(job.answers).registry
    except EksaMirrorError:
        return ""
    return registry.address or ""
