"""The journal: what a job has done, on disk before it is believed.

SQLite in WAL mode with `synchronous=FULL`: a commit that returned survives a power cut. One
connection, shared by the threads of the worker behind a lock; others open `view.JournalView`.
"""

import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from importlib.resources import files
from pathlib import Path
from typing import Any

from core.archive.model import Blob
from core.errors import Code, EksaMirrorError, JobError, RegistryError
from core.transfer.states import ArtifactState, JobState, PlacementState

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class ArtifactRecord:
    """What is written of an artifact when the plan is made."""

    kind: str
    source: str
    destination: str
    required: bool
    size: int
    platforms: str
    blobs: Sequence[str]


@dataclass(frozen=True, slots=True)
class ArtifactRow:
    """What the journal knows of an artifact; the last five fields tell why it failed."""

    number: int
    kind: str
    source: str
    destination: str
    required: bool
    size: int
    platforms: str
    state: ArtifactState
    digest: str
    verified: bool
    note: str
    attempts: int
    started: float | None
    ended: float | None
    code: str = ""
    message: str = ""
    place: str = ""
    cause: str = ""
    mend: str = ""
    status: int = 0


@dataclass(frozen=True, slots=True)
class Placement:
    """A blob in a repository, as far as is known.

    Attributes:
        location: URL of an upload session that may still be known there; empty without one.
        position: bytes that this session holds.
    """

    state: PlacementState = PlacementState.WAITING
    location: str = ""
    position: int = 0


@dataclass(frozen=True, slots=True)
class Flight:
    """What one thread of the worker has in hand; bytes as stored, rate in bytes a second."""

    slot: int
    label: str
    size: int
    done: int
    rate: float


