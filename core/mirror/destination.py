"""Where an artifact goes in the mirror: exactly where `eksctl anywhere import images` puts it."""

from collections.abc import Iterable

from core.errors import Code, MirrorError
from core.mirror.endpoint import Mirror
from core.reference import Artifact, Kind, Reference


def destination(
    artifact: Artifact, mirror: Mirror, *, chart_name: str = "", chart_version: str = ""
) -> Reference:
    """The reference of an artifact in the mirror; never upstream.

    An image that is named by digest alone gets the bare hex of it as its tag. The last part of a
    chart's repository and its tag come from its Chart.yaml, as helm does it, `+` written as `_`.

    Args:
        artifact: kind and upstream reference.
        mirror: with a mapping for the registry of the artifact.
        chart_name: `name` in Chart.yaml; the last part of the reference where empty.
        chart_version: `version` in Chart.yaml; the tag of the reference where empty.

    Raises:
        MirrorError: `upstream-unknown` where no mapping names the registry; `reference-invalid`
            where the result would not be a valid reference.
    """
    source = artifact.reference
    namespace = mirror.namespace_for(source.registry)
    if namespace is None:
        raise MirrorError(
            Code.UPSTREAM_UNKNOWN,
            f"{source} comes from {source.registry}, for which {mirror.address} has no namespace.",
            mend=f"Add --map {source.registry}=NAMESPACE, or leave the image out.",
        )
    if artifact.kind is Kind.CHART:
        repository = _with_last_part(source.repository, chart_name)
        tag = chart_version.replace("+", "_") or _tag(source)
    else:
        repository, tag = source.repository, _tag(source)
    path = f"{namespace}/{repository}" if namespace else repository
    result = Reference(mirror.address, path, tag)
    result.check()
    return result


def projects(destinations: Iterable[Reference]) -> tuple[str, ...]:
    """The projects that a Harbor needs for these: first parts of the repositories, sorted.

    A repository without a slash belongs to no project, and Harbor cannot hold it.
    """
    return tuple(
        sorted({one.repository.partition("/")[0] for one in destinations if "/" in one.repository})
    )


def _tag(source: Reference) -> str:
    return source.tag or source.digest.partition(":")[2] or "latest"


def _with_last_part(repository: str, name: str) -> str:
    if not name:
        return repository
    folder, slash, _ = repository.rpartition("/")
    return f"{folder}{slash}{name}"
