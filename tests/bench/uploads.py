"""The import with more and fewer uploads at a time: time, memory, and what the cores do."""

import statistics

from tests.bench.ground import NAMESPACE, Bench, mb, table, tell, write
from tests.bench.measures import Measured, measure
from tests.bench.plot import bars
from tests.bench.split import split
from tests.integration.program import import_flags

AT_A_TIME = (1, 2, 4, 8)
SPLIT = ("gzip:1", "gzip:6", "zstd:3", "none")


def uploads(bench: Bench) -> None:
    """In turns, medians; then the work of the cores by compression."""
    taken: dict[int, list[Measured]] = {count: [] for count in AT_A_TIME}
    for _ in range(bench.rounds):
        for count in AT_A_TIME:
            taken[count].append(_one(bench, "--jobs", str(count)))
            tell(f"{count} uploads: {taken[count][-1].seconds:.2f} s")
    seconds = [statistics.median(one.seconds for one in runs) for runs in taken.values()]
    rows = [
        (str(count), f"{median:.2f}", mb(max(one.worker_peak for one in taken[count])),
         f"{statistics.median(one.worker_cpu for one in taken[count]):.1f}")
        for count, median in zip(AT_A_TIME, seconds, strict=True)
    ]  # fmt: skip
    lines = table(("uploads at a time", "seconds", "worker at the most", "CPU seconds"), rows)
    title = f"Import of {bench.what}, by uploads at a time"
    groups = [str(count) for count in AT_A_TIME]
    write(
        "uploads",
        title,
        [*lines, *_shares(bench)],
        bars(title, "seconds", groups, {"gzip:1": seconds}),
    )


def _shares(bench: Bench) -> list[str]:
    """What the worker computes: known parts by their own speed, and the rest."""
    rows = []
    for codec in SPLIT:
        run = _one(bench, "--compression", codec)
        parts = split(bench.sample, codec)
        rest = max(0.0, run.worker_cpu - sum(parts.values()))
        rows.append((
            codec, f"{run.seconds:.2f}", f"{run.worker_cpu:.1f}",
            *(f"{one:.2f}" for one in parts.values()), f"{rest:.2f}",
        ))  # fmt: skip
        tell(f"split of {codec}: {run.seconds:.2f} s")
    heads = ("compression", "seconds", "CPU of the worker", "hashes", "compression", "TLS", "rest")
    return [
        (
            "Seconds of CPU in the worker. Hashes, compression and TLS are the same bytes done "
            "alone; the rest is reading, requests and journal. What the cores do beside the worker "
            "is the registry's, or waiting."
        ),
        "",
        *table(heads, rows),
    ]


def _one(bench: Bench, *more: str) -> Measured:
    with bench.registry() as (registry, place):
        flags = [*import_flags(bench.sample, registry, NAMESPACE), "--all", *more]
        return measure(flags, registry, place / "state")