class Journal:
    """The writing side.

    Raises:
        JobError: `disk-full` from every method that writes, `journal-damaged` where SQLite finds
            the file unusable.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.RLock()
        self._db = self._connect()

    @classmethod
    def open(cls, path: Path) -> tuple["Journal", Path | None]:
        """Open, or make one. A damaged file is set aside.

        Returns:
            The journal, and where a damaged one was put.
        """
        try:
            return cls(path), None
        except JobError as error:
            if error.code is not Code.JOURNAL_DAMAGED:
                raise
        aside = path.with_name(time.strftime("journal.damaged-%Y%m%dT%H%M%S.sqlite"))
        path.replace(aside)
        for ending in ("-wal", "-shm"):
            path.with_name(path.name + ending).unlink(missing_ok=True)
        return cls(path), aside

    def close(self) -> None:
        """Close the file; the journal can be opened again."""
        with self._lock:
            self._db.close()

    # Facts about the job

    def fact(self, key: str) -> str:
        """A fact, empty where it is not known."""
        with self._reading() as db:
            row = db.execute("SELECT value FROM fact WHERE key = ?", (key,)).fetchone()
        return row[0] if row else ""

    def set_facts(self, **facts: str | int | float) -> None:
        """Write facts, all or none."""
        with self._writing() as db:
            db.executemany(
                "INSERT OR REPLACE INTO fact VALUES (?, ?)",
                [(key, str(value)) for key, value in facts.items()],
            )

    def set_state(self, state: JobState) -> None:
        """Say what the job is doing, and tell it as an event."""
        self.set_facts(state=state.value, state_since=time.time())
        self.event(f"job-{state.value}")

    def event(self, kind: str, text: str = "", artifact: int | None = None) -> None:
        """Say that something happened."""
        with self._writing() as db:
            db.execute(
                "INSERT INTO event (at, kind, artifact, text) VALUES (?, ?, ?, ?)",
                (time.time(), kind, artifact, text),
            )

    # Artifacts

    def register(self, records: Iterable[ArtifactRecord]) -> list[int]:
        """Note what the plan holds; all of it waits. The digest of what was done before stays.

        Returns:
            The number of each artifact, in the same order.
        """
        numbers = []
        with self._writing() as db:
            for r in records:
                values = (r.kind, r.source, r.destination, r.required, r.size, r.platforms)
                row = db.execute(
                    "INSERT INTO artifact (kind, source, destination, required, size, platforms)"
                    " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (kind, source) DO UPDATE SET"
                    " destination = excluded.destination, required = excluded.required,"
                    " size = excluded.size, platforms = excluded.platforms, state = 'waiting'"
                    " RETURNING id",
                    values,
                ).fetchone()
                numbers.append(int(row[0]))
                db.execute("DELETE FROM artifact_blob WHERE artifact = ?", row)
                db.executemany(
                    "INSERT INTO artifact_blob VALUES (?, ?, ?)",
                    [(row[0], number, digest) for number, digest in enumerate(r.blobs)],
                )
            gone = {row[0] for row in db.execute("SELECT id FROM artifact")} - set(numbers)
            db.executemany("DELETE FROM artifact WHERE id = ?", [(number,) for number in gone])
        return numbers

    def was_done(self, number: int) -> bool:
        """Whether an artifact was in the mirror at some time."""
        with self._reading() as db:
            row = db.execute("SELECT digest FROM artifact WHERE id = ?", (number,)).fetchone()
        return bool(row and row[0])

    def unsettled(self) -> list[int]:
        """The artifacts that have come to no end."""
        ends = [state.value for state in ArtifactState if state.is_final]
        with self._reading() as db:
            rows = db.execute(
                "SELECT id FROM artifact WHERE state NOT IN (?, ?, ?, ?) ORDER BY id", ends
            ).fetchall()
        return [row[0] for row in rows]

    def set_artifact(
        self, number: int, state: ArtifactState, *, digest: str = "", note: str = ""
    ) -> None:
        """Write the state of an artifact, and tell it as an event where it is a new one."""
        now = time.time()
        with self._writing() as db:
            changed = db.execute(
                "UPDATE artifact SET state = ?, note = ?, digest = iif(? = '', digest, ?),"
                " started = iif(?, ?, started), ended = iif(?, ?, NULL),"
                " code = '', message = '', place = '', cause = '', mend = '', status = 0"
                " WHERE id = ? AND state != ?",
                (state.value, note, digest, digest, state is ArtifactState.SENDING, now,
                 state.is_final, now, number, state.value),
            ).rowcount  # fmt: skip
        if changed:
            self.event(f"artifact-{state.value}", note, number)

    def set_failed(self, number: int, error: EksaMirrorError, *, final: bool) -> None:
        """Write why an artifact failed; it is tried again unless that is `final`."""
        state = ArtifactState.FAILED if final else ArtifactState.RETRYING
        status = error.status if isinstance(error, RegistryError) else 0
        with self._writing() as db:
            db.execute(
                "UPDATE artifact SET state = ?, ended = ?, attempts = attempts + 1, code = ?,"
                " message = ?, place = ?, cause = ?, mend = ?, status = ? WHERE id = ?",
                (state.value, time.time(), error.code.value, error.message, error.where,
                 error.cause, error.mend, status, number),
            )  # fmt: skip
        self.event(f"artifact-{state.value}", str(error), number)

    def artifacts(self) -> list[ArtifactRow]:
        """All artifacts, in the order of the plan."""
        with self._reading() as db:
            return read_artifacts(db)

    def blobs_of(self, number: int) -> list[str]:
        """Digests of the blobs of an artifact."""
        with self._reading() as db:
            rows = db.execute(
                "SELECT blob FROM artifact_blob WHERE artifact = ? ORDER BY number", (number,)
            ).fetchall()
        return [row[0] for row in rows]

    def set_verified(self, number: int, verified: bool) -> None:
        """Write whether the registry was asked for the artifact and had all of it."""
        with self._writing() as db:
            db.execute("UPDATE artifact SET verified = ? WHERE id = ?", (verified, number))

    # Blobs

    def known_as(self, blob: Blob) -> tuple[str, int] | None:
        """Digest and size under which a blob was sent; None before its end was reached once."""
        if not blob.compressible:
            return blob.digest, blob.size
        with self._reading() as db:
            row = db.execute(
                "SELECT sent_digest, sent_size FROM blob WHERE digest = ? AND sent_digest != ''",
                (blob.digest,),
            ).fetchone()
        return (row[0], row[1]) if row else None

    def set_known(self, blob: Blob, sent_digest: str, sent_size: int) -> None:
        """Write what a blob became on the way."""
        with self._writing() as db:
            db.execute(
                "INSERT INTO blob VALUES (?, ?, ?, ?, ?) ON CONFLICT (digest) DO UPDATE SET"
                " sent_digest = excluded.sent_digest, sent_size = excluded.sent_size",
                (blob.digest, blob.size, blob.entry, sent_digest, sent_size),
            )

    def placement(self, blob: Blob, repository: str) -> Placement:
        """What is known of a blob in a repository."""
        with self._reading() as db:
            row = db.execute(
                "SELECT state, location, position FROM placement WHERE blob = ? AND repository = ?",
                (blob.digest, repository),
            ).fetchone()
        return Placement(PlacementState(row[0]), row[1], row[2]) if row else Placement()

    def set_placement(
        self,
        blob: Blob,
        repository: str,
        state: PlacementState,
        location: str = "",
        position: int = 0,
    ) -> None:
        """Write where a blob is, or how far its upload has come."""
        with self._writing() as db:
            db.execute(
                "INSERT OR REPLACE INTO placement VALUES (?, ?, ?, ?, ?)",
                (blob.digest, repository, state.value, location, position),
            )

    def set_placements(
        self, blobs: Iterable[Blob], repository: str, state: PlacementState
    ) -> None:
        """Write that a repository holds these blobs, all or none."""
        with self._writing() as db:
            db.executemany(
                "INSERT OR REPLACE INTO placement (blob, repository, state) VALUES (?, ?, ?)",
                [(blob.digest, repository, state.value) for blob in blobs],
            )

    def forget_placements(self, repository: str, digests: Iterable[str]) -> None:
        """The registry does not hold these blobs, whatever was written."""
        with self._writing() as db:
            db.executemany(
                "DELETE FROM placement WHERE repository = ? AND blob = ?",
                [(repository, digest) for digest in digests],
            )

    def open_uploads(self) -> list[tuple[str, str]]:
        """Repository and location of every upload session that was begun and not finished."""
        with self._reading() as db:
            return db.execute(
                "SELECT repository, location FROM placement WHERE location != ''"
            ).fetchall()

    # What is under way

    def set_flights(self, flights: Sequence[Flight], **facts: int | float) -> None:
        """Replace what the threads have in hand, with the counters of the moment."""
        with self._writing() as db:
            db.execute("DELETE FROM flight")
            db.executemany(
                "INSERT INTO flight VALUES (?, ?, ?, ?, ?)",
                [(f.slot, f.label, f.size, f.done, f.rate) for f in flights],
            )
            db.executemany(
                "INSERT OR REPLACE INTO fact VALUES (?, ?)",
                [(key, str(value)) for key, value in facts.items()],
            )

    def _connect(self) -> sqlite3.Connection:
        with _told(self._path):
            db = sqlite3.connect(self._path, check_same_thread=False, isolation_level=None)
            try:
                self._path.chmod(0o600)
                db.execute("PRAGMA journal_mode = WAL")
                db.execute("PRAGMA synchronous = FULL")
                problem = db.execute("PRAGMA quick_check(1)").fetchone()[0]
                if problem != "ok":
                    raise sqlite3.DatabaseError(problem)
                db.executescript(files("core.transfer").joinpath("schema.sql").read_text())
                db.execute(
                    "INSERT OR IGNORE INTO fact VALUES ('schema', ?)", (str(SCHEMA_VERSION),)
                )
            except BaseException:
                db.close()
                raise
        return db

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._lock, _told(self._path):
            yield self._db

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock, _told(self._path):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise


_COLUMNS = ["id" if one.name == "number" else one.name for one in fields(ArtifactRow)]


def read_artifacts(db: sqlite3.Connection) -> list[ArtifactRow]:
    """All artifacts that a journal holds, in the order of the plan."""
    rows = db.execute(f"SELECT {', '.join(_COLUMNS)} FROM artifact ORDER BY id")  # noqa: S608 - names of ours
    return [_artifact_row(dict(zip(_COLUMNS, row, strict=True))) for row in rows]


def _artifact_row(values: dict[str, Any]) -> ArtifactRow:
    values |= {
        "state": ArtifactState(values["state"]),
        "required": bool(values["required"]),
        "verified": bool(values["verified"]),
    }
    return ArtifactRow(values.pop("id"), **values)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into ours."""
    try:
        yield
    except sqlite3.OperationalError as error:
        full = "full" in str(error) or "disk I/O" in str(error)
        code = Code.DISK_FULL if full else Code.JOB_FOLDER_UNSAFE
        raise JobError(code, f"The journal cannot be written: {error}.", where=str(path)) from None
    except sqlite3.DatabaseError as error:
        raise JobError(
            Code.JOURNAL_DAMAGED, f"The journal cannot be read: {error}.", where=str(path)
        ) from None
