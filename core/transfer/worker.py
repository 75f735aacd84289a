"""The process that runs a job: `python -m core.transfer.worker FOLDER`.

It reads what to do from `answers.yaml` in the folder and the login from its standard input, writes
the journal, and ends with the exit code that the command line gives on. SIGTERM and SIGINT let the
chunk in flight finish; whatever else happens, the next start goes on from the journal.
"""

import json
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

from core.answers import Answers, load_answers
from core.archive.archive import Archive
from core.archive.open import open_archive
from core.errors import (
    Code,
    EksaMirrorError,
    ExitCode,
    InternalError,
    Interrupted,
    JobError,
    UsageError,
)
from core.registry.retry import RetryPolicy, Waiter
from core.registry.session import Session
from core.transfer.chunk_size import ChunkSize
from core.transfer.compression import Compression
from core.transfer.controls import forget_controls
from core.transfer.database import check_closed
from core.transfer.engine import Engine, GivenUpError
from core.transfer.hearsay import hear, journals_beside, take_in
from core.transfer.inputs import Inputs, open_inputs
from core.transfer.job import Job, begin_anew, folder_troubles
from core.transfer.journal import Journal
from core.transfer.orders import Begun, Orders, in_parts
from core.transfer.process import answer, log_to, stop_on_signals
from core.transfer.progress import MOST_JOBS, Progress, Throttle
from core.transfer.report import write_reports
from core.transfer.reporter import INTERVAL, Reporter
from core.transfer.reserve import give_up_room, keep_room
from core.transfer.scratch import choose_scratch
from core.transfer.sender import BlobSender, cancel_uploads
from core.transfer.settings import connection_of, mirror_of
from core.transfer.source import ALONE
from core.transfer.states import ArtifactState, JobState
from core.transfer.steering import Steering
from core.transfer.together import Together
from core.transfer.verification import verify

_LOG = logging.getLogger(__name__)


def main() -> int:
    """Run the job whose folder is the only argument.

    Returns:
        The exit code.
    """
    job = Job(Path(sys.argv[1]))
    orders = Orders.load(sys.stdin.buffer.read())
    stop = stop_on_signals()
    log_to(job)
    return work_on(job, orders, stop, answer)


def work_on(
    job: Job,
    orders: Orders,
    stop: threading.Event,
    tell: Callable[[Begun], None],
    together: Together | None = None,
) -> ExitCode:
    """Take a job's lock and run it; whatever goes wrong ends in its log.

    Args:
        tell: told once that it has begun, or why it does not; not where a defect comes before.
        together: what it shares with others in this process.
    """
    try:
        with job.lock():
            return run_job(job, orders, stop, lambda: tell(Begun()), together)
    except JobError as error:
        _LOG.error("%s", error)
        tell(Begun(error))
        return error.exit_code
    except BaseException:  # noqa: BLE001 - Python's own exit 1 says that some artifacts failed
        _LOG.exception("a defect of eksa-mirror")
        return ExitCode.BUG


def run_job(
    job: Job,
    orders: Orders,
    stop: threading.Event,
    on_begun: Callable[[], None] | None = None,
    together: Together | None = None,
) -> ExitCode:
    """Run a job to its end, or until `stop` is set; the caller holds its lock.

    Args:
        on_begun: called when the journal speaks of this run.
        together: what it shares with others in this process.

    Raises:
        JobError: the journal can be neither opened nor made, or the disk is full.
    """
    forgotten = begin_anew(job) if orders.restart else None
    with folder_troubles(job.folder):
        keep_room(job.reserve)
    journal, damaged = Journal.open(job.journal)
    try:
        with _ending(job, journal):
            _begin(journal)
            forget_controls(job)
            if on_begun:
                on_begun()
            if damaged:
                journal.event("journal-damaged", f"set aside as {damaged.name}")
            answers = load_answers(job.answers)
            if orders.written_over is not None:
                journal.set_facts(written_over=json.dumps(orders.written_over))
            code = _Run(job, journal, answers, orders, stop, together).run(forgotten or damaged)
    except EksaMirrorError as error:
        return error.exit_code
    finally:
        journal.close()
    return _read_back(job, code)


