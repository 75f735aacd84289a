"""Figures of one import: memory, disk, a second run."""

import hashlib
import io
import json
import os
import subprocess
import tarfile
import time
from dataclasses import dataclass
from pathlib import Path

from core.demo.registry import DemoRegistry
from core.oci import canonical_json
from core.transfer.job import existing_jobs
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
    """

    seconds: float
    worker_peak: int
    watcher_peak: int
    disk_peak: int


def measure(flags: list[str], registry: DemoRegistry, state: Path) -> Measured:
    """Run an import and look at its processes while they live."""
    command = [str(PROGRAM), "import", *flags]
    began = time.monotonic()
    worker = watcher = disk = 0
    with subprocess.Popen(
        command,
        env=environment(registry) | {"XDG_STATE_HOME": str(state)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        os.environ["XDG_STATE_HOME"] = str(state)
        while process.poll() is None:
            watcher = max(watcher, _peak(process.pid))
            worker = max([worker, *(_peak(job.worker_pid() or 0) for job in existing_jobs())])
            disk = max(disk, _size(state))
            time.sleep(0.02)
        assert process.stderr
        said = process.stderr.read()
    if process.returncode:
        raise RuntimeError(said)
    return Measured(time.monotonic() - began, worker, watcher, disk)


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
            _put(file, f"{name}.json", config)
            layer = f"{number}/layer.tar"
            file.write(_header(layer, size))
            file.write(mark)
            file.seek(size - len(mark), os.SEEK_CUR)
            tag = f"public.ecr.aws/eks-anywhere/zeros-{number}:v1"
            manifest.append({"Config": f"{name}.json", "RepoTags": [tag], "Layers": [layer]})
        _put(file, "manifest.json", json.dumps(manifest).encode())
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


def _put(file: io.BufferedWriter, name: str, content: bytes) -> None:
    file.write(_header(name, len(content)))
    file.write(content + bytes(-len(content) % 512))


def _header(name: str, size: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size = size
    return info.tobuf(tarfile.GNU_FORMAT)


def _peak(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    lines = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(lines[0].split()[1]) * 1024 if lines else 0


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
