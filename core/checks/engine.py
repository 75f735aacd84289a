"""The ladder: checks in their order, each once those that it needs have passed."""

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, replace

from core.checks.context import Context
from core.checks.finding import Finding, State, cleaned, failed, from_error, several, skipped, worst
from core.errors import Code, EksaMirrorError, Interrupted, UsageError

LIMIT_SECONDS = 5.0
_LOOK_SECONDS = 0.05
"""Pause between two looks at the stop event, which cannot be waited for beside a future."""

_THREADS = 4

Outcome = Finding | Sequence[Finding]


@dataclass(frozen=True, slots=True)
class Check:
    """One live check.

    Attributes:
        name: a stable word, as in `check --only NAME`.
        title: what a person calls it: `Name (DNS)`; at most 16 characters.
        run: looks and says what it found; raises EksaMirrorError, too. It gives up when
            `context.stop` is set.
        needs: names of earlier checks without which it makes no sense.
        after: names of earlier checks that it waits for, however they end.
        limit: seconds after which it is ended; None for work whose length depends on a file.
        grace: seconds that it may then take to clean up before it is left behind.
    """

    name: str
    title: str
    run: Callable[[Context], Outcome]
    needs: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    limit: float | None = LIMIT_SECONDS
    grace: float = 2.0


def _nothing(*_: object) -> None:
    """Stands for a listener where nobody listens."""


