"""Whole imports in this process."""

import json
import threading
from dataclasses import dataclass, field

from pydantic import SecretStr

from core.answers import (
    Answers,
    ArtifactAnswers,
    RegistryAnswers,
    TransferAnswers,
    save_answers,
)
from core.demo.sample import Sample
from core.errors import ExitCode
from core.registry.credentials import Credentials
from core.transfer.job import Job, job_for
from core.transfer.journal import ArtifactRow
from core.transfer.orders import Orders
from core.transfer.states import ArtifactState
from core.transfer.view import Event, JournalView, Summary
from core.transfer.worker import run_job
from tests.fixtures.tools import Registry


@dataclass
class Import:
    """An import that can be run again and again, with other answers each time."""

    registry: Registry
    artifacts: ArtifactAnswers
    namespace: str = "eks-a"
    transfer: TransferAnswers = field(default_factory=lambda: TransferAnswers(patience=1))
    stop: threading.Event = field(default_factory=threading.Event)
    begun: int = 0

    @property
    def answers(self) -> Answers:
        address = {"address": f"{self.registry.address}/{self.namespace}"}
        registry = RegistryAnswers.model_validate(address | {"ca_file": self.registry.ca_file})
        return Answers(artifacts=self.artifacts, registry=registry, transfer=self.transfer)

    @property
    def job(self) -> Job:
        return job_for(self.answers)

    def run(self, *, restart: bool = False, password: SecretStr | None = None) -> ExitCode:
        """From the first contact to the report."""
        job, registry = self.job, self.registry
        save_answers(self.answers, job.answers)
        login = Credentials(registry.username, password or registry.password, "test")
        orders = Orders(login if registry.username else None, restart)
        with job.lock():
            return run_job(job, orders, self.stop, on_begun=self._count)

    def _count(self) -> None:
        self.begun += 1

    @property
    def summary(self) -> Summary:
        with JournalView(self.job.journal) as view:
            return view.summary()

    @property
    def rows(self) -> list[ArtifactRow]:
        """Of what is to be moved; the sample also holds an image that nobody requires."""
        with JournalView(self.job.journal) as view:
            return [row for row in view.artifacts() if row.state is not ArtifactState.SKIPPED]

    @property
    def events(self) -> list[Event]:
        """Of the last run."""
        with JournalView(self.job.journal) as view:
            return view.events(after=view.summary().events_before)

    @property
    def report(self) -> dict[str, object]:
        document = json.loads(self.job.report("json").read_text())
        assert isinstance(document, dict)
        return document


def of(sample: Sample) -> ArtifactAnswers:
    return ArtifactAnswers(archive=sample.archive, bundles=sample.bundles)
