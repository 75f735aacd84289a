"""A run of Harbor's replication, followed to its end, and what failed in it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from core.errors import RegistryError
from core.registry.replication import Replication, Run, Task
from core.registry.retry import RetryPolicy, Waiter, retrying

LOOK_SECONDS = 2.0
"""Between two looks at a run."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A task that did not move its repository.

    Attributes:
        reason: the first error in Harbor's log of it, or why that cannot be read; empty where there
            is none.
    """

    task: Task
    reason: str


def follow(
    replication: Replication,
    number: int,
    waiter: Waiter,
    on_look: Callable[[Run], None],
    policy: RetryPolicy,
    *,
    on_retry: Callable[[RegistryError], None] | None = None,
) -> Run:
    """Look at a run until it has ended. Harbor does not need us for it.

    Args:
        on_look: told of every look.
        policy: for a Harbor that is away meanwhile.
        on_retry: told of each look in vain that is followed by another.

    Raises:
        RegistryError: Harbor stays away, or the run is gone.
        Interrupted: `waiter` was stopped.
    """
    while True:
        run = retrying(policy, waiter, lambda: replication.run(number), on_retry)
        on_look(run)
        if run.has_ended:
            return run
        waiter.wait(LOOK_SECONDS)


def failures(replication: Replication, run: Run) -> Iterator[Failure]:
    """The tasks of a run that did not succeed, with their reasons.

    Raises:
        RegistryError: no answer about the tasks.
    """
    for task in replication.tasks(run):
        if task.status != "Succeed":
            yield Failure(task, _reason(replication, run, task))


def _reason(replication: Replication, run: Run, task: Task) -> str:
    """A log that cannot be read must not hide the failures that can."""
    try:
        return replication.reason(run, task)
    except RegistryError as error:
        return f"its log cannot be read: {error.message}"
