"""A download at one moment, as its worker writes it and everybody reads it.

The picture is written again and again, so it stays small: of each artifact it holds one letter,
and of what happened the last events. The names lie in a file beside it, which changes rarely.
"""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.fetch.preparation import Errand
from core.transfer.job import folder_troubles
from core.transfer.records import Event, Flight
from core.transfer.standing import STALLED_SECONDS, Stand
from core.transfer.states import ArtifactState, JobState

MOST_EVENTS = 200
"""What happened before these is in the log of the worker alone."""

LETTERS = {
    "w": ArtifactState.WAITING,
    "d": ArtifactState.DONE,
    "f": ArtifactState.FAILED,
}
"""How `Picture.states` writes the state of an artifact; who is in flight is seen by the flights."""

_NAMES = "artifacts.txt"


class Lost(BaseModel):
    """An artifact or file that could not be had: what it is, and the parts of the error."""

    model_config = ConfigDict(frozen=True)

    source: str
    code: str
    message: str
    cause: str
    mend: str


class Picture(BaseModel):
    """A download at one moment.

    Attributes:
        state: what the worker does, or how it ended.
        doing: name of the file that is made now.
        asked, to_ask: artifacts whose manifests are known, of how many.
        total, done: bytes to fetch, and those that are here.
        rate: bytes a second.
        artifacts, arrived: to fetch, and those whose blobs are all here.
        retries: how often something was tried again.
        started, since, moved, ended: seconds since 1970: of the start, of the state, of the last
            byte, of the end; 0 before.
        flights: what each thread has in hand.
        lost: what could not be had.
        error: why the whole could not go on, in parts; empty where it could.
        written: name and bytes of every file that is whole.
        of: fingerprint of the preparation that they belong to.
        names: fingerprint of the names of all artifacts; empty before they are known.
        states: a letter for each of them, in the same order.
        log: what happened, also in runs before; the newest last, at most `MOST_EVENTS`.
    """

    model_config = ConfigDict(frozen=True)

    state: JobState = JobState.STARTING
    doing: str = ""
    asked: int = 0
    to_ask: int = 0
    total: int = 0
    done: int = 0
    rate: float = 0.0
    artifacts: int = 0
    arrived: int = 0
    retries: int = 0
    started: float = 0.0
    since: float = 0.0
    moved: float = 0.0
    ended: float = 0.0
    flights: tuple[Flight, ...] = ()
    lost: tuple[Lost, ...] = ()
    error: dict[str, str] = {}
    written: dict[str, int] = {}
    of: str = ""
    names: str = ""
    states: str = Field("", pattern="^[wdf]*$")
    log: tuple[Event, ...] = ()

    @property
    def per_cent(self) -> int:
        """By bytes, rounded down; 100 only once all is written."""
        if self.state is JobState.DONE:
            return 100
        return max(0, min(99, 100 * self.done // self.total)) if self.total else 0


@dataclass(frozen=True, slots=True)
class Fetched:
    """An artifact of a download, and how far it is."""

    name: str
    state: ArtifactState


def artifacts_of(picture: Picture, names: Sequence[str]) -> list[Fetched]:
    """All artifacts in the order of the download; last those that upstream never had.

    Args:
        names: as `read_names` has them; empty where they are not known.
    """
    states = [LETTERS[letter] for letter in picture.states] if names else []
    found = [Fetched(name, state) for name, state in zip(names, states, strict=True)]
    for flight in picture.flights:
        if found and flight.artifact:
            state = ArtifactState.RETRYING if flight.trouble else ArtifactState.SENDING
            found[flight.artifact - 1] = Fetched(flight.label, state)
    known = set(names)
    lost = dict.fromkeys(one.source for one in picture.lost if one.source not in known)
    return found + [Fetched(name, ArtifactState.FAILED) for name in lost]


def names_beside(picture: Path) -> Path:
    """The file with the names of all artifacts, a line each."""
    return picture.with_name(_NAMES)


def fingerprint_of(names: str) -> str:
    """Tells which picture the names belong to; empty where there are none."""
    return hashlib.sha256(names.encode()).hexdigest()[:16] if names else ""


def read_names(errand: Errand, fingerprint: str) -> tuple[str, ...]:
    """Names of the artifacts; none where the file belongs to another picture.

    Raises:
        JobError: `job-folder-unsafe`.
    """
    file = names_beside(errand.picture)
    with folder_troubles(errand.folder):
        if not fingerprint or not file.exists():
            return ()
        text = file.read_text()
    return tuple(text.split("\n")) if fingerprint_of(text) == fingerprint else ()


def look_at(errand: Errand) -> tuple[Stand, Picture | None]:
    """How a download stands; without a picture where it never began.

    Raises:
        JobError: `job-folder-unsafe`.
    """
    # Asked before the picture is read: who ends between the two has ended, and was not killed.
    alive = errand.job.is_running()
    picture = read_picture(errand)
    return stand_of(picture, alive=alive), picture


def read_picture(errand: Errand) -> Picture | None:
    """The last picture; None where there is none that can be read.

    Raises:
        JobError: `job-folder-unsafe`.
    """
    with folder_troubles(errand.folder):
        if not errand.picture.exists():
            return None
        text = errand.picture.read_text()
    try:
        return Picture.model_validate_json(text)
    except ValidationError:
        return None  # of another version: what was fetched says it again


def stand_of(picture: Picture | None, *, alive: bool, now: float | None = None) -> Stand:
    """How a download stands, in one word."""
    if picture is None:
        return Stand.RUNNING if alive else Stand.READY
    ends = {
        JobState.DONE: Stand.DONE,
        JobState.SOME_FAILED: Stand.FAILED,
        JobState.STOPPED: Stand.STOPPED,
        JobState.BROKEN: Stand.BROKEN,
    }
    if picture.state in ends:
        return ends[picture.state]
    if not alive:
        return Stand.CUT_OFF
    now = time.time() if now is None else now
    idle = now - max(picture.moved, picture.since)
    stalled = picture.state is JobState.SENDING and idle >= STALLED_SECONDS
    return Stand.STALLED if stalled else Stand.RUNNING
