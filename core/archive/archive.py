"""An open archive, and how what is required is found in it."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Self

from core.archive.charts import chart_file_name, version_key
from core.archive.model import ImageParts, StoredArtifact
from core.archive.names import image_reference
from core.archive.package_bundles import bundle_tag
from core.reference import Artifact, Kind, Reference


class Archive:
    """Artifacts that can be read until `close`; use it as a context manager.

    Attributes:
        path: the file or folder.
        artifacts: images, charts and package bundles, each content once.
        warnings: oddities that the operator should know, in sentences.
        fingerprint: a digest that changes when the file is replaced or written to; cheap, so it
            tells nothing about the middle of the file.
    """

    def __init__(
        self,
        path: Path,
        artifacts: tuple[StoredArtifact, ...],
        warnings: tuple[str, ...],
        fingerprint: str,
        close: Callable[[], None],
    ) -> None:
        self.path = path
        self.artifacts = artifacts
        self.warnings = warnings
        self.fingerprint = fingerprint
        self._close = close
        self._by_reference: dict[tuple[Kind, Reference], StoredArtifact] = {}
        self._by_digest: dict[str, StoredArtifact] = {}
        self._charts: dict[str | tuple[str, str], StoredArtifact] = {}
        self._bundles: dict[str, StoredArtifact] = {}
        self._index(artifacts)

    def find(self, required: Artifact) -> StoredArtifact | None:
        """The artifact that is stored for a required one; None where there is none.

        Images are found by their reference, or by the digest in it; charts by reference, file
        name, or name and version in Chart.yaml; package bundles by reference or tag.
        """
        reference = image_reference(str(required.reference)) or required.reference
        found = self._by_reference.get((required.kind, reference))
        if found is not None:
            return found
        if required.kind is Kind.CHART:
            return self._find_chart(required.reference)
        if required.kind is Kind.PACKAGE_BUNDLE:
            return self._bundles.get(required.reference.tag)
        return self._find_image(reference)

    def _find_image(self, reference: Reference) -> StoredArtifact | None:
        if not reference.digest:
            return None
        found = self._by_digest.get(reference.digest)
        if found is None and reference.tag:
            # docker pulls name:tag@digest by the digest and saves it under the tag alone.
            found = self._by_reference.get((Kind.IMAGE, reference.tagged(reference.tag)))
        return found

    def _find_chart(self, reference: Reference) -> StoredArtifact | None:
        by_file = self._charts.get(chart_file_name(reference))
        name = reference.repository.rpartition("/")[2]
        return by_file or self._charts.get((name, version_key(reference.tag)))

    def _index(self, artifacts: Iterable[StoredArtifact]) -> None:
        for artifact in artifacts:
            for reference in artifact.references:
                self._by_reference.setdefault((artifact.kind, reference), artifact)
            if artifact.kind is Kind.IMAGE and not isinstance(artifact.content, ImageParts):
                self._by_digest.setdefault(artifact.content.digest, artifact)
            if artifact.kind is Kind.CHART:
                key = (artifact.chart_name, version_key(artifact.chart_version))
                self._charts.setdefault(artifact.name, artifact)
                self._charts.setdefault(key, artifact)
            if artifact.kind is Kind.PACKAGE_BUNDLE:
                tags = [bundle_tag(artifact.name), *(ref.tag for ref in artifact.references)]
                for tag in filter(None, tags):
                    self._bundles.setdefault(tag, artifact)

    def close(self) -> None:
        """Let go of the file and of its unzipped copy; blobs cannot be read any more."""
        self._close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
