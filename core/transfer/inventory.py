"""What was carried in, against what EKS Anywhere will ask for, by Kubernetes version."""

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.archive.model import StoredArtifact
from core.archive.open import open_archive
from core.errors import Interrupted
from core.reference import Kind
from core.release.model import RequiredArtifact, Requirements
from core.transfer.inputs import read_requirements

_LABELS = {
    Kind.IMAGE: "Images",
    Kind.CHART: "Helm charts",
    Kind.PACKAGE_BUNDLE: "Package bundles",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table; `size` is bytes of distinct blobs as stored.

    Attributes:
        state: `pass`, `warn` or `fail`; empty where there is nothing to judge.
    """

    label: str
    required: int
    found: int
    size: int
    state: str = ""


@dataclass(frozen=True, slots=True)
class VersionPart:
    """A Kubernetes version: images that it alone needs, and their bytes as stored."""

    name: str
    images: int
    size: int


@dataclass(frozen=True, slots=True)
class Inventory:
    """A tarball and a bundles manifest, read once for all Kubernetes versions.

    Attributes:
        required: each with what the tarball holds for it, None where it holds nothing.
        stored: all that the tarball holds; None where no tarball was read.
        release: of the manifest, empty where it does not tell.
        versions: all that the manifest carries, ascending.
    """

    required: tuple[tuple[RequiredArtifact, StoredArtifact | None], ...]
    stored: tuple[StoredArtifact, ...] | None
    release: str
    versions: tuple[VersionPart, ...]

    def table(self, chosen: Sequence[str] = ()) -> tuple[Line, ...]:
        """A line for each kind, the EKS-D manifests, the sum, and what is left over.

        Args:
            chosen: Kubernetes versions; all where empty.
        """
        names = set(chosen) or {one.name for one in self.versions}
        wanted = [
            (one, held)
            for one, held in self.required
            if not one.kube_versions or names & set(one.kube_versions)
        ]
        lines = [_line(kind, wanted) for kind in _LABELS]
        lines.append(Line("EKS-D manifests", len(names), len(names), 0, "pass"))
        found = [held for _, held in wanted if held]
        lines.append(Line("To import", len(wanted), len(found), distinct_size(found)))
        used = {id(held) for held in found}
        extra = [one for one in self.stored or () if id(one) not in used]
        return (*lines, Line("Extra, left out", 0, len(extra), distinct_size(extra)))


def read_inventory(
    archive: Path | None,
    bundles: Path,
    *,
    stop: threading.Event,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Inventory:
    """Read both; a gzip-ed tarball is read through, which takes its time.

    Args:
        archive: None where only the manifest is to be read.
        stop: set to give up.
        on_progress: told bytes read and bytes in all of a gzip-ed tarball.

    Raises:
        EksaMirrorError: one of them cannot be read.
        Interrupted: `stop` was set.
    """

    def progress(done: int, total: int) -> None:
        if stop.is_set():
            raise Interrupted("Something else is looked at now.")
        on_progress(done, total)

    requirements = read_requirements(bundles)
    if archive is None:
        return _inventory(requirements, None, [None] * len(requirements.artifacts))
    with open_archive(archive, on_progress=progress) as held:
        found = [held.find(one.artifact) for one in requirements.artifacts]
        return _inventory(requirements, tuple(held.artifacts), found)


def distinct_size(stored: Iterable[StoredArtifact]) -> int:
    """Bytes as stored, each blob once."""
    blobs = {blob.digest: blob.size for one in stored for blob in one.content.all_blobs()}
    return sum(blobs.values())


def _inventory(
    requirements: Requirements,
    stored: tuple[StoredArtifact, ...] | None,
    found: Sequence[StoredArtifact | None],
) -> Inventory:
    pairs = tuple(zip(requirements.artifacts, found, strict=True))
    parts = []
    for name in requirements.known_kube_versions:
        own = [(one, held) for one, held in pairs if one.kube_versions == (name,)]
        images = [(one, held) for one, held in own if one.artifact.kind is Kind.IMAGE]
        size = distinct_size(held for _, held in images if held)
        parts.append(VersionPart(name, len(images), size))
    return Inventory(pairs, stored, requirements.release, tuple(parts))


def _line(kind: Kind, wanted: Sequence[tuple[RequiredArtifact, StoredArtifact | None]]) -> Line:
    of_kind = [held for one, held in wanted if one.artifact.kind is kind]
    found = [held for held in of_kind if held]
    missing = len(of_kind) - len(found)
    # Without its package bundle a cluster comes up all the same, without an image it does not.
    bad = "warn" if kind is Kind.PACKAGE_BUNDLE else "fail"
    state = bad if missing else "pass"
    return Line(_LABELS[kind], len(of_kind), len(found), distinct_size(found), state)
