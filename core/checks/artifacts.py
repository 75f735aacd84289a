"""The artifacts: tarball and manifests readable, everything required inside, room to work."""

import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

from core.answers import Answers
from core.archive.archive import Archive
from core.archive.model import ImageParts
from core.archive.zipped import scratch_needed
from core.checks.context import Context
from core.checks.finding import Finding, failed, from_error, passed, skipped, warned
from core.checks.wanted import archive, requirements
from core.checks.words import listed
from core.errors import ArchiveError, Code, EksaMirrorError
from core.files import nearest_existing
from core.reference import Artifact, Kind
from core.transfer.job import jobs_folder
from core.units import size

DEFAULT_ARCHITECTURE = "amd64"
"""What EKS Anywhere's own images are made for, and what its download takes on any machine."""

JOURNAL_BYTES = 64 * 10**6
"""Room for journal and log of an import, generously."""

_NO_ARCHIVE = "no tarball is named yet"
_NO_BUNDLES = "no bundle manifest is named yet"
_PLURALS = {
    Kind.IMAGE: ("image", "images"),
    Kind.CHART: ("chart", "charts"),
    Kind.PACKAGE_BUNDLE: ("package bundle", "package bundles"),
}


def check_manifest(context: Context) -> Finding:
    """Is the bundles manifest of the right kind, and are the manifests that it names there."""
    try:
        found = requirements(context)
    except EksaMirrorError as error:
        return from_error(error)
    if found is None:
        return skipped(_NO_BUNDLES)
    release = f", release {found.release}" if found.release else ""
    versions = found.known_kube_versions
    span = versions[0] if len(versions) == 1 else f"{versions[0]} to {versions[-1]}"
    seen = f"kind Bundles, Kubernetes {span}{release}"
    chosen = f"chosen: Kubernetes {', '.join(found.kube_versions)}"
    return passed(seen, details=(chosen, *found.warnings))


def check_tarball(context: Context) -> Finding:
    """Is the tarball readable, of a known format, and whole as far as its headers tell."""
    try:
        held = archive(context)
    except ArchiveError as error:
        return from_error(error)
    if held is None:
        return skipped(_NO_ARCHIVE)
    seen = f"{_counts(held)}, {_platforms(held)}"
    if held.warnings:
        return warned(
            f"{seen}, {_count(len(held.warnings), 'remark', 'remarks')}",
            effect=held.warnings[0],
            mend="Fine where it was made so; else compare sha256sum with the connected side.",
            command=f"sha256sum {shlex.quote(str(held.path))}",
            details=held.warnings,
        )
    return passed(seen, details=(f"{held.path}: {_format(held)}",))


def check_images(context: Context) -> Finding:
    """Are all required images inside."""
    return _check_kind(context, Kind.IMAGE)


def check_charts(context: Context) -> Finding:
    """Are all required charts inside."""
    return _check_kind(context, Kind.CHART)


def check_package_bundles(context: Context) -> Finding:
    """Are all required package bundles inside."""
    return _check_kind(context, Kind.PACKAGE_BUNDLE)


def check_architecture(context: Context) -> Finding:
    """Are the images made for the cluster's machines."""
    held = archive(context)
    if held is None:
        return skipped(_NO_ARCHIVE)
    images = [one for one in held.artifacts if one.kind is Kind.IMAGE and one.platforms]
    if not images:
        return skipped("there are no images in the tarball")
    wanted = _architectures(context)
    lacking = [one for one in images if not wanted <= {p.architecture for p in one.platforms}]
    names = listed(sorted(wanted))
    if not lacking:
        return passed(f"all {len(images)} images run on {names}")
    found = listed(sorted({p.architecture for one in lacking for p in one.platforms}))
    which = "all" if len(lacking) == len(images) else f"{len(lacking)} of {len(images)}"
    return warned(
        f"{which} images are for {found} only",
        effect=f"Nodes need {names} and cannot run them.",
        mend=f"Download on a machine of that kind: {names}.",
        details=[f"{one.name}: {', '.join(map(str, one.platforms))}" for one in lacking],
    )


def _architectures(context: Context) -> set[str]:
    """Of the nodes; `linux/amd64` and the like in the answers."""
    named = {one.split("/")[1] for one in context.answers.artifacts.platforms if "/" in one}
    return named or {DEFAULT_ARCHITECTURE}


