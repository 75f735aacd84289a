"""One run of a job, in this process: how it ends, and what it leaves behind."""

import os
import stat
import threading
from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from core.answers import (
    ArtifactAnswers,
    TransferAnswers,
)
from core.demo.registry import DemoRegistry
from core.demo.sample import Sample, SampleSpec
from core.errors import Code, ExitCode, JobError
from core.transfer.engine import Engine
from core.transfer.journal import Journal
from core.transfer.states import ArtifactState, JobState
from tests.core.transfer.making import uploads_left
from tests.core.transfer.running import Import, of
from tests.fixtures.proxy import Answer, Exchange, Handler, Proxy
from tests.fixtures.registries import ProxyFactory, RegistryFactory
from tests.fixtures.samples import SampleFactory


@pytest.fixture
def work(counting_proxy: Proxy, sample: Sample, namespace: str) -> Import:
    """The smallest sample to the shared registry, through a proxy."""
    return Import(counting_proxy, of(sample), namespace)


@pytest.fixture(autouse=True)
def _no_thread_stays_behind() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    ours = ("look-ahead", "transfer", "reporter")
    left = [one for one in set(threading.enumerate()) - before if one.name.startswith(ours)]
    assert left == []


def blob_bytes(proxy: Proxy) -> int:
    return sum(one.sent for one in proxy.matching(path="/blobs/"))


def test_a_run_that_goes_well(work: Import, sample: Sample) -> None:
    assert work.run() is ExitCode.DONE

    assert work.begun == 1
    assert work.summary.state is JobState.DONE
    assert work.summary.counts[ArtifactState.DONE] == len(work.rows) == len(sample.required)
    assert all(row.verified and row.digest for row in work.rows)
    facts = work.summary.facts
    assert (facts["verification"], facts["complete"], facts["error"]) == ("on", "yes", "")
    assert facts["done_bytes"] == facts["total_bytes"]
    assert facts["release"] == "v0.26.0"
    assert [event.kind for event in work.events if event.kind.startswith("job-")] == [
        "job-starting", "job-unzipping", "job-planning", "job-sending", "job-verifying", "job-done",
    ]  # fmt: skip
    assert work.report["verdict"] == "Everything that was asked for is in the registry."


def test_it_leaves_private_files_and_nothing_else(work: Import) -> None:
    before = os.umask(0)
    try:
        work.run()
    finally:
        os.umask(before)
    rights = {one.name: stat.S_IMODE(one.stat().st_mode) for one in work.job.folder.iterdir()}
    assert rights == dict.fromkeys(
        [
            "answers.yaml", "journal.sqlite", "report.html", "report.json", "report.md",
            "worker.lock",
        ],
        0o600,
    )  # fmt: skip


def test_the_password_is_nowhere_on_the_disk(work: Import) -> None:
    work.run()
    secret = work.registry.password.get_secret_value().encode()
    for path in work.job.folder.iterdir():
        assert secret not in path.read_bytes(), path


def test_a_second_run_finds_everything_and_sends_nothing(
    work: Import, counting_proxy: Proxy, sample: Sample
) -> None:
    work.run()
    counting_proxy.forget()
    assert work.run() is ExitCode.DONE
    assert counting_proxy.bytes_sent() == 0
    assert {one.method for one in counting_proxy.exchanges} <= {"GET", "HEAD"}
    assert work.summary.counts[ArtifactState.PRESENT] == len(work.rows) == len(sample.required)
    assert all(row.verified for row in work.rows)
    assert work.summary.facts["sent_bytes"] == "0"


def test_what_the_tarball_lacks_fails_and_all_else_arrives(
    counting_proxy: Proxy, namespace: str, make_sample: SampleFactory, sample: Sample
) -> None:
    lacking = str(sample.images[1].reference)
    work = Import(counting_proxy, of(make_sample(SampleSpec(leave_out=lacking))), namespace)
    assert work.run() is ExitCode.SOME_FAILED
    (failed,) = [row for row in work.rows if not row.state.arrived]
    assert failed.state is ArtifactState.FAILED
    assert failed.source == lacking
    assert failed.code == "not-in-archive"
    assert work.summary.state is JobState.SOME_FAILED
    assert work.summary.facts["complete"] == "no"
    assert work.summary.arrived == len(work.rows) - 1


def test_a_stop_before_anything_is_sent(work: Import, counting_proxy: Proxy) -> None:
    work.stop.set()
    assert work.run() is ExitCode.INTERRUPTED
    assert work.summary.state is JobState.STOPPED
    assert work.report["verdict"] == "The import was stopped; the next start goes on."
    assert work.report["bytes"]
    assert blob_bytes(counting_proxy) == 0


class At(Handler):
    """Does something when the first request of a kind comes by."""

    def __init__(self, method: str, path: str) -> None:
        self.method, self.part = method, path
        self.seen = threading.Event()

    def request(self, exchange: Exchange) -> Answer | None:
        if exchange.method == self.method and self.part in exchange.path and not self.seen.is_set():
            self.seen.set()
            return self.act()
        return None

    def act(self) -> Answer | None:
        raise NotImplementedError


