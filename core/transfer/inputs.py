"""From answers to what the planner needs: the manifests read, the archive opened."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from core.answers import Answers
from core.archive.archive import Archive
from core.archive.downloads import Downloads, is_downloads
from core.archive.open import open_archive
from core.eksa import BUNDLES_FILE
from core.errors import Code, ReleaseError, UsageError
from core.mirror.endpoint import Mirror
from core.release.bundles import load_bundles
from core.release.locate import ManifestLocator
from core.release.model import Requirements
from core.release.plain_yaml import MAX_BYTES
from core.release.required import required_artifacts
from core.transfer.plan import Plan, make_plan
from core.transfer.settings import mirror_of


@dataclass(frozen=True, slots=True)
class Inputs:
    """Everything that an import reads.

    Attributes:
        mirror: where to.
        requirements: None where no bundles manifest was given.
        archive: None where only a bundles manifest was given.
        plan: both matched.
    """

    mirror: Mirror
    requirements: Requirements | None
    archive: Archive | None
    plan: Plan


@contextmanager
def open_inputs(
    answers: Answers,
    *,
    scratch: Path | None = None,
    on_unzip: Callable[[int, int], None] | None = None,
    archive: Archive | None = None,
) -> Iterator[Inputs]:
    """Read the manifests, open the archive, make the plan; close the archive at the end.

    Args:
        scratch: folder to unzip a gzip-ed archive into; None reads it in place, slowly.
        on_unzip: told bytes done and bytes in all of the gzip-ed file.
        archive: the one that the answers name, opened already; it stays open.

    Raises:
        EksaMirrorError: whatever is wrong with them, before anything is sent.
    """
    chosen = answers.artifacts
    _check_choice(answers)
    mirror = mirror_of(answers)
    with ExitStack() as stack:
        requirements = None
        if chosen.bundles:
            requirements = read_requirements(chosen.bundles, chosen.kube_versions)
        if chosen.archive and archive is None:
            archive = stack.enter_context(
                open_archive(chosen.archive, scratch=scratch, on_progress=on_unzip)
            )
        plan = make_plan(mirror, archive, requirements, include_all=chosen.include_all)
        yield Inputs(mirror, requirements, archive, plan)


def read_requirements(
    bundles: Path, kube_versions: tuple[str, ...] = (), *, with_eksd: bool = True
) -> Requirements:
    """What a bundles manifest requires; it may lie in the tarball of `download artifacts`.

    Args:
        bundles: the manifest, the tarball, or the folder that was unpacked from it.
        kube_versions: only these; all where empty.
        with_eksd: False where the images of EKS-D do not matter; its manifests may then be missing.

    Raises:
        ReleaseError: a manifest is missing, of the wrong kind, or broken.
    """
    if bundles.is_dir() or is_downloads(bundles):
        with Downloads.open(bundles) as downloads:
            content = downloads.read(BUNDLES_FILE)
            if content is None:
                raise ReleaseError(
                    Code.MANIFEST_NOT_FOUND, f"It holds no {BUNDLES_FILE}.", where=str(bundles)
                )
            manifest = load_bundles(content, f"{bundles}: {BUNDLES_FILE}")
            locator = ManifestLocator(bundles, (downloads.read,))
            return required_artifacts(manifest, locator if with_eksd else None, kube_versions)
    try:
        with bundles.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ReleaseError(
            Code.MANIFEST_NOT_FOUND,
            f"The bundles manifest cannot be read: {error.strerror}.",
            where=str(bundles),
            cause="The path is wrong, or the account may not read it.",
            mend=f"Give eks-anywhere-downloads/{BUNDLES_FILE}.",
        ) from None
    manifest = load_bundles(content, str(bundles))
    locator = ManifestLocator(bundles)
    return required_artifacts(manifest, locator if with_eksd else None, kube_versions)


def _check_choice(answers: Answers) -> None:
    chosen = answers.artifacts
    if not chosen.archive and not chosen.bundles:
        raise UsageError(
            Code.BAD_USAGE, "Neither a tarball nor a bundles manifest was named.", where="--input",
            mend="Add -i images.tar and -b bundle-release.yaml.",
        )  # fmt: skip
    if chosen.archive and not chosen.bundles and not chosen.include_all:
        raise UsageError(
            Code.BAD_USAGE, "Without a bundles manifest nothing says what is required.",
            where="--bundles",
            mend="Add -b bundle-release.yaml, or --all to import whatever the tarball holds.",
        )  # fmt: skip
