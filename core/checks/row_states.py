"""How each namespace mapping stands: by the rules of EKS Anywhere, and by the project it needs."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.answers import Answers
from core.checks.finding import Finding, State
from core.mirror.configuration import RegistryMirrorConfiguration
from core.mirror.endpoint import NamespaceMapping
from core.mirror.findings import Finding as Judgement
from core.mirror.findings import FindingCode, Level, by_gravity
from core.mirror.mapping_rows import mapping_rows
from core.mirror.rules import in_vain, rejections
from core.mirror.upstreams import counts_as_packages_registry


@dataclass(frozen=True, slots=True)
class RowState:
    """How a mapping stands.

    Attributes:
        state: None while it is not known yet.
        words: what is wrong, in a sentence; empty where nothing is.
    """

    state: State | None
    words: str = ""


def row_states(answers: Answers, projects: Sequence[Finding]) -> dict[str, RowState]:
    """The state of each mapping, by its upstream registry.

    Args:
        projects: what the check of the projects found; empty before it has ended.
    """
    rows = mapping_rows(answers)
    registry = answers.registry
    configuration = RegistryMirrorConfiguration(
        registry.endpoint,
        str(registry.port or ""),
        tuple(NamespaceMapping(row.registry, row.namespace) for row in rows),
    )
    rules = by_gravity((*rejections(configuration), *in_vain(configuration)))
    states = {}
    for index, row in enumerate(rows):
        struck = next((rule for rule in rules if _is_about(rule, index, row.registry)), None)
        if struck:
            grave = State.FAIL if struck.level is Level.REJECTED else State.WARN
            states[row.registry] = RowState(grave, struck.message)
        else:
            states[row.registry] = _by_project(row.namespace, projects)
    return states


def _is_about(rule: Judgement, index: int, registry: str) -> bool:
    several = rule.code is FindingCode.SEVERAL_PACKAGE_REGISTRIES
    return rule.field.startswith(f"ociNamespaces[{index}].") or (
        several and counts_as_packages_registry(registry)
    )


def _by_project(namespace: str, projects: Sequence[Finding]) -> RowState:
    """A mapping is no better than the project that its artifacts go to."""
    if not projects:
        return RowState(None)
    name = namespace.partition("/")[0]
    own = [one for one in projects if name and one.subject == name]
    # Without a namespace each first part of a name is a project; elsewhere there are none.
    judged = own or [one for one in projects if not name or not one.subject]
    bad = next((one for one in judged if one.state in (State.FAIL, State.WARN)), None)
    if bad is None:
        return RowState(State.PASS if judged else None)
    subject = f"{bad.subject}: " if bad.subject else ""
    return RowState(State.WARN, f"{subject}{bad.seen}.")
