"""All that a preparation fetches: manifests of the release, its images, and curated packages."""

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from core.eksa import DOWNLOADS_FOLDER
from core.errors import Code, Interrupted, UsageError
from core.fetch.artifacts import fetch_all, finish, want
from core.fetch.images import Failure, Survey, download, survey
from core.fetch.monitor import Monitor
from core.fetch.packages import find_packages
from core.fetch.partial import (
    ARCHIVE,
    check_room,
    hold_file,
    hold_folder,
    partial_folder,
    remove_folder,
    told,
)
from core.fetch.pins import Pins
from core.fetch.platforms import parse_platforms
from core.fetch.preparation import (
    IMAGES_FILE,
    MANIFESTS_FILE,
    Preparation,
    is_version,
    packages_file,
)
from core.fetch.release import (
    RELEASES_URL,
    Release,
    find_bundles_url,
    is_url,
    open_release,
)
from core.fetch.upstreams import Reach, Upstreams, parse_places
from core.files import nearest_existing
from core.reference import Artifact
from core.registry.tls import TlsSettings
from core.transfer.states import JobState

_MANIFESTS = "the manifests"


@dataclass(frozen=True, slots=True)
class Part:
    """One tarball of artifacts.

    Attributes:
        file: its name.
        tools: reference of the image that eksctl loads first; empty where there is none.
        failures: what is known to be missing before any is asked for.
    """

    file: str
    artifacts: tuple[Artifact, ...]
    tools: str = ""
    failures: tuple[Failure, ...] = ()


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a preparation would fetch, known from manifests alone.

    Attributes:
        release: its version, or where its bundles manifest was found.
        offered: Kubernetes versions that the release knows.
        fetched: bytes that come over the network.
        files: name and bytes of every tarball of artifacts.
        failures: what upstream lacks.
        need: bytes that the disk must have free.
        free: bytes that it has.
    """

    release: str
    offered: tuple[str, ...]
    artifacts: int
    fetched: int
    files: dict[str, int] = field(repr=False)
    failures: tuple[Failure, ...]
    need: int
    free: int


def reach_of(preparation: Preparation) -> Reach:
    """How upstream is reached.

    Raises:
        UsageError: the places that it names cannot be used.
    """
    places = parse_places(preparation.upstream_mirrors)
    return Reach(places, TlsSettings(preparation.ca_file), connections=preparation.jobs)


def estimate(preparation: Preparation, upstreams: Upstreams, pins: Pins) -> Estimate:
    """Ask upstream for all manifests; nothing is written.

    Args:
        pins: what was told already; a second estimate with the same ones asks for little.

    Raises:
        EksaMirrorError: the release cannot be had, or a registry does not answer.
        Interrupted: nobody waits for it any more.
    """
    release, _ = _release_of(preparation, upstreams)
    surveys: dict[str, Survey] = {}
    failures: list[Failure] = []
    required = release.requirements(preparation.kube_versions)
    for part in _parts(preparation, release, upstreams, lambda _: pins):
        seen = _survey(preparation, part, upstreams, pins)
        surveys[part.file] = seen
        failures += [*part.failures, *seen.failures]
    files = {name: one.shape.size for name, one in surveys.items()}
    there = sum(_bytes_there(preparation.folder / name) for name in files)
    return Estimate(
        required.release,
        tuple(release.bundles.kube_versions),
        sum(len(one.resolved) for one in surveys.values()),
        sum(one.shape.fetched for one in surveys.values()),
        files,
        tuple(failures),
        max(0, sum(files.values()) - there),
        shutil.disk_usage(nearest_existing(preparation.folder)).free,
    )


def gather(preparation: Preparation, upstreams: Upstreams, monitor: Monitor) -> JobState:
    """Fetch all of it; what an earlier run made whole is left as it is.

    Returns:
        Done, or that some could not be had; then what was fetched is kept for the next run.

    Raises:
        EksaMirrorError: it cannot go on.
        Interrupted: it is to stop.
    """
    folder = preparation.folder
    _check_folder(preparation, monitor.written)
    os.chdir(folder)  # the manifests name the files beside them by paths that begin here
    if MANIFESTS_FILE not in monitor.written and not _fetch_manifests(
        preparation, upstreams, monitor
    ):
        return JobState.SOME_FAILED
    # What lies in the tarball counts: the latest release may be another one by now.
    release = open_release(MANIFESTS_FILE, upstreams)
    with ExitStack() as held:
        monitor.enter(JobState.PLANNING)
        pins: dict[str, Pins] = {}

        def pins_of(file: str) -> Pins:
            if file not in pins:
                pins[file] = Pins(held.enter_context(hold_folder(folder / file)))
            return pins[file]

        seen = _survey_all(preparation, release, upstreams, monitor, pins_of)
        if monitor.picture().lost and not preparation.allow_missing:
            return JobState.SOME_FAILED
        monitor.expect(list(seen.values()))
        need = sum(one.shape.size - _bytes_there(folder / name) for name, one in seen.items())
        check_room(folder, need)
        for name, survey_ in seen.items():
            monitor.enter(JobState.SENDING, name)
            if lost := _download(preparation, upstreams, monitor, folder / name, survey_):
                monitor.lose(lost)
                return JobState.SOME_FAILED
            monitor.write(name, (folder / name).stat().st_size)
    return JobState.SOME_FAILED if monitor.picture().lost else JobState.DONE


def _survey_all(
    preparation: Preparation,
    release: Release,
    upstreams: Upstreams,
    monitor: Monitor,
    pins_of: Callable[[str], Pins],
) -> dict[str, Survey]:
    """What is to be fetched, by file; those that are whole are not asked for."""
    surveys = {}
    for part in _parts(preparation, release, upstreams, pins_of, monitor.written):
        monitor.enter(JobState.PLANNING, part.file)
        seen = _survey(preparation, part, upstreams, pins_of(part.file), monitor)
        monitor.lose([*part.failures, *seen.failures])
        surveys[part.file] = seen
    return surveys


def _survey(
    preparation: Preparation,
    part: Part,
    upstreams: Upstreams,
    pins: Pins,
    monitor: Monitor | None = None,
) -> Survey:
    return survey(
        part.artifacts, upstreams, platforms=parse_platforms(preparation.platforms),
        tools=part.tools, pins=pins, jobs=preparation.jobs,
        watcher=monitor.watcher() if monitor else None,
    )  # fmt: skip


def _download(
    preparation: Preparation, upstreams: Upstreams, monitor: Monitor, target: Path, seen: Survey
) -> tuple[Failure, ...]:
    return download(
        seen, upstreams, partial_folder(target), target,
        jobs=preparation.jobs, watcher=monitor.watcher(),
    )  # fmt: skip


def _parts(
    preparation: Preparation,
    release: Release,
    upstreams: Upstreams,
    pins_of: Callable[[str], Pins],
    written: Sequence[str] | dict[str, int] = (),
) -> Iterator[Part]:
    """The tarballs that are not whole yet: images, then the packages of each version."""
    required = release.requirements(preparation.kube_versions)
    if IMAGES_FILE not in written:
        artifacts = tuple(one.artifact for one in required.artifacts)
        yield Part(IMAGES_FILE, artifacts, release.tools(required))
    charts, images = preparation.package_places
    for version in required.kube_versions if images else ():
        file = packages_file(version)
        if file not in written:
            found = find_packages(
                upstreams, version, charts=charts, images=images, pins=pins_of(file)
            )
            yield Part(file, found.artifacts, failures=found.failures)


def _release_of(
    preparation: Preparation, upstreams: Upstreams
) -> tuple[Release, tuple[str, bytes] | None]:
    """The release, and the list of all releases where it was needed."""
    named = preparation.release
    if named and not is_version(named):
        return open_release(named, upstreams), None
    releases = RELEASES_URL, upstreams.read(RELEASES_URL)
    _, bundles = find_bundles_url(releases[1], releases[0], named)
    return open_release(bundles, upstreams), releases


def _fetch_manifests(preparation: Preparation, upstreams: Upstreams, monitor: Monitor) -> bool:
    monitor.enter(JobState.STARTING, _MANIFESTS)
    release, releases = _release_of(preparation, upstreams)
    wanted = want(release, DOWNLOADS_FOLDER, releases)

    def read(uri: str) -> bytes | None:
        return upstreams.read(uri) if is_url(uri) else release.read(uri)

    with hold_file(wanted.partial):
        lost = fetch_all(wanted, read, lambda path, known: _check_stop(upstreams))
        if lost:
            monitor.lose_all([(one.uri, one.error) for one in lost])
            return False
        finish(wanted, retain=False)
    monitor.write(MANIFESTS_FILE, Path(MANIFESTS_FILE).stat().st_size)
    return True


def _check_stop(upstreams: Upstreams) -> None:
    if upstreams.waiter.stop.is_set():
        raise Interrupted("The download was stopped.")


def _check_folder(preparation: Preparation, written: dict[str, int]) -> None:
    """Make the folder, and let nothing of others be overwritten."""
    folder = preparation.folder
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise UsageError(
            Code.BAD_USAGE, f"The folder cannot be made: {error.strerror}.", where=str(folder)
        ) from None
    for name in stands_in_the_way(folder, written):
        raise UsageError(
            Code.BAD_USAGE, f"{name} is there already.", where=str(folder),
            cause="Another download made it, or it was carried here.",
            mend="Move it away, or name another folder.",
        )  # fmt: skip


def stands_in_the_way(folder: Path, written: dict[str, int]) -> list[str]:
    """Files of the folder that have the name of one of ours, and are none of ours."""
    names = [MANIFESTS_FILE, IMAGES_FILE]
    names += sorted(path.name for path in folder.glob(packages_file("*")))
    return [name for name in names if name not in written and (folder / name).exists()]


def still_there(folder: Path, written: dict[str, int]) -> dict[str, int]:
    """Of the files that were made, those that lie there as they were."""
    return {
        name: count
        for name, count in written.items()
        if (folder / name).exists() and (folder / name).stat().st_size == count
    }


def check_same(preparation: Preparation, monitor: Monitor) -> None:
    """Refuse to mix what two preparations fetch.

    Raises:
        UsageError: what lies in the folder was begun with other answers.
    """
    folder, wanted = preparation.folder, preparation.fingerprint
    if monitor.of != wanted and (monitor.written or _unfinished(folder)):
        raise UsageError(
            Code.BAD_USAGE,
            "A download with other answers was begun there.",
            where=str(folder),
            cause="It was of another release, or of other versions, platforms or packages.",
            mend="Begin anew, which removes it; or name another folder.",
        )
    monitor.belong(wanted, monitor.written)


def begin_anew(preparation: Preparation, monitor: Monitor) -> None:
    """Remove all that an earlier run wrote into the folder.

    Raises:
        JobError: another download is at work there, or the disk refuses.
    """
    folder = preparation.folder
    for left in _unfinished(folder):
        with hold_folder(left.with_name(left.name.removesuffix(".partial"))) as held:
            remove_folder(held)
    for name in monitor.written:
        with told(folder / name):
            (folder / name).unlink()
    monitor.belong(preparation.fingerprint, {})


def _unfinished(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.tar.partial"))


def _bytes_there(target: Path) -> int:
    """Room on the disk that a file has already, whole or not."""
    file = target if target.exists() else partial_folder(target) / ARCHIVE
    return file.stat().st_blocks * 512 if file.exists() else 0