class Ladder:
    """Checks in a fixed order, cheapest and most basic first.

    Args:
        checks: each after those that it needs.
        make_context: gives the context of one run; it is closed at the end of the run.
    """

    def __init__(self, checks: Iterable[Check], make_context: Callable[[], Context]) -> None:
        self.checks = tuple(checks)
        self._make_context = make_context

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the checks, in order."""
        return tuple(check.name for check in self.checks)

    def run(
        self,
        *,
        only: Iterable[str] = (),
        stop: threading.Event | None = None,
        on_start: Callable[[Check], None] = _nothing,
        on_result: Callable[[Check, tuple[Finding, ...]], None] = _nothing,
        threads: int = _THREADS,
    ) -> tuple[Finding, ...]:
        """Run the checks and say what they found, in the order of the ladder.

        Both listeners are called in the thread that called `run`, as things happen. A check whose
        needs are not among those that were asked for is run all the same.

        Args:
            only: names; all where empty.
            stop: set to cancel; what has not ended is then skipped.
            on_start: told of each check that begins.
            on_result: told what each check found, also of those that are skipped.
            threads: checks at a time; 1 for one after the other.

        Raises:
            UsageError: `bad-usage` for a name that no check has.
        """
        chosen = self._chosen(only)
        with self._make_context() as context:
            run = _Run(chosen, context, stop or threading.Event(), on_start, on_result)
            return run.to_the_end(threads)

    def waiting_for(self, name: str) -> tuple[str, ...]:
        """A check and all that need it, through others, too: what has to be tried again with it."""
        found = [name]
        for check in self.checks:
            if check.name not in found and any(need in found for need in check.needs):
                found.append(check.name)
        return tuple(found)

    def _chosen(self, only: Iterable[str]) -> tuple[Check, ...]:
        wanted = dict.fromkeys(only)
        unknown = [name for name in wanted if name not in self.names]
        if unknown:
            raise UsageError(
                Code.BAD_USAGE,
                f"There is no check “{unknown[0]}”.",
                where="--only",
                mend=f"Choose among: {', '.join(self.names)}.",
            )
        return tuple(check for check in self.checks if not wanted or check.name in wanted)


@dataclass(slots=True)
class _Running:
    """A check under way, in a thread of its own."""

    check: Check
    stop: threading.Event
    future: Future[Outcome]
    began: float
    end: float | None
    timed_out: bool = False


class _Run:
    def __init__(
        self,
        checks: tuple[Check, ...],
        context: Context,
        stop: threading.Event,
        on_start: Callable[[Check], None],
        on_result: Callable[[Check, tuple[Finding, ...]], None],
    ) -> None:
        self._checks = checks
        self._context = context
        self._stop = stop
        self._on_start = on_start
        self._on_result = on_result
        self._titles = {check.name: check.title for check in checks}
        self._waiting = list(checks)
        self._running: list[_Running] = []
        self._found: dict[str, tuple[Finding, ...]] = {}
        self._left_out: set[str] = set()

    def to_the_end(self, threads: int) -> tuple[Finding, ...]:
        try:
            while self._waiting or self._running:
                self._start_what_can(threads)
                self._collect()
        finally:
            self._end_what_runs()
        return tuple(finding for check in self._checks for finding in self._found[check.name])

    def _end_what_runs(self) -> None:
        """After an interruption: what was begun in the registry is cancelled there first."""
        for one in self._running:
            one.stop.set()
        longest = max((one.check.grace for one in self._running), default=0.0)
        wait([one.future for one in self._running], longest)

    def _start_what_can(self, threads: int) -> None:
        for check in list(self._waiting):
            waits_for = [name for name in (*check.needs, *check.after) if name in self._titles]
            if self._stop.is_set():
                self._leave_out(check, "stopped")
            elif lost := [name for name in check.needs if self._is_lost(name)]:
                self._leave_out(check, f"waits for {self._titles[lost[0]]}")
            elif len(self._running) < threads and all(n in self._found for n in waits_for):
                self._waiting.remove(check)
                self._start(check)

    def _is_lost(self, name: str) -> bool:
        """Whether it failed or was not run; one that says that it does not apply stops nobody."""
        return name in self._left_out or worst(self._found.get(name, ())) is State.FAIL

    def _leave_out(self, check: Check, reason: str) -> None:
        self._waiting.remove(check)
        self._left_out.add(check.name)
        self._note(check, skipped(reason), 0.0)

    def _start(self, check: Check) -> None:
        self._on_start(check)
        stop, future, began = threading.Event(), Future[Outcome](), time.monotonic()
        end = None if check.limit is None else began + check.limit
        self._running.append(_Running(check, stop, future, began, end))
        threading.Thread(
            target=_work,
            args=(check, self._context.stopped_by(stop), future),
            name=f"check-{check.name}",
            daemon=True,  # a name that nobody resolves must not keep the program from ending
        ).start()

    def _collect(self) -> None:
        if not self._running:
            return
        wait([one.future for one in self._running], _LOOK_SECONDS, FIRST_COMPLETED)
        now = time.monotonic()
        for one in list(self._running):
            if one.future.done():
                self._running.remove(one)
                self._note(one.check, self._outcome(one), now - one.began)
            elif self._stop.is_set() and not one.stop.is_set():
                one.stop.set()
                one.end = now + one.check.grace
            elif one.end is not None and now > one.end:
                self._end(one, now)

    def _end(self, one: _Running, now: float) -> None:
        """Time is up: tell it to stop, and some time later leave it behind."""
        if not one.stop.is_set():
            one.stop.set()
            one.timed_out = True
            one.end = now + one.check.grace
            return
        self._running.remove(one)
        self._note(one.check, self._given_up(one), now - one.began)

    def _outcome(self, one: _Running) -> Outcome:
        try:
            return one.future.result()
        except Interrupted:
            return self._given_up(one)
        except EksaMirrorError as error:
            return from_error(error)

    def _given_up(self, one: _Running) -> Finding:
        if not one.timed_out:
            return skipped("stopped")
        return failed(
            f"no answer in {one.check.limit:g} s",
            cause="Something on the way is slow, or drops what is sent to it.",
            mend="Try again; look at the network and at the load of the registry.",
            code=Code.REGISTRY_STALLED,
        )

    def _note(self, check: Check, outcome: Outcome, duration: float) -> None:
        found = tuple(
            replace(
                one,
                name=check.name,
                title=one.title or one.subject or check.title,
                duration=duration,
            )
            for one in map(cleaned, several(outcome or skipped("there is nothing to look at")))
        )
        self._found[check.name] = found
        self._on_result(check, found)


def _work(check: Check, context: Context, future: Future[Outcome]) -> None:
    try:
        future.set_result(check.run(context))
    except BaseException as error:  # noqa: BLE001 - it is raised again by `Future.result`
        future.set_exception(error)
