"""One tarball into several registries at once: read once, and each with a job of its own."""

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import SecretStr

from core.demo.registry import DemoRegistry, Login
from core.demo.sample import Sample, SampleSpec
from core.errors import JobError
from core.transfer.job import Job, existing_jobs
from core.transfer.states import JobState
from core.transfer.view import JournalView, Summary
from tests.fixtures.proxy import Answer, Exchange, Handler, Proxy
from tests.fixtures.registries import ProxyFactory, RegistryFactory
from tests.fixtures.samples import SampleFactory
from tests.fixtures.tools import Registry, Skopeo
from tests.integration.many import basic, log_in
from tests.integration.program import SECONDS, Ended, begin, kill_worker, run
from tests.integration.test_import import check_with_skopeo

SLOW = ("--limit-rate", "250K", "--chunk-size", "64Ki", "--jobs", "2")
MEDIUM = SampleSpec(megabytes=4)


def flags(sample: Sample, *registries: Registry) -> list[str | Path]:
    places = [flag for one in registries for flag in ("-r", f"{one.address}/eks-a")]
    return ["-i", sample.archive, "-b", sample.bundles, *places, "--ca-file", registries[0].ca_file]


def job_of(registry: Registry) -> Job:
    name = registry.address.replace(":", "-")
    (job,) = [one for one in existing_jobs() if one.name.startswith(f"{name}-")]
    return job


def summary_of(registry: Registry) -> Summary:
    with JournalView(job_of(registry).journal) as view:
        return view.summary()


def until(condition: Callable[[], bool], process: "subprocess.Popen[str]") -> None:
    give_up = time.monotonic() + SECONDS
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < give_up, "the condition was not fulfilled in time"
        time.sleep(0.01)


def are_sending(*registries: Registry) -> Callable[[], bool]:
    def look() -> bool:
        if len(existing_jobs()) < len(registries):
            return False
        return all(_has_sent(one) for one in registries)

    return look


def _has_sent(registry: Registry) -> bool:
    try:
        summary = summary_of(registry)
    except JobError:  # it has not begun
        return False
    return summary.state is JobState.SENDING and summary.number("sent_bytes") > 100_000


def end(process: "subprocess.Popen[str]") -> Ended:
    out, err = process.communicate(timeout=SECONDS)
    return Ended(process.returncode, out, err)


@pytest.fixture
def two(fresh_registry: RegistryFactory) -> tuple[DemoRegistry, DemoRegistry]:
    """Registries with different logins, both in docker's config."""
    first = fresh_registry(auth=Login("ann", SecretStr("first-p4ss")))
    second = fresh_registry(auth=Login("ben", SecretStr("second-p4ss")))
    log_in(first, second)
    return first, second


def test_each_registry_gets_everything_and_a_job_of_its_own(
    two: tuple[DemoRegistry, DemoRegistry],
    proxy_for: ProxyFactory,
    sample: Sample,
    skopeo: Skopeo,
) -> None:
    first, second = (proxy_for(one) for one in two)
    log_in(first, second)

    done = run("import", *flags(sample, first, second))

    assert done.code == 0, done.err
    for registry, proxy in zip(two, (first, second), strict=True):
        check_with_skopeo(skopeo, sample, registry, "eks-a")
        assert f"{proxy.address}/eks-a: sending: " in done.err
        assert f"{proxy.address}/eks-a  Everything that was asked for is in the registry." in (
            done.err
        )
        report = run("report", job_of(proxy).name, "--format", "json")
        assert report.json["registry"] == f"{proxy.address}/eks-a"
        assert report.json["counts"]["done"] == len(sample.required)
    assert [one["state"] for one in run("status", "--json").json] == ["done", "done"]
    _check_logins(first, second)

    for proxies in ((first,), (first, second)):
        second.forget()
        first.forget()
        again = run("import", *flags(sample, *proxies))
        assert again.code == 0, again.err
        assert first.bytes_sent() == second.bytes_sent() == 0
        assert second.count() == 0 or second in proxies


def _check_logins(first: Proxy, second: Proxy) -> None:
    """Nobody was told the password of the other."""
    for proxy, other in ((first, second), (second, first)):
        told = {one.headers.get("Authorization", "") for one in proxy.exchanges} - {""}
        assert told == {f"Basic {basic(proxy)}"}
        everything = "".join(f"{one}{one.headers}" for one in proxy.exchanges)
        assert other.password.get_secret_value() not in everything


def test_json_says_in_each_line_which_registry_it_is_about(
    two: tuple[DemoRegistry, DemoRegistry], sample: Sample
) -> None:
    names = {f"{one.address}/eks-a" for one in two}

    done = run("import", *flags(sample, *two), "--json")

    *lines, last = done.events
    assert (done.code, done.err) == (0, "")
    assert {line["registry"] for line in lines} == names
    ends = [line for line in lines if line["event"] == "end"]
    assert {(line["registry"], line["exit"]) for line in ends} == {(name, 0) for name in names}
    assert all(json.loads(Path(line["report"]).read_text()) for line in ends)
    assert last == {"event": "all-ended", "exit": 0}