class _Run:
    """One run of a job, from the first contact to the report."""

    def __init__(  # noqa: PLR0917 - all that a run is made of
        self,
        job: Job,
        journal: Journal,
        answers: Answers,
        orders: Orders,
        stop: threading.Event,
        together: Together | None,
    ) -> None:
        transfer = answers.transfer
        waiter = Waiter(stop)
        self._job = job
        self._journal = journal
        self._answers = answers
        self._stop = stop
        self._together = together
        self._next_unzipped = 0.0
        self._compression = self._same_compression(Compression.parse(transfer.compression))
        throttle = Throttle(transfer.limit_rate, stop.wait)
        self._progress = Progress(transfer.jobs, throttle, stop)
        self._steering = Steering(job, journal, self._progress)
        self._session = Session(
            connection_of(answers),
            orders.credentials,
            policy=RetryPolicy(patience=transfer.patience),
            waiter=waiter,
            uploads=MOST_JOBS,
            on_retry=self._note_retry,
        )

    def run(self, forgotten: Path | None = None) -> ExitCode:
        """Move everything and verify it.

        Args:
            forgotten: journal that was set aside; the uploads that it knows are given up.
        """
        if self._answers.artifacts.archive is None:
            raise UsageError(
                Code.BAD_USAGE, "No tarball was named.", where="--input",
                cause="The flag is missing.", mend="Add -i images.tar.",
            )  # fmt: skip
        with self._session:
            self._session.ping()
            if forgotten:
                cancel_uploads(self._session, forgotten)
            self._journal.set_state(JobState.UNZIPPING)
            with self._open() as inputs:
                self._note_inputs(inputs)
                gave_up = self._move(inputs)
                if self._together:
                    self._together.member.leave()
            self._verify(gave_up)
        return self._sum_up()

    def _open(self) -> AbstractContextManager[Inputs]:
        """What is to be moved; together with others the tarball is opened once for all."""
        if self._together is None:
            scratch = self._scratch()
            return open_inputs(self._answers, scratch=scratch, on_unzip=self._unzipped)
        archive = self._together.archive.get(self._open_archive, self._unzipped)
        return open_inputs(self._answers, archive=archive)

    def _open_archive(self, tell: Callable[[int, int], None]) -> Archive:
        archive = self._answers.artifacts.archive or Path()  # there is one, as was looked for
        return open_archive(archive, scratch=self._scratch(tell), on_progress=tell)

    def _sum_up(self) -> ExitCode:
        """Every artifact has come to an end, which decides about that of the job."""
        if unsettled := self._journal.unsettled():
            raise ValueError(f"the artifacts {unsettled} have come to no end")
        failed = any(row.state is ArtifactState.FAILED for row in self._journal.artifacts())
        with self._journal.together():
            self._journal.set_facts(complete="no" if failed else "yes")
            self._journal.set_state(JobState.SOME_FAILED if failed else JobState.DONE)
        return ExitCode.SOME_FAILED if failed else ExitCode.DONE

    def _scratch(self, tell: Callable[[int, int], None] | None = None) -> Path | None:
        """Where to unzip, with the room that it takes said beforehand."""
        archive = self._answers.artifacts.archive
        if archive is None or not archive.is_file():
            return None
        folder = self._answers.transfer.scratch or self._job.scratch
        chosen = choose_scratch(archive, folder, tell or self._unzipped)
        if chosen.words:
            self._journal.event("scratch", chosen.words)
        return chosen.folder

    def _move(self, inputs: Inputs) -> bool:
        """Send what is missing; True where the registry went away meanwhile."""
        sender = BlobSender(
            self._session,
            self._journal,
            self._compression,
            ChunkSize(self._answers.transfer.chunk_size),
            self._progress,
            source=self._together.member if self._together else ALONE,
        )
        engine = Engine(
            inputs.plan,
            session=self._session,
            journal=self._journal,
            sender=sender,
            compression=self._compression,
            progress=self._progress,
        )
        self._journal.set_state(JobState.PLANNING)
        engine.register()
        with Reporter(self._journal, self._progress, engine, self._steering.look):
            try:
                engine.survey()
                if self._journal.unsettled():
                    heard = hear(inputs.plan, self._compression, journals_beside(self._job))
                    take_in(self._journal, inputs.plan, heard)
                self._journal.set_state(JobState.SENDING)
                engine.send()
            except GivenUpError as end:
                for number in self._journal.unsettled():
                    self._journal.set_failed(number, end.reason, final=True)
                return True
        return False

    def _verify(self, gave_up: bool) -> None:
        transfer = self._answers.transfer
        said = "off" if not transfer.verify else "cut-off" if gave_up else "on"
        self._journal.set_facts(verification=said)
        if said == "on":
            self._journal.set_state(JobState.VERIFYING)
            threads = self._progress.crew.size
            verify(self._session, self._journal, threads=threads, stop=self._stop)

    def _same_compression(self, wanted: Compression) -> Compression:
        """A layer's digest depends on it: what a job began with, or chose, stays."""
        noted = self._journal.fact("compression") or str(wanted)
        asked = self._journal.fact("compression_asked") or noted
        if asked != str(wanted):
            self._journal.event("warning", f"compression stays {noted}, as this import began")
        self._journal.set_facts(compression=noted, compression_asked=asked)
        return Compression.parse(noted)

    def _note_inputs(self, inputs: Inputs) -> None:
        requirements, archive = inputs.requirements, inputs.archive
        if archive:
            self._check_same_archive(archive.fingerprint)
        self._journal.set_facts(
            complete="no",
            fingerprint=archive.fingerprint if archive else "",
            release=requirements.release if requirements else "",
            kube_versions=", ".join(requirements.kube_versions) if requirements else "",
            warnings=json.dumps(inputs.plan.warnings),
            **_named(self._answers),
        )

    def _check_same_archive(self, fingerprint: str) -> None:
        before = self._journal.fact("fingerprint")
        if before and before != fingerprint and self._journal.fact("complete") != "yes":
            raise JobError(
                Code.ARCHIVE_CHANGED,
                "The tarball was replaced or changed since this import began.",
                where=str(self._answers.artifacts.archive),
            )

    def _unzipped(self, done: int, total: int) -> None:
        if self._stop.is_set():
            raise Interrupted
        now = time.monotonic()
        if now >= self._next_unzipped or done == total:
            self._next_unzipped = now + INTERVAL
            with self._journal.together(durable=False):
                self._journal.set_facts(unzip_done=done, unzip_total=total)

    def _note_retry(self, error: EksaMirrorError) -> None:
        self._progress.count_retry()
        self._progress.note_retry(self._journal, self._progress.own_slot, error)


