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
class OpenUpload:
    """An upload session that was not finished; `digest` is that of the stored blob."""

    digest: str
    repository: str
    location: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Flight:
    """What one thread of the worker has in hand; bytes as stored, rate in bytes a second."""

    slot: int
    label: str
    size: int
    done: int
    rate: float


_COLUMNS = ["id" if one.name == "number" else one.name for one in fields(ArtifactRow)]


def read_artifacts(db: sqlite3.Connection) -> list[ArtifactRow]:
    """All artifacts that a journal holds, in the order of the plan."""
    rows = db.execute(f"SELECT {', '.join(_COLUMNS)} FROM artifact ORDER BY id")  # noqa: S608 - names of ours
    return [_artifact_row(dict(zip(_COLUMNS, row, strict=True))) for row in rows]


def read_open_uploads(db: sqlite3.Connection) -> list[OpenUpload]:
    """Upload sessions that a journal knows and that were not finished."""
    rows = db.execute("SELECT blob, repository, location FROM placement WHERE location != ''")
    return [OpenUpload(*row) for row in rows]


def _artifact_row(values: dict[str, Any]) -> ArtifactRow:
    values |= {
        "state": ArtifactState(values["state"]),
        "required": bool(values["required"]),
        "verified": bool(values["verified"]),
    }
    return ArtifactRow(values.pop("id"), **values)