class StopAt(At):
    def __init__(self, work: Import, method: str, path: str) -> None:
        super().__init__(method, path)
        self.work = work

    def act(self) -> None:
        self.work.stop.set()


@pytest.mark.parametrize(
    ("method", "path"),
    [("HEAD", "/blobs/"), ("PUT", "/blobs/uploads/"), ("PUT", "/manifests/")],
)
def test_a_stop_in_the_middle_and_the_next_run_goes_on(
    method: str, path: str, work: Import, counting_proxy: Proxy, registry: DemoRegistry
) -> None:
    work.transfer = TransferAnswers(jobs=2)
    counting_proxy.handler = StopAt(work, method, path)
    assert work.run() is ExitCode.INTERRUPTED
    assert work.summary.state is JobState.STOPPED
    counting_proxy.handler = Handler()
    work.stop.clear()
    assert work.run() is ExitCode.DONE
    assert not uploads_left(registry, work.namespace)


def test_a_changed_tarball_is_refused_until_begun_anew(
    counting_proxy: Proxy, namespace: str, make_sample: SampleFactory
) -> None:
    sample = make_sample(SampleSpec())
    work = Import(counting_proxy, of(sample), namespace)
    counting_proxy.handler = StopAt(work, "PUT", "/manifests/")
    assert work.run() is ExitCode.INTERRUPTED
    counting_proxy.handler = Handler()
    work.stop.clear()
    os.utime(sample.archive, (1, 1))

    assert work.run() is ExitCode.USAGE
    assert work.summary.error["code"] == Code.ARCHIVE_CHANGED
    assert work.summary.state is JobState.BROKEN
    assert work.run(restart=True) is ExitCode.DONE


def test_a_finished_import_takes_a_new_tarball_but_an_unfinished_one_of_it_does_not(
    counting_proxy: Proxy, namespace: str, make_sample: SampleFactory
) -> None:
    sample = make_sample(SampleSpec())
    work = Import(counting_proxy, of(sample), namespace)
    assert work.run() is ExitCode.DONE
    os.utime(sample.archive, (1, 1))
    work.stop.set()
    assert work.run() is ExitCode.INTERRUPTED
    work.stop.clear()

    counting_proxy.handler = StopAt(work, "GET", "/manifests/")
    assert work.run() is ExitCode.INTERRUPTED
    assert work.summary.facts["complete"] == "no"
    counting_proxy.handler = Handler()
    work.stop.clear()
    os.utime(sample.archive, (2, 2))
    assert work.run() is ExitCode.USAGE
    assert work.summary.error["code"] == Code.ARCHIVE_CHANGED


def test_a_defect_of_ours_is_said_to_be_one(
    work: Import, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(self: Engine) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(Engine, "send", fail)
    assert work.run() is ExitCode.BUG
    assert work.summary.state is JobState.BROKEN
    assert work.summary.error["code"] == "bug"
    assert "ZeroDivisionError: oops" in work.summary.error["message"]
    assert "Traceback" in caplog.text
    assert work.report["state"] == "broken"


def test_artifacts_that_come_to_no_end_are_a_defect_not_a_success(
    work: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Engine, "send", lambda _: None)
    assert work.run() is ExitCode.BUG
    assert "have come to no end" in work.summary.error["message"]


def test_without_a_tarball_nothing_is_said_to_be_done(work: Import, sample: Sample) -> None:
    work.artifacts = ArtifactAnswers(bundles=sample.bundles)
    assert work.run() is ExitCode.USAGE
    assert work.summary.state is JobState.BROKEN
    assert work.summary.error["where"] == "--input"


def test_a_wrong_password_is_told_and_nothing_is_tried(work: Import, counting_proxy: Proxy) -> None:
    assert work.run(password=SecretStr("wrong")) is ExitCode.CHECK_FAILED
    assert work.summary.error["code"] == "login-refused"
    assert counting_proxy.count("POST") == 0
    assert work.report["error"]


def test_a_registry_that_is_down_at_the_start_is_told_soon(
    fresh_registry: RegistryFactory, sample: Sample
) -> None:
    registry = fresh_registry()
    registry.stop()
    work = Import(registry, of(sample))
    assert work.run() is ExitCode.CHECK_FAILED
    assert work.summary.error["code"] == "registry-unreachable"
    registry.start()
    assert work.run() is ExitCode.DONE
    assert work.summary.error == {}


class KillAt(At):
    def __init__(self, registry: DemoRegistry, method: str, path: str) -> None:
        super().__init__(method, path)
        self.registry = registry

    def act(self) -> None:
        self.registry.kill()


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/manifests/"), ("PUT", "/blobs/uploads/"), ("PUT", "/manifests/")],
    ids=["while it looks", "in the first blob", "at the first manifest"],
)
def test_a_registry_that_stays_away_ends_the_job_and_settles_every_artifact(
    method: str,
    path: str,
    fresh_registry: RegistryFactory,
    proxy_for: ProxyFactory,
    sample: Sample,
) -> None:
    registry = fresh_registry()
    proxy = proxy_for(registry, KillAt(registry, method, path))
    work = Import(proxy, of(sample))

    assert work.run() is ExitCode.SOME_FAILED

    assert {row.state for row in work.rows} <= {ArtifactState.FAILED, ArtifactState.DONE}
    failed = [row for row in work.rows if row.state is ArtifactState.FAILED]
    assert failed
    assert all(row.code and row.message and row.mend for row in failed)
    assert work.summary.facts["verification"] == "cut-off"
    assert not any(row.verified for row in work.rows)
    registry.start()
    proxy.handler = Handler()
    assert work.run() is ExitCode.DONE
    assert all(row.verified for row in work.rows)