def check_disk(context: Context, free: Callable[[Path], int] | None = None) -> Finding:
    """Is there room on the disk, where disk is used at all.

    Args:
        free: gives the bytes that are free for a folder; asked of the system where None.
    """
    path, folder = context.answers.artifacts.archive, _scratch(context.answers)
    if path is None:
        return skipped(_NO_ARCHIVE)
    try:
        needed = scratch_needed(path, on_progress=lambda *_: context.go_on())
    except ArchiveError:
        return skipped("waits for Tarball")
    try:
        there = (free or _free)(folder)
    except OSError as error:
        return failed(
            f"{folder} cannot be looked at: {str(error.strerror).lower()}",
            cause="The folder, or one above it, may not be read by this account.",
            mend="Name another folder with --scratch.",
            code=Code.NO_SCRATCH_SPACE,
        )
    return _room(folder, needed, there)


def _room(folder: Path, needed: int | None, there: int) -> Finding:
    details = (f"{folder}: {size(there)} free",)
    if there < JOURNAL_BYTES:
        return failed(
            f"only {size(there)} are free in {folder}",
            cause="The journal of an import needs a little room.",
            mend="Free some space, or set XDG_STATE_HOME to a folder elsewhere.",
            command=f"df -h {shlex.quote(str(folder))}",
            details=details,
            code=Code.DISK_FULL,
        )
    if needed is None:
        return passed(f"a plain tar needs no disk, {size(there)} are free", details=details)
    if there < needed + JOURNAL_BYTES:
        return warned(
            f"no room to unzip the tarball: {size(needed)} needed, {size(there)} free",
            effect="It is read in place instead, which is slower.",
            mend="Free the space, or name another folder with --scratch.",
            command=f"df -h {shlex.quote(str(folder))}",
            details=details,
            code=Code.NO_SCRATCH_SPACE,
        )
    return passed(f"{size(needed)} needed to unzip, {size(there)} free", details=details)


def _check_kind(context: Context, kind: Kind) -> Finding:
    required, held = requirements(context), archive(context)
    if required is None or held is None:
        return skipped(_NO_BUNDLES if required is None else _NO_ARCHIVE)
    wanted = [one.artifact for one in required.artifacts if one.artifact.kind is kind]
    missing = [one for one in wanted if held.find(one) is None]
    one_word, words = _PLURALS[kind]
    if not wanted:
        return passed(f"no {words} are required")
    if not missing:
        return passed(f"{len(wanted)} of {len(wanted)} found")
    if kind is Kind.PACKAGE_BUNDLE:
        return _bundles_missing(wanted, missing)
    return failed(
        f"{_count(len(missing), f'{one_word} is', f'{words} are')} not in the tarball",
        cause="The download left them out, or tarball and manifest are of two releases.",
        mend="Take both from one download, or leave their version out with --kube-version.",
        details=[str(one) for one in missing],
        code=Code.NOT_IN_ARCHIVE,
    )


def _bundles_missing(wanted: list[Artifact], missing: list[Artifact]) -> Finding:
    tags = [one.reference.tag for one in missing]
    return warned(
        f"{len(wanted) - len(missing)} of {len(wanted)} found, {listed(tags)} not in the tarball",
        cause="The download could not fetch it and did not stop.",
        effect="Curated packages will not install on these Kubernetes versions.",
        mend="Download again on the connected side, or leave the version out.",
        details=[str(one) for one in missing],
        code=Code.NOT_IN_ARCHIVE,
    )


def _counts(held: Archive) -> str:
    counts = []
    for kind, (one_word, words) in _PLURALS.items():
        count = sum(1 for one in held.artifacts if one.kind is kind)
        if count:
            counts.append(_count(count, one_word, words))
    return ", ".join(counts) or "nothing"


def _platforms(held: Archive) -> str:
    found = {str(platform) for one in held.artifacts for platform in one.platforms}
    return listed(sorted(found)) if found else "no platform"


def _format(held: Archive) -> str:
    saved = any(isinstance(one.content, ImageParts) for one in held.artifacts)
    return "docker save" if saved else "OCI layout"


def _scratch(answers: Answers) -> Path:
    return answers.transfer.scratch or jobs_folder()


def _free(folder: Path) -> int:
    """Of the nearest folder that exists: the import makes the rest."""
    return shutil.disk_usage(nearest_existing(folder)).free


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
