"""Reading a journal that another process writes: for status, progress bars, panes and reports."""

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from core.errors import Code, JobError
from core.transfer.details import read_layer_counts, read_layers
from core.transfer.records import (
    ArtifactDetails,
    ArtifactRow,
    Changes,
    Event,
    Flight,
    Layers,
    OpenUpload,
    read_artifact,
    read_artifacts,
    read_changes,
    read_open_uploads,
)
from core.transfer.states import ArtifactState, JobState, PlacementState

__all__ = ["Event", "JournalView", "Summary"]

_TRIES = ("retry", "artifact-retrying", "artifact-failed")
"""Events that tell of a failure of one artifact."""


@dataclass(frozen=True, slots=True)
class Summary:
    """A job at one moment.

    Attributes:
        state: what the worker does, or how it ended.
        facts: everything else that is known of the job, as text.
        counts: artifacts in each state.
    """

    state: JobState
    facts: dict[str, str]
    counts: dict[ArtifactState, int]

    def number(self, key: str) -> float:
        """A counter: bytes, seconds, bytes a second; 0 where it is not known."""
        try:
            return float(self.facts.get(key, 0))
        except ValueError:
            return 0.0

    @property
    def artifacts(self) -> int:
        """How many artifacts the plan holds, those on purpose left out not counted."""
        return sum(self.counts.values()) - self.counts.get(ArtifactState.SKIPPED, 0)

    @property
    def arrived(self) -> int:
        """How many are in the mirror."""
        return sum(count for state, count in self.counts.items() if state.arrived)

    @property
    def failed(self) -> int:
        """How many failed for good."""
        return self.counts.get(ArtifactState.FAILED, 0)

    @property
    def events_before(self) -> int:
        """Number of the last event of earlier runs."""
        return int(self.number("events_before"))

    @property
    def verified(self) -> int:
        """How many of those that arrived were asked for, and are there whole."""
        return int(self.number("verified"))

    @property
    def jobs(self) -> int:
        """How many threads take work; 0 where it is not known."""
        return int(self.number("jobs"))

    @property
    def retries(self) -> int:
        """How often something was tried again."""
        return int(self.number("retries"))

    @property
    def paused(self) -> bool:
        """Whether the operator wants a pause: nothing new is begun."""
        can_wait = self.state in (JobState.PLANNING, JobState.SENDING)
        return can_wait and self.facts.get("paused") == "yes"

    @property
    def finishing(self) -> int:
        """How many threads of a paused job have not finished their chunk yet."""
        return int(self.number("finishing"))

    def idle(self, now: float) -> float:
        """Seconds since the last byte moved while the job sends; 0 while it does something else.

        Args:
            now: seconds since 1970.
        """
        if self.state is not JobState.SENDING or self.paused:
            return 0.0
        return max(0.0, now - max(self.number("moved"), self.number("state_since")))

    @property
    def error(self) -> dict[str, str]:
        """Why the job broke: code, message, where, cause, mend, exit; empty where it did not."""
        text = self.facts.get("error", "")
        return dict(json.loads(text)) if text else {}


