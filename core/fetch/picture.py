"""A download at one moment, as its worker writes it and everybody reads it."""

import time

from pydantic import BaseModel, ConfigDict, ValidationError

from core.fetch.preparation import Errand
from core.transfer.job import folder_troubles
from core.transfer.records import Flight
from core.transfer.standing import STALLED_SECONDS, Stand
from core.transfer.states import JobState


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

    @property
    def per_cent(self) -> int:
        """By bytes, rounded down; 100 only once all is written."""
        if self.state is JobState.DONE:
            return 100
        return max(0, min(99, 100 * self.done // self.total)) if self.total else 0


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