def test_a_damaged_journal_is_set_aside_and_nothing_is_sent_again(
    work: Import, counting_proxy: Proxy
) -> None:
    work.run()
    work.job.journal.write_bytes(b"garbage " * 5_000)
    counting_proxy.forget()
    assert work.run() is ExitCode.DONE
    (told,) = [event.text for event in work.events if event.kind == "journal-damaged"]
    (aside,) = work.job.folder.glob("journal.damaged.*.sqlite")
    assert aside.name in told
    assert counting_proxy.bytes_sent() == 0


def test_beginning_anew_forgets_the_journal_and_cancels_what_it_had_begun(
    counting_proxy: Proxy, registry: DemoRegistry, namespace: str, make_sample: SampleFactory
) -> None:
    work = Import(counting_proxy, of(make_sample(SampleSpec(megabytes=4))), namespace)
    work.transfer = TransferAnswers(jobs=1, chunk_size=64 * 1024, limit_rate=10**12)
    counting_proxy.handler = StopAt(work, "PATCH", "/blobs/uploads/")
    assert work.run() is ExitCode.INTERRUPTED
    assert uploads_left(registry, work.namespace)
    counting_proxy.handler = StopAt(work, "GET", "/manifests/")
    work.stop.clear()

    assert work.run(restart=True) is ExitCode.INTERRUPTED

    assert not uploads_left(registry, work.namespace)
    assert len(list(work.job.folder.glob("journal.*.sqlite"))) == 1


def test_compression_stays_as_the_import_began_and_that_is_told(
    work: Import, counting_proxy: Proxy
) -> None:
    work.run()
    work.transfer = TransferAnswers(compression="none")
    counting_proxy.forget()
    assert work.run() is ExitCode.DONE
    assert work.summary.facts["compression"] == "gzip:1"
    assert any("compression stays gzip:1" in event.text for event in work.events)
    assert counting_proxy.bytes_sent() == 0


def test_another_import_to_the_same_mirror_mounts_what_the_first_one_sent(
    work: Import, counting_proxy: Proxy
) -> None:
    work.run()
    counting_proxy.forget()
    other = Import(counting_proxy, work.artifacts, f"{work.namespace}-next")
    assert other.run() is ExitCode.DONE
    assert other.job != work.job
    assert blob_bytes(counting_proxy) == 0
    assert int(other.summary.number("mounted_bytes"))
    assert other.summary.number("done_bytes") == other.summary.number("total_bytes")


def test_what_another_import_says_is_not_believed_unseen(
    work: Import, counting_proxy: Proxy, fresh_registry: RegistryFactory, proxy_for: ProxyFactory
) -> None:
    """The registry was lost with all its content and came back empty under its old address."""
    work.run()
    with Journal(work.job.journal).together():
        pass
    empty = fresh_registry()
    other = Import(proxy_for(empty), work.artifacts)
    journal = Journal(work.job.journal)
    journal.set_facts(mirror=f"{other.registry.address}/eks-a")
    journal.close()
    assert other.run() is ExitCode.DONE
    assert all(row.verified for row in other.rows)


def test_the_journal_that_cannot_be_written_does_not_hide_why(
    work: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk fills up; what the run keeps free is just enough to say so."""
    full = threading.Event()
    written = Journal.set_placement

    def set_placement(self: Journal, *args: object, **named: object) -> None:
        if full.is_set():
            raise JobError(Code.DISK_FULL, "The journal cannot be written: full.")
        full.set()
        written(self, *args, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(Journal, "set_placement", set_placement)
    assert work.run() is ExitCode.USAGE
    assert work.summary.state is JobState.BROKEN
    assert work.summary.error["code"] == "disk-full"
    assert "df -h" in work.summary.error["mend"]
    assert not work.job.reserve.exists()
    assert work.report["error"]


def test_auto_is_no_other_wish_once_it_has_chosen(work: Import) -> None:
    work.transfer = TransferAnswers(compression="auto")
    work.run()
    assert work.summary.facts["compression"] == "auto", "too little was sent to choose"
    journal, _ = Journal.open(work.job.journal)
    journal.set_facts(compression="gzip:6")
    journal.close()
    assert work.run() is ExitCode.DONE
    assert work.summary.facts["compression"] == "gzip:6"
    assert not any("compression stays" in event.text for event in work.events)
