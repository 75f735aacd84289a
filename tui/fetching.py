"""What the verbs of the connected side share: flags, logins, progress, an orderly end."""

import logging
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from core.answers.values import parse_bytes
from core.errors import Code, RegistryError, UsageError
from core.fetch.images import Failure, Survey, Watcher
from core.fetch.preparation import import_command
from core.fetch.upstreams import FindLogin, Reach, Upstreams, parse_places
from core.host.docker_config import find_in_docker_config
from core.registry.retry import RetryPolicy, Waiter
from core.registry.tls import TlsSettings
from core.transfer.progress import Throttle
from core.units import part_of, size, span
from tui.flags import valued
from tui.words import hanging, plain, plural, tell, warn_of_exposure

BundlesFlag = Annotated[
    str,
    valued("--bundles -b", "FILE|URL", "the bundles manifest, or what download artifacts wrote"),
]
KubeFlag = Annotated[
    list[str] | None, valued("--kube-version", "VERSION", "only this version; may be repeated")
]
PlatformFlag = Annotated[
    list[str] | None,
    valued(
        "--platform",
        "OS/ARCH",
        "only this platform of each image, such as linux/amd64; may be repeated "
        "(default: all, so that the digests of upstream stay true)",
    ),
]
PlaceFlag = Annotated[
    list[str] | None,
    valued(
        "--upstream-mirror",
        "UPSTREAM=HOST[/PREFIX]",
        "take what belongs to UPSTREAM from this cache in front of it; may be repeated",
    ),
]
CaFlag = Annotated[
    Path | None,
    valued(
        "--ca-file", "FILE", "PEM file of a CA to trust, such as that of a proxy that opens TLS"
    ),
]
InsecureFlag = Annotated[
    bool, typer.Option("--insecure", help="accept any certificate of upstream")
]
TrustHostFlag = Annotated[
    list[str] | None, valued("--trust-host", "HOST", "token server of a registry on another host")
]
JobsFlag = Annotated[
    int, typer.Option("--jobs", "-j", min=1, max=32, help="how much is fetched at the same time")
]
RateFlag = Annotated[str, valued("--limit-rate", "BYTES", "a second at the most, such as 20M")]
ChunkFlag = Annotated[
    str, valued("--chunk-size", "BYTES", "sent in one request, such as 512K (default: 8Mi)")
]
PatienceFlag = Annotated[
    float,
    typer.Option("--patience", metavar="SECONDS", min=0, help="how long a server that is away is "
                 "waited for"),
]  # fmt: skip
DryRunFlag = Annotated[
    bool, typer.Option("--dry-run", help="say what would be fetched, and write nothing")
]
RestartFlag = Annotated[
    bool, typer.Option("--restart", help="throw away what an earlier run left, finished or not")
]

_INTERVAL = 2.0


@dataclass(frozen=True, slots=True)
class Going:
    """A run of such a verb.

    Attributes:
        upstreams: whom it asks.
        throttle: holds all threads back together.
    """

    upstreams: Upstreams
    throttle: Throttle


@contextmanager
def going(
    *,
    places: Sequence[str] | None,
    ca_file: Path | None,
    insecure: bool,
    trust_hosts: Sequence[str] | None,
    jobs: int,
    limit_rate: str,
    patience: float,
    find_login: FindLogin = find_in_docker_config,
) -> Iterator[Going]:
    """Sessions with upstream, ended in order by Ctrl-C and SIGTERM.

    Raises:
        UsageError: a flag makes no sense.
    """
    warn_of_exposure(insecure=insecure)
    reach = Reach(
        parse_places(places or ()),
        TlsSettings(ca_file, verify=not insecure),
        tuple(trust_hosts or ()),
        RetryPolicy(patience=patience),
        jobs,
    )
    stop = threading.Event()
    throttle = Throttle(bytes_of(limit_rate, "--limit-rate"), stop.wait)

    def tell_retry(error: RegistryError) -> None:
        tell(f"Trying again, for up to {span(patience)}: {plain(str(error))}")

    # What is tried again is told here; the log, which nobody set up, would say it once more.
    logging.getLogger("core").addHandler(logging.NullHandler())
    with _stopped_by_signals(stop):  # noqa: SIM117 - the sessions are closed first
        with Upstreams(reach, find_login, Waiter(stop), tell_retry) as upstreams:
            yield Going(upstreams, throttle)


class Progress:
    """Says on standard error how far it is: a line every two seconds, in place on a terminal."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._done = 0
        self._lock = threading.Lock()
        self._next = time.monotonic() + _INTERVAL
        self._in_place = sys.stderr.isatty()

    def add(self, count: int) -> None:
        """So many bytes more are there."""
        with self._lock:
            self._done += count
            if time.monotonic() < self._next:
                return
            self._next = time.monotonic() + _INTERVAL
            self._show()

    def end(self) -> None:
        """Leave the last figures on the screen."""
        with self._lock:
            self._show()
            if self._in_place:
                tell()

    def _show(self) -> None:
        line = f"{part_of(self._done, self._total)} are here"
        if self._in_place:
            sys.stderr.write(f"\r{line}\x1b[K")
            sys.stderr.flush()
        else:
            tell(line)


def watcher(run: Going, progress: Progress | None = None) -> Watcher:
    """What the engine tells, passed on."""
    if progress is None:
        return Watcher(throttle=run.throttle.take)
    return Watcher(on_bytes=progress.add, throttle=run.throttle.take)


def tell_sizes(seen: Survey) -> None:
    """What a download would fetch and write, on standard error."""
    tell(f"{plural(len(seen.resolved), 'artifact')}: {size(seen.shape.fetched)} to fetch")
    tell(f"The tarball would have {size(seen.shape.size)} ({seen.shape.size:,} bytes)")


def tell_import(file: str, manifests: str, places: Sequence[str] = ()) -> None:
    """The command of the other side, see `import_command`."""
    with_what = " with what download artifacts wrote" if manifests else ""
    tell(f"Carry it across the air gap{with_what}, then:")
    tell(f"  {import_command(file, manifests, places)}")


def tell_failures(failures: Sequence[Failure]) -> None:
    """What could not be had, and why, on standard error."""
    tell()
    tell(f"x {plural(len(failures), 'artifact')} could not be had:")
    for one in failures:
        tell(f"    {plain(str(one.artifact))}")
        for label, text in (("What", one.error.message), ("Cause", one.error.cause)):
            for line in hanging(label, plain(text)):
                tell(f"  {line}")
    tell()
    for line in hanging("Fix", plain(failures[0].error.mend)):
        tell(line)


def bytes_of(text: str, flag: str, default: int = 0) -> int:
    """What a flag for a number of bytes says.

    Raises:
        UsageError: it is none.
    """
    try:
        count = parse_bytes(text) if text else default
    except ValueError:
        count = None
    if not isinstance(count, int):
        raise UsageError(
            Code.BAD_USAGE, f"“{text}” is no number of bytes, such as 20M.", where=flag
        )
    return count


@contextmanager
def _stopped_by_signals(stop: threading.Event) -> Iterator[None]:
    def on_signal(number: int, frame: FrameType | None) -> None:
        del number, frame
        stop.set()

    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, on_signal) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
