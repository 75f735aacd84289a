"""Kills of worker and registry at moments that a seed decides, counted in what passes a proxy."""

import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from random import Random
from threading import Lock

from core.demo.registry import DemoRegistry
from core.errors import JobError
from core.transfer.job import Job, existing_jobs
from core.transfer.view import JournalView
from tests.chaos.sessions import Death, name_of
from tests.fixtures.proxy import Answer, Exchange, Handler


class Victim(Enum):
    """Who is killed."""

    WORKER = "worker"
    REGISTRY = "registry"
    BOTH = "both"


@dataclass
class Moments(Handler):
    """Counts the moments at which something can break: head, each block and answer of a request.

    An answer is seen after the registry gave it and before the client has it: a kill then falls
    between "accepted by the registry" and "recorded in the journal".

    Attributes:
        begun: requests for upload sessions.
    """

    passed: int = 0
    begun: list[Exchange] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    def request(self, exchange: Exchange) -> Answer | None:
        if exchange.method == "POST":
            self.begun.append(exchange)
        self._count(exchange)
        return None

    def upload(self, exchange: Exchange, block: bytes) -> bytes:
        self._count(exchange)
        return block

    def answer(self, exchange: Exchange) -> Answer | None:
        self._count(exchange)
        return None

    def _count(self, exchange: Exchange) -> None:
        with self._lock:
            self.passed += 1
            self.at(self.passed, exchange)

    def at(self, moment: int, exchange: Exchange) -> None:
        """Called at every moment, one at a time."""


class Strikes(Moments):
    """Kills at the moments of a seed, and starts the registry again a few moments later.

    Args:
        moments: how many an undisturbed import has.
    """

    def __init__(self, seed: int, victim: Victim, registry: DemoRegistry, moments: int) -> None:
        super().__init__()
        chance = Random(seed)  # noqa: S311 - the same again for the same seed
        self._victim, self._registry = victim, registry
        self._due = sorted(chance.sample(range(1, moments), chance.randint(1, 3)))
        self._away = chance.randint(1, 6)
        self._back = 0
        self.kills = 0
        self.deaths: list[Death] = []

    def at(self, moment: int, exchange: Exchange) -> None:
        if self._back and moment >= self._back:
            self.mend()
        if self._due and moment >= self._due[0]:
            self._due.pop(0)
            self._strike(moment)

    def mend(self) -> None:
        """Start the registry where it is down."""
        self._back = 0
        self._registry.start()

    def _strike(self, moment: int) -> None:
        self.kills += 1
        if self._victim is not Victim.REGISTRY:
            known = frozenset(kill_every_worker())
            self.deaths.append(Death(tuple(self.begun), known))
        if self._victim is not Victim.WORKER:
            self._registry.kill()
            self._back = moment + self._away


def kill_every_worker() -> set[str]:
    """SIGKILL, as the kernel does where memory is short; only workers of this test's own home.

    Returns:
        The upload sessions that their journals knew when they were dead.
    """
    known: set[str] = set()
    for job in existing_jobs():
        pid = job.worker_pid()
        if pid and job.is_running():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            known |= _known_when_dead(job)
    return known


def _known_when_dead(job: Job) -> set[str]:
    while job.is_running():  # until the kernel has ended all its threads
        time.sleep(0.001)
    try:
        with JournalView(job.journal) as view:
            return {name_of(one.location) for one in view.open_uploads()}
    except JobError:
        return set()  # it had not begun
