"""Figures of one import: memory, disk, a second run."""

import hashlib
import io
import json
import os
import signal
import subprocess
import tarfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.oci import canonical_json
from core.transfer.job import Job, existing_jobs
from core.transfer.view import JournalView
from tests.fixtures.tools import Registry
from tests.integration.program import PROGRAM, environment

_MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Measured:
    """One import.

    Attributes:
        seconds: from the command to its end.
        worker_peak: bytes of memory that the worker held at the most.
        watcher_peak: bytes that the command held which watches it.
        disk_peak: bytes of all files in the state folder at the most.
        worker_cpu: seconds that the worker computed, on all cores together.
        sent: bytes that went over the wire.
        compression: that the layers were sent with.
    """

    seconds: float
    worker_peak: int
    watcher_peak: int
    disk_peak: int
    worker_cpu: float
    sent: int
    compression: str


def measure(
    flags: Sequence[str | Path],
    registry: Registry,
    state: Path,
    stop: Callable[[Job], bool] = lambda _: False,
) -> Measured:
    """Run an import and look at its processes while they live.

    Args:
        state: where its job is kept; an earlier one there is gone on with.
        stop: asked again and again; the worker is killed when it says so.
    """
    command = [str(PROGRAM), "import", *map(str, flags)]
    state.mkdir(exist_ok=True)
    os.environ["XDG_STATE_HOME"] = str(state)
    began = time.monotonic()
    worker = watcher = disk = 0
    cpu, killed = 0.0, False
    with subprocess.Popen(
        command,
        env=environment(registry),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        while process.poll() is None:
            watcher = max(watcher, peak(process.pid))
            disk = max(disk, _size(state))
            for job in existing_jobs():
                pid = job.worker_pid() or 0
                worker, cpu = max(worker, peak(pid)), max(cpu, _cpu(pid))
                if not killed and job.is_running() and stop(job):
                    os.kill(pid, signal.SIGKILL)
                    killed = True
            time.sleep(0.02)
        assert process.stderr
        said = process.stderr.read()
    if process.returncode and not killed:
        raise RuntimeError(said)
    seconds = time.monotonic() - began
    with JournalView(existing_jobs()[0].journal) as view:
        summary = view.summary()
    sent, compression = int(summary.number("sent_bytes")), summary.facts["compression"]
    return Measured(seconds, worker, watcher, disk, cpu, sent, compression)


def write_zeros(path: Path, gigabytes: int) -> None:
    """A `docker save` file of so many images, each with a layer of 1 GB of zeros, sparse.

    Zeros are an empty tar, so that these are images; their first bytes differ, so that no two
    layers are one.
    """
    manifest, size = [], 1024 * _MB
    with path.open("wb") as file:
        for number in range(gigabytes):
            mark = _entry(f"file-{number}")
            diff_id = _hash(mark, size)
            config = canonical_json(
                {"architecture": "amd64", "os": "linux",
                 "rootfs": {"type": "layers", "diff_ids": [diff_id]}}
            )  # fmt: skip
            name = hashlib.sha256(config).hexdigest()
            put(file, f"{name}.json", config)
            layer = f"{number}/layer.tar"
            file.write(header(layer, size))
            file.write(mark)
            file.seek(size - len(mark), os.SEEK_CUR)
            tag = f"public.ecr.aws/eks-anywhere/zeros-{number}:v1"
            manifest.append({"Config": f"{name}.json", "RepoTags": [tag], "Layers": [layer]})
        put(file, "manifest.json", json.dumps(manifest).encode())
        file.write(bytes(1024))


def _entry(name: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.addfile(tarfile.TarInfo(name))
    return buffer.getvalue()[:512]


def _hash(mark: bytes, size: int) -> str:
    hasher, zeros = hashlib.sha256(mark), bytes(_MB)
    left = size - len(mark)
    while left:
        hasher.update(zeros[: min(left, _MB)])
        left -= min(left, _MB)
    return f"sha256:{hasher.hexdigest()}"


def put(file: io.BufferedWriter, name: str, content: bytes) -> None:
    """Write an entry of a tarball."""
    file.write(header(name, len(content)))
    file.write(content + bytes(-len(content) % 512))


def header(name: str, size: int) -> bytes:
    """The header of an entry."""
    info = tarfile.TarInfo(name)
    info.size = size
    return info.tobuf(tarfile.GNU_FORMAT)


def peak(pid: int) -> int:
    """Bytes of memory that a process held at the most; 0 where there is none."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    lines = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(lines[0].split()[1]) * 1024 if lines else 0


def _cpu(pid: int) -> float:
    """Seconds that a process has computed; 0 where there is none."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def own_peak() -> int:
    """The same of this process."""
    return peak(os.getpid())


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
