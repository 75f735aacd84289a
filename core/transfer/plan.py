"""The plan: every artifact with its way from the archive into the mirror, before a byte moves."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from core.archive.archive import Archive
from core.archive.model import Blob, ImageParts, StoredArtifact
from core.errors import Code, EksaMirrorError, MirrorError
from core.mirror.destination import destination
from core.mirror.endpoint import Mirror
from core.reference import Artifact, Kind, Reference
from core.release.model import RequiredArtifact, Requirements

NOT_REQUIRED = "not required by the bundles manifest for the chosen Kubernetes versions"


@dataclass(frozen=True, slots=True)
class PlannedArtifact:
    """One artifact with its way.

    Attributes:
        kind: image, chart or package bundle.
        source: upstream reference; for what the bundles manifest does not name, its name in the
            archive.
        destination: None only where there is a problem.
        stored: what the archive holds; None where it holds nothing or no archive was given.
        required: whether the bundles manifest requires it.
        problem: why it cannot be moved.
        skipped: why it is not moved, on purpose.
    """

    kind: Kind
    source: str
    destination: Reference | None
    stored: StoredArtifact | None
    required: bool
    problem: EksaMirrorError | None = None
    skipped: str = ""

    @property
    def size(self) -> int:
        """Bytes of its distinct blobs as stored; 0 where nothing is stored."""
        return self.stored.size if self.stored else 0

    @property
    def to_move(self) -> bool:
        """Whether there is something to move and a place to move it to."""
        return self.stored is not None and self.problem is None and not self.skipped

    def blobs(self) -> Iterator[Blob]:
        """Its distinct blobs."""
        if self.stored:
            seen: set[str] = set()
            for blob in self.stored.content.all_blobs():
                if blob.digest not in seen:
                    seen.add(blob.digest)
                    yield blob


@dataclass(frozen=True, slots=True)
class Need:
    """A distinct blob, and the repositories of the mirror that need it."""

    blob: Blob
    repositories: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What an import would do.

    Attributes:
        mirror: where to.
        artifacts: everything required, then, if it was asked for, everything else of the archive.
        warnings: sentences for the operator.
    """

    mirror: Mirror
    artifacts: tuple[PlannedArtifact, ...]
    warnings: tuple[str, ...] = ()

    def needs(self) -> list[Need]:
        """The distinct blobs, largest first: a large one that comes last is waited for alone."""
        repositories: dict[tuple[str, bool], dict[str, None]] = {}
        blobs: dict[tuple[str, bool], Blob] = {}
        for artifact in self.artifacts:
            if not artifact.to_move or artifact.destination is None:
                continue
            for blob in artifact.blobs():
                # The same layer may be in a manifest as it is and in docker save to be compressed.
                key = blob.digest, blob.compressible
                blobs.setdefault(key, blob)
                repositories.setdefault(key, {})[artifact.destination.repository] = None
        needs = [Need(blob, tuple(repositories[key])) for key, blob in blobs.items()]
        return sorted(needs, key=lambda need: (-need.blob.size, need.blob.digest))


def make_plan(
    mirror: Mirror,
    archive: Archive | None,
    requirements: Requirements | None,
    *,
    include_all: bool = False,
) -> Plan:
    """Match what is required with what the archive holds, and say where each goes.

    Args:
        mirror: where to.
        archive: None for a plan from the bundles manifest alone.
        requirements: None moves whatever the archive holds.
        include_all: also what is not required; else that is listed as skipped.
    """
    required = requirements.artifacts if requirements else ()
    planned = [_plan_required(one, mirror, archive) for one in required]
    if archive:
        move_rest = include_all or requirements is None
        planned += _plan_rest(archive.artifacts, planned, mirror, move_rest)
    warnings = (requirements.warnings if requirements else ()) + (
        archive.warnings if archive else ()
    )
    return Plan(mirror, tuple(_without_clashes(_told_apart(planned))), warnings)


