"""The journal: what a job has done.

What nobody else could tell is on the disk before it is believed: what a layer became, and how far
an upload has come. The rest the registry tells again after a power cut, so that the disk is not
waited for. One process writes, with all its threads; others open `view.JournalView`.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

from core.archive.model import Blob
from core.errors import Code, EksaMirrorError, JobError, RegistryError
from core.transfer.database import Database
from core.transfer.job import set_aside
from core.transfer.records import (
    ArtifactRecord,
    ArtifactRow,
    Flight,
    OpenUpload,
    Placement,
    read_artifacts,
    read_open_uploads,
)
from core.transfer.states import ArtifactState, JobState, PlacementState

__all__ = ["ArtifactRecord", "ArtifactRow", "Flight", "Journal", "OpenUpload", "Placement"]

SCHEMA_VERSION = 2

_EVENTS_KEPT = 10_000
"""Of earlier runs; a journal that is used for years does not grow without end."""


class Journal:
    """The writing side.

    Raises:
        JobError: `disk-full` from every method that writes, `journal-damaged` where SQLite finds
            the file unusable.
    """

    def __init__(self, path: Path) -> None:
        schema = files("core.transfer").joinpath("schema.sql").read_text()
        self._database = Database(path, schema)
        self._reading, self._writing = self._database.reading, self._database.writing
        try:
            self._check_schema(path)
        except BaseException:
            self.close()
            raise

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
        aside = set_aside(path, "journal.damaged")
        return cls(path), aside

    def close(self) -> None:
        """Close the file; the journal can be opened again."""
        self._database.close()

    @contextmanager
    def together(self, *, durable: bool = True) -> Iterator[None]:
        """Write several things, all or none, and wait for the disk once.

        Args:
            durable: False for what the next run finds out anyway; then the disk is not waited for.
        """
        with self._writing(durable=durable):
            yield

    def _check_schema(self, path: Path) -> None:
        with self._writing() as db:
            db.execute("INSERT OR IGNORE INTO fact VALUES ('schema', ?)", (str(SCHEMA_VERSION),))
        if (form := self.fact("schema")) != str(SCHEMA_VERSION):
            message = f"Another version of eksa-mirror wrote the journal (form {form})."
            raise JobError(Code.JOURNAL_DAMAGED, message, where=str(path))

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
                [(key, _storable(str(value))) for key, value in facts.items()],
            )

    def set_state(self, state: JobState) -> None:
        """Say what the job is doing, and tell it as an event."""
        with self.together():
            self.set_facts(state=state.value, state_since=time.time())
            self.event(f"job-{state.value}")

    def note_retry(self, text: str, artifact: int | None = None) -> None:
        """Say that something is tried again, and count it where it is known for which artifact."""
        with self._writing(durable=False) as db:
            if artifact:
                db.execute("UPDATE artifact SET retries = retries + 1 WHERE id = ?", (artifact,))
            self.event("retry", text, artifact or None)

    def event(self, kind: str, text: str = "", artifact: int | None = None) -> None:
        """Say that something happened."""
        with self._writing(durable=False) as db:
            db.execute(
                "INSERT INTO event (at, kind, artifact, text) VALUES (?, ?, ?, ?)",
                (time.time(), kind, artifact, _storable(text)),
            )

    def begin_run(self) -> None:
        """Nothing is under way; of what happened in earlier runs only the newest is kept.

        The fact `events_before` becomes the number of their last event.
        """
        with self._writing() as db:
            db.execute("DELETE FROM flight")
            last = db.execute("SELECT coalesce(max(id), 0) FROM event").fetchone()[0]
            db.execute("DELETE FROM event WHERE id <= ?", (last - _EVENTS_KEPT,))
            self.set_facts(events_before=last)

    # Artifacts

    def register(self, records: Iterable[ArtifactRecord]) -> list[int]:
        """Note what the plan holds; all of it waits. The digest of what was done before stays.

        Returns:
            The number of each artifact, in the same order.
        """
        numbers = []
        with self._writing() as db:
            for r in records:
                source = _storable(r.source)
                values = (r.kind, source, r.destination, r.required, r.size, r.platforms)
                row = db.execute(
                    "INSERT INTO artifact (kind, source, destination, required, size, platforms)"
                    " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (kind, source) DO UPDATE SET"
                    " destination = excluded.destination, required = excluded.required,"
                    " size = excluded.size, platforms = excluded.platforms, state = 'waiting',"
                    " verified = 0, note = '', attempts = 0, started = NULL, ended = NULL,"
                    " code = '', message = '', place = '', cause = '', mend = '', status = 0,"
                    " retries = 0 RETURNING id",
                    values,
                ).fetchone()
                numbers.append(int(row[0]))
                db.execute("DELETE FROM artifact_blob WHERE artifact = ?", row)
                db.executemany(
                    "INSERT INTO artifact_blob VALUES (?, ?, ?)",
                    [(row[0], number, digest) for number, digest in enumerate(r.blobs)],
                )
            known = {row[0] for row in db.execute("SELECT id FROM artifact")}
            gone = [(number,) for number in known.difference(numbers)]
            db.executemany("DELETE FROM artifact WHERE id = ?", gone)
            db.executemany("DELETE FROM artifact_blob WHERE artifact = ?", gone)
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
        with self._writing(durable=False) as db:
            changed = db.execute(
                "UPDATE artifact SET state = ?, note = ?, digest = iif(? = '', digest, ?),"
                " started = iif(?, ?, started), ended = iif(?, ?, NULL),"
                " code = '', message = '', place = '', cause = '', mend = '', status = 0"
                " WHERE id = ? AND state != ?",
                (state.value, _storable(note), digest, digest, state is ArtifactState.SENDING, now,
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
                (state.value, time.time(), error.code.value,
                 *map(_storable, (error.message, error.where, error.cause, error.mend)),
                 status, number),
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
        with self._writing(durable=False) as db:
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

    def note_blobs(self, blobs: Iterable[Blob]) -> None:
        """Write the blobs that the plan holds; what is known of them stays."""
        rows = (
            (
                blob.digest,
                blob.size,
                _storable(blob.entry),
                not blob.media_type.endswith("json"),
                blob.compressible,
            )
            for blob in blobs
        )
        with self._writing(durable=False) as db:
            db.executemany(
                "INSERT INTO blob (digest, size, entry, is_layer, compressible)"
                " VALUES (?, ?, ?, ?, ?) ON CONFLICT (digest) DO UPDATE SET"
                " size = excluded.size, entry = excluded.entry,"
                " is_layer = excluded.is_layer, compressible = excluded.compressible",
                rows,
            )

    def set_known(self, blob: Blob, sent_digest: str, sent_size: int) -> None:
        """Write what a blob became on the way."""
        with self._writing() as db:
            db.execute(
                "INSERT INTO blob (digest, size, entry, sent_digest, sent_size)"
                " VALUES (?, ?, ?, ?, ?) ON CONFLICT (digest) DO UPDATE SET"
                " sent_digest = excluded.sent_digest, sent_size = excluded.sent_size",
                (blob.digest, blob.size, _storable(blob.entry), sent_digest, sent_size),
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
        with self._writing(durable=position > 0) as db:
            db.execute(
                "INSERT OR REPLACE INTO placement VALUES (?, ?, ?, ?, ?)",
                (blob.digest, repository, state.value, location, position),
            )

    def set_placements(self, blobs: Iterable[Blob], repository: str, state: PlacementState) -> None:
        """Write that a repository holds these blobs, all or none; uploads stay known."""
        with self._writing(durable=False) as db:
            db.executemany(
                "INSERT INTO placement (blob, repository, state) VALUES (?, ?, ?)"
                " ON CONFLICT (blob, repository) DO UPDATE SET state = excluded.state",
                [(blob.digest, repository, state.value) for blob in blobs],
            )

    def forget_placements(self, repository: str, digests: Iterable[str]) -> None:
        """The registry does not hold these blobs, whatever was written; uploads go on."""
        with self._writing() as db:
            db.executemany(
                "DELETE FROM placement WHERE repository = ? AND blob = ? AND location = ''",
                [(repository, digest) for digest in digests],
            )

    def open_uploads(self) -> list[OpenUpload]:
        """Every upload session that was begun and not finished."""
        with self._reading() as db:
            return read_open_uploads(db)

    def abandon(self, upload: OpenUpload) -> None:
        """Nobody will go on with a session; the blob begins anew."""
        with self._writing(durable=False) as db:
            db.execute(
                "INSERT OR IGNORE INTO abandoned VALUES (?, ?, ?)",
                (upload.location, upload.digest, upload.repository),
            )
            db.execute(
                "INSERT OR REPLACE INTO placement (blob, repository) VALUES (?, ?)",
                (upload.digest, upload.repository),
            )

    def forget_upload(self, upload: OpenUpload) -> None:
        """A session is no more."""
        with self._writing(durable=False) as db:
            db.execute("DELETE FROM abandoned WHERE location = ?", (upload.location,))
            db.execute(
                "UPDATE placement SET location = '', position = 0"
                " WHERE blob = ? AND repository = ? AND location = ?",
                (upload.digest, upload.repository, upload.location),
            )

    def holders(self, blob: Blob) -> list[str]:
        """Repositories of the mirror that hold a blob, as far as is known: ours, then others'."""
        there = [state.value for state in PlacementState if state.is_there]
        with self._reading() as db:
            rows = db.execute(
                "SELECT repository FROM placement WHERE blob = ?1 AND state IN (?2, ?3, ?4)"
                " UNION ALL SELECT repository FROM hearsay WHERE blob = ?1",
                (blob.digest, *there),
            ).fetchall()
        return list(dict.fromkeys(row[0] for row in rows))

    def set_hearsay(self, places: Iterable[tuple[str, str]]) -> None:
        """Write which blob lies in which repository by the word of other jobs."""
        with self._writing(durable=False) as db:
            db.execute("DELETE FROM hearsay")
            db.executemany("INSERT OR IGNORE INTO hearsay VALUES (?, ?)", places)

    # What is under way

    def set_flights(self, flights: Sequence[Flight], **facts: int | float | str) -> None:
        """Replace what the threads have in hand, with the counters of the moment."""
        with self._writing(durable=False) as db:
            db.execute("DELETE FROM flight")
            db.executemany(
                "INSERT INTO flight VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (f.slot, f.label, f.size, f.done, f.rate, f.artifact, f.blob, f.trouble)
                    for f in flights
                ],
            )
            db.executemany(
                "INSERT OR REPLACE INTO fact VALUES (?, ?)",
                [(key, str(value)) for key, value in facts.items()],
            )


def _storable(text: str) -> str:
    """Names of files may hold bytes that are no UTF-8; they are shown as escapes."""
    return text.encode("utf-8", "backslashreplace").decode()
