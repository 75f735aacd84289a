"""The import against docker, skopeo and a bare loop, side by side on a free link."""

import statistics
from pathlib import Path

from core.transfer.job import existing_jobs
from core.transfer.view import JournalView
from tests.bench.contenders import Contender, docker, eksa_mirror, limit, skopeo
from tests.bench.ground import NAMESPACE, Bench, mb, table, tell, write
from tests.bench.measures import Measured, measure, write_zeros
from tests.bench.plot import bars
from tests.fixtures.private_docker import running_docker
from tests.integration.program import import_flags


def race(bench: Bench, *, large: bool) -> None:
    """The ways take turns, so that whatever else the machine does falls on all of them.

    Args:
        large: also archives of 1 and 10 GB, for the memory.
    """
    taken = _raced(bench)
    ours = statistics.median(taken["eksa-mirror"])
    rows = []
    for name, seconds in taken.items():
        median = statistics.median(seconds)
        runs = ", ".join(f"{one:.2f}" for one in seconds)
        rows.append((name, f"{median:.2f} s", runs, f"{median / ours:.1f}"))
    lines = table(("way", "median", "all runs", "times ours"), rows) + _second_run(bench)
    if large:
        lines += _large(bench)
    medians = {name: [statistics.median(seconds)] for name, seconds in taken.items()}
    title = f"Import of {bench.what}"
    write("import", title, lines, bars(title, "seconds", ["free link"], medians))


def _raced(bench: Bench) -> dict[str, list[float]]:
    with running_docker() as daemon:
        contenders = [
            Contender("docker load, tag, push (2 workers)", docker(daemon)),
            Contender("skopeo copy (2 at a time)", skopeo),
            Contender("a bare loop: the limit", limit),
            Contender("eksa-mirror", eksa_mirror()),
        ]
        taken: dict[str, list[float]] = {one.name: [] for one in contenders}
        for number in range(bench.rounds):
            for one in contenders:
                with bench.registry() as (registry, place):
                    taken[one.name].append(one.run(bench.sample, registry, place))
                tell(f"round {number + 1}: {one.name}: {taken[one.name][-1]:.2f} s")
    return taken


def _second_run(bench: Bench) -> list[str]:
    """How long a finished import takes to see that nothing is to be sent."""
    with bench.registry() as (registry, place):
        flags = [*import_flags(bench.sample, registry, NAMESPACE), "--all"]
        state = place / "state"
        first = measure(flags, registry, state)
        second = measure(flags, registry, state)
        with JournalView(existing_jobs()[0].journal) as view:
            summary = view.summary()
            events = {event.kind: event.at for event in view.events(most=1_000_000)}
    survey = events["job-sending"] - events["job-planning"]
    each = survey / max(1, summary.arrived) * 1000
    return [
        f"First run: {_words(first)}.",
        "",
        (
            f"Second run: {second.seconds:.2f} s in all; {survey:.2f} s to ask for "
            f"{summary.arrived} artifacts, {each:.1f} ms each; {second.sent} bytes sent."
        ),
        "",
    ]


def _large(bench: Bench) -> list[str]:
    """Memory and disk do not grow with the archive."""
    rows = []
    for gigabytes in (1, 10):
        archive = bench.folder / f"zeros-{gigabytes}.tar"
        write_zeros(archive, gigabytes)
        with bench.registry() as (registry, place):
            done = measure(
                _flags(archive, registry.address, registry.ca_file), registry, place / "s"
            )
        rows.append((
            f"{gigabytes} GB .tar", f"{done.seconds:.1f}", mb(done.worker_peak),
            mb(done.watcher_peak), mb(done.disk_peak),
        ))  # fmt: skip
        archive.unlink()
    return table(("archive", "seconds", "worker", "watcher", "extra disk"), rows)


def _flags(archive: Path, address: str, ca_file: Path) -> list[str | Path]:
    return ["-i", archive, "--all", "-r", f"{address}/{NAMESPACE}", "--ca-file", ca_file]


def _words(one: Measured) -> str:
    return (
        f"{one.seconds:.2f} s; memory at the most {mb(one.worker_peak)} in the worker and "
        f"{mb(one.watcher_peak)} in the command that watches it; {mb(one.disk_peak)} of disk"
    )
