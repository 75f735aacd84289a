"""The layers of artifacts, as a journal knows them."""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from core.errors import EksaMirrorError
from core.reference import Reference
from core.transfer.records import ArtifactRow, LayerRow, Layers
from core.transfer.states import PlacementState

_LAYERS = """
SELECT part.blob, iif(blob.compressible, blob.sent_digest, part.blob), coalesce(blob.size, 0),
    iif(blob.compressible, blob.sent_size, blob.size), coalesce(placement.state, 'waiting'),
    coalesce(placement.position, 0), coalesce(blob.is_layer, 1),
    (SELECT max(done) FROM flight WHERE flight.blob = part.blob AND flight.artifact = ?1)
FROM artifact_blob AS part
LEFT JOIN blob ON blob.digest = part.blob
LEFT JOIN placement ON placement.blob = part.blob AND placement.repository = ?2
WHERE part.artifact = ?1 ORDER BY part.number
"""
_THERE = tuple(state.value for state in PlacementState if state.is_there)


def read_layers(db: sqlite3.Connection, row: ArtifactRow) -> tuple[LayerRow, ...]:
    """Every distinct blob of an artifact, in the order of its manifest."""
    rows = db.execute(_LAYERS, (row.number, _repository(row.destination)))
    return tuple(_layer(row, values) for values in rows)


def read_layer_counts(db: sqlite3.Connection, numbers: Iterable[int]) -> dict[int, Layers]:
    """How many layers of artifacts are in their repository; configs do not count."""
    counts = {}
    for number in set(numbers):
        row = db.execute("SELECT destination FROM artifact WHERE id = ?", (number,)).fetchone()
        if row:
            total, done = db.execute(
                "SELECT count(*), coalesce(sum(placement.state IN (?, ?, ?)), 0)"
                " FROM artifact_blob AS part JOIN blob ON blob.digest = part.blob"
                " LEFT JOIN placement"
                " ON placement.blob = part.blob AND placement.repository = ?"
                " WHERE part.artifact = ? AND blob.is_layer",
                (*_THERE, _repository(row[0]), number),
            ).fetchone()
            counts[number] = Layers(done, total)
    return counts


def _layer(row: ArtifactRow, values: Sequence[Any]) -> LayerRow:
    digest, sent_digest, size, sent_size, state, position, is_layer, in_flight = values
    placed = PlacementState(state)
    if row.state.arrived and not placed.is_there:
        placed = PlacementState.PRESENT  # the whole artifact was found, not each layer
    # Without a thread that has it in hand, what was sent is all that is known.
    sent = min(size, position if in_flight is None else in_flight)
    done = size if placed.is_there else sent
    return LayerRow(digest, sent_digest or "", size, sent_size or 0, placed, done, bool(is_layer))


def _repository(destination: str) -> str:
    """Empty where an artifact has no place in the mirror."""
    try:
        return Reference.parse(destination).repository
    except EksaMirrorError:
        return ""