def _read_back(job: Job, code: ExitCode) -> ExitCode:
    """The code of a run, if its journal is whole: it may have been removed or hurt meanwhile."""
    try:
        check_closed(job.journal)
    except JobError as error:
        _LOG.error("%s", error)
        return error.exit_code
    return code


@contextmanager
def _ending(job: Job, journal: Journal) -> Iterator[None]:
    """However a run ends, the journal says so and the reports are written.

    Raises:
        EksaMirrorError: what ended the run, where it was not the end of the work.
    """
    try:
        yield
    except Interrupted:
        with _logged():
            journal.set_state(JobState.STOPPED)
        raise
    except EksaMirrorError as error:
        _LOG.error("%s", error)
        _note_error(job, journal, error)
        raise
    except BaseException as error:
        _LOG.exception("a defect of eksa-mirror")
        bug = InternalError(error, str(job.log))
        _note_error(job, journal, bug)
        raise bug from error
    finally:
        with _logged():
            give_up_room(job.reserve)
        with suppress(OSError):
            job.scratch.rmdir()  # where there is one; the file in it had no name
        with _logged():
            journal.set_facts(ended=time.time(), paused="no")
        with _logged():
            forget_controls(job)
        with _logged():
            write_reports(job)


@contextmanager
def _logged() -> Iterator[None]:
    """What goes wrong at the end must not hide why it came to that."""
    try:
        yield
    except (EksaMirrorError, OSError) as error:
        _LOG.error("%s", error)


def _begin(journal: Journal) -> None:
    journal.begin_run()
    journal.set_facts(
        started=time.time(), ended="", pid=os.getpid(), error="", sent_bytes=0, retries=0,
        verification="pending", paused="no", finishing=0, moved=0, jobs=0, limit_rate=0,
        total_bytes=0, done_bytes=0, present_bytes=0, mounted_bytes=0, rate=0,
    )  # fmt: skip
    journal.set_state(JobState.STARTING)


def _named(answers: Answers) -> dict[str, str]:
    chosen, registry = answers.artifacts, answers.registry
    return {
        "mirror": str(mirror_of(answers)),
        "archive": str(chosen.archive or ""),
        "bundles": str(chosen.bundles or ""),
        "tls": "none" if registry.plain_http else "unverified" if registry.insecure else "verified",
    }


def _note_error(job: Job, journal: Journal, error: EksaMirrorError) -> None:
    with _logged():
        if error.code is Code.DISK_FULL:
            give_up_room(job.reserve)
        with journal.together():
            journal.set_facts(error=json.dumps(in_parts(error)))
            journal.set_state(JobState.BROKEN)


if __name__ == "__main__":
    sys.exit(main())
