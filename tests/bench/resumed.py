"""An import that is killed when half of it is sent, and goes on: what the second run costs."""

import statistics

from core.errors import JobError
from core.transfer.job import Job
from core.transfer.view import JournalView
from tests.bench.ground import NAMESPACE, Bench, table, tell, write
from tests.bench.measures import Measured, measure
from tests.bench.plot import bars
from tests.integration.program import import_flags


def resumed(bench: Bench) -> None:
    """Whole, then killed at a half and gone on with; medians."""
    runs = [_killed(bench) for _ in range(bench.rounds)]
    whole, first, second = (
        statistics.median(run[place].seconds for run in runs) for place in range(3)
    )
    rows = [
        ("without a kill", f"{whole:.2f}", "100 %"),
        ("until the kill", f"{first:.2f}", _share([run[1].sent / run[0].sent for run in runs])),
        ("from the kill to the end", f"{second:.2f}",
         _share([run[2].sent / run[0].sent for run in runs])),
    ]  # fmt: skip
    lines = [
        *table(("run", "seconds", "bytes sent"), rows),
        "Until the kill: as was last written, which is done twice a second.",
    ]
    title = f"Import of {bench.what}, killed at a half"
    parts: dict[str, list[float | None]] = {
        "whole, or until the kill": [whole, first],
        "from the kill to the end": [None, second],
    }
    write("resume", title, lines, bars(title, "seconds", ["unbroken", "killed"], parts))


def _killed(bench: Bench) -> tuple[Measured, Measured, Measured]:
    with bench.registry() as (registry, place):
        flags = [*import_flags(bench.sample, registry, NAMESPACE), "--all"]
        whole = measure(flags, registry, place / "state")
    with bench.registry() as (registry, place):
        flags = [*import_flags(bench.sample, registry, NAMESPACE), "--all"]
        before = measure(flags, registry, place / "state", lambda job: _half(job, whole.sent))
        after = measure(flags, registry, place / "state")
    tell(f"whole {whole.seconds:.2f} s, killed {before.seconds:.2f} s, then {after.seconds:.2f} s")
    return whole, before, after


def _half(job: Job, sent: int) -> bool:
    try:
        with JournalView(job.journal) as view:
            return view.summary().number("sent_bytes") >= sent / 2
    except JobError:
        return False  # it has not begun


def _share(values: list[float]) -> str:
    return f"{statistics.median(values) * 100:.0f} %"
