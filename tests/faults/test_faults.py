"""Whole imports through every fault: they end complete, or with the code that says why.

Whatever is called done was read back from the registry behind the proxy, hash by hash.
"""

from collections.abc import Callable, Iterable

import pytest
from _pytest.mark import ParameterSet

from core.answers import TransferAnswers
from core.demo.registry import DemoRegistry
from core.errors import ExitCode
from core.transfer.states import ArtifactState
from tests.core.transfer.making import uploads_left
from tests.core.transfer.running import Import
from tests.faults.conftest import CHUNK, Tarball
from tests.faults.scripts import (
    FOREVER,
    CutAnswer,
    CutRequest,
    HangUp,
    LoseAnswer,
    On,
    Say,
    SayAfterwards,
    Script,
    Slow,
    endless,
    garbage,
    half_error,
    half_json,
    redirect,
    status,
)
from tests.faults.truth import Truth
from tests.fixtures.proxy import Answer, Exchange, Handler, Proxy

BLOBS, UPLOADS, MANIFESTS = "/blobs/", "/blobs/uploads/", "/manifests/"

STAGES = {
    "survey": ("GET", MANIFESTS),
    "look": ("HEAD", BLOBS),
    "begin": ("POST", UPLOADS),
    "chunk": ("PATCH", UPLOADS),
    "end": ("PUT", UPLOADS),
    "manifest": ("PUT", MANIFESTS),
}
"""Kinds of requests that an import sends, in its order."""


def some(faults: Iterable[object], stages: Iterable[str], share: int) -> list[ParameterSet]:
    """Every fault at every stage; one of `share` every time, the rest among the slow tests."""
    return [
        pytest.param(fault, stage, marks=pytest.mark.slow if (row + column) % share else ())
        for row, fault in enumerate(faults)
        for column, stage in enumerate(stages)
    ]


@pytest.fixture
def work(counting_proxy: Proxy, tarball: Tarball, namespace: str) -> Import:
    transfer = TransferAnswers(patience=1, jobs=2, chunk_size=CHUNK)
    return Import(counting_proxy, tarball.answers, namespace, transfer)


@pytest.fixture
def truth(registry: DemoRegistry, tarball: Tarball) -> Truth:
    return Truth(registry, tarball.images)


def complete(work: Import, truth: Truth) -> None:
    """The import says that it is, and it is."""
    assert work.run() is ExitCode.DONE
    assert all(row.verified for row in work.rows)
    truth.confirms(work.rows)


PASSING: dict[str, Callable[[], Answer]] = {
    "408": status(408),
    "429": status(429),
    "429-now": status(429, "0"),
    "429-date": status(429, "Wed, 21 Oct 2015 07:28:00 GMT"),
    "500": status(500),
    "502": status(502, body=b"<html><body><h1>502 Bad Gateway</h1></body></html>"),
    "503": status(503, "0"),
    "504": status(504),
    "garbage": garbage,
    "half-error": half_error,
}


@pytest.mark.parametrize(("fault", "stage"), some(PASSING, STAGES, 5))
def test_three_of_a_kind_are_outlived(
    fault: str, stage: str, work: Import, truth: Truth, counting_proxy: Proxy
) -> None:
    method, path = STAGES[stage]
    counting_proxy.handler = script = Say(On(method, path, times=3), PASSING[fault])
    if stage == "survey":
        work.run()  # so that there is something to look at
        script.on.struck = 0
    complete(work, truth)
    assert script.on.struck == 3 or (stage == "look" and script.on.struck)


@pytest.mark.parametrize(("number", "stage"), some((401, 403, 404, 413), list(STAGES)[2:], 4))
def test_a_single_refusal_costs_no_artifact(
    number: int, stage: str, work: Import, truth: Truth, counting_proxy: Proxy
) -> None:
    """A registry that is reconfigured, a proxy that is reloaded: the second pass mends it."""
    method, path = STAGES[stage]
    counting_proxy.handler = script = Say(On(method, path, after=1), status(number))
    complete(work, truth)
    assert script.on.struck == 1


@pytest.mark.parametrize(("fault", "stage"), some((500, 504), STAGES, 3))
def test_what_was_done_and_denied_is_seen(
    fault: int, stage: str, work: Import, truth: Truth, counting_proxy: Proxy
) -> None:
    method, path = STAGES[stage]
    counting_proxy.handler = script = SayAfterwards(On(method, path, times=2), status(fault))
    complete(work, truth)
    assert script.on.struck


