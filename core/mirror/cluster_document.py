"""A Cluster in a cluster file: what it says about its mirror, and what matters for it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import yaml

from core.errors import MirrorError
from core.mirror.configuration import CA_VARIABLE, RegistryMirrorConfiguration
from core.mirror.endpoint import NamespaceMapping
from core.mirror.facts import ClusterFacts, OsFamily, Provider
from core.mirror.findings import Finding, FindingCode, Level, by_gravity
from core.mirror.fragment import BLOCK, KEYS
from core.mirror.rules import judge
from core.mirror.yaml_nodes import (
    entries,
    is_null,
    items,
    merged_entries,
    text_of,
    value_of,
)

GROUP = "anywhere.eks.amazonaws.com"

_NAMESPACE_KEYS = ("registry", "namespace")
_TRUE = frozenset({"true", "yes", "on"})
_PROVIDERS = {
    "VSphereDatacenterConfig": Provider.VSPHERE,
    "TinkerbellDatacenterConfig": Provider.BARE_METAL,
    "NutanixDatacenterConfig": Provider.NUTANIX,
    "SnowDatacenterConfig": Provider.SNOW,
    "CloudStackDatacenterConfig": Provider.CLOUDSTACK,
    "DockerDatacenterConfig": Provider.DOCKER,
}


@dataclass(frozen=True, slots=True)
class ClusterDocument:
    """A Cluster of a cluster file.

    Attributes:
        name: `metadata.name`.
        line: where its mirror stands, or its spec where it has none; counted from 1.
        configuration: as written, None where it has no mirror.
        findings: what is wrong with the form in which it is written.
        facts: provider, operating systems and the rest that matters.
        node: the document, for editing.
    """

    name: str
    line: int
    configuration: RegistryMirrorConfiguration | None
    findings: tuple[Finding, ...]
    facts: ClusterFacts
    node: yaml.Node = field(repr=False, compare=False)


def cluster_documents(documents: Sequence[yaml.Node]) -> tuple[ClusterDocument, ...]:
    """The Clusters among the documents of a file, in its order."""
    os_families = dict(_os_families(documents))
    return tuple(_document(node, os_families) for node in documents if _is_cluster(node))


def judge_document(
    document: ClusterDocument,
    *,
    release: str = "",
    environment: Mapping[str, str] | None = None,
    now: datetime | None = None,
) -> tuple[Finding, ...]:
    """All that is wrong with what a cluster file says about the mirror, worst first.

    Args:
        document: nothing is found where it has no mirror.
        release: release of EKS Anywhere, empty where it is not known.
        environment: of the shell that will run `eksctl anywhere`; None where it is not known.
        now: with a time zone; the clock of this machine where None.
    """
    if document.configuration is None:
        return ()
    configuration, found = document.configuration, list(document.findings)
    try:
        configuration = configuration.with_defaults(environment or {})
    except MirrorError as error:
        found.append(_ca_file(error))
    found += judge(
        configuration,
        cluster=document.facts,
        release=release,
        environment=environment,
        now=now,
    )
    return by_gravity(found)


def read_configuration(
    node: yaml.Node,
) -> tuple[RegistryMirrorConfiguration, tuple[Finding, ...]]:
    """The value of `registryMirrorConfiguration`, read as leniently as the CLI reads it.

    Returns:
        The configuration, and what is wrong with its form: unknown keys, keys in the wrong case,
        keys that are there twice, values of the wrong type, numbers without quotes.
    """
    findings: list[Finding] = []
    if not isinstance(node, yaml.MappingNode):
        if not is_null(node):
            findings.append(_wrong_type("", "a mapping"))
        return RegistryMirrorConfiguration(), tuple(findings)
    fields = _fields(node, KEYS, "", findings)
    configuration = RegistryMirrorConfiguration(
        endpoint=_text(fields.get("endpoint"), "endpoint", findings),
        port=_text(fields.get("port"), "port", findings),
        oci_namespaces=tuple(_namespaces(fields.get("ociNamespaces"), findings)),
        ca_cert_content=_text(fields.get("caCertContent"), "caCertContent", findings),
        authenticate=_flag(fields.get("authenticate"), "authenticate", findings),
        insecure_skip_verify=_flag(
            fields.get("insecureSkipVerify"), "insecureSkipVerify", findings
        ),
    )
    return configuration, tuple(findings)


def _is_cluster(node: yaml.Node) -> bool:
    group = text_of(value_of(node, "apiVersion")).partition("/")[0]
    return group == GROUP and text_of(value_of(node, "kind")) == "Cluster"


def _document(node: yaml.Node, os_families: Mapping[tuple[str, str], OsFamily]) -> ClusterDocument:
    spec = value_of(node, "spec")
    found = [key for key in merged_entries(spec) if key.lower() == BLOCK.lower()]
    block = value_of(spec, found[-1]) if found else None
    configuration, findings = (None, ()) if block is None else read_configuration(block)
    if found and found[-1] != BLOCK:
        findings = (*findings, _wrong_case("", found[-1], BLOCK))
    if [key.value.lower() for key, _ in entries(spec)].count(BLOCK.lower()) > 1:
        findings = (*findings, _twice("", BLOCK))
    return ClusterDocument(
        name=text_of(value_of(node, "metadata", "name")),
        line=_line(node, spec, block),
        configuration=configuration,
        findings=findings,
        facts=_facts(spec, os_families),
        node=node,
    )


def _line(document: yaml.Node, spec: yaml.Node | None, block: yaml.Node | None) -> int:
    keys = [key for key, _ in entries(spec) if key.value.lower() == BLOCK.lower()]
    return int((keys[0] if keys else block or spec or document).start_mark.line) + 1


def _os_families(documents: Sequence[yaml.Node]) -> Iterator[tuple[tuple[str, str], OsFamily]]:
    """Kind and name of each machine config, with its operating system where it says one."""
    for node in documents:
        kind = text_of(value_of(node, "kind"))
        family = text_of(value_of(node, "spec", "osFamily")).lower()
        if kind.endswith("MachineConfig") and family in set(OsFamily):
            yield (kind, text_of(value_of(node, "metadata", "name"))), OsFamily(family)


def _facts(spec: yaml.Node | None, os_families: Mapping[tuple[str, str], OsFamily]) -> ClusterFacts:
    etcd = value_of(spec, "externalEtcdConfiguration")
    groups = [
        value_of(spec, "controlPlaneConfiguration"),
        etcd,
        *items(value_of(spec, "workerNodeGroupConfigurations")),
    ]
    machines = [value_of(group, "machineGroupRef") for group in groups]
    named = {(text_of(value_of(one, "kind")), text_of(value_of(one, "name"))) for one in machines}
    return ClusterFacts(
        provider=_PROVIDERS.get(text_of(value_of(spec, "datacenterRef", "kind"))),
        os_families=frozenset(os_families[one] for one in named if one in os_families),
        external_etcd=etcd is not None and not is_null(etcd),
        kube_version=text_of(value_of(spec, "kubernetesVersion")),
    )


def _fields(
    node: yaml.Node, known: Sequence[str], where: str, findings: list[Finding]
) -> dict[str, yaml.Node]:
    """Values by their right key, as Go finds them: case does not matter."""
    own = [key.value for key, _ in entries(node)]
    doubled = sorted({one for one in own if own.count(one) > 1})
    findings.extend(_twice(_below(where, key), key) for key in doubled)
    found: dict[str, yaml.Node] = {}
    for key, value in merged_entries(node).items():
        right = next((one for one in known if one.lower() == key.lower()), None)
        if right is None:
            findings.append(_unknown(_below(where, key), key, known))
            continue
        if right != key:
            findings.append(_wrong_case(where, key, right))
        found[right] = value
    return found


def _namespaces(node: yaml.Node | None, findings: list[Finding]) -> Iterator[NamespaceMapping]:
    if node is None or is_null(node):
        return
    if not isinstance(node, yaml.SequenceNode):
        findings.append(_wrong_type("ociNamespaces", "a list"))
        return
    for index, item in enumerate(node.value):
        where = f"ociNamespaces[{index}]"
        if not isinstance(item, yaml.MappingNode):
            findings.append(_wrong_type(where, "a mapping"))
            continue
        fields = _fields(item, _NAMESPACE_KEYS, where, findings)
        if "namespace" not in fields:
            findings.append(_namespace_missing(where))
        registry, namespace = (
            _text(fields.get(key), f"{where}.{key}", findings) for key in _NAMESPACE_KEYS
        )
        yield NamespaceMapping(registry, namespace)


def _text(node: yaml.Node | None, where: str, findings: list[Finding]) -> str:
    if node is None or is_null(node):
        return ""
    if not isinstance(node, yaml.ScalarNode):
        findings.append(_wrong_type(where, "text"))
        return ""
    if node.tag != "tag:yaml.org,2002:str":
        findings.append(_not_quoted(where, node.value))
    return str(node.value)


def _flag(node: yaml.Node | None, where: str, findings: list[Finding]) -> bool:
    if node is None or is_null(node):
        return False
    if not isinstance(node, yaml.ScalarNode) or node.tag != "tag:yaml.org,2002:bool":
        findings.append(_wrong_type(where, "true or false, without quotes"))
        return False
    return node.value.lower() in _TRUE


def _below(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key


def _unknown(where: str, key: str, known: Sequence[str]) -> Finding:
    return Finding(
        Level.REJECTED,
        FindingCode.KEY_UNKNOWN,
        where,
        f"There is no key {key} here.",
        "EKS Anywhere refuses keys that it does not know.",
        f"Remove it, or use one of {', '.join(known)}.",
        f'unknown field "{key}"',
    )


def _wrong_case(where: str, key: str, right: str) -> Finding:
    return Finding(
        Level.WILL_NOT_WORK,
        FindingCode.KEY_WRONG_CASE,
        _below(where, right) if right != BLOCK else "",
        f"The key is written {key} instead of {right}.",
        "The CLI takes it, but the cluster's API server and GitOps do not know it.",
        f"Write {right}.",
    )


def _twice(where: str, key: str) -> Finding:
    return Finding(
        Level.REJECTED,
        FindingCode.KEY_TWICE,
        where,
        f"The key {key} is there twice.",
        "EKS Anywhere reads its files strictly and refuses that.",
        "Remove the one that is not meant.",
    )


def _namespace_missing(where: str) -> Finding:
    return Finding(
        Level.CAUTION,
        FindingCode.KEY_MISSING,
        f"{where}.namespace",
        "A mapping has no key namespace.",
        "The CLI takes that for an empty one; kubectl and GitOps refuse it.",
        'Write namespace: "" where the root of the registry is meant.',
    )


def _wrong_type(where: str, wanted: str) -> Finding:
    return Finding(
        Level.REJECTED,
        FindingCode.VALUE_WRONG_TYPE,
        where,
        f"{where or BLOCK} must be {wanted}.",
        "EKS Anywhere cannot read the file otherwise.",
        "Compare it with the fragment that eksa-mirror spec prints.",
    )


def _not_quoted(where: str, value: str) -> Finding:
    return Finding(
        Level.CAUTION,
        FindingCode.VALUE_NOT_QUOTED,
        where,
        f"{value} is written without quotes.",
        "The CLI turns it into text; kubectl and GitOps refuse it.",
        f'Write "{value}".',
    )


def _ca_file(error: MirrorError) -> Finding:
    return Finding(
        Level.REJECTED,
        FindingCode.CA_UNREADABLE,
        "caCertContent",
        error.message,
        f"caCertContent is empty, so EKS Anywhere reads the file that {CA_VARIABLE} names.",
        error.mend,
        f"reading the cert file {error.where}: …",
    )
