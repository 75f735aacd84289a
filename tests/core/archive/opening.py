"""What tests ask of an archive that they made: what is ready in it, and why it is refused."""

from pathlib import Path

import pytest

from core.archive.model import ReadyManifest, StoredArtifact
from core.archive.open import open_archive
from core.errors import ArchiveError
from core.reference import Artifact, Kind, Reference


def image(name: str) -> Artifact:
    return Artifact(Kind.IMAGE, Reference.parse(name))


def ready(artifact: StoredArtifact | None) -> ReadyManifest:
    assert artifact is not None
    assert isinstance(artifact.content, ReadyManifest)
    return artifact.content


def refusal(path: Path) -> ArchiveError:
    with pytest.raises(ArchiveError) as caught:
        open_archive(path)
    return caught.value
