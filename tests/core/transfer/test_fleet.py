"""Several jobs in one process: what they share, and what is their own."""

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from core.answers import TransferAnswers, save_answers
from core.archive.archive import Archive
from core.archive.open import open_archive
from core.demo.registry import DemoRegistry, Login
from core.demo.sample import Sample, SampleSpec
from core.errors import Code, ExitCode, Interrupted, JobError
from core.registry.credentials import Credentials
from core.transfer import stopping
from core.transfer.compression import Compression
from core.transfer.fleet import run_together
from core.transfer.lookahead import LookAhead
from core.transfer.orders import Begun, Orders
from core.transfer.process import at_work_on, log_to_each
from core.transfer.scratch import Scratch, choose_scratch
from core.transfer.states import ArtifactState, JobState
from core.transfer.stopping import ask_to_stop
from core.transfer.threads import run_in_threads
from core.transfer.together import SharedArchive, Told
from tests.core.transfer.running import Import, of
from tests.faults.truth import Truth
from tests.fixtures.proxy import Answer, Exchange, Handler
from tests.fixtures.registries import ProxyFactory, RegistryFactory
from tests.fixtures.samples import SampleFactory
from tests.fixtures.tools import Registry

SECONDS = 30.0


@dataclass
class Counts:
    """What all imports of this process have done.

    Attributes:
        compressed: bytes that went into compressors.
        opened: tarballs.
    """

    compressed: int = 0
    opened: list[Path] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, count: int) -> None:
        with self.lock:
            self.compressed += count


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> Counts:
    made, before = Counts(), Compression.apply

    def apply(self: Compression, blocks: Iterator[bytes], size: int = 0) -> Iterator[bytes]:
        def counted() -> Iterator[bytes]:
            for block in blocks:
                made.add(len(block))
                yield block

        return before(self, counted(), size)

    def opened(path: Path, **how: Any) -> Archive:
        made.opened.append(path)
        return open_archive(path, **how)

    monkeypatch.setattr(Compression, "apply", apply)
    for module in ("worker", "inputs"):
        monkeypatch.setattr(f"core.transfer.{module}.open_archive", opened)
    return made


@pytest.fixture
def three(fresh_registry: RegistryFactory) -> list[DemoRegistry]:
    return [fresh_registry(auth=Login()) for _ in range(3)]


def imports(sample: Sample, *registries: Registry, **transfer: float) -> list[Import]:
    how = TransferAnswers.model_validate({"patience": 1} | transfer)
    return [Import(one, of(sample), transfer=how) for one in registries]


def run(
    *works: Import,
    stop: threading.Event | None = None,
    told: list[Begun] | None = None,
    stranger: Import | None = None,
) -> ExitCode:
    """All together, as the process does.

    Args:
        stranger: has a wrong password.
    """
    jobs, orders = [], []
    for work in works:
        job = work.job
        save_answers(work.answers, job.answers)
        jobs.append(job)
        password = SecretStr("wrong") if work is stranger else work.registry.password
        orders.append(Orders(Credentials(work.registry.username, password, "test")))

    def tell(*begun: Begun) -> None:
        (told if told is not None else []).extend(begun)

    return run_together(jobs, orders, stop or threading.Event(), tell)


def layer_bytes(sample: Sample) -> int:
    """Of the distinct layers that are required."""
    required = {one.reference for one in sample.required}
    images = (one for one in sample.images if one.reference in required)
    layers = {layer.diff_id: layer for image in images for layer in image.layers}
    return sum(one.content.size for one in layers.values())


