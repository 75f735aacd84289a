"""What a journal holds, as values: written by `journal.Journal`, read by `view.JournalView`."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from core.transfer.states import ArtifactState, PlacementState


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
    """What the journal knows of an artifact; from `code` to `status` it tells why it failed.

    `attempts` counts how often it failed, `retries` the requests for it that were tried again.
    """

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
    retries: int = 0


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
class OpenUpload:
    """An upload session that was not finished.

    Attributes:
        digest: of the stored blob.
        abandoned: nobody will go on with it.
    """

    digest: str
    repository: str
    location: str = field(repr=False)
    abandoned: bool = False


@dataclass(frozen=True, slots=True)
class Flight:
    """What one thread of the worker has in hand; bytes as stored, rate in bytes a second.

    Attributes:
        artifact: number of the artifact that it belongs to, 0 where that is not known.
        blob: digest that it has stored.
        trouble: why it is being tried again, in a few words; empty while bytes move.
    """

    slot: int
    label: str
    size: int
    done: int
    rate: float
    artifact: int = 0
    blob: str = ""
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Changes:
    """Artifacts that changed since a look before.

    Attributes:
        mark: to be given to the next look.
        rows: those that are new or different, in the order of the plan.
        gone: numbers of those that the plan holds no more.
    """

    mark: int
    rows: tuple[ArtifactRow, ...]
    gone: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Layers:
    """How many layers of an artifact are in its repository, of all distinct ones."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class LayerRow:
    """A blob of an artifact.

    Attributes:
        digest: that it has stored in the tarball.
        sent_digest: that it has in the mirror; empty where that is not known yet.
        size: bytes as stored.
        sent_size: bytes as sent, 0 where that is not known yet.
        state: in the repository of this artifact.
        done: bytes as stored that are there.
        is_layer: False for a config.
    """

    digest: str
    sent_digest: str
    size: int
    sent_size: int
    state: PlacementState
    done: int
    is_layer: bool


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened; `at` is seconds since 1970, UTC."""

    number: int
    at: float
    kind: str
    artifact: int | None
    text: str


@dataclass(frozen=True, slots=True)
class ArtifactDetails:
    """All that is known of one artifact.

    Attributes:
        tries: failures in this run, oldest first, each with all that was said.
    """

    row: ArtifactRow
    layers: tuple[LayerRow, ...]
    tries: tuple[Event, ...]


_FIELDS = [one.name for one in fields(ArtifactRow)]
_COLUMNS = ["id" if name == "number" else name for name in _FIELDS]


def read_artifacts(db: sqlite3.Connection) -> list[ArtifactRow]:
    """All artifacts that a journal holds, in the order of the plan."""
    return _read(db, "")


def read_artifact(db: sqlite3.Connection, number: int) -> ArtifactRow | None:
    """One artifact; None where the plan does not hold it."""
    return next(iter(_read(db, "WHERE id = ?", number)), None)


def read_changes(db: sqlite3.Connection, mark: int) -> Changes:
    """Artifacts that changed since `mark`; 0 for all."""
    (newest,) = db.execute("SELECT max(number) FROM change").fetchone()
    if newest is None or newest <= mark:
        return Changes(mark, ())
    changed = "WHERE id IN (SELECT artifact FROM change WHERE number > ?)"
    gone = db.execute(
        "SELECT artifact FROM change WHERE number > ?"
        " AND artifact NOT IN (SELECT id FROM artifact) ORDER BY artifact",
        (mark,),
    )
    return Changes(newest, tuple(_read(db, changed, mark)), tuple(row[0] for row in gone))


def _read(db: sqlite3.Connection, where: str, *values: int) -> list[ArtifactRow]:
    names = ", ".join(_COLUMNS)
    rows = db.execute(f"SELECT {names} FROM artifact {where} ORDER BY id", values)  # noqa: S608 - words of ours
    return [_artifact_row(row) for row in rows]


def read_open_uploads(db: sqlite3.Connection) -> list[OpenUpload]:
    """Upload sessions that a journal knows and that were not finished."""
    rows = db.execute(
        "SELECT blob, repository, location, 0 FROM placement WHERE location != ''"
        " UNION ALL SELECT blob, repository, location, 1 FROM abandoned"
    )
    return [
        OpenUpload(digest, repository, location, bool(abandoned))
        for digest, repository, location, abandoned in rows
    ]


def _artifact_row(row: Sequence[Any]) -> ArtifactRow:
    values = dict(zip(_FIELDS, row, strict=True))
    values |= {
        "state": ArtifactState(values["state"]),
        "required": bool(values["required"]),
        "verified": bool(values["verified"]),
    }
    return ArtifactRow(**values)
