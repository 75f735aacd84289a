"""How long to go on trying. A registry that is away for ten minutes must not end an import."""

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from core.errors import Code, Interrupted, RegistryError

_Result = TypeVar("_Result")

_LONGEST_RETRY_AFTER = 600.0
_AWAY = frozenset({0, 425, 429, 502, 503, 504, 520, 521, 522, 523, 524})
"""Statuses of a registry that is away or busy, not broken; 0 stands for no answer at all."""

_TIMED_OUT = frozenset({408, 504, 524})


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """When a temporary failure is final.

    Attributes:
        patience: seconds without one success after which a registry that is away is given up.
        fault_attempts: how often a request is sent that the registry answers with a fault of its
            own (HTTP 500) or with what is no HTTP; waiting longer seldom helps there.
        first_wait: seconds before the second attempt; doubled each time.
        longest_wait: seconds between two attempts at the most.
    """

    patience: float = 1800.0
    fault_attempts: int = 6
    first_wait: float = 0.5
    longest_wait: float = 30.0


ONCE = RetryPolicy(patience=0.0, fault_attempts=1)
"""No second attempt: for live checks, where the operator tries again."""

IMPATIENT = RetryPolicy(patience=5.0, fault_attempts=3)
"""For the first contact: a wrong address must be told now, not in half an hour."""


class Waiter:
    """Waits that end at once when the job is to stop.

    Args:
        stop: set when the job is to stop.
        clock: seconds that only go forward.
    """

    def __init__(
        self,
        stop: threading.Event | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.stop = stop or threading.Event()
        self.now = clock

    def wait(self, seconds: float) -> None:
        """Wait.

        Raises:
            Interrupted: the job is to stop.
        """
        if self.stop.wait(seconds):
            raise Interrupted


class Attempts:
    """Counts the failures of one operation and decides whether there is another attempt.

    Args:
        on_retry: told of each failure that is followed by another attempt, before the wait.
    """

    def __init__(
        self,
        policy: RetryPolicy,
        waiter: Waiter,
        on_retry: Callable[[RegistryError], None] | None = None,
    ) -> None:
        self._policy = policy
        self._waiter = waiter
        self._on_retry = on_retry
        self._faults = 0
        self._failures = 0
        self._since = 0.0

    @property
    def in_vain(self) -> int:
        """Failures since the operation last got on."""
        return self._failures

    def succeeded(self) -> None:
        """The operation got on: patience begins anew."""
        self._faults = self._failures = 0

    def failed(self, error: RegistryError) -> None:
        """Wait before the next attempt.

        Raises:
            RegistryError: `error` itself, when it is not temporary or patience has run out.
            Interrupted: the job is to stop.
        """
        if not error.temporary:
            raise error
        now = self._waiter.now()
        if self._failures == 0:
            self._since = now
        self._failures += 1
        pause = self._pause(error)
        if error.status in _AWAY and error.code is not Code.REGISTRY_PROTOCOL:
            final = now + pause - self._since > self._policy.patience
        else:
            self._faults += 1
            final = self._faults >= self._policy.fault_attempts
        if final:
            raise error
        if self._on_retry:
            self._on_retry(error)
        self._waiter.wait(pause)

    def _pause(self, error: RegistryError) -> float:
        """Seconds; a `Retry-After: 0` must not make a busy loop of it."""
        if error.retry_after is not None:
            return max(self._policy.first_wait, min(error.retry_after, _LONGEST_RETRY_AFTER))
        exponent = min(self._failures - 1, 16)
        longest = min(self._policy.longest_wait, self._policy.first_wait * 2.0**exponent)
        return longest * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, not a secret


def timed_out(error: RegistryError) -> bool:
    """Whether a request took longer than somebody on its way would wait."""
    return error.status in _TIMED_OUT or error.code is Code.REGISTRY_STALLED


def retrying(
    policy: RetryPolicy,
    waiter: Waiter,
    operation: Callable[[], _Result],
    on_retry: Callable[[RegistryError], None] | None = None,
) -> _Result:
    """Run `operation` until it succeeds or its failure is final.

    Args:
        on_retry: told of each failure that is followed by another attempt, before the wait.

    Raises:
        RegistryError: the last failure.
        Interrupted: the job is to stop.
    """
    attempts = Attempts(policy, waiter, on_retry)
    while True:
        try:
            return operation()
        except RegistryError as error:
            attempts.failed(error)
