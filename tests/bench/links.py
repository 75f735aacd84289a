"""The import on slow links, with each compression, against docker and skopeo."""

import statistics
from collections.abc import Sequence
from contextlib import ExitStack

from tests.bench.contenders import Contender, docker, eksa_mirror, limit, skopeo
from tests.bench.ground import Bench, table, tell, write
from tests.bench.link import slow_link
from tests.bench.plot import bars
from tests.fixtures.private_docker import running_docker

CODECS = ("gzip:1", "gzip:6", "auto", "zstd:3", "zstd:6", "zstd:auto", "none")

Times = dict[str, dict[float, list[float]]]


def links(bench: Bench, rates: Sequence[float]) -> None:
    """All ways on all links, in turns.

    Args:
        rates: bytes a second; 0 for a free link.
    """
    taken = _taken(bench, rates)
    medians = {
        name: {rate: statistics.median(seconds) for rate, seconds in times.items()}
        for name, times in taken.items()
    }
    names = [_name(rate) for rate in rates]
    rows = [(way, *(f"{times[rate]:.1f}" for rate in rates)) for way, times in medians.items()]
    rows += [
        (f"{way}, times gzip:1", *(_times(medians[way][r], medians["gzip:1"][r]) for r in rates))
        for way in ("docker", "skopeo")
    ]
    lines = [f"Seconds, medians of {bench.rounds} in turns.", "", *table(("way", *names), rows)]
    title = f"Import of {bench.what}, by the link"
    series = {way: [times[rate] for rate in rates] for way, times in medians.items()}
    write("links", title, lines, bars(title, "seconds", names, series))


def _taken(bench: Bench, rates: Sequence[float]) -> Times:
    taken: Times = {}
    with ExitStack() as stack:
        daemon = stack.enter_context(running_docker())
        ways = [
            Contender("docker", docker(daemon)),
            Contender("skopeo", skopeo),
            Contender("bare loop", limit),
            *(Contender(codec, eksa_mirror("--compression", codec)) for codec in CODECS),
        ]
        for number in range(bench.rounds):
            for rate in rates:
                for way in ways:
                    with bench.registry() as (registry, place), slow_link(registry, rate) as link:
                        seconds = way.run(bench.sample, link, place)
                    taken.setdefault(way.name, {}).setdefault(rate, []).append(seconds)
                    tell(f"round {number + 1}: {_name(rate)}: {way.name}: {seconds:.2f} s")
    return taken


def _times(theirs: float, ours: float) -> str:
    return f"{theirs / ours:.2f}"


def _name(rate: float) -> str:
    return f"{rate / 1e6:g} MB/s" if rate else "free link"
