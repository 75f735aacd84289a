"""The live checks of one step: what each found, for which values, and when."""

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

from core.checks.finding import Finding, State, worst
from tui.messages import CheckBegan, CheckFound, ChecksEnded, Failed

if TYPE_CHECKING:
    from core.checks.engine import Check, Ladder


@dataclass(slots=True)
class Row:
    """A check as the screen shows it.

    Attributes:
        state: a word of `tui.glyphs.STATES`.
        findings: what it found; empty before.
        waits: why it has not begun, as in `after Port (TCP)`.
    """

    check: "Check"
    state: str = "waiting"
    findings: tuple[Finding, ...] = ()
    waits: str = ""


class Board:
    """Runs the checks of a step in a thread; lives as long as the app, so that leaving a screen
    lets them finish.

    Args:
        step: 1 to 10.
        checks: in their order.
        make_ladder: for the answers of this moment.
        post: hands a message to the app, from any thread.
        asked_about: what the checks look at, as it is at this moment.

    Attributes:
        rows: by the name of the check.
        ended: `time.monotonic()` of the end of the last run; None before and while one runs.
        began: the same of its start.
    """

    def __init__(
        self,
        step: int,
        checks: Sequence["Check"],
        make_ladder: Callable[[], "Ladder"],
        post: Callable[[Message], object],
        asked_about: Callable[[], object] = lambda: None,
    ) -> None:
        self.step = step
        self.rows = {check.name: Row(check, waits="") for check in checks}
        self.ended: float | None = None
        self.began: float | None = None
        self._make_ladder = make_ladder
        self._post = post
        self._asked_about = asked_about
        self._looked_at: object = None
        self._run = 0
        self._stop = threading.Event()

    @property
    def running(self) -> bool:
        """Whether a run is under way."""
        return self.began is not None and self.ended is None

    @property
    def is_stale(self) -> bool:
        """Whether what was found is about answers that have changed since."""
        return self.ended is not None and self._looked_at != self._asked_about()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All that was found, in the order of the checks."""
        return tuple(finding for row in self.rows.values() for finding in row.findings)

    @property
    def state(self) -> State | None:
        """The gravest finding; None where nothing was found yet."""
        return worst(self.findings) if self.findings else None

    def count(self, state: State) -> int:
        """How many findings are of a state."""
        return sum(1 for one in self.findings if one.state is state)

    def start(self, only: Iterable[str] = ()) -> None:
        """Run all checks, or one and those that wait for it; a run under way is cancelled."""
        self.cancel()
        ladder = self._make_ladder()
        wanted = {name for one in only for name in ladder.waiting_for(one)}
        names = [name for name in self.rows if name in wanted or not wanted]
        for name in names:
            row = self.rows[name]
            row.state, row.findings = "waiting", ()
            row.waits = self._waits_for(row.check, names)
        self._run += 1
        self._stop = threading.Event()
        self.began, self.ended = time.monotonic(), None
        self._looked_at = self._asked_about()
        threading.Thread(
            target=self._work,
            args=(ladder, names, self._run, self._stop),
            name=f"checks-of-step-{self.step}",
            daemon=True,
        ).start()

    def cancel(self) -> None:
        """End a run; what it still finds is thrown away."""
        self._stop.set()
        self._run += 1
        if self.running:
            self.began = None
            for row in self.rows.values():
                if row.state in ("running", "waiting"):
                    row.state, row.findings, row.waits = "waiting", (), ""

    def forget(self, waits: str = "") -> None:
        """The values are incomplete: nothing is known any more.

        Args:
            waits: what is missing, as in `after endpoint`.
        """
        self.cancel()
        self.began = self.ended = None
        for row in self.rows.values():
            row.state, row.findings, row.waits = "waiting", (), waits

    def take(self, message: CheckBegan | CheckFound | ChecksEnded) -> bool:
        """Note what a thread tells; False where it is of a run that was cancelled."""
        if message.run != self._run:
            return False
        if isinstance(message, ChecksEnded):
            self.ended = time.monotonic()
        elif isinstance(message, CheckBegan):
            self.rows[message.check].state = "running"
        else:
            row = self.rows[message.check]
            row.findings, row.state = message.findings, worst(message.findings).value
        return True

    def _waits_for(self, check: "Check", names: Sequence[str]) -> str:
        needs = [name for name in (*check.needs, *check.after) if name in names]
        return f"after {self.rows[needs[-1]].check.title}" if needs else ""

    def _work(self, ladder: "Ladder", names: list[str], run: int, stop: threading.Event) -> None:
        def began(check: "Check") -> None:
            self._post(CheckBegan(self.step, run, check.name))

        def found(check: "Check", findings: tuple[Finding, ...]) -> None:
            self._post(CheckFound(self.step, run, check.name, findings))

        try:
            ladder.run(only=names, stop=stop, on_start=began, on_result=found)
        except Exception as error:  # noqa: BLE001 - told by the app, which ends with it
            self._post(Failed(error))
        self._post(ChecksEnded(self.step, run))
