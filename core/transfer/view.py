"""Reading a journal that another process writes: for status, progress bars, panes and reports."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from core.errors import Code, JobError
from core.transfer.journal import ArtifactRow, Flight, read_artifacts
from core.transfer.states import ArtifactState, JobState


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened; `at` is seconds since 1970, UTC."""

    number: int
    at: float
    kind: str
    artifact: int | None
    text: str


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
        if not path.exists():
            raise JobError(Code.JOB_NOT_FOUND, "The import has not begun.", where=str(path))
        self._path = path
        try:
            self._db = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=5)
        except sqlite3.Error as error:
            raise self._damaged(error) from None

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
        facts = dict(self._rows("SELECT key, value FROM fact"))
        counts = self._rows("SELECT state, count(*) FROM artifact GROUP BY state")
        return Summary(
            JobState(facts.get("state", JobState.STARTING.value)),
            facts,
            {ArtifactState(state): count for state, count in counts},
        )

    def artifacts(self) -> list[ArtifactRow]:
        """All artifacts, in the order of the plan."""
        try:
            return read_artifacts(self._db)
        except sqlite3.Error as error:
            raise self._damaged(error) from None

    def flights(self) -> list[Flight]:
        """What the threads of the worker have in hand."""
        rows = self._rows("SELECT slot, label, size, done, rate FROM flight ORDER BY slot")
        return [Flight(*row) for row in rows]

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

    def _rows(self, query: str, values: Sequence[int] = ()) -> list[tuple[Any, ...]]:
        try:
            return self._db.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise self._damaged(error) from None

    def _damaged(self, error: sqlite3.Error) -> JobError:
        return JobError(
            Code.JOURNAL_DAMAGED, f"The journal cannot be read: {error}.", where=str(self._path)
        )
