"""`make bench`: an import of 780 MB against docker and skopeo, side by side, and its figures.

    python -m tests.bench [--rounds N] [--quick]

The ways take turns, so that whatever else the machine does falls on all of them. Results are
written to tests/bench/results as Markdown.
"""

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from core import __version__
from core.demo.registry import DemoRegistry, Login
from core.demo.sample import BENCHMARK, Sample, write_sample
from core.transfer.job import existing_jobs
from core.transfer.view import JournalView
from tests.bench.contenders import NAMESPACE, Contender, docker, eksa_mirror, limit, skopeo
from tests.bench.measures import Measured, measure, write_zeros
from tests.fixtures.private_docker import running_docker
from tests.integration.program import import_flags

RESULTS = Path(__file__).parent / "results"


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="leave the large archives out")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="eksa-bench-"))
    os.environ["DOCKER_CONFIG"] = str(folder)
    try:
        sample = write_sample(folder / "sample", BENCHMARK)
        lines = ["# Import of 780 MB in 20 images, 44 distinct layers", "", *_machine(), ""]
        lines += _race(sample, folder, options.rounds)
        lines += _second_run(sample, folder)
        if not options.quick:
            lines += _large(folder)
    finally:
        shutil.rmtree(folder)
    text = "\n".join(lines) + "\n"
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "import.md").write_text(text)
    sys.stdout.write(text)


def _race(sample: Sample, folder: Path, rounds: int) -> list[str]:
    with running_docker() as daemon:
        contenders = [
            Contender("docker load, tag, push (2 workers)", docker(daemon)),
            Contender("skopeo copy (2 at a time)", skopeo),
            Contender("a bare loop: the limit", limit),
            Contender("eksa-mirror import", eksa_mirror),
        ]
        taken: dict[str, list[float]] = {one.name: [] for one in contenders}
        for number in range(rounds):
            for one in contenders:
                with _round(folder) as (registry, place):
                    taken[one.name].append(one.run(sample, registry, place))
                _tell(f"round {number + 1}: {one.name}: {taken[one.name][-1]:.2f} s")
    ours = statistics.median(taken[contenders[-1].name])
    lines = ["| way | median | all runs | times ours |", "| --- | --- | --- | --- |"]
    for name, seconds in taken.items():
        median = statistics.median(seconds)
        runs = ", ".join(f"{one:.2f}" for one in seconds)
        lines.append(f"| {name} | {median:.2f} s | {runs} | {median / ours:.1f} |")
    return [*lines, ""]


def _second_run(sample: Sample, folder: Path) -> list[str]:
    """How long a finished import takes to see that nothing is to be sent."""
    with _round(folder) as (registry, place):
        flags = [str(f) for f in import_flags(sample, registry, NAMESPACE)] + ["--all"]
        state = place / "state"
        state.mkdir()
        first = measure(flags, registry, state)
        second = measure(flags, registry, state)
        os.environ["XDG_STATE_HOME"] = str(state)
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
            f"{summary.arrived} artifacts, {each:.1f} ms each; {summary.number('sent_bytes'):.0f} "
            "bytes sent."
        ),
        "",
    ]


def _large(folder: Path) -> list[str]:
    """Memory and disk do not grow with the archive."""
    lines = [
        "| archive | seconds | worker | watcher | extra disk |",
        "| --- | --- | --- | --- | --- |",
    ]
    for gigabytes in (1, 10):
        archive = folder / f"zeros-{gigabytes}.tar"
        write_zeros(archive, gigabytes)
        with _round(folder) as (registry, place):
            flags = ["-i", str(archive), "--all", "-r", f"{registry.address}/{NAMESPACE}",
                     "--ca-file", str(registry.ca_file)]  # fmt: skip
            (place / "state").mkdir()
            done = measure(flags, registry, place / "state")
        lines.append(
            f"| {gigabytes} GB .tar | {done.seconds:.1f} | {_mb(done.worker_peak)} "
            f"| {_mb(done.watcher_peak)} | {_mb(done.disk_peak)} |"
        )
        archive.unlink()
    return [*lines, ""]


class _round:  # noqa: N801 - reads as a function
    """An empty registry and an empty folder for one run."""

    def __init__(self, folder: Path) -> None:
        self._place = Path(tempfile.mkdtemp(prefix="round-", dir=folder))
        self._registry = DemoRegistry(self._place / "registry", auth=Login())

    def __enter__(self) -> tuple[DemoRegistry, Path]:
        self._registry.start()
        return self._registry, self._place

    def __exit__(self, *_: object) -> None:
        self._registry.stop()
        shutil.rmtree(self._place)


def _machine() -> Sequence[str]:
    def version(*command: str) -> str:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return (done.stdout or done.stderr).strip().splitlines()[0]

    tools = (("docker-registry", "--version"), ("dockerd", "--version"), ("skopeo", "--version"))
    parts = [
        f"eksa-mirror {__version__}, {time.strftime('%Y-%m-%d')}",
        f"{os.cpu_count()} cores shared with the registry, {platform.system()}",
        f"Python {platform.python_version()}",
        *(version(*tool) for tool in tools),
        "TLS on loopback",
    ]
    return ["; ".join(parts) + "."]


def _words(one: Measured) -> str:
    return (
        f"{one.seconds:.2f} s; memory at the most {_mb(one.worker_peak)} in the worker and "
        f"{_mb(one.watcher_peak)} in the command that watches it; {_mb(one.disk_peak)} of disk"
    )


def _mb(count: int) -> str:
    return f"{count / 1e6:.0f} MB"


def _tell(line: str) -> None:
    sys.stderr.write(line + "\n")


if __name__ == "__main__":
    main()
