"""Nothing starts over: kills, stops, a registry that goes away, an archive that changes."""

import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from core.demo.registry import DemoRegistry, Login
from core.demo.sample import Sample, SampleSpec
from core.transfer.states import ArtifactState, JobState
from core.transfer.view import JournalView, Summary
from tests.fixtures.proxy import Answer, Exchange, Handler, Proxy
from tests.fixtures.registries import ProxyFactory, RegistryFactory
from tests.fixtures.samples import SampleFactory
from tests.fixtures.tools import Skopeo
from tests.integration.program import (
    SECONDS,
    begin,
    import_flags,
    kill_worker,
    only_job,
    run,
    wait_until,
)
from tests.integration.test_import import check_with_skopeo

SLOW = ("--limit-rate", "2M", "--chunk-size", "128Ki")
MEDIUM = SampleSpec(megabytes=12)


def under_way(summary: Summary) -> bool:
    """Some is sent, some is not."""
    return summary.state is JobState.SENDING and summary.number("sent_bytes") > 300_000


def open_uploads(registry: DemoRegistry) -> set[str]:
    """Upload sessions with content that lie about in the registry's storage, by their names.

    A cancelled one may leave its folder behind, but no content.
    """
    return {path.parent.name for path in registry.storage.rglob("_uploads/*/data")}


def _has_sent(least: float, summary: Summary) -> bool:
    return summary.number("sent_bytes") > least


def _forgotten(proxy: Proxy) -> set[str]:
    """Paths of the uploads that the registry itself forgot.

    docker-registry 2 does so where it took a chunk and its answer was not recorded: the signed
    state in the upload's address then does not fit what it holds. Nobody can cancel these; the
    registry purges them after a week.
    """
    return {e.path for e in proxy.matching("GET", "/blobs/uploads/") if e.status in (400, 404)}


def end(process: "subprocess.Popen[str]") -> tuple[int, str]:
    """Wait for a program that was begun; its code and standard error."""
    _, err = process.communicate(timeout=SECONDS)
    return process.returncode, err


class BufferWholeBodies(Handler):
    """As nginx does by default: a request that breaks off never reaches the registry."""

    def __init__(self) -> None:
        self._held: dict[int, bytearray] = {}

    def upload(self, exchange: Exchange, block: bytes) -> bytes:
        held = self._held.setdefault(exchange.number, bytearray())
        held += block
        if exchange.sent < int(exchange.headers.get("Content-Length", "0")):
            return b""
        return bytes(self._held.pop(exchange.number))


def test_after_a_kill_the_import_goes_on(
    fresh_registry: RegistryFactory, make_sample: SampleFactory, skopeo: Skopeo
) -> None:
    registry, sample = fresh_registry(auth=Login()), make_sample(MEDIUM)
    flags = import_flags(sample, registry, "eks-a")
    with begin("import", *flags, *SLOW, login=registry) as first:
        job = wait_until(under_way, first)
        kill_worker(job)
        code, err = end(first)

    assert code == 4
    assert "was killed" in err
    assert "Run the same command again" in err

    again = run("import", *flags, login=registry)

    assert again.code == 0, again.err
    check_with_skopeo(skopeo, sample, registry, "eks-a")


def test_ten_kills_cost_no_more_than_the_chunks_in_flight(
    fresh_registry: RegistryFactory,
    proxy_for: ProxyFactory,
    make_sample: SampleFactory,
    skopeo: Skopeo,
) -> None:
    sample = make_sample(SampleSpec(megabytes=100))
    plain = proxy_for(fresh_registry(auth=Login()))
    undisturbed = run("import", *import_flags(sample, plain, "eks-a"), login=plain)
    assert undisturbed.code == 0, undisturbed.err
    registry = fresh_registry(auth=Login())
    proxy = proxy_for(registry, BufferWholeBodies())
    flags = import_flags(sample, proxy, "eks-a")

    # At the most two chunks for each kill: far below the 5 % of what is sent in all.
    gently = ("--jobs", "2", "--limit-rate", "3M", "--chunk-size", "64Ki")

    for number in range(10):
        share = plain.bytes_sent() / 20 * (0.5 + number % 3 / 3)
        with begin("import", *flags, *gently, login=registry) as process:
            kill_worker(wait_until(partial(_has_sent, share), process))
            assert end(process)[0] == 4
    last = run("import", *flags, login=registry)

    assert last.code == 0, last.err
    check_with_skopeo(skopeo, sample, registry, "eks-a")
    lost = _forgotten(proxy)
    in_vain = sum(exchange.sent for exchange in proxy.exchanges if exchange.path in lost)
    more = proxy.bytes_sent() - in_vain - plain.bytes_sent()
    assert more <= plain.bytes_sent() * 0.05, (more, in_vain, plain.bytes_sent())
    assert open_uploads(registry) <= {path.rpartition("/")[2] for path in lost}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_it_and_says_how_to_go_on(
    number: signal.Signals, registry: DemoRegistry, namespace: str, make_sample: SampleFactory
) -> None:
    flags = import_flags(make_sample(MEDIUM), registry, namespace)
    with begin("import", *flags, *SLOW, login=registry) as process:
        job = wait_until(under_way, process)
        process.send_signal(number)
        code, err = end(process)

    assert code == 4
    assert "Run the same command again to go on." in err
    assert not job.is_running()
    with JournalView(job.journal) as view:
        assert view.summary().state is JobState.STOPPED
    assert run("import", *flags, login=registry).code == 0


