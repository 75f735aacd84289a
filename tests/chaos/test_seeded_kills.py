"""Whoever is killed, and when: the import comes to its end, and little is sent twice."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from core.demo.certificates import Authority
from core.demo.registry import DemoRegistry
from core.demo.sample import Sample, SampleSpec, write_sample
from core.transfer.states import ArtifactState, JobState
from core.transfer.view import JournalView
from tests.chaos.sessions import check_sessions
from tests.chaos.striking import Moments, Strikes, Victim
from tests.fixtures.proxy import Proxy
from tests.fixtures.registries import ProxyFactory, RegistryFactory
from tests.fixtures.tools import Skopeo
from tests.integration.program import Ended, import_flags, only_job, run
from tests.integration.test_import import check_with_skopeo

JOBS = 2
GENTLY = ("--jobs", str(JOBS), "--chunk-size", "64Ki")
FAST = 5
SLOW = 200
SEEDS = [
    pytest.param(seed, marks=[] if seed < FAST else pytest.mark.slow) for seed in range(FAST + SLOW)
]


@dataclass(frozen=True, slots=True)
class Undisturbed:
    """What an import of the sample is like that nobody kills: moments, and bytes that are sent."""

    sample: Sample
    moments: int
    sent: int
    largest: int


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Undisturbed:
    folder: Path = tmp_path_factory.mktemp("undisturbed")
    sample = write_sample(folder / "sample", SampleSpec(megabytes=2))
    moments = Moments()
    with (
        DemoRegistry(folder / "registry", authority=authority) as registry,
        Proxy(registry, authority, moments) as proxy,
    ):
        done = run("import", *import_flags(sample, proxy, "calm"), *GENTLY)
        assert done.code == 0, done.err
        blobs = [path.stat().st_size for path in registry.storage.rglob("blobs/**/data")]
        return Undisturbed(sample, moments.passed, proxy.bytes_sent(), max(blobs))


def victim_of(seed: int) -> Victim:
    return list(Victim)[seed % 3]


def resumed_until_done(flags: list[str | Path], strikes: Strikes) -> Ended:
    """Run, and again after each kill of the worker, as an operator does."""
    for _ in range(4):
        ended = run("import", *flags, *GENTLY)
        strikes.mend()
        if ended.code != 4:
            return ended
    raise AssertionError(f"it did not come to its end after {strikes.kills} kills: {ended.err}")


@pytest.mark.integration
@pytest.mark.parametrize("seed", SEEDS)
def test_an_import_outlives_kills_at_any_moment(
    seed: int,
    undisturbed: Undisturbed,
    fresh_registry: RegistryFactory,
    proxy_for: ProxyFactory,
    skopeo: Skopeo,
) -> None:
    registry = fresh_registry()
    strikes = Strikes(seed, victim_of(seed), registry, undisturbed.moments)
    proxy = proxy_for(registry, strikes)
    flags = import_flags(undisturbed.sample, proxy, "eks-a")

    ended = resumed_until_done(flags, strikes)

    assert ended.code == 0, ended.err
    assert strikes.kills, "the test must disturb something"
    check_with_skopeo(skopeo, undisturbed.sample, registry, "eks-a")
    with JournalView(only_job().journal) as view:
        summary = view.summary()
    arrived = (ArtifactState.DONE, ArtifactState.PRESENT)
    assert summary.state is JobState.DONE
    there = sum(summary.counts.get(state, 0) for state in arrived)
    assert there == len(undisturbed.sample.required)
    # The registry forgets the sessions of what was in flight: those blobs begin anew.
    in_flight = strikes.kills * JOBS * undisturbed.largest
    assert proxy.bytes_sent() <= undisturbed.sent * 1.05 + in_flight
    check_sessions(registry, proxy, strikes.deaths, JOBS)


@pytest.mark.integration
def test_a_finished_import_that_was_disturbed_sends_nothing_again(
    undisturbed: Undisturbed, fresh_registry: RegistryFactory, proxy_for: ProxyFactory
) -> None:
    registry = fresh_registry()
    strikes = Strikes(1000, Victim.BOTH, registry, undisturbed.moments)
    proxy = proxy_for(registry, strikes)
    flags = import_flags(undisturbed.sample, proxy, "eks-a")
    assert resumed_until_done(flags, strikes).code == 0
    proxy.forget()
    proxy.handler = Moments()

    assert run("import", *flags).code == 0

    assert proxy.bytes_sent() == 0