@pytest.mark.slow
def test_one_that_refuses_the_login_fails_alone(
    two: tuple[DemoRegistry, DemoRegistry], sample: Sample, skopeo: Skopeo
) -> None:
    first, second = two
    right = second.password
    log_in(first)

    done = run("import", *flags(sample, first, second))

    assert done.code != 0
    check_with_skopeo(skopeo, sample, first, "eks-a")
    assert f"{first.address}/eks-a  Everything that was asked for" in done.err
    assert "[login-missing]" in done.err
    assert summary_of(second).state is JobState.BROKEN
    assert right.get_secret_value() not in done.err

    log_in(second)
    alone = run("import", *flags(sample, second))
    assert alone.code == 0, alone.err
    check_with_skopeo(skopeo, sample, second, "eks-a")


class Away(Handler):
    """From the first chunk on nothing gets through, until it is back."""

    def __init__(self) -> None:
        self.back = False

    def request(self, exchange: Exchange) -> Answer | None:
        if exchange.method == "PATCH" and not self.back:
            return Answer(503, {"Retry-After": "1"})
        return None


@pytest.mark.slow
def test_one_that_goes_away_holds_nobody_up_and_comes_after(
    two: tuple[DemoRegistry, DemoRegistry],
    proxy_for: ProxyFactory,
    make_sample: SampleFactory,
    skopeo: Skopeo,
) -> None:
    first, registry = two
    away = Away()
    second = proxy_for(registry, away)
    log_in(first, second)
    sample = make_sample(MEDIUM)

    with begin("import", *flags(sample, first, second), "--chunk-size", "64Ki") as process:
        until(lambda: are_done(first), process)
        check_with_skopeo(skopeo, sample, first, "eks-a")
        assert job_of(second).is_running()
        assert summary_of(second).state is JobState.SENDING
        away.back = True
        ended = end(process)

    assert ended.code == 0, ended.err
    check_with_skopeo(skopeo, sample, registry, "eks-a")


def are_done(*registries: Registry) -> bool:
    if len(existing_jobs()) < len(registries):
        return False
    jobs = [job_of(one) for one in registries]
    return all(one.journal.exists() and not one.is_running() for one in jobs) and all(
        summary_of(one).state is JobState.DONE for one in registries
    )


def test_after_a_kill_one_goes_on_alone_and_then_both(
    two: tuple[DemoRegistry, DemoRegistry], make_sample: SampleFactory, skopeo: Skopeo
) -> None:
    first, second = two
    sample = make_sample(MEDIUM)
    with begin("import", *flags(sample, *two), *SLOW) as process:
        until(are_sending(*two), process)
        assert job_of(first).worker_pid() == job_of(second).worker_pid()
        kill_worker(job_of(first))
        killed = end(process)

    assert killed.code == 4
    assert killed.err.count("The worker of this import was killed.") == 2
    assert not job_of(second).is_running()
    before = summary_of(second).number("done_bytes")

    alone = run("import", *flags(sample, first))
    assert alone.code == 0, alone.err
    check_with_skopeo(skopeo, sample, first, "eks-a")
    assert summary_of(second).number("done_bytes") == before

    both = run("import", *flags(sample, *two))
    assert both.code == 0, both.err
    check_with_skopeo(skopeo, sample, second, "eks-a")


@pytest.mark.slow
def test_stop_ends_one_and_ctrl_c_all(
    two: tuple[DemoRegistry, DemoRegistry], make_sample: SampleFactory, skopeo: Skopeo
) -> None:
    first, second = two
    sample = make_sample(MEDIUM)
    with begin("import", *flags(sample, *two), *SLOW) as process:
        until(are_sending(*two), process)
        stopped = run("stop", job_of(first).name)
        assert stopped.code == 0, stopped.err
        assert summary_of(first).state is JobState.STOPPED
        assert job_of(second).is_running()
        process.terminate()
        ended = end(process)

    assert ended.code == 4
    assert summary_of(second).state is JobState.STOPPED
    assert not (job_of(first).folder / "stop").exists()
    again = run("import", *flags(sample, *two))
    assert again.code == 0, again.err
    for one in two:
        check_with_skopeo(skopeo, sample, one, "eks-a")


@pytest.mark.slow
def test_one_that_is_at_work_already_does_not_keep_the_others_from_it(
    two: tuple[DemoRegistry, DemoRegistry], sample: Sample, skopeo: Skopeo
) -> None:
    first, second = two
    with begin("import", *flags(sample, second), "--limit-rate", "20K") as process:
        until(are_running(second), process)
        done = run("import", *flags(sample, first, second))
        assert run("stop", job_of(second).name).code == 0
        end(process)

    assert done.code == 2
    assert "[job-running]" in done.err
    assert f"{second.address}/eks-a  The import did not begin: " in done.err
    check_with_skopeo(skopeo, sample, first, "eks-a")


def are_running(*registries: Registry) -> Callable[[], bool]:
    def look() -> bool:
        return len(existing_jobs()) == len(registries) and all(
            job_of(one).is_running() for one in registries
        )

    return look


@pytest.mark.slow
def test_a_dry_run_shows_a_plan_for_each(
    two: tuple[DemoRegistry, DemoRegistry], sample: Sample
) -> None:
    shown = run("import", *flags(sample, *two), "--dry-run")

    assert shown.code == 0, shown.err
    for one in two:
        assert f"to send to {one.address}/eks-a" in shown.err
    assert not existing_jobs()
