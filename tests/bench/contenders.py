"""Three ways from the same tarball into an empty registry, each timed as its user would see it."""

import shutil
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from core.demo.sample import IMAGES_FILE, TOOLS_FILE, Sample
from core.reference import Reference
from tests.bench.ground import NAMESPACE
from tests.fixtures.private_docker import PrivateDocker
from tests.fixtures.tools import Registry, Skopeo
from tests.integration.program import PROGRAM, environment, import_flags

WORKERS = 2
"""`eksctl anywhere import images` pushes with one worker a core; this is for two cores."""


@dataclass(frozen=True, slots=True)
class Contender:
    """A way to import.

    Attributes:
        name: as the table shows it.
        run: imports the sample into the registry; the seconds that it took.
    """

    name: str
    run: Callable[[Sample, Registry, Path], float]


def eksa_mirror(*more: str) -> Callable[[Sample, Registry, Path], float]:
    """The program with everything switched on: journal, diff IDs, verification, reports."""

    def run(sample: Sample, registry: Registry, folder: Path) -> float:
        command = [PROGRAM, "import", *import_flags(sample, registry, NAMESPACE), "--all", *more]
        began = time.monotonic()
        subprocess.run(
            [str(word) for word in command],
            env=environment(registry) | {"XDG_STATE_HOME": str(folder / "state")},
            check=True,
            capture_output=True,
        )
        return time.monotonic() - began

    return run


def limit(sample: Sample, registry: Registry, folder: Path) -> float:
    """The same blobs by a bare loop: see `tests.bench.limit`."""
    del folder
    login = (registry.username, registry.password.get_secret_value())
    address = f"{registry.address}/{NAMESPACE}"
    command = [sys.executable, "-m", "tests.bench.limit", "--", sample.archive, address,
               registry.ca_file, *login]  # fmt: skip
    began = time.monotonic()
    subprocess.run([str(word) for word in command], check=True, capture_output=True)
    return time.monotonic() - began


def skopeo(sample: Sample, registry: Registry, folder: Path) -> float:
    """`skopeo copy` for each image, two at a time; unpacking the outer tarball is not counted."""
    tool = Skopeo(folder)
    archives = _unpack(sample, folder)

    def copy(reference: Reference) -> None:
        archive = archives[0] if reference == sample.images[0].reference else archives[1]
        name = f"{NAMESPACE}/{reference.repository}:{reference.tag}"
        tool.copy_in(f"docker-archive:{archive}:{reference}", registry, name)

    began = time.monotonic()
    _each(copy, [image.reference for image in sample.images])
    return time.monotonic() - began


def docker(daemon: PrivateDocker) -> Callable[[Sample, Registry, Path], float]:
    """What `eksctl anywhere import images` does: unpack, load, tag, push with two workers."""

    def run(sample: Sample, registry: Registry, folder: Path) -> float:
        client = daemon.client
        login = {
            "username": registry.username,
            "password": registry.password.get_secret_value(),
        }

        def push(reference: Reference) -> None:
            target = f"{registry.address}/{NAMESPACE}/{reference.repository}"
            client.images.get(str(reference)).tag(target, reference.tag)
            for line in client.images.push(
                target, reference.tag, auth_config=login, stream=True, decode=True
            ):
                if "error" in line:
                    raise RuntimeError(line["error"])

        began = time.monotonic()
        for archive in _unpack(sample, folder):
            with archive.open("rb") as file:
                client.images.load(file)
        _each(push, [image.reference for image in sample.images])
        took = time.monotonic() - began
        for image in client.images.list():
            client.images.remove(str(image.id), force=True)
        return took

    return run


def _unpack(sample: Sample, folder: Path) -> list[Path]:
    unpacked = folder / "unpacked"
    shutil.rmtree(unpacked, ignore_errors=True)
    unpacked.mkdir()
    with tarfile.open(sample.archive) as archive:
        archive.extractall(unpacked, filter="data")
    return [unpacked / TOOLS_FILE, unpacked / IMAGES_FILE]


def _each(work: Callable[[Reference], None], references: Iterable[Reference]) -> None:
    with ThreadPoolExecutor(WORKERS) as pool:
        for result in [pool.submit(work, reference) for reference in references]:
            result.result()
