"""How index, plan and journal behave when there is far more to move than in any release.

A sparse archive of 100 GB is written: 10,000 images with ten layers each, none shared. Nothing is
sent; each stage is timed in a process of its own, whose memory is that of the program.

    python -m tests.bench.scale FOLDER [IMAGES]
"""

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from core.archive.archive import Archive
from core.archive.open import open_archive
from core.mirror.endpoint import Mirror
from core.oci import canonical_json
from core.registry.connection import Connection
from core.registry.session import Session
from core.registry.tls import TlsSettings
from core.transfer.chunk_size import ChunkSize
from core.transfer.compression import Compression
from core.transfer.engine import Engine
from core.transfer.journal import Journal
from core.transfer.plan import Plan, make_plan
from core.transfer.progress import Progress, Throttle
from core.transfer.sender import BlobSender
from core.transfer.view import JournalView
from tests.bench.ground import mb, table, write
from tests.bench.measures import header, own_peak, put
from tests.bench.plot import bars

IMAGES = 10_000
LAYERS = 10
LAYER_BYTES = 1_000_000
PLACE = "harbor.local/eks-a"

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage.

    Attributes:
        name: what is done.
        seconds: how long it took.
        cpu: seconds that it computed, which other work on the machine does not change.
        peak: bytes of memory that the process held at the most so far.
    """

    name: str
    seconds: float
    cpu: float
    peak: int


def scale(folder: Path) -> None:
    """Measure, and write a table."""
    stages = measured(folder)
    rows = [(s.name, f"{s.seconds:.2f}", f"{s.cpu:.2f}", mb(s.peak)) for s in stages]
    entries = IMAGES * (LAYERS + 1) + 1
    each = stages[0].seconds / entries * 10_000
    lines = [
        *table(("stage", "seconds", "of CPU", "memory so far"), rows),
        f"The index takes {each:.2f} s for 10,000 entries.",
    ]
    size = IMAGES * LAYERS * LAYER_BYTES / 1e9
    title = f"{IMAGES:,} images, {IMAGES * LAYERS:,} layers, {size:.0f} GB"
    series = {stage.name: [stage.seconds] for stage in stages[:5]}
    write("scale", title, lines, bars(title, "seconds", ["all stages"], series))


def measured(folder: Path, images: int = IMAGES) -> list[Stage]:
    """Write the archive and measure, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.scale", str(folder), str(images)],
        stdout=subprocess.PIPE,
        check=True,
    )
    return [Stage(**one) for one in json.loads(done.stdout)]


def write_archive(path: Path, images: int) -> None:
    """A `docker save` file whose layers are holes: their content is never asked for."""
    manifest: list[dict[str, Any]] = []
    with path.open("wb") as file:
        for number in range(images):
            names = [f"{number}/{layer}/layer.tar" for layer in range(LAYERS)]
            for name in names:
                file.write(header(name, LAYER_BYTES))
                file.seek(LAYER_BYTES + -LAYER_BYTES % 512, os.SEEK_CUR)
            diff_ids = [f"sha256:{hashlib.sha256(name.encode()).hexdigest()}" for name in names]
            config = canonical_json(
                {"architecture": "amd64", "os": "linux",
                 "rootfs": {"type": "layers", "diff_ids": diff_ids}}
            )  # fmt: skip
            entry = f"{hashlib.sha256(config).hexdigest()}.json"
            put(file, entry, config)
            tag = f"public.ecr.aws/eks-anywhere/image-{number}:v1"
            manifest.append({"Config": entry, "RepoTags": [tag], "Layers": names})
        put(file, "manifest.json", json.dumps(manifest).encode())
        file.write(bytes(1024))


def _stages(folder: Path, images: int) -> Iterator[Stage]:
    path = folder / "scale.tar"
    write_archive(path, images)
    archive: Archive
    plan: Plan
    mirror = Mirror.parse(PLACE)
    stage, archive = _timed("index of the archive", lambda: open_archive(path))
    yield stage
    with archive:
        stage, plan = _timed("plan", lambda: make_plan(mirror, archive, None))
        yield stage
        yield _timed("what is needed where", plan.needs)[0]
        for name in ("journal, first run", "journal, resumed"):
            yield _timed(name, lambda: _register(folder / "journal.sqlite", plan))[0]
        yield from _looked_at(folder / "journal.sqlite")
    path.unlink()


def _register(journal: Path, plan: Plan) -> None:
    """What a worker does with a plan before it asks the mirror."""
    connection = Connection(plan.mirror.address, TlsSettings())
    written, _ = Journal.open(journal)
    with Session(connection) as session:
        progress = Progress(4, Throttle(0, time.sleep))
        sender = BlobSender(session, written, Compression(), ChunkSize(2**23), progress)
        Engine(
            plan,
            session=session,
            journal=written,
            sender=sender,
            compression=Compression(),
            progress=progress,
        ).register()
    written.close()


def _looked_at(journal: Path) -> Iterator[Stage]:
    """What screens and `status` read."""
    with JournalView(journal) as view:
        yield _timed("summary", view.summary)[0]
        yield _timed("all artifacts", view.artifacts)[0]
        mark = view.changes(0).mark
        yield _timed("what changed since", lambda: view.changes(mark))[0]
        yield _timed("layers of 50 artifacts", lambda: view.layers_of(range(1, 51)))[0]
        yield _timed("details of one", lambda: view.artifact_details(1))[0]


def _timed(name: str, work: Callable[[], _Result]) -> tuple[Stage, _Result]:
    began, cpu = time.monotonic(), time.process_time()
    result = work()
    seconds, cpu = time.monotonic() - began, time.process_time() - cpu
    return Stage(name, seconds, cpu, own_peak()), result


def main() -> None:
    """Print the stages as JSON."""
    folder, *images = sys.argv[1:]
    stages = _stages(Path(folder), int(images[0]) if images else IMAGES)
    sys.stdout.write(json.dumps([asdict(stage) for stage in stages]))


if __name__ == "__main__":
    main()
