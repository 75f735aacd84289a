"""Second attempts: by a clock that the tests turn."""

import threading
import time

import pytest

from core.errors import Code, Interrupted, RegistryError
from core.registry.retry import IMPATIENT, ONCE, Attempts, RetryPolicy, Waiter, retrying


class _Clock(Waiter):
    """Waits by moving its own clock on.

    Attributes:
        waits: seconds of each wait.
        request_seconds: how long every attempt takes.
    """

    def __init__(self, request_seconds: float = 0.0) -> None:
        super().__init__(clock=lambda: self.seconds)
        self.seconds = 1000.0
        self.waits: list[float] = []
        self.request_seconds = request_seconds

    def wait(self, seconds: float) -> None:
        super().wait(0)
        self.waits.append(seconds)
        self.seconds += seconds


class _Registry:
    """Fails until a time, or for ever."""

    def __init__(self, clock: _Clock, error: RegistryError, until: float = 1e9) -> None:
        self._clock = clock
        self._error = error
        self._until = clock.seconds + until
        self.asked = 0

    def __call__(self) -> str:
        self.asked += 1
        self._clock.seconds += self._clock.request_seconds
        if self._clock.seconds < self._until:
            raise self._error
        return "here"


def _failure(status: int, retry_after: float | None = None) -> RegistryError:
    return RegistryError(
        Code.REGISTRY_FAULT if status else Code.REGISTRY_UNREACHABLE,
        "no",
        status=status,
        temporary=True,
        retry_after=retry_after,
    )


@pytest.mark.parametrize("request_seconds", [0.0, 15.0], ids=["refused", "timed out"])
@pytest.mark.parametrize("status", [0, 429, 502, 503, 504])
def test_ten_minutes_without_the_registry_are_outlived(status: int, request_seconds: float) -> None:
    clock = _Clock(request_seconds)
    registry = _Registry(clock, _failure(status), until=600)
    assert retrying(RetryPolicy(), clock, registry) == "here"
    assert 15 < registry.asked < 60
    assert max(clock.waits) <= 30


def test_patience_ends() -> None:
    clock = _Clock()
    error = _failure(0)
    started = clock.seconds
    with pytest.raises(RegistryError) as raised:
        retrying(RetryPolicy(patience=1800), clock, _Registry(clock, error))
    assert raised.value is error
    assert 1770 <= clock.seconds - started <= 1800


def test_waits_grow_and_never_exceed_the_longest() -> None:
    clock = _Clock()
    with pytest.raises(RegistryError):
        retrying(RetryPolicy(patience=600), clock, _Registry(clock, _failure(503)))
    bounds = [min(30, 0.5 * 2**number) for number in range(len(clock.waits))]
    assert all(bound / 2 <= wait <= bound for wait, bound in zip(clock.waits, bounds, strict=True))


def test_a_fault_of_the_registry_is_given_up_after_a_few_attempts() -> None:
    clock = _Clock()
    registry = _Registry(clock, _failure(500))
    with pytest.raises(RegistryError):
        retrying(RetryPolicy(fault_attempts=6), clock, registry)
    assert registry.asked == 6
    assert sum(clock.waits) < 16


def test_what_is_no_http_is_given_up_after_a_few_attempts() -> None:
    clock = _Clock()
    error = RegistryError(Code.REGISTRY_PROTOCOL, "SSH-2.0", temporary=True)
    registry = _Registry(clock, error)
    with pytest.raises(RegistryError):
        retrying(RetryPolicy(fault_attempts=4), clock, registry)
    assert registry.asked == 4


def test_what_is_not_temporary_is_final_at_once() -> None:
    clock = _Clock()
    registry = _Registry(clock, RegistryError(Code.PUSH_DENIED, "no", status=403))
    with pytest.raises(RegistryError):
        retrying(RetryPolicy(), clock, registry)
    assert registry.asked == 1
    assert clock.waits == []


@pytest.mark.parametrize("status", [0, 429, 500])
def test_once_means_once(status: int) -> None:
    clock = _Clock()
    registry = _Registry(clock, _failure(status))
    with pytest.raises(RegistryError):
        retrying(ONCE, clock, registry)
    assert registry.asked == 1


def test_the_first_contact_fails_within_seconds() -> None:
    clock = _Clock()
    with pytest.raises(RegistryError):
        retrying(IMPATIENT, clock, _Registry(clock, _failure(0)))
    assert sum(clock.waits) <= 5


@pytest.mark.parametrize(
    ("told", "waited"), [(7.0, 7.0), (600.0, 600.0), (1e9, 600.0), (0.0, 0.5), (0.1, 0.5)]
)
def test_retry_after_is_obeyed_within_bounds(told: float, waited: float) -> None:
    clock = _Clock()
    registry = _Registry(clock, _failure(429, told), until=waited)
    assert retrying(RetryPolicy(), clock, registry) == "here"
    assert clock.waits == [waited]


def test_a_registry_that_says_now_is_not_asked_in_a_busy_loop() -> None:
    clock = _Clock()
    registry = _Registry(clock, _failure(429, 0.0))
    with pytest.raises(RegistryError):
        retrying(RetryPolicy(patience=60), clock, registry)
    assert registry.asked <= 121


def test_success_begins_patience_anew() -> None:
    clock = _Clock()
    attempts = Attempts(RetryPolicy(patience=100, fault_attempts=2), clock)
    for _ in range(20):
        attempts.failed(_failure(500))
        attempts.failed(_failure(0, 90.0))
        attempts.succeeded()
    assert clock.seconds > 1000 + 1800


def test_only_failures_with_another_attempt_are_told() -> None:
    clock = _Clock()
    told: list[RegistryError] = []
    with pytest.raises(RegistryError):
        retrying(RetryPolicy(fault_attempts=3), clock, _Registry(clock, _failure(500)), told.append)
    assert len(told) == 2
    with pytest.raises(RegistryError):
        retrying(ONCE, clock, _Registry(clock, _failure(0)), told.append)
    assert len(told) == 2


def test_a_stop_ends_a_wait_at_once() -> None:
    stop = threading.Event()
    waiter = Waiter(stop)
    threading.Timer(0.1, stop.set).start()
    started = time.monotonic()
    with pytest.raises(Interrupted):
        waiter.wait(60)
    assert time.monotonic() - started < 5


def test_a_stop_before_the_wait_counts() -> None:
    waiter = Waiter()
    waiter.stop.set()
    with pytest.raises(Interrupted):
        retrying(RetryPolicy(), waiter, _Registry(_Clock(), _failure(0)))


def test_interrupted_is_not_tried_again() -> None:
    def interrupted() -> None:
        raise Interrupted

    with pytest.raises(Interrupted):
        retrying(RetryPolicy(), _Clock(), interrupted)
