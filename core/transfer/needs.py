"""What the mirror's settings must know of the release: its name, and where things come from."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from core.answers import Answers
from core.archive.open import open_archive
from core.reference import Reference
from core.transfer.inputs import read_requirements


@dataclass(frozen=True, slots=True)
class Needs:
    """What is known of the release.

    Attributes:
        release: `v0.26.0`, empty where it is not known.
        upstreams: upstream registry to the number of artifacts that come from there.
    """

    release: str = ""
    upstreams: Mapping[str, int] = field(default_factory=dict)


def needs_of(answers: Answers) -> Needs:
    """What the answers tell of the release; nothing where they name neither manifest nor tarball.

    The bundles manifest is enough. The tarball is opened only where all that it holds is wanted, or
    nothing else tells what is required, as a large one takes its time.

    Raises:
        ReleaseError: the bundles manifest cannot be used.
        ArchiveError: the tarball cannot be read.
    """
    chosen = answers.artifacts
    release, references = "", set[Reference]()
    if chosen.bundles:
        required = read_requirements(chosen.bundles, chosen.kube_versions, with_eksd=False)
        release = required.release
        references.update(one.artifact.reference for one in required.artifacts)
    if chosen.archive and (chosen.include_all or not chosen.bundles):
        with open_archive(chosen.archive) as archive:
            references.update(name for one in archive.artifacts for name in one.references)
    return Needs(release, Counter(one.registry for one in references))
