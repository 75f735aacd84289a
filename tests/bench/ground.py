"""What every part of the bench needs: a sample, empty registries, the machine in words, files."""

import compileall
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import core
import tui
from core import __version__
from core.demo.registry import DemoRegistry, Login
from core.demo.sample import BENCHMARK, Sample, SampleSpec, write_sample
from tests.bench.programs import Programs

RESULTS = Path(__file__).parent / "results"
NAMESPACE = "bench"


@dataclass(frozen=True, slots=True)
class Bench:
    """One call of the bench.

    Attributes:
        folder: for everything that it writes, but its results.
        sample: what is imported.
        rounds: how often each way is measured; the median counts.
    """

    folder: Path
    sample: Sample
    rounds: int

    @property
    def what(self) -> str:
        """The sample in words."""
        layers = {layer.diff_id for image in self.sample.images for layer in image.layers}
        size = self.sample.layer_bytes / 1e6
        return f"{size:.0f} MB in {len(self.sample.images)} images, {len(layers)} distinct layers"

    @contextmanager
    def registry(self) -> Iterator[tuple[DemoRegistry, Path]]:
        """An empty registry, and an empty folder, for one run."""
        place = Path(tempfile.mkdtemp(prefix="round-", dir=self.folder))
        registry = DemoRegistry(place / "registry", auth=Login())
        registry.start()
        try:
            yield registry, place
        finally:
            registry.stop()
            shutil.rmtree(place)


def run_as_installed() -> None:
    """An installed program is compiled once; a checkout may be told to compile at each start."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    for package in (core, tui):
        compileall.compile_dir(Path(package.__path__[0]), quiet=1)


@contextmanager
def bench(megabytes: float, rounds: int) -> Iterator[Bench]:
    """A folder with a sample, as long as it is needed."""
    run_as_installed()
    folder = Path(tempfile.mkdtemp(prefix="eksa-bench-"))
    os.environ["DOCKER_CONFIG"] = str(folder)
    try:
        spec = SampleSpec(images=BENCHMARK.images, megabytes=megabytes)
        programs = Programs(folder / "programs", int(megabytes * 1e6))
        yield Bench(folder, write_sample(folder / "sample", spec, programs.fill), rounds)
    finally:
        shutil.rmtree(folder)


def write(name: str, title: str, lines: Sequence[str], plot: str = "") -> None:
    """Write a result as Markdown, with its plot beside it, and print it."""
    RESULTS.mkdir(exist_ok=True)
    shown = [f"![{title}]({name}.svg)", ""] if plot else []
    text = "\n".join([f"# {title}", "", machine(), "", *shown, *lines]) + "\n"
    (RESULTS / f"{name}.md").write_text(text)
    if plot:
        (RESULTS / f"{name}.svg").write_text(plot)
    sys.stdout.write(text)


def tell(line: str) -> None:
    """Say how far it is."""
    sys.stderr.write(line + "\n")


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A table in Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return ["| " + " | ".join(line) + " |" for line in lines] + [""]


def mb(count: float) -> str:
    """Bytes for a table."""
    return f"{count / 1e6:.0f} MB"


def machine() -> str:
    """Cores, versions, date."""
    tools = (("docker-registry", "--version"), ("dockerd", "--version"), ("skopeo", "--version"))
    codecs = ", ".join(f"{name} {version(name)}" for name in ("isal", "zlib-ng"))
    parts = [
        f"eksa-mirror {__version__}, {time.strftime('%Y-%m-%d')}",
        f"{os.cpu_count()} cores shared with the registry, {platform.system()}",
        f"Python {platform.python_version()}, {codecs}",
        *(_said(*tool) for tool in tools if shutil.which(tool[0])),
        "TLS on loopback",
    ]
    return "; ".join(parts) + "."


def _said(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return (done.stdout or done.stderr).strip().splitlines()[0]
