"""What was found so far, and what the operator should know about it."""

from dataclasses import replace

from core.archive.model import ImageParts, StoredArtifact
from core.archive.trouble import shown
from core.oci import Platform
from core.reference import Kind, Reference

_NAMES_SHOWN = 3


class Shelf:
    """Collects artifacts; the same content under several names becomes one artifact."""

    def __init__(self) -> None:
        self._artifacts: dict[str, StoredArtifact] = {}
        self._owners: dict[Reference, str] = {}
        self._payloads: set[tuple[Kind, str]] = set()
        self._clashes: list[str] = []
        self._partial: dict[tuple[Platform, ...], list[str]] = {}
        self._left_out: list[str] = []
        self._notes: list[str] = []

    def add(self, artifact: StoredArtifact) -> None:
        """Put an artifact on the shelf; of two that claim one reference the first keeps it.

        A chart or package bundle that lies there as a file, too, is kept with the manifest that
        upstream gave it.
        """
        payload = _payload(artifact)
        if payload in self._payloads and all(name in self._owners for name in artifact.references):
            return
        if payload and artifact.references:
            self._payloads.add(payload)
        key = _identity(artifact)
        mine: list[Reference] = []
        for reference in artifact.references:
            if self._owners.setdefault(reference, key) == key:
                mine.append(reference)
            else:
                self._clashes.append(str(reference))
        known = self._artifacts.get(key)
        if known is None:
            self._artifacts[key] = replace(artifact, references=tuple(mine))
        elif mine:
            merged = tuple(dict.fromkeys((*known.references, *mine)))
            name = known.name if known.references else artifact.name
            self._artifacts[key] = replace(known, name=name, references=merged)

    def note(self, warning: str) -> None:
        """Keep a sentence for the operator."""
        self._notes.append(warning)

    def note_partial(self, name: str, platforms: tuple[Platform, ...]) -> None:
        """Keep in mind that an image lacks platforms that its index lists."""
        self._partial.setdefault(platforms, []).append(name)

    def leave_out(self, name: str) -> None:
        """Keep in mind that an entry is of no known kind."""
        self._left_out.append(name)

    @property
    def artifacts(self) -> tuple[StoredArtifact, ...]:
        """All artifacts in the order in which they were found."""
        return tuple(self._artifacts.values())

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences for the operator, one for each kind of oddity."""
        found = list(self._notes)
        unnamed = [
            artifact.name
            for artifact in self._artifacts.values()
            if not artifact.references and not artifact.chart_name
        ]
        if unnamed:
            found.append(
                f"{_count(unnamed, 'image has', 'images have')} no full name in the tarball, as "
                f"after docker save by digest: {_some(unnamed)}."
            )
        for platforms, names in self._partial.items():
            there = ", ".join(map(str, platforms)) or "some platforms"
            found.append(
                f"{_count(names, 'image is', 'images are')} in the tarball for {there} only, not "
                f"for all platforms of upstream: {_some(names)}."
            )
        if self._clashes:
            found.append(
                f"{_count(self._clashes, 'name is', 'names are')} in the tarball twice with "
                f"different content, the first is used: {_some(self._clashes)}."
            )
        if self._left_out:
            found.append(
                f"{_count(self._left_out, 'entry is', 'entries are')} neither image, chart nor "
                f"package bundle and left out: {_some(self._left_out)}."
            )
        return tuple(found)


def _payload(artifact: StoredArtifact) -> tuple[Kind, str] | None:
    """The one file of a chart or package bundle."""
    content = artifact.content
    if artifact.kind is Kind.IMAGE or isinstance(content, ImageParts) or len(content.blobs) < 2:
        return None
    return artifact.kind, content.blobs[1].digest


def _identity(artifact: StoredArtifact) -> str:
    content = artifact.content
    digest = content.config.digest if isinstance(content, ImageParts) else content.digest
    if artifact.kind is Kind.CHART:
        # Charts are found by the names of their files, so two files are two charts.
        return f"{artifact.name}@{digest}"
    return digest


def _count(names: list[str], one: str, many: str) -> str:
    number = len(names)
    return f"{number:,} {one if number == 1 else many}"


def _some(names: list[str]) -> str:
    rest = len(names) - _NAMES_SHOWN
    listed = ", ".join(shown(name) for name in names[:_NAMES_SHOWN])
    return f"{listed} and {rest:,} more" if rest > 0 else listed