def test_three_registries_get_all_and_each_layer_is_compressed_once(
    three: list[DemoRegistry], sample: Sample, counts: Counts
) -> None:
    told: list[Begun] = []
    works = imports(sample, *three, jobs=1)

    assert run(*works, told=told) is ExitCode.DONE

    assert told == [Begun()] * 3
    assert counts.compressed == layer_bytes(sample)
    assert counts.opened == [sample.archive]
    for work, registry in zip(works, three, strict=True):
        Truth(registry, sample.images).confirms(work.rows)
        assert work.summary.counts[ArtifactState.DONE] == len(work.rows) == len(sample.required)
        assert work.report["verdict"] == "Everything that was asked for is in the registry."
        assert work.summary.facts["done_bytes"] == work.summary.facts["total_bytes"]
    counts.compressed = 0
    assert run(*works) is ExitCode.DONE
    assert counts.compressed == 0
    assert all(work.summary.number("sent_bytes") == 0 for work in works)


def test_a_zipped_tarball_is_unzipped_once(
    three: list[DemoRegistry], make_sample: SampleFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample = make_sample(SampleSpec(gzip=True))
    looked: list[Path] = []

    def counted(archive: Path, folder: Path, tell: Told) -> Scratch:
        looked.append(archive)
        return choose_scratch(archive, folder, tell)

    monkeypatch.setattr("core.transfer.worker.choose_scratch", counted)
    works = imports(sample, *three[:2])

    assert run(*works) is ExitCode.DONE
    assert looked == [sample.archive]
    for work, registry in zip(works, three, strict=False):
        Truth(registry, sample.images).confirms(work.rows)
        assert not work.job.scratch.exists()


class Down(Handler):
    """It goes away when the first upload begins."""

    def __init__(self) -> None:
        self.is_away = False

    def request(self, exchange: Exchange) -> Answer | None:
        self.is_away |= exchange.method == "POST"
        return Answer(503) if self.is_away else None


class Held(Handler):
    """Bodies do not get through before somebody lets them."""

    def __init__(self) -> None:
        self.go_on = threading.Event()

    def upload(self, exchange: Exchange, block: bytes) -> bytes:
        assert self.go_on.wait(SECONDS)
        return block


def test_what_goes_wrong_with_one_is_its_own(
    three: list[DemoRegistry], proxy_for: ProxyFactory, sample: Sample
) -> None:
    good, down, refusing = imports(sample, three[0], proxy_for(three[1], Down()), three[2])

    code = run(good, down, refusing, stranger=refusing)

    assert code is ExitCode.CHECK_FAILED, "the worst of 0, 1 and 3"
    Truth(three[0], sample.images).confirms(good.rows)
    assert good.summary.state is JobState.DONE
    assert down.summary.state is JobState.SOME_FAILED
    assert refusing.summary.state is JobState.BROKEN
    assert refusing.summary.error["code"] == "login-refused"


def test_the_others_are_through_while_one_is_held_up(
    three: list[DemoRegistry], proxy_for: ProxyFactory, sample: Sample
) -> None:
    held = Held()
    good, slow = imports(sample, three[0], proxy_for(three[1], held), chunk_size=64 * 1024)
    running = threading.Thread(target=run, args=(good, slow))
    running.start()
    try:
        until(lambda: is_in(good, JobState.DONE) and not good.job.is_running())
        assert slow.job.is_running()
        assert is_in(slow, JobState.SENDING)
        Truth(three[0], sample.images).confirms(good.rows)
    finally:
        held.go_on.set()
        running.join(SECONDS)
    assert slow.summary.state is JobState.DONE
    Truth(three[1], sample.images).confirms(slow.rows)


def test_one_is_stopped_and_the_others_go_on(
    three: list[DemoRegistry], proxy_for: ProxyFactory, sample: Sample
) -> None:
    held = Held()
    proxies = [proxy_for(one, held) for one in three[:2]]
    stopped, other = imports(sample, *proxies, chunk_size=64 * 1024)
    codes: list[ExitCode] = []
    running = threading.Thread(target=lambda: codes.append(run(stopped, other)))
    running.start()
    try:
        until(lambda: all(is_in(one, JobState.SENDING) for one in (stopped, other)))
        assert ask_to_stop(stopped.job)
        stopping.ask(other.job, os.getpid() + 1)  # left by an earlier process
        held.go_on.set()
    finally:
        running.join(SECONDS)
    assert stopped.summary.state is JobState.STOPPED
    assert other.summary.state is JobState.DONE
    assert codes == [ExitCode.INTERRUPTED]
    assert not list(stopped.job.folder.parent.glob("*/stop"))
    assert run(stopped, other) is ExitCode.DONE
    Truth(three[0], sample.images).confirms(stopped.rows)


def test_a_stop_is_for_all(three: list[DemoRegistry], sample: Sample) -> None:
    stop = threading.Event()
    stop.set()
    works = imports(sample, *three[:2])

    assert run(*works, stop=stop) is ExitCode.INTERRUPTED

    assert [work.summary.state for work in works] == [JobState.STOPPED] * 2


def test_one_that_does_not_begin_is_told_and_the_others_run(
    three: list[DemoRegistry], sample: Sample
) -> None:
    first, locked, broken = imports(sample, *three)
    broken.job.journal.mkdir()
    told: list[Begun] = []
    with locked.job.lock():
        assert run(first, locked, broken, told=told) is ExitCode.USAGE

    assert [one.error and one.error.code for one in told] == [
        None, Code.JOB_RUNNING, Code.JOB_FOLDER_UNSAFE,
    ]  # fmt: skip
    assert first.summary.state is JobState.DONE


def test_a_defect_before_it_begins_is_told_too(
    three: list[DemoRegistry], sample: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    def defect(*_: object) -> None:
        raise KeyError("a defect")

    monkeypatch.setattr("core.transfer.worker._begin", defect)
    told: list[Begun] = []

    assert run(*imports(sample, *three[:1]), told=told) is ExitCode.BUG

    assert [one.error and one.error.message for one in told] == ["The worker did not begin."]


def test_each_log_holds_what_is_of_its_own_job(
    three: list[DemoRegistry], sample: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = [work.job for work in imports(sample, *three[:2])]
    root = logging.getLogger(f"instead-of-root-{os.getpid()}")
    monkeypatch.setattr(root, "propagate", False)
    monkeypatch.setattr(root, "handlers", [])
    monkeypatch.setattr(logging, "root", root)
    log_to_each(jobs)

    def say() -> None:
        with LookAhead(iter([1])) as items, at_work_on(jobs[1]):
            root.info("of the second")
            run_in_threads(1, list(items), lambda *_: root.info("in a thread"), threading.Event())

    root.info("of all")
    with at_work_on(jobs[0]):
        root.info("of the first")
    say()
    for handler in root.handlers:
        assert isinstance(handler, logging.StreamHandler)
        handler.stream.close()

    lines = [job.log.read_text().splitlines() for job in jobs]
    said = [[line.rpartition("  ")[2].strip() for line in each] for each in lines]
    assert said == [["of all", "of the first"], ["of all", "of the second", "in a thread"]]


def test_the_next_one_opens_the_tarball_where_the_first_gave_up(sample: Sample) -> None:
    shared, opening = SharedArchive(), threading.Event()
    told: list[tuple[int, int]] = []

    def give_up(tell: Told) -> Archive:
        tell(1, 2)
        opening.set()
        until(lambda: bool(told))
        raise Interrupted

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(shared.get, give_up, lambda *_: None)
        assert opening.wait(SECONDS)
        second = pool.submit(
            shared.get, lambda _: open_archive(sample.archive), lambda *now: told.append(now)
        )
        assert isinstance(first.exception(SECONDS), Interrupted)
        assert second.result(SECONDS).artifacts
    assert set(told) == {(1, 2)}
    shared.close()


def is_in(work: Import, state: JobState) -> bool:
    try:
        return work.summary.state is state
    except JobError:  # it has not begun
        return False


def until(condition: Callable[[], bool]) -> None:
    give_up = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < give_up, "it took too long"
        time.sleep(0.01)
