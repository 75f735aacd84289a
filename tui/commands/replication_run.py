"""A run of Harbor's replication on the screen: how far it is, and what did not arrive."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from core.errors import RegistryError
from core.registry.feeding_runs import Failure, failures, follow
from core.registry.feeding_troubles import cause_of
from core.registry.replication import Replication, Run
from core.registry.retry import RetryPolicy, Waiter
from tui.words import hanging, plain, plural, tell

_REPOSITORIES = ("repository", "repositories")


@dataclass(frozen=True, slots=True)
class Ran:
    """A run that has ended.

    Attributes:
        failures: tasks that did not succeed.
    """

    run: Run
    failures: tuple[Failure, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether everything arrived."""
        return self.run.is_whole


def watch_run(source: Replication, number: int, address: str) -> Ran:
    """Follow a run, with a line for every step ahead.

    Raises:
        RegistryError: Harbor stays away.
        KeyboardInterrupt: after saying that Harbor goes on alone.
    """
    told = ""

    def look(run: Run) -> None:
        nonlocal told
        line = f"{address}: {_progress(run)}"
        if line != told:
            told = line
            tell(line)

    try:
        run = follow(source, number, Waiter(), look, RetryPolicy(), on_retry=_tell_retry)
    except KeyboardInterrupt:
        tell(f"Harbor goes on alone: Administration, Replications, execution {number}.")
        raise
    return Ran(run, () if run.is_whole else tuple(failures(source, run)))


def show_run(ran: Ran, address: str) -> None:
    """What became of it, on standard error: each failure with its reason, causes once."""
    run = ran.run
    if run.is_whole:
        tell(f"{address}: {_arrived(run)}")
        return
    tell(f"x {address}: {_ending(run)}")
    if run.status_text:
        _tell_hanging("What", run.status_text)
    if not ran.failures:
        _tell_advice(run.status_text)
    for (cause, mend), group in _by_cause(ran.failures):
        for one in group:
            tell(plain(f"    {name_of(one)}"))
            if one.reason:
                tell(plain(f"      {one.reason}"))
        for label, text in (("Cause", cause), ("Fix", mend)):
            _tell_hanging(label, text)


def name_of(failure: Failure) -> str:
    """The repository of a task; Harbor writes how many tags it has behind."""
    return failure.task.src_resource.partition(" [")[0]


def as_document(ran: Ran) -> dict[str, Any]:
    """For programs."""
    run = ran.run
    return {
        "execution": run.id,
        "status": run.status,
        "total": run.total,
        "succeeded": run.succeed,
        "failures": [
            {"repository": name_of(one), "status": one.task.status, "reason": one.reason}
            for one in ran.failures
        ],
    }


def _progress(run: Run) -> str:
    if not run.total:
        return "looking what is to be moved"
    failed = f", {run.failed} failed" if run.failed else ""
    return f"{run.succeed} of {plural(run.total, *_REPOSITORIES)}{failed}"


def _arrived(run: Run) -> str:
    if not run.total:
        return "nothing to move, no repository matches"
    return f"all of {plural(run.total, *_REPOSITORIES)} moved"


def _ending(run: Run) -> str:
    if run.status == "Stopped":
        return f"somebody stopped it after {run.succeed} of {plural(run.total, *_REPOSITORIES)}"
    if not run.total:
        return "the replication failed before it moved anything"
    return f"{run.total - run.succeed} of {plural(run.total, *_REPOSITORIES)} not moved"


def _by_cause(all_failures: tuple[Failure, ...]) -> Iterator[tuple[tuple[str, str], list[Failure]]]:
    def key(one: Failure) -> tuple[str, str]:
        return cause_of(one.reason)

    for cause, group in groupby(sorted(all_failures, key=key), key):
        yield cause, list(group)


def _tell_retry(error: RegistryError) -> None:
    tell(f"Trying again: {plain(str(error))}")


def _tell_advice(reason: str) -> None:
    cause, mend = cause_of(reason)
    _tell_hanging("Cause", cause)
    _tell_hanging("Fix", mend)


def _tell_hanging(label: str, text: str) -> None:
    for line in hanging(label, plain(text)):
        tell(line)
