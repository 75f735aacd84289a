"""What the import will need in the registry: destinations, and the projects that they lie in."""

from dataclasses import dataclass

from core.archive.archive import Archive
from core.archive.open import open_archive
from core.checks.context import Context
from core.errors import EksaMirrorError
from core.mirror.destination import projects
from core.reference import Reference
from core.release.model import Requirements
from core.transfer.inputs import read_requirements
from core.transfer.plan import PlannedArtifact, make_plan

PROBE = "eksa-mirror-check"
"""Last part of a repository that is only asked for, and tag of a manifest that is not there."""


@dataclass(frozen=True, slots=True)
class ProjectNeed:
    """A project, or the first part of repositories where the registry has no projects.

    Attributes:
        name: the first part of the repositories in it; empty for the registry's root.
        repository: one of them, to try rights with.
        is_real: whether artifacts will go to `repository`.
        upstreams: the upstream registries that need it; empty where only the address names it.
    """

    name: str
    repository: str
    is_real: bool
    upstreams: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        """What it is called: its name, or the one repository that has none."""
        return self.name or self.repository


def archive(context: Context) -> Archive | None:
    """The archive of the answers, opened once and read in place; None where none is named.

    Raises:
        ArchiveError: it cannot be read.
        Interrupted: the check is to end.
    """
    path = context.answers.artifacts.archive
    if path is None:
        return None
    return context.once(
        "archive",
        lambda: context.keep_open(open_archive(path, on_progress=lambda *_: context.go_on())),
    )


def requirements(context: Context) -> Requirements | None:
    """What the bundles manifest of the answers requires, read once; None where none is named.

    Raises:
        ReleaseError: it is missing, of the wrong kind, or broken.
    """
    chosen = context.answers.artifacts
    bundles = chosen.bundles
    if bundles is None:
        return None
    return context.once("requirements", lambda: read_requirements(bundles, chosen.kube_versions))


def planned(context: Context) -> tuple[PlannedArtifact, ...]:
    """The artifacts with their destinations; nothing where the answers name none.

    The bundles manifest is enough for it, so that a large tarball need not be read first.

    Raises:
        EksaMirrorError: manifests or archive cannot be read.
    """
    chosen = context.answers.artifacts
    required = requirements(context)
    held = archive(context) if chosen.include_all else None
    if required is None and held is None:
        return ()
    plan = make_plan(context.mirror, held, required, include_all=chosen.include_all)
    return plan.artifacts


def project_needs(context: Context) -> tuple[ProjectNeed, ...]:
    """The projects that must be there: of the planned destinations, the address, the mappings."""
    return context.once("project-needs", lambda: _needs(context))


def _needs(context: Context) -> tuple[ProjectNeed, ...]:
    needs: dict[str, ProjectNeed] = {}
    for name, repository, upstreams in _from_plan(context):
        needs[name] = ProjectNeed(name, repository, True, upstreams)
    for namespace, upstream in _from_answers(context):
        name = namespace.partition("/")[0]
        needs.setdefault(name, ProjectNeed(name, f"{namespace}/{PROBE}", False, upstream))
    return tuple(needs[name] for name in sorted(needs))


def _from_plan(context: Context) -> list[tuple[str, str, tuple[str, ...]]]:
    try:
        artifacts = planned(context)
    except EksaMirrorError:
        return []  # the checks of the artifacts tell it; the namespaces can be looked at already
    found = [(one.destination, one.source) for one in artifacts if one.destination]
    wanted = []
    for name in projects(destination for destination, _ in found):
        inside = [
            (destination, source)
            for destination, source in found
            if destination.repository.startswith(f"{name}/")
        ]
        upstreams = dict.fromkeys(source.partition("/")[0] for _, source in inside)
        wanted.append((name, _shortest(inside), tuple(upstreams)))
    return wanted


def _shortest(inside: list[tuple[Reference, str]]) -> str:
    return min((destination.repository for destination, _ in inside), key=lambda r: (len(r), r))


def _from_answers(context: Context) -> list[tuple[str, tuple[str, ...]]]:
    """Namespaces that were named: that of the address, and those of the mappings."""
    mirror = context.mirror
    registries = [mapping.registry for mapping in context.answers.registry.mappings]
    mapped = [(mirror.namespace_for(registry), (registry,)) for registry in registries]
    own: tuple[str, ...] = ()
    return [(name, why) for name, why in [(mirror.namespace, own), *mapped] if name]
