"""Following a job for the panes: a thread looks into the journal and tells what changed."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from textual.message import Message

from core.errors import Code, JobError
from core.transfer.job import Job
from core.transfer.records import ArtifactRow, Event, Flight, Layers
from core.transfer.standing import Stand, Standing, standing_of
from core.transfer.states import ArtifactState
from core.transfer.troubles import Trouble, troubles
from core.transfer.view import JournalView, Summary
from tui.messages import Failed

LOOKS_A_SECOND = 4
"""In basic mode one: 9600 baud must do."""

_MOST_EVENTS = 5000
"""What the log pane keeps; older ones are in the worker's log."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What one look at a job saw.

    Attributes:
        standing: how the job stands, in one value.
        summary: None where the import has not begun, or its journal cannot be read.
        slots: what each thread has in hand, None for an idle one.
        layers: of the artifacts in flight, by number.
        rows: artifacts that changed since the look before; all of them at the first.
        gone: numbers of artifacts that the plan holds no more.
        troubles: what failed, by cause.
        trouble: why the journal cannot be read; empty where it can.
    """

    standing: Standing
    summary: Summary | None = None
    slots: tuple[Flight | None, ...] = ()
    layers: Mapping[int, Layers] = field(default_factory=dict)
    rows: tuple[ArtifactRow, ...] = ()
    gone: tuple[int, ...] = ()
    events: tuple[Event, ...] = ()
    troubles: tuple[Trouble, ...] = ()
    trouble: str = ""


@dataclass
class JobSeen(Message):
    """A look at the job of the session."""

    follower: "Follower"
    sight: Sight


class Follower:
    """Looks at a job until it is let go; the last look comes after the worker's end.

    Args:
        job: to look at.
        post: hands a message to the app, from any thread.
        pause: seconds between two looks.
    """

    def __init__(
        self, job: Job, post: Callable[[Message], object], pause: float = 1 / LOOKS_A_SECOND
    ) -> None:
        self.job = job
        self._post = post
        self._pause = pause
        self._stop = threading.Event()
        self._taken = threading.Event()
        self._taken.set()
        self._last_event = -1
        self._mark = 0
        self._failed: dict[int, ArtifactRow] = {}

    def start(self) -> None:
        """Begin to look."""
        threading.Thread(target=self._work, name="follower", daemon=True).start()

    def let_go(self) -> None:
        """Look no more."""
        self._stop.set()
        self._taken.set()

    def taken(self) -> None:
        """The screen has drawn the last sight: the next may come."""
        self._taken.set()

    def _work(self) -> None:
        try:
            while not self._stop.is_set():
                # A screen that is slow is told less often, never more than it can draw.
                self._taken.wait()
                self._taken.clear()
                if self._stop.is_set():
                    return
                self._post(JobSeen(self, self._look()))
                self._stop.wait(self._pause)
        except Exception as error:  # noqa: BLE001 - told by the app, which ends with it
            self._post(Failed(error))

    def _look(self) -> Sight:
        # Asked before the journal is read: who ends between the two has ended, and was not killed.
        alive = self.job.is_running()
        try:
            with JournalView(self.job.journal) as view:
                return self._sight(view, alive)
        except JobError as error:
            if error.code is Code.JOB_NOT_FOUND:
                return Sight(standing_of(self.job, None, alive=alive))
            return Sight(Standing(Stand.BROKEN), trouble=error.message)

    def _sight(self, view: JournalView, alive: bool) -> Sight:
        summary = view.summary()
        if self._last_event < 0:
            self._last_event = max(0, view.last_event() - _MOST_EVENTS)
        events = tuple(view.events(self._last_event, _MOST_EVENTS))
        if events:
            self._last_event = events[-1].number
        changes = view.changes(self._mark)
        self._mark = changes.mark
        for row in changes.rows:
            if row.state is ArtifactState.FAILED:
                self._failed[row.number] = row
            else:
                self._failed.pop(row.number, None)
        slots = tuple(view.slots())
        return Sight(
            standing_of(self.job, summary, alive=alive),
            summary,
            slots,
            view.layers_of(one.artifact for one in slots if one and one.artifact),
            changes.rows,
            changes.gone,
            events,
            tuple(troubles(self._failed.values(), summary.facts.get("archive", ""))),
        )
