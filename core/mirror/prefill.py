"""Answers out of what is there already: a cluster file, or a fragment of one."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from core.answers import Answers, OsFamily, load_answers, take_apart, validate_field
from core.errors import Code, MirrorError
from core.mirror.cluster_document import ClusterDocument, cluster_documents, read_configuration
from core.mirror.configuration import RegistryMirrorConfiguration
from core.mirror.endpoint import packages_namespace
from core.mirror.facts import ClusterFacts
from core.mirror.fragment import BLOCK, KEYS
from core.mirror.upstreams import PACKAGES_REGISTRY, PUBLIC_ECR, is_packages_registry
from core.mirror.yaml_nodes import MAX_BYTES, compose, entries, value_of

_MOST_LIMITED_FIRST = (OsFamily.BOTTLEROCKET, OsFamily.RHEL, OsFamily.UBUNTU)


_CLUSTER_KEY = re.compile(
    rb"^(?:kind: *[\"']?Cluster\b|registryMirrorConfiguration:)", re.MULTILINE
)
_MOST_LOOKED_AT = 8 * 2**20


@dataclass(frozen=True, slots=True)
class Prefill:
    """What was found.

    Attributes:
        answers: what the file says; all else as by default.
        ca_cert_content: PEM, empty where it holds none; answers name a CA by its file, so this has
            to be written to one before `registry.ca_file` can be set.
        notes: what could not be taken over as it stands, a sentence each.
    """

    answers: Answers
    ca_cert_content: str = ""
    notes: tuple[str, ...] = ()


def is_cluster_file(path: Path) -> bool:
    """Whether a file speaks of a cluster or its mirror, and is no answers file.

    A file that cannot be read is none: whoever reads it next says why.
    """
    try:
        with path.open("rb") as file:
            beginning = file.read(_MOST_LOOKED_AT)
    except OSError:
        return False
    return _CLUSTER_KEY.search(beginning) is not None


def answers_from_cluster(path: Path) -> Prefill:
    """Answers from a cluster file, or from a `registryMirrorConfiguration` alone.

    Of several clusters in a file the first one that has a mirror counts, else the first.

    Raises:
        MirrorError: `manifest-not-found` where it cannot be read, `manifest-invalid` where it is
            not YAML, `manifest-wrong-kind` where it holds neither.
    """
    where = str(path)
    documents = compose(_read(path), where)
    clusters = cluster_documents(documents)
    if not clusters:
        return _prefill(_bare_configuration(documents, where), None, path)
    chosen = next((one for one in clusters if one.configuration is not None), clusters[0])
    configuration = chosen.configuration or RegistryMirrorConfiguration()
    return _prefill(configuration, chosen, path)


def answers_of_file(path: Path) -> Answers:
    """Answers from a file that holds them, or from a cluster file.

    Raises:
        EksaMirrorError: it cannot be read, or is neither.
    """
    return answers_from_cluster(path).answers if is_cluster_file(path) else load_answers(path)


@dataclass(slots=True)
class _Kept:
    """Values that the answers can hold, by section; the others are noted."""

    sections: dict[str, dict[str, Any]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def keep(self, section: str, name: str, value: object) -> bool:
        """Take a value over if its form is right; say whether it is."""
        wrong = validate_field(section, name, value)
        if wrong:
            shown = "" if "@" in str(value) else f" “{value}”"
            self.notes.append(f"{name}{shown} was left out. {wrong}")
        elif section != "mapping":
            self.sections.setdefault(section, {})[name] = value
        return not wrong


def _prefill(
    configuration: RegistryMirrorConfiguration, cluster: ClusterDocument | None, path: Path
) -> Prefill:
    kept = _Kept()
    _keep_address(configuration, kept)
    _keep_mappings(configuration, kept)
    kept.keep("registry", "insecure", configuration.insecure_skip_verify)
    kept.keep("credentials", "authenticate", configuration.authenticate)
    if cluster is not None:
        kept.keep("cluster", "file", path)
        _keep_facts(cluster.facts, kept)
    return Prefill(
        Answers.model_validate(kept.sections), configuration.ca_cert_content, tuple(kept.notes)
    )


def _keep_address(configuration: RegistryMirrorConfiguration, kept: _Kept) -> None:
    endpoint, port = configuration.endpoint, configuration.port
    if endpoint and validate_field("registry", "endpoint", endpoint):
        parts = _taken_apart(endpoint)
        if parts:
            kept.notes.append(f"endpoint “{endpoint}” was taken apart; EKS Anywhere cannot use it.")
            endpoint, port = parts["endpoint"], parts["port"] or port
    if endpoint:
        kept.keep("registry", "endpoint", endpoint)
    if port:
        kept.keep("registry", "port", port)


def _taken_apart(endpoint: str) -> dict[str, str]:
    try:
        parts = take_apart(endpoint)
    except ValueError:
        return {}
    return {} if validate_field("registry", "endpoint", parts["endpoint"]) else parts


def _keep_mappings(configuration: RegistryMirrorConfiguration, kept: _Kept) -> None:
    """The namespace of all, and the mappings that do not follow from it."""
    found = {one.registry.strip(): one.namespace for one in configuration.oci_namespaces}
    if not found:
        return
    core = _clean(found.pop(PUBLIC_ECR, ""))
    if not kept.keep("registry", "namespace", core):
        core = ""
    packages = [name for name in found if is_packages_registry(name)]
    rows = []
    for registry, namespace in found.items():
        row = {"registry": registry, "namespace": _clean(namespace)}
        fits = [kept.keep("mapping", name, value) for name, value in row.items()]
        follows = registry in packages[:1] and row["namespace"] == packages_namespace(core)
        if all(fits) and not follows:
            rows.append(row)
    kept.sections.setdefault("registry", {})["mappings"] = rows
    if packages[:1] != [PACKAGES_REGISTRY]:
        kept.keep("registry", "packages_registry", packages[0] if packages else "")


def _keep_facts(facts: ClusterFacts, kept: _Kept) -> None:
    families = [one for one in _MOST_LIMITED_FIRST if one in facts.os_families]
    if families:
        kept.keep("cluster", "os_family", families[0])
    if len(families) > 1:
        kept.notes.append(f"Its machines run {' and '.join(families)}; {families[0]} was taken.")
    if facts.provider:
        kept.keep("cluster", "provider", facts.provider)
    if facts.kube_version:
        kept.keep("artifacts", "kube_versions", (facts.kube_version,))
    kept.keep("cluster", "external_etcd", facts.external_etcd)


def _clean(namespace: str) -> str:
    """As EKS Anywhere cleans it, `..` aside, which is refused."""
    return "/".join(part for part in namespace.split("/") if part not in {"", "."})


def _bare_configuration(documents: Sequence[yaml.Node], where: str) -> RegistryMirrorConfiguration:
    """A fragment as it is printed, the block alone, or what is in the block."""
    for block in _blocks(documents):
        return read_configuration(block)[0]
    raise MirrorError(
        Code.MANIFEST_WRONG_KIND,
        f"It holds neither a Cluster nor a {BLOCK}.",
        where=where,
        cause="It is another file.",
        mend="Give the file that you pass to `eksctl anywhere create cluster -f`, or a fragment.",
    )


def _blocks(documents: Sequence[yaml.Node]) -> Iterator[yaml.Node]:
    for document in documents:
        for path in (("spec", BLOCK), (BLOCK,)):
            block = value_of(document, *path)
            if block is not None:
                yield block
        if {key.value for key, _ in entries(document)} & set(KEYS):
            yield document


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        return content.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise MirrorError(
            Code.MANIFEST_NOT_FOUND,
            f"The file cannot be read: {why}.",
            where=str(path),
            cause="The path is wrong, the account may not read it, or it is another kind of file.",
            mend="Give the YAML of a cluster, or of its registryMirrorConfiguration.",
        ) from None
