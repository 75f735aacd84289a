"""What tests of a preparation share: its orders, a look at its worker, and the end of it."""

import os
import signal
import time
from pathlib import Path
from threading import Event

from core.demo.registry import DemoRegistry
from core.fetch.picture import Picture, look_at
from core.fetch.preparation import Errand, Preparation, errand_for, existing_errands
from core.transfer.standing import Stand
from tests.fixtures.proxy import Exchange, Handler, Proxy
from tests.integration.upstream import HOST
from tests.integration.web import HOST as ASSETS_HOST
from tests.integration.web import Site

SECONDS = 60.0


def prepared(
    site: Site, registry: DemoRegistry | Proxy, folder: Path, **more: object
) -> Preparation:
    """Fetches all of the latest release from servers of the test."""
    return Preparation.model_validate({
        "folder": folder,
        "ca_file": registry.ca_file,
        "upstream_mirrors": (f"{HOST}={registry.address}", f"{ASSETS_HOST}={site.address}"),
    } | more)  # fmt: skip


def ended(folder: Path) -> tuple[Stand, Picture]:
    """How the download into a folder ended."""
    errand = errand_for(folder)
    end = time.monotonic() + SECONDS
    while errand.job.is_running():
        assert time.monotonic() < end, f"it never ended: {look_at(errand)}"
        time.sleep(0.02)
    stand, picture = look_at(errand)
    assert picture, errand.job.log.read_text()
    return stand, picture


def wait_recorded(folder: Path, digest: str) -> None:
    """Until the worker has noted that a part of a blob is here: what came just now is lost."""
    record = folder / "images.tar.partial" / "blobs.jsonl"
    end = time.monotonic() + SECONDS
    while not (record.exists() and digest in record.read_text()):
        assert time.monotonic() < end, "nothing was recorded"
        time.sleep(0.01)


def kill(errand: Errand, number: int = signal.SIGKILL) -> None:
    """As the kernel does where memory is short."""
    pid = errand.job.worker_pid()
    assert pid
    os.kill(pid, number)
    while errand.job.is_running():
        time.sleep(0.005)


def kill_all() -> None:
    """A worker outlives whoever started it, also a test that failed."""
    for errand in existing_errands():
        if errand.job.is_running():
            kill(errand)


class Hold(Handler):
    """Stops one blob after some bytes, until it is let go."""

    def __init__(self, digest: str, after: int) -> None:
        self._digest, self._after = digest, after
        self.reached, self.go = Event(), Event()

    def download(self, exchange: Exchange, block: bytes) -> bytes:
        """Wait in the middle of it."""
        if exchange.path.endswith(self._digest) and exchange.received > self._after:
            self.reached.set()
            self.go.wait(SECONDS)
        return block