CUTS: dict[str, Callable[[], Script]] = {
    "first byte of a chunk": lambda: CutRequest(On("PATCH", UPLOADS), 1),
    "middle of a chunk": lambda: CutRequest(On("PATCH", UPLOADS, after=2), CHUNK // 2, reset=True),
    "last byte of a chunk": lambda: CutRequest(On("PATCH", UPLOADS, times=3), CHUNK),
    "middle of an end": lambda: CutRequest(On("PUT", UPLOADS, times=3), 100, reset=True),
    "middle of a manifest": lambda: CutRequest(On("PUT", MANIFESTS, times=3), 50),
    "answer with a manifest": lambda: CutAnswer(On("GET", MANIFESTS, times=3), 10),
    "answer, all of it": lambda: CutAnswer(On("GET", MANIFESTS, times=2), 1, reset=True),
    **{
        f"answer to {stage}": lambda kind=kind: LoseAnswer(On(*kind, times=3))  # type: ignore[misc]
        for stage, kind in STAGES.items()
    },
}


@pytest.mark.parametrize("cut", CUTS)
def test_connections_that_break_are_outlived(
    cut: str, work: Import, truth: Truth, counting_proxy: Proxy, registry: DemoRegistry
) -> None:
    counting_proxy.handler = script = CUTS[cut]()
    complete(work, truth)
    assert script.on.struck
    # docker-registry 2.8 lets nobody back into a session that broke, not even to cancel it; one
    # that the client never heard of is its to purge as well.
    assert len(uploads_left(registry, work.namespace)) <= script.on.struck


@pytest.mark.parametrize("after", [0, 40])
def test_a_registry_that_goes_away_for_a_while_is_outlived(
    after: int, work: Import, truth: Truth, counting_proxy: Proxy
) -> None:
    counting_proxy.handler = script = HangUp(On(path=BLOBS, after=after, times=8))
    work.transfer = TransferAnswers(patience=30, jobs=2, chunk_size=CHUNK)
    complete(work, truth)
    assert script.on.struck == 8


@pytest.mark.parametrize(
    "slow",
    [
        lambda: Slow(On(path=UPLOADS, times=20), head=0.05),
        lambda: Slow(On("PATCH", UPLOADS, times=40), block=0.02),
    ],
    ids=["delay", "throttle"],
)
def test_slowness_is_no_fault(
    slow: Callable[[], Slow], work: Import, truth: Truth, counting_proxy: Proxy
) -> None:
    counting_proxy.handler = slow()
    complete(work, truth)
    assert work.summary.number("retries") == 0


class Detour(Script):
    """The registry sends its client to where it came to already."""

    def request(self, exchange: Exchange) -> Answer | None:
        return Answer(307, {"Location": exchange.target}) if self.on.strikes(exchange) else None


def test_a_redirect_within_the_registry_is_followed(
    work: Import, truth: Truth, counting_proxy: Proxy
) -> None:
    counting_proxy.handler = script = Detour(On(path=BLOBS, times=5))
    complete(work, truth)
    assert script.on.struck == 5


LASTING: dict[str, tuple[tuple[str, str], Callable[[], Answer], set[str]]] = {
    "401 at begin": (STAGES["begin"], status(401), {"push-denied"}),
    "403 at begin": (STAGES["begin"], status(403), {"push-denied"}),
    "404 at begin": (STAGES["begin"], status(404), {"registry-not-found"}),
    "413 at end": (STAGES["end"], status(413), {"body-too-large"}),
    "413 at manifest": (STAGES["manifest"], status(413), {"body-too-large"}),
    "429 at begin": (STAGES["begin"], status(429), {"registry-busy"}),
    "500 at begin": (STAGES["begin"], status(500), {"registry-fault"}),
    "500 at manifest": (STAGES["manifest"], status(500), {"registry-fault"}),
    "502 at end": (STAGES["end"], status(502), {"registry-fault"}),
    "503 at end": (STAGES["end"], status(503, "0"), {"registry-fault"}),
    "504 at end": (STAGES["end"], status(504), {"registry-fault"}),
    "507 at end": (STAGES["end"], status(507), {"registry-disk-full"}),
    "408 at end": (STAGES["end"], status(408), {"registry-stalled"}),
    "garbage at begin": (STAGES["begin"], garbage, {"registry-protocol"}),
    "http at begin": (
        STAGES["begin"],
        redirect("http://192.0.2.1/v2/"),
        {"registry-protocol", "redirect-refused"},
    ),
    "http at survey": (STAGES["survey"], redirect("http://192.0.2.1/"), {"redirect-refused"}),
    "endless at survey": (STAGES["survey"], endless, {"registry-protocol"}),
    "half a json at survey": (STAGES["survey"], half_json, {"registry-protocol"}),
}


QUICK = frozenset(
    {
        "403 at begin",
        "413 at manifest",
        "507 at end",
        "http at survey",
        "endless at survey",
        "half a json at survey",
    }
)
"""The others take seconds: every blob is tried in vain."""


@pytest.mark.parametrize(
    "fault",
    [pytest.param(fault, marks=() if fault in QUICK else pytest.mark.slow) for fault in LASTING],
)
def test_a_fault_that_stays_is_told_and_nothing_false_is_said(
    fault: str, work: Import, truth: Truth, counting_proxy: Proxy
) -> None:
    kind, answer, codes = LASTING[fault]
    work.transfer = TransferAnswers(patience=0.1, jobs=8, chunk_size=CHUNK)
    counting_proxy.handler = Say(On(*kind, times=FOREVER), answer)

    assert work.run() is ExitCode.SOME_FAILED

    failed = [row for row in work.rows if row.state is ArtifactState.FAILED]
    assert failed
    assert {row.code for row in failed} <= codes
    assert all(row.message and row.cause and row.mend for row in failed)
    truth.confirms(work.rows)
    counting_proxy.handler = Handler()
    complete(work, truth)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (status(401), "registry-protocol"),
        (status(403), "login-refused"),
        (status(404), "registry-protocol"),
        (status(503), "registry-fault"),
        (garbage, "registry-protocol"),
        (endless, "registry-protocol"),
        (redirect("http://192.0.2.1/v2/"), "redirect-refused"),
    ],
    ids=["401", "403", "404", "503", "garbage", "endless", "redirect to http"],
)
def test_a_registry_that_lets_nobody_in_is_told_before_anything_is_sent(
    answer: Callable[[], Answer], code: str, work: Import, counting_proxy: Proxy
) -> None:
    counting_proxy.handler = Say(On(times=FOREVER), answer)
    assert work.run() is ExitCode.CHECK_FAILED
    assert work.summary.error["code"] == code
    assert counting_proxy.bytes_sent() == 0
