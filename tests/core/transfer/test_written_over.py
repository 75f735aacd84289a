"""Open problems that the site's files were written over stay with the import, for its report."""

import threading

from core.answers import save_answers
from core.demo.registry import DemoRegistry
from core.demo.sample import Sample
from core.errors import ExitCode
from core.transfer.orders import Orders
from core.transfer.worker import run_job
from tests.core.transfer.running import Import, of

OVER = "Trust: no CA file is named (EKS Anywhere would refuse this)"


def test_they_are_in_the_report_until_another_writing_tells_otherwise(
    anonymous_registry: DemoRegistry, namespace: str, sample: Sample
) -> None:
    work = Import(anonymous_registry, of(sample), namespace)
    save_answers(work.answers, work.job.answers)

    def run(orders: Orders) -> object:
        with work.job.lock():
            assert run_job(work.job, orders, threading.Event()) is ExitCode.DONE
        return work.report["written_over"]

    assert run(Orders(written_over=(OVER,))) == [OVER]
    assert run(Orders()) == [OVER], "a resumed import knows nothing of it"
    assert run(Orders(written_over=())) == []