_SIGNALLED = """
import os, tui.cli, tui.commands.importing as verb
begin = verb.start
def start(*given):
    job = begin(*given)
    os.kill(os.getpid(), {number})  # before anybody watches
    return job
verb.start = start
tui.cli.main()
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_it_starts_stops_it_as_well(
    number: signal.Signals,
    registry: DemoRegistry,
    namespace: str,
    make_sample: SampleFactory,
    tmp_path: Path,
) -> None:
    file = tmp_path / "signalled"
    file.write_text(_SIGNALLED.format(number=int(number)))
    flags = import_flags(make_sample(MEDIUM), registry, namespace)
    with begin("import", *flags, *SLOW, login=registry, program=(sys.executable, file)) as process:
        code, err = end(process)

    assert code == 4
    assert "Run the same command again to go on." in err
    assert not only_job().is_running()


def test_stop_ends_it_from_another_terminal(
    registry: DemoRegistry, namespace: str, make_sample: SampleFactory
) -> None:
    flags = import_flags(make_sample(MEDIUM), registry, namespace)
    with begin("import", *flags, *SLOW, login=registry) as process:
        job = wait_until(under_way, process)
        stopped = run("stop")
        assert end(process)[0] == 4

    assert stopped.code == 0, stopped.err
    assert not job.is_running()
    status = run("status", "--json")
    assert [one["state"] for one in status.json] == ["stopped"]


def test_the_end_of_the_terminal_changes_nothing(
    registry: DemoRegistry, namespace: str, make_sample: SampleFactory, skopeo: Skopeo
) -> None:
    sample = make_sample(MEDIUM)
    flags = import_flags(sample, registry, namespace)
    with begin("import", *flags, *SLOW, login=registry) as process:
        job = wait_until(under_way, process)
        process.kill()
        process.communicate()

    assert job.is_running()
    attached = run("attach")

    assert attached.code == 0, attached.err
    check_with_skopeo(skopeo, sample, registry, namespace)


def test_a_second_worker_on_the_same_job_is_refused(
    registry: DemoRegistry, namespace: str, make_sample: SampleFactory
) -> None:
    flags = import_flags(make_sample(MEDIUM), registry, namespace)
    with begin("import", *flags, *SLOW, login=registry) as process:
        wait_until(under_way, process)
        second = run("import", *flags, login=registry)
        assert run("stop").code == 0
        end(process)

    assert second.code == 2
    assert "[job-running]" in second.err
    assert "eksa-mirror attach" in second.err


def test_a_changed_archive_is_noticed_and_refused(
    registry: DemoRegistry, namespace: str, make_sample: SampleFactory
) -> None:
    sample = make_sample(MEDIUM)
    flags = import_flags(sample, registry, namespace)
    with begin("import", *flags, *SLOW, login=registry) as process:
        wait_until(under_way, process)
        process.send_signal(signal.SIGTERM)
        end(process)
    status = sample.archive.stat()
    os.utime(sample.archive, ns=(status.st_atime_ns, status.st_mtime_ns + 10**9))

    refused = run("import", *flags, login=registry)
    anew = run("import", *flags, "--restart", login=registry)

    assert refused.code == 2
    assert "[archive-changed]" in refused.err
    assert "--restart" in refused.err
    assert anew.code == 0, anew.err


def test_a_registry_that_goes_away_and_comes_back_is_outlived(
    fresh_registry: RegistryFactory, make_sample: SampleFactory, skopeo: Skopeo
) -> None:
    registry, sample = fresh_registry(auth=Login()), make_sample(MEDIUM)
    flags = import_flags(sample, registry, "eks-a")
    with begin("import", *flags, *SLOW, login=registry) as process:
        wait_until(under_way, process)
        registry.kill()
        job = wait_until(lambda summary: summary.number("retries") > 0, process)
        registry.restart()
        code, err = end(process)

    assert code == 0, err
    check_with_skopeo(skopeo, sample, registry, "eks-a")
    assert "retry" in err
    with JournalView(job.journal) as view:
        assert view.summary().counts[ArtifactState.DONE] == len(sample.required)


class RefuseLarge(Handler):
    """A proxy with a limit for bodies."""

    limit = 100 * 1024

    def request(self, exchange: Exchange) -> Answer | None:
        if int(exchange.headers.get("Content-Length", "0")) > self.limit:
            return Answer(413, {"Content-Type": "text/html"}, b"<h1>Request Entity Too Large</h1>")
        return None


def test_chunks_become_smaller_where_a_proxy_refuses_their_size(
    fresh_registry: RegistryFactory,
    proxy_for: ProxyFactory,
    make_sample: SampleFactory,
    skopeo: Skopeo,
) -> None:
    registry, sample = fresh_registry(auth=Login()), make_sample(SampleSpec(megabytes=8))
    proxy = proxy_for(registry, RefuseLarge())

    result = run("import", *import_flags(sample, proxy, "eks-a"), login=registry)

    assert result.code == 0, result.err
    check_with_skopeo(skopeo, sample, registry, "eks-a")
    assert not open_uploads(registry)


class DenyBottlerocket(Handler):
    """As Harbor answers where a project is missing."""

    def request(self, exchange: Exchange) -> Answer | None:
        if "/bottlerocket/" not in exchange.path or exchange.method in ("GET", "HEAD"):
            return None
        body = b'{"errors":[{"code":"UNAUTHORIZED","message":"project bottlerocket not found"}]}'
        return Answer(401, {"Content-Type": "application/json",
                            "WWW-Authenticate": 'Basic realm="harbor"'}, body)  # fmt: skip


def test_a_missing_project_is_told_and_does_not_stop_the_rest(
    fresh_registry: RegistryFactory, proxy_for: ProxyFactory, sample: Sample
) -> None:
    registry = fresh_registry(auth=Login())
    proxy = proxy_for(registry, DenyBottlerocket())

    result = run("import", *import_flags(sample, proxy, "eks-a"), login=registry)

    assert result.code == 1
    assert "No right to push, or the project is missing" in result.err
    with JournalView(only_job().journal) as view:
        counts = view.summary().counts
    assert counts[ArtifactState.FAILED] == 1
    assert counts[ArtifactState.DONE] == len(sample.required) - 1


def test_a_registry_that_stays_away_ends_the_import_with_every_artifact_accounted_for(
    fresh_registry: RegistryFactory, make_sample: SampleFactory
) -> None:
    registry, sample = fresh_registry(auth=Login()), make_sample(MEDIUM)
    flags = import_flags(sample, registry, "eks-a")
    with begin("import", *flags, *SLOW, "--patience", "2", login=registry) as process:
        wait_until(under_way, process)
        registry.kill()
        code, err = end(process)

    assert code in (1, 3), err
    assert "The registry does not answer" in err
    with JournalView(only_job().journal) as view:
        assert all(row.state.is_final for row in view.artifacts())


class LoseTheLogin(Handler):
    """As a registry behaves whose account was locked on the way."""

    def __init__(self) -> None:
        self.refused = 0

    def request(self, exchange: Exchange) -> Answer | None:
        if exchange.number < 60:
            return None
        self.refused += 1
        return Answer(401, {"WWW-Authenticate": 'Basic realm="registry"'}, b"")


def test_a_login_that_ends_on_the_way_is_told_once_and_not_tried_with_every_blob(
    fresh_registry: RegistryFactory, proxy_for: ProxyFactory, sample: Sample
) -> None:
    registry, handler = fresh_registry(auth=Login()), LoseTheLogin()
    proxy = proxy_for(registry, handler)

    result = run("import", *import_flags(sample, proxy, "eks-a"), login=registry)

    assert result.code == 1
    assert "The registry refuses the login" in result.err
    assert handler.refused < 20
    with JournalView(only_job().journal) as view:
        assert all(row.state.is_final for row in view.artifacts())
