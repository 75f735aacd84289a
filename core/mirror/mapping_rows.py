"""The namespace mappings as rows of a table: shown, edited, added, removed."""

from dataclasses import dataclass

from core.answers import Answers, MappingAnswer, RegistryAnswers
from core.mirror.endpoint import default_mappings
from core.mirror.from_answers import packages_registry_of
from core.mirror.upstreams import PUBLIC_ECR


@dataclass(frozen=True, slots=True)
class MappingRow:
    """An upstream registry and its namespace in the mirror.

    Attributes:
        removable: False for those that EKS Anywhere cannot do without.
    """

    registry: str
    namespace: str
    removable: bool


def mapping_rows(answers: Answers) -> tuple[MappingRow, ...]:
    """What nodes will be told: the defaults first, then what was added; the last word counts."""
    registry = answers.registry
    packages = packages_registry_of(answers)
    wanted = (PUBLIC_ECR, packages)
    rows = {
        one.registry: MappingRow(one.registry, one.namespace, False)
        for one in default_mappings(registry.namespace)
        if one.registry in wanted
    }
    for mapped in registry.mappings:
        fixed = mapped.registry == PUBLIC_ECR
        rows[mapped.registry] = MappingRow(mapped.registry, mapped.namespace, not fixed)
    return tuple(rows.values())


def with_row(registry: RegistryAnswers, row: MappingRow) -> RegistryAnswers:
    """The answers with one row changed or added; that of public.ecr.aws is the address's own."""
    if row.registry == PUBLIC_ECR:
        return registry.model_copy(update={"namespace": row.namespace})
    others = tuple(one for one in registry.mappings if one.registry != row.registry)
    added = MappingAnswer(registry=row.registry, namespace=row.namespace)
    return registry.model_copy(update={"mappings": (*others, added)})


def without_row(registry: RegistryAnswers, name: str) -> tuple[MappingAnswer, ...]:
    """The mappings without one; a default goes back to what it was."""
    return tuple(one for one in registry.mappings if one.registry != name)


def example(answers: Answers, name: str, typed: MappingRow | None = None) -> tuple[str, str, str]:
    """An upstream name, and what becomes of it: the part that is new, and the rest.

    Args:
        typed: a row as it is being typed, right or not; it goes before the answers.
    """
    upstream, _, path = name.partition("/")
    registry = answers.registry
    host = f"[{registry.endpoint}]" if ":" in registry.endpoint else registry.endpoint
    authority = f"{host or 'your-registry'}:{registry.port or 443}"
    rows = {row.registry: row.namespace for row in mapping_rows(answers)}
    if typed:
        rows[typed.registry] = typed.namespace
    if upstream not in rows:
        return name, "", name
    place = f"{authority}/{rows[upstream]}" if rows[upstream] else authority
    return name, place, f"/{path}"
