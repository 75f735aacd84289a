"""`download images`: all that a release requires, from upstream into one archive."""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from core.errors import EksaMirrorError, Interrupted, RegistryError
from core.fetch.blobs import BlobFetcher, Source
from core.fetch.partial import Partial, remove_folder
from core.fetch.pins import Pins
from core.fetch.resolve import Resolved, Resolver
from core.fetch.shape import Shape, shape_of
from core.fetch.upstreams import Upstreams, concerns_all
from core.oci import Platform, is_attestation
from core.reference import Artifact

_Task = TypeVar("_Task")
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Failure:
    """An artifact that upstream does not give."""

    artifact: Artifact
    error: EksaMirrorError


@dataclass(frozen=True, slots=True)
class Survey:
    """What a download would fetch, known from manifests alone.

    Attributes:
        resolved: what upstream holds.
        failures: what it does not.
        shape: of the archive with all of `resolved`.
    """

    resolved: tuple[Resolved, ...]
    failures: tuple[Failure, ...]
    shape: Shape = field(repr=False)

    def by_platform(self) -> dict[str, int]:
        """Bytes of the distinct blobs that each platform alone would need."""
        sizes: dict[str, dict[str, int]] = {}
        for one in self.resolved:
            for manifest in one.taken:
                platform = one.platforms.get(manifest.digest)
                if platform and not is_attestation(platform):
                    found = sizes.setdefault(str(platform), {})
                    found.update((blob.digest, blob.size) for blob in manifest.blobs)
        return {name: sum(found.values()) for name, found in sorted(sizes.items())}


@dataclass(frozen=True, slots=True)
class Watcher:
    """Who is told how it goes; all from several threads.

    Attributes:
        on_resolved: how many artifacts were asked for, and how many there are.
        on_bytes: bytes that came in, or were found on the disk; told by the thread that has the
            blob in hand.
        on_begin: a thread takes a blob in hand, and its bytes.
        on_end: the blob is here, whole.
        throttle: takes a number of bytes and waits as long as they may take.
    """

    on_resolved: Callable[[int, int], None] = lambda done, total: None
    on_bytes: Callable[[int], None] = lambda count: None
    on_begin: Callable[[Source, int], None] = lambda source, size: None
    on_end: Callable[[Source], None] = lambda source: None
    throttle: Callable[[int], object] = lambda count: None


def survey(
    artifacts: Sequence[Artifact],
    upstreams: Upstreams,
    *,
    platforms: Sequence[Platform] = (),
    tools: str = "",
    pins: Pins | None = None,
    jobs: int = 4,
    watcher: Watcher | None = None,
) -> Survey:
    """Ask upstream for all manifests.

    Args:
        platforms: all where empty.
        tools: reference of the image that eksctl loads first.
        pins: what an earlier run was told; forgotten at the end where there are none.

    Raises:
        Interrupted: the download is to stop.
        RegistryError: a registry does not answer at all.
    """
    resolver = Resolver(upstreams, pins or Pins(), platforms)
    watcher = watcher or Watcher()
    for reference in {one.reference.registry: one.reference for one in artifacts}.values():
        upstreams.registry(reference)  # one that does not answer is told once, not for every image
    counter, lock = iter(range(1, len(artifacts) + 1)), threading.Lock()

    def ask(artifact: Artifact) -> Resolved | Failure:
        found: Resolved | Failure
        try:
            found = resolver.resolve(artifact)
        except EksaMirrorError as error:
            if concerns_all(error):
                raise
            found = Failure(artifact, error)
        with lock:
            watcher.on_resolved(next(counter), len(artifacts))
        return found

    answers = list(in_threads(jobs, artifacts, ask, upstreams.waiter.stop))
    resolved = tuple(one for one in answers if isinstance(one, Resolved))
    failures = tuple(one for one in answers if isinstance(one, Failure))
    return Survey(resolved, failures, shape_of(resolved, tools))


def download(
    seen: Survey, upstreams: Upstreams, folder: Path, target: Path, *, jobs: int, watcher: Watcher
) -> tuple[Failure, ...]:
    """Fetch all blobs of a survey and write the archive.

    Args:
        folder: held by `hold_folder`; removed at the end.
        target: the archive; appears only when it is whole.

    Returns:
        What could not be had. Then there is no archive yet, and what was fetched is kept.

    Raises:
        RegistryError: a registry is away for good.
        JobError: `disk-full`, `file-not-written`.
        UsageError: the folder holds another unfinished download.
        Interrupted: the download is to stop.
    """
    with closing(Partial(folder, seen.shape)) as partial:
        fetcher = BlobFetcher(upstreams, partial, watcher.on_bytes, watcher.throttle)

        def fetch(source: Source) -> Failure | None:
            watcher.on_begin(source, seen.shape.sizes[source.digest])
            try:
                fetcher.fetch(source)
            except RegistryError as error:
                if error.temporary:  # and it was waited for: the others would wait as long
                    raise
                return Failure(source.artifact, error)
            watcher.on_end(source)
            return None

        results = in_threads(jobs, _sources(seen), fetch, upstreams.waiter.stop)
        failures = tuple(one for one in results if one)
        if failures:
            return failures
        partial.finish(target)
    remove_folder(folder)
    return ()


def _sources(seen: Survey) -> list[Source]:
    """Each distinct blob once, largest first: a large one that comes last is waited for alone."""
    sources = {
        blob.digest: Source(blob.digest, one.artifact)
        for one in reversed(seen.resolved)
        for blob in one.blobs()
    }
    sizes = seen.shape.sizes
    wanted = [one for digest, one in sources.items() if digest in sizes]
    return sorted(wanted, key=lambda one: (-sizes[one.digest], one.digest))


def in_threads(
    count: int,
    tasks: Iterable[_Task],
    work: Callable[[_Task], _Result],
    stop: threading.Event,
) -> Iterator[_Result]:
    """The results in the order of the tasks; the first error ends the whole, by setting `stop`.

    Raises:
        Interrupted: `stop` was set by somebody else.
    """

    def run(task: _Task) -> _Result:
        if stop.is_set():
            raise Interrupted("The download was stopped.")
        try:
            return work(task)
        except BaseException:
            stop.set()
            raise

    with ThreadPoolExecutor(count, thread_name_prefix="fetch") as pool:
        futures = [pool.submit(run, task) for task in tasks]
    errors = [one for future in futures if (one := future.exception())]
    if errors:
        raise next((one for one in errors if not isinstance(one, Interrupted)), errors[0])
    yield from (future.result() for future in futures)
