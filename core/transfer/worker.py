"""The process that runs a job: `python -m core.transfer.worker FOLDER`.

It reads what to do from `answers.yaml` in the folder and the login from its standard input, writes
the journal, and ends with the exit code that the command line gives on. SIGTERM and SIGINT let the
chunk in flight finish; whatever else happens, the next start goes on from the journal.
"""

import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.answers import Answers, load_answers
from core.errors import (
    Code,
    EksaMirrorError,
    ExitCode,
    InternalError,
    Interrupted,
    JobError,
)
from core.registry.retry import RetryPolicy, Waiter
from core.registry.session import Session
from core.transfer.compression import Compression
from core.transfer.engine import Engine, RegistryAwayError
from core.transfer.inputs import Inputs, connection_of, mirror_of, open_inputs
from core.transfer.job import Job, begin_anew
from core.transfer.journal import Journal
from core.transfer.orders import Orders
from core.transfer.progress import Progress, Throttle
from core.transfer.report import write_reports
from core.transfer.reporter import Reporter
from core.transfer.sender import BlobSender, ChunkSize
from core.transfer.states import ArtifactState, JobState
from core.transfer.verification import verify

_LOG = logging.getLogger(__name__)


def main() -> int:
    """Run the job whose folder is the only argument.

    Returns:
        The exit code.
    """
    job = Job(Path(sys.argv[1]))
    orders = Orders.load(sys.stdin.buffer.read())
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    _log_to(job.log)
    try:
        with job.lock():
            return run_job(job, orders, stop)
    except JobError as error:
        # Nobody reads this but the log: whoever started us looks at the lock before.
        _LOG.error("%s", error)
        return error.exit_code


def run_job(job: Job, orders: Orders, stop: threading.Event) -> ExitCode:
    """Run a job to its end, or until `stop` is set; the caller holds its lock.

    Raises:
        JobError: the journal can be neither opened nor made.
    """
    if orders.restart:
        begin_anew(job)
    journal, damaged = Journal.open(job.journal)
    try:
        with _ending(job, journal):
            _begin(journal)
            if damaged:
                journal.event("journal-damaged", f"set aside as {damaged.name}")
            answers = load_answers(job.answers)
            return _Run(job, journal, answers, orders, stop).run()
    except EksaMirrorError as error:
        return error.exit_code
    finally:
        journal.close()


class _Run:
    """One run of a job, from the first contact to the report."""

    def __init__(
        self, job: Job, journal: Journal, answers: Answers, orders: Orders, stop: threading.Event
    ) -> None:
        transfer = answers.transfer
        waiter = Waiter(stop)
        self._job = job
        self._journal = journal
        self._answers = answers
        self._stop = stop
        self._compression = self._same_compression(Compression.parse(transfer.compression))
        self._progress = Progress(transfer.jobs, Throttle(transfer.limit_rate, waiter.wait))
        self._session = Session(
            connection_of(answers),
            orders.credentials,
            policy=RetryPolicy(patience=transfer.patience),
            waiter=waiter,
            uploads=transfer.jobs,
            on_retry=self._note_retry,
        )

    def run(self) -> ExitCode:
        scratch = self._answers.transfer.scratch or self._job.scratch
        with self._session:
            self._session.ping()
            self._journal.set_state(JobState.UNZIPPING)
            with open_inputs(self._answers, scratch=scratch, on_unzip=self._unzipped) as inputs:
                self._note_inputs(inputs)
                self._move(inputs)
            self._verify()
        failed = any(row.state is ArtifactState.FAILED for row in self._journal.artifacts())
        self._journal.set_state(JobState.SOME_FAILED if failed else JobState.DONE)
        return ExitCode.SOME_FAILED if failed else ExitCode.DONE

    def _move(self, inputs: Inputs) -> None:
        sender = BlobSender(
            self._session,
            self._journal,
            self._compression,
            ChunkSize(self._answers.transfer.chunk_size),
            self._progress,
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
        with Reporter(self._journal, self._progress, engine):
            engine.survey()
            self._journal.set_state(JobState.SENDING)
            try:
                engine.send()
            except RegistryAwayError as away:
                for number in self._journal.unsettled():
                    self._journal.set_failed(number, away.reason, final=True)

    def _verify(self) -> None:
        transfer = self._answers.transfer
        self._journal.set_facts(verification="on" if transfer.verify else "off")
        if transfer.verify:
            self._journal.set_state(JobState.VERIFYING)
            verify(self._session, self._journal, threads=transfer.jobs, stop=self._stop)

    def _same_compression(self, wanted: Compression) -> Compression:
        """A layer's digest depends on it: what a job began with stays."""
        noted = self._journal.fact("compression")
        if noted and noted != str(wanted):
            self._journal.event("warning", f"compression stays {noted}, as this import began")
        self._journal.set_facts(compression=noted or str(wanted))
        return Compression.parse(noted) if noted else wanted

    def _note_inputs(self, inputs: Inputs) -> None:
        requirements, archive = inputs.requirements, inputs.archive
        if archive:
            self._check_same_archive(archive.fingerprint)
        self._journal.set_facts(
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
        self._journal.set_facts(unzip_done=done, unzip_total=total)

    def _note_retry(self, error: EksaMirrorError) -> None:
        self._progress.count_retry()
        self._journal.event("retry", str(error))


@contextmanager
def _ending(job: Job, journal: Journal) -> Iterator[None]:
    """However a run ends, the journal says so and the reports are written.

    Raises:
        EksaMirrorError: what ended the run, where it was not the end of the work.
    """
    try:
        yield
        journal.set_facts(complete="yes" if journal.fact("state") == JobState.DONE else "no")
    except Interrupted:
        journal.set_state(JobState.STOPPED)
        raise
    except EksaMirrorError as error:
        _LOG.error("%s", error)
        _note_error(journal, error)
        raise
    except BaseException as error:
        _LOG.exception("a defect of eksa-mirror")
        bug = InternalError(error, str(job.log))
        _note_error(journal, bug)
        raise bug from error
    finally:
        journal.set_facts(ended=time.time())
        write_reports(job)


def _begin(journal: Journal) -> None:
    journal.set_facts(
        started=time.time(), ended="", pid=os.getpid(), error="", sent_bytes=0, retries=0,
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


def _note_error(journal: Journal, error: EksaMirrorError) -> None:
    told = {
        "code": error.code.value,
        "message": error.message,
        "where": error.where,
        "cause": error.cause,
        "mend": error.mend,
        "exit": str(int(error.exit_code)),
    }
    journal.set_facts(error=json.dumps(told))
    journal.set_state(JobState.BROKEN)


def _log_to(path: Path) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
    logging.basicConfig(
        stream=os.fdopen(handle, "a"),
        level=logging.INFO,
        format="%(asctime)s %(levelname)-7s %(message)s",
    )
    # urllib3 logs whole URLs, and those of uploads are signed.
    logging.getLogger("urllib3").setLevel(logging.ERROR)


if __name__ == "__main__":
    sys.exit(main())