class JournalView:
    """The reading side; a context manager.

    Raises:
        JobError: `job-not-found` where there is no journal yet, `journal-damaged`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        if not path.exists():
            raise self._not_begun()
        try:
            self._db = sqlite3.connect(_address(path), uri=True, timeout=5, isolation_level=None)
        except sqlite3.Error as error:
            raise self._damaged(error) from None
        try:
            # The worker makes the file first and its tables a moment later.
            if not self._rows("SELECT 1 FROM sqlite_master WHERE name = 'event'"):
                raise self._not_begun()
        except BaseException:
            self._db.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._db.close()

    def summary(self) -> Summary:
        """The job as it is now."""
        with self._reading() as db:
            facts = dict(db.execute("SELECT key, value FROM fact"))
            verified = "SELECT count(*) FROM artifact WHERE verified AND state != ?"
            (facts["verified"],) = db.execute(verified, (ArtifactState.FAILED.value,)).fetchone()
            counts = dict(db.execute("SELECT state, count(*) FROM artifact GROUP BY state"))
            return Summary(
                JobState(facts.get("state", JobState.STARTING.value)),
                facts,
                {ArtifactState(state): count for state, count in counts.items()},
            )

    def artifacts(self) -> list[ArtifactRow]:
        """All artifacts, in the order of the plan."""
        with self._reading() as db:
            return read_artifacts(db)

    def changes(self, mark: int = 0) -> Changes:
        """Artifacts that changed since a look before, however many there are in all.

        Args:
            mark: `mark` of that look; 0 for all.
        """
        with self._reading() as db:
            return read_changes(db, mark)

    def artifact_details(self, number: int) -> ArtifactDetails | None:
        """All that is known of one artifact; None where the plan does not hold it."""
        with self._reading() as db:
            row = read_artifact(db, number)
            if row is None:
                return None
            events = db.execute(
                "SELECT id, at, kind, artifact, text FROM event WHERE artifact = ?"
                " AND kind IN (?, ?, ?) AND id >"
                " (SELECT coalesce(max(CAST(value AS INTEGER)), 0) FROM fact WHERE key = ?)"
                " ORDER BY id",
                (number, *_TRIES, "events_before"),
            )
            tries = tuple(Event(*event) for event in events)
            return ArtifactDetails(row, read_layers(db, row), tries)

    def flights(self) -> list[Flight]:
        """What the threads of the worker have in hand."""
        rows = self._rows(
            "SELECT slot, label, size, done, rate, artifact, blob, trouble FROM flight"
            " ORDER BY slot"
        )
        return [Flight(*row) for row in rows]

    def slots(self) -> list[Flight | None]:
        """One entry for each thread that takes work or still has some, None for an idle one.

        A thread keeps its place as long as it lives.
        """
        with self._reading() as db:
            jobs = db.execute("SELECT value FROM fact WHERE key = 'jobs'").fetchone()
        flights = {flight.slot: flight for flight in self.flights()}
        count = max([int(jobs[0]) if jobs else 0, *(slot + 1 for slot in flights)])
        return [flights.get(slot) for slot in range(count)]

    def layers_of(self, numbers: Iterable[int]) -> dict[int, Layers]:
        """Of some artifacts, those in flight for example: how many layers are in place."""
        with self._reading() as db:
            return read_layer_counts(db, numbers)

    def events(self, after: int = 0, most: int = 1000) -> list[Event]:
        """What happened since the event `after`."""
        rows = self._rows(
            "SELECT id, at, kind, artifact, text FROM event WHERE id > ? ORDER BY id LIMIT ?",
            (after, most),
        )
        return [Event(*row) for row in rows]

    def last_event(self) -> int:
        """Number of the newest event, 0 where there is none."""
        return int(self._rows("SELECT coalesce(max(id), 0) FROM event")[0][0])

    def sent_layers(self) -> dict[str, tuple[str, int]]:
        """Digest and size under which layers were sent, by the digest that they have stored."""
        rows = self._rows("SELECT digest, sent_digest, sent_size FROM blob WHERE sent_digest != ''")
        return {stored: (digest, size) for stored, digest, size in rows}

    def places(self) -> list[tuple[str, str]]:
        """Digest of each stored blob that is in the mirror, with a repository that holds it."""
        return self._rows(
            "SELECT blob, repository FROM placement WHERE state NOT IN (?, ?)",
            (PlacementState.WAITING, PlacementState.SENDING),
        )

    def open_uploads(self) -> list[OpenUpload]:
        """Every upload session that was begun and not finished."""
        with self._reading() as db:
            return read_open_uploads(db)

    def _rows(self, query: str, values: Sequence[int | str] = ()) -> list[Any]:
        with self._reading() as db:
            return db.execute(query, values).fetchall()

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """All that is read within is of one moment."""
        try:
            self._db.execute("BEGIN")
            try:
                yield self._db
            finally:
                self._db.execute("COMMIT")
        except (sqlite3.Error, ValueError) as error:
            raise self._damaged(error) from None

    def _not_begun(self) -> JobError:
        return JobError(Code.JOB_NOT_FOUND, "The import has not begun.", where=str(self._path))

    def _damaged(self, error: Exception) -> JobError:
        return JobError(
            Code.JOURNAL_DAMAGED, f"The journal cannot be read: {error}.", where=str(self._path)
        )


def _address(path: Path) -> str:
    """How to open a journal to read it.

    On a disk that is read-only SQLite cannot make the index of a log beside it, and need not.
    """
    closed = not path.with_name(f"{path.name}-wal").exists()
    frozen = closed and not os.access(path.parent, os.W_OK)
    return f"{path.resolve().as_uri()}?mode=ro" + ("&immutable=1" if frozen else "")