def _plan_required(
    required: RequiredArtifact, mirror: Mirror, archive: Archive | None
) -> PlannedArtifact:
    artifact = required.artifact
    stored = archive.find(artifact) if archive else None
    place, problem = _place(artifact, mirror, stored)
    if archive and not stored:
        problem = EksaMirrorError(
            Code.NOT_IN_ARCHIVE,
            f"The tarball does not hold the {artifact.kind} {artifact}.",
            where=str(archive.path),
        )
    return PlannedArtifact(artifact.kind, str(artifact), place, stored, True, problem)


def _plan_rest(
    stored: Iterable[StoredArtifact],
    planned: Sequence[PlannedArtifact],
    mirror: Mirror,
    move: bool,
) -> Iterator[PlannedArtifact]:
    """What nobody requires, and further names of what somebody does."""
    taken = {id(one.stored) for one in planned if one.stored}
    places = {(id(one.stored), one.destination) for one in planned}
    for one in stored:
        if id(one) not in taken:
            yield from _plan_unrequired(one, mirror, move)
        elif move and one.references:
            named = _plan_unrequired(one, mirror, move)
            yield from (other for other in named if (id(one), other.destination) not in places)


def _plan_unrequired(
    stored: StoredArtifact, mirror: Mirror, move: bool
) -> Iterator[PlannedArtifact]:
    """Once for each name under which the archive knows it."""
    if not move:
        yield PlannedArtifact(stored.kind, stored.name, None, stored, False, skipped=NOT_REQUIRED)
        return
    for artifact in _names_of(stored, mirror):
        place, problem = _place(artifact, mirror, stored)
        source = str(artifact) if stored.references else stored.name
        yield PlannedArtifact(stored.kind, source, place, stored, False, problem)
    if not stored.references and stored.kind is not Kind.CHART:
        problem = EksaMirrorError(
            Code.REFERENCE_INVALID,
            f"“{stored.name}” has no name in the archive that tells where it belongs.",
            cause="It was saved by digest or under a short name.",
            mend="Save it again under its full reference (docker save REGISTRY/REPOSITORY:TAG).",
        )
        yield PlannedArtifact(stored.kind, stored.name, None, stored, False, problem)


def _names_of(stored: StoredArtifact, mirror: Mirror) -> list[Artifact]:
    if stored.kind is Kind.CHART and not stored.references:
        # Its file name does not tell where it comes from; only the bundles manifest would.
        upstream = mirror.mappings[0].registry
        tag = stored.chart_version.replace("+", "_")
        return [Artifact(Kind.CHART, Reference(upstream, stored.chart_name, tag))]
    return [Artifact(stored.kind, reference) for reference in stored.references]


def _place(
    artifact: Artifact, mirror: Mirror, stored: StoredArtifact | None
) -> tuple[Reference | None, EksaMirrorError | None]:
    try:
        return destination(
            artifact,
            mirror,
            chart_name=stored.chart_name if stored else "",
            chart_version=stored.chart_version if stored else "",
        ), None
    except MirrorError as error:
        return None, error


def _told_apart(planned: Iterable[PlannedArtifact]) -> Iterator[PlannedArtifact]:
    """Contents that an archive holds under one name get their digest behind it."""
    seen: set[tuple[Kind, str]] = set()
    for one in planned:
        name = (one.kind, one.source)
        if one.stored and name in seen:
            yield replace(one, source=f"{one.source} ({_digest(one.stored)})")
        else:
            yield one
        seen.add(name)


def _digest(stored: StoredArtifact) -> str:
    content = stored.content
    return content.config.digest if isinstance(content, ImageParts) else content.digest


def _without_clashes(planned: Iterable[PlannedArtifact]) -> Iterator[PlannedArtifact]:
    """Two contents with one destination: the first goes there, the second is a problem."""
    holders: dict[Reference, PlannedArtifact] = {}
    for one in planned:
        if one.destination is None or not one.to_move:
            yield one
            continue
        holder = holders.setdefault(one.destination, one)
        if holder.stored is one.stored:
            yield one
            continue
        problem = EksaMirrorError(
            Code.DESTINATION_CLASH,
            f"{one.source} and {holder.source} would both become {one.destination}.",
        )
        yield replace(one, destination=None, problem=problem)
