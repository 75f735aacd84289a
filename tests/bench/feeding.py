"""What feeds an upload: large layers in pieces or as one stream, and how many chunks ahead.

Both are judged by the bare loop, which sends as the import does, and by the seconds of CPU beside
those of the clock: whatever else the machine does falls on all ways alike, since they take turns.
"""

import hashlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tarfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeAlias

from core.oci import canonical_json
from tests.bench.ground import NAMESPACE, Bench, table, tell, write
from tests.bench.link import slow_link
from tests.bench.measures import header, put
from tests.bench.plot import bars
from tests.fixtures.tools import Registry

CODECS = ("gzip:6", "zstd:3", "zstd:6")
AHEAD = (1, 2)
LAYER = 300
PROGRAMS = Path("/usr/lib")
RATES = (0.0, 12.5e6)

Key: TypeAlias = tuple[str, float]
"""A way, and the bytes a second of a link."""

Times: TypeAlias = dict[Key, list[tuple[float, float]]]
"""Seconds by the clock, and of CPU."""


def feeding(bench: Bench) -> None:
    """A table for pieces, one for chunks ahead."""
    archive = bench.folder / "one-layer.tar"
    write_one_layer(archive, LAYER * 1_000_000)
    cut = {
        f"{codec}, {how}": (archive, ["--compression", codec, *flags])
        for codec in CODECS
        for how, flags in (("in pieces", []), ("one stream", ["--whole"]))
    }
    ahead = {
        f"{codec}, {count} ahead": (
            bench.sample.archive, ["--compression", codec, "--ahead", str(count)],
        )
        for codec in ("gzip:1", "gzip:6")
        for count in AHEAD
    }  # fmt: skip
    pieces, depths = _taken(bench, cut), _taken(bench, ahead)
    lines = [
        (
            f"Medians of {bench.rounds} in turns; seconds by the clock, of CPU in brackets. "
            f"Load of the machine in the last 15 minutes: {os.getloadavg()[2]:.1f}."
        ),
        "",
        f"One layer of {LAYER} MB, a tar of programs of this machine:",
        "",
        *_rows(pieces, cut),
        f"{bench.what}, four uploads at a time, so many chunks made ahead of each:",
        "",
        *_rows(depths, ahead),
    ]
    title = f"One layer of {LAYER} MB, in pieces or as one stream"
    series = {way: [_median(pieces[way, rate])[0] for rate in RATES] for way in cut}
    write("feeding", title, lines, bars(title, "seconds", [_name(r) for r in RATES], series))


def _taken(bench: Bench, ways: dict[str, tuple[Path, list[str]]]) -> Times:
    taken: Times = {(way, rate): [] for way in ways for rate in RATES}
    for number in range(bench.rounds):
        for way, rate in taken:
            with bench.registry() as (registry, _), slow_link(registry, rate) as link:
                taken[way, rate].append(_run(ways[way][0], link, ways[way][1]))
            seconds, cpu = taken[way, rate][-1]
            tell(f"round {number + 1}: {_name(rate)}: {way}: {seconds:.2f} s, CPU {cpu:.2f} s")
    return taken


def _run(archive: Path, registry: Registry, flags: Sequence[str]) -> tuple[float, float]:
    command = [
        *(sys.executable, "-m", "tests.bench.limit", *flags, "--", archive),
        *(f"{registry.address}/{NAMESPACE}", registry.ca_file),
        *(registry.username, registry.password.get_secret_value()),
    ]
    done = subprocess.run(
        [str(word) for word in command], check=True, capture_output=True, text=True
    )
    seconds, cpu = done.stdout.split()
    return float(seconds), float(cpu)


def _rows(taken: Times, ways: Iterable[str]) -> list[str]:
    cells = [(way, *(_words(taken[way, rate]) for rate in RATES)) for way in ways]
    return table(("way", *map(_name, RATES)), cells)


def _words(runs: Sequence[tuple[float, float]]) -> str:
    seconds, cpu = _median(runs)
    return f"{seconds:.2f} ({cpu:.2f})"


def _median(runs: Sequence[tuple[float, float]]) -> tuple[float, float]:
    seconds, cpu = zip(*runs, strict=True)
    return statistics.median(seconds), statistics.median(cpu)


def _name(rate: float) -> str:
    return f"{rate / 1e6:g} MB/s" if rate else "free link"


def write_one_layer(path: Path, size: int) -> None:
    """A `docker save` file of one image whose layer holds programs of this machine.

    Content that is made up repeats itself over megabytes, as no program does: pieces would look
    worse than they are.
    """
    layer = path.with_suffix(".layer")
    write_programs(layer, size)
    with layer.open("rb") as file:
        diff_id = f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
    config = canonical_json(
        {"architecture": "amd64", "os": "linux",
         "rootfs": {"type": "layers", "diff_ids": [diff_id]}}
    )  # fmt: skip
    name = f"{hashlib.sha256(config).hexdigest()}.json"
    tag = "public.ecr.aws/eks-anywhere/large:v1"
    manifest = [{"Config": name, "RepoTags": [tag], "Layers": ["layer.tar"]}]
    with path.open("wb") as file, layer.open("rb") as content:
        put(file, name, config)
        file.write(header("layer.tar", layer.stat().st_size))
        shutil.copyfileobj(content, file)  # a tar is whole blocks
        put(file, "manifest.json", json.dumps(manifest).encode())
        file.write(bytes(1024))
    layer.unlink()


def write_programs(path: Path, size: int) -> None:
    """A tar of the first files below `PROGRAMS` that may be read, of `size` bytes or a bit more."""
    with tarfile.open(path, "w") as tar:
        for file in sorted(PROGRAMS.rglob("*")):
            if tar.offset >= size:
                return
            if file.is_file() and not file.is_symlink() and os.access(file, os.R_OK):
                tar.add(file, recursive=False)
