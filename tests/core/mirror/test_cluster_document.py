"""What a cluster file says about its mirror is read as the CLI reads it, and judged."""

from pathlib import Path

import pytest

from core.mirror.cluster_document import ClusterDocument, judge_document
from core.mirror.cluster_file import ClusterFile
from core.mirror.configuration import RegistryMirrorConfiguration
from core.mirror.endpoint import NamespaceMapping
from core.mirror.facts import OsFamily, Provider
from core.mirror.findings import FindingCode, Level
from tests.core.mirror.pki import NOW, make

HEAD = """\
apiVersion: anywhere.eks.amazonaws.com/v1alpha1
kind: Cluster
metadata:
  name: mgmt
spec:
  kubernetesVersion: "1.33"
"""
PEM = make("Root CA").pem
CA = "".join(f"      {line}\n" for line in PEM.splitlines())


def read(block: str, rest: str = "") -> ClusterDocument:
    text = f"{HEAD}  registryMirrorConfiguration:{block}{rest}"
    (document,) = ClusterFile.load(text.encode(), "c.yaml").clusters
    return document


def fired(document: ClusterDocument) -> list[tuple[FindingCode, Level, str]]:
    return [(one.code, one.level, one.field) for one in document.findings]


def test_a_block_is_read_as_it_is_written() -> None:
    document = read(f"""
    endpoint: harbor.local
    port: "8443"
    ociNamespaces:
    - {{registry: public.ecr.aws, namespace: eks-a}}
    - registry: docker.io
      namespace: ""
    caCertContent: |
{CA}    authenticate: yes
    insecureSkipVerify: False
""")
    assert document.findings == ()
    assert document.name == "mgmt"
    assert document.line == 7
    assert document.configuration == RegistryMirrorConfiguration(
        endpoint="harbor.local",
        port="8443",
        oci_namespaces=(
            NamespaceMapping("public.ecr.aws", "eks-a"),
            NamespaceMapping("docker.io", ""),
        ),
        ca_cert_content=PEM,
        authenticate=True,
    )


def test_a_cluster_without_a_mirror_has_none_and_no_findings() -> None:
    (document,) = ClusterFile.load(HEAD.encode(), "c.yaml").clusters
    assert document.configuration is None
    assert judge_document(document) == ()


@pytest.mark.parametrize("block", [" null\n", "\n", " {}\n", "\n    endpoint:\n    port: ~\n"])
def test_empty_values_are_defaults(block: str) -> None:
    document = read(block)
    assert document.configuration == RegistryMirrorConfiguration()
    assert document.findings == ()
    assert judge_document(document)[0].code is FindingCode.ENDPOINT_MISSING


def test_an_unknown_key_is_rejected_in_upstreams_words() -> None:
    document = read("\n    endpoint: h\n    ociNamespace: []\n")
    assert fired(document) == [(FindingCode.KEY_UNKNOWN, Level.REJECTED, "ociNamespace")]
    assert document.findings[0].upstream == 'unknown field "ociNamespace"'
    inner = read("\n    endpoint: h\n    ociNamespaces: [{registry: r, namespace: n, x: y}]\n")
    assert fired(inner) == [(FindingCode.KEY_UNKNOWN, Level.REJECTED, "ociNamespaces[0].x")]


@pytest.mark.parametrize(
    ("wrong", "right"), [("endPoint", "endpoint"), ("CACertContent", "caCertContent")]
)
def test_a_key_in_the_wrong_case_is_read_and_named(wrong: str, right: str) -> None:
    document = read(f"\n    {wrong}: value\n")
    assert fired(document) == [(FindingCode.KEY_WRONG_CASE, Level.WILL_NOT_WORK, right)]
    assert "value" in str(document.configuration)


def test_the_block_in_the_wrong_case_is_read_and_named() -> None:
    text = f"{HEAD}  RegistryMirrorConfiguration:\n    endpoint: h\n"
    (document,) = ClusterFile.load(text.encode(), "c.yaml").clusters
    assert document.configuration == RegistryMirrorConfiguration(endpoint="h")
    assert fired(document) == [(FindingCode.KEY_WRONG_CASE, Level.WILL_NOT_WORK, "")]
    assert document.line == 7


def test_a_key_that_is_there_twice_is_rejected() -> None:
    document = read("\n    endpoint: a\n    endpoint: b\n")
    assert fired(document) == [(FindingCode.KEY_TWICE, Level.REJECTED, "endpoint")]
    twice = read(" {endpoint: a}\n", "  registryMirrorConfiguration: {endpoint: b}\n")
    assert fired(twice) == [(FindingCode.KEY_TWICE, Level.REJECTED, "")]


@pytest.mark.parametrize(
    ("block", "field"),
    [
        ("\n    endpoint: [h]\n", "endpoint"),
        ("\n    port: {a: b}\n", "port"),
        ("\n    ociNamespaces: {a: b}\n", "ociNamespaces"),
        ("\n    ociNamespaces: text\n", "ociNamespaces"),
        ("\n    ociNamespaces: [text]\n", "ociNamespaces[0]"),
        ('\n    authenticate: "true"\n', "authenticate"),
        ("\n    authenticate: 1\n", "authenticate"),
        ("\n    insecureSkipVerify: [true]\n", "insecureSkipVerify"),
        (" text\n", ""),
        (" [a]\n", ""),
    ],
)
def test_a_value_of_the_wrong_type_is_rejected(block: str, field: str) -> None:
    assert fired(read(block)) == [(FindingCode.VALUE_WRONG_TYPE, Level.REJECTED, field)]


@pytest.mark.parametrize("port", ["443", "0x1bb", "4.43", "true"])
def test_a_value_without_quotes_is_worth_a_word(port: str) -> None:
    document = read(f"\n    endpoint: h\n    port: {port}\n")
    assert fired(document) == [(FindingCode.VALUE_NOT_QUOTED, Level.CAUTION, "port")]
    assert document.configuration is not None
    assert document.configuration.port == port


def test_a_mapping_without_a_namespace_is_worth_a_word() -> None:
    document = read("\n    ociNamespaces: [{registry: public.ecr.aws}]\n")
    assert fired(document) == [
        (FindingCode.KEY_MISSING, Level.CAUTION, "ociNamespaces[0].namespace")
    ]


def test_merge_keys_and_aliases_are_followed() -> None:
    text = "x: &base\n  endpoint: from-base\n  port: '1'\n" + HEAD
    text += "  registryMirrorConfiguration:\n    <<: [*base]\n    port: '2'\n"
    (document,) = ClusterFile.load(text.encode(), "c.yaml").clusters
    assert document.configuration == RegistryMirrorConfiguration(endpoint="from-base", port="2")
    assert document.findings == ()


def machines(kind: str, **families: str) -> str:
    return "".join(
        f"---\nkind: {kind}\nmetadata: {{name: {name}}}\nspec: {{osFamily: {family}}}\n"
        for name, family in families.items()
    )


def groups(kind: str) -> str:
    return f"""\
  datacenterRef: {{kind: {kind.replace("Machine", "Datacenter")}, name: dc}}
  controlPlaneConfiguration:
    machineGroupRef: {{kind: {kind}, name: cp}}
  workerNodeGroupConfigurations:
  - machineGroupRef: {{kind: {kind}, name: md}}
"""


def test_provider_and_operating_systems_are_read_from_the_file() -> None:
    kind = "VSphereMachineConfig"
    rest = groups(kind) + machines(kind, cp="ubuntu", md="bottlerocket", other="redhat")
    facts = read(" {}\n", rest).facts
    assert facts.provider is Provider.VSPHERE
    assert facts.os_families == {OsFamily.UBUNTU, OsFamily.BOTTLEROCKET}
    assert facts.kube_version == "1.33"
    assert not facts.external_etcd


def test_external_etcd_and_its_machines_are_read() -> None:
    kind = "TinkerbellMachineConfig"
    etcd = f"  externalEtcdConfiguration:\n    machineGroupRef: {{kind: {kind}, name: etcd}}\n"
    facts = read(" {}\n", etcd + groups(kind) + machines(kind, etcd="bottlerocket")).facts
    assert facts.external_etcd
    assert facts.provider is Provider.BARE_METAL
    assert facts.os_families == {OsFamily.BOTTLEROCKET}
    empty = read(" {}\n", "  externalEtcdConfiguration: null\n").facts
    assert not empty.external_etcd


def test_what_the_file_does_not_tell_is_not_known() -> None:
    facts = read(" {}\n", groups("FutureMachineConfig")).facts
    assert facts.provider is None
    assert facts.os_families == frozenset()


def test_form_content_and_provider_are_judged_together() -> None:
    kind = "SnowMachineConfig"
    document = read(
        "\n    endPoint: h/x\n    port: abc\n    authenticate: true\n    caCertContent: x\n",
        groups(kind) + machines(kind, cp="ubuntu", md="ubuntu"),
    )
    found = judge_document(document, release="v0.11.0", environment={}, now=NOW)
    assert {one.code for one in found} == {
        FindingCode.PORT_INVALID,
        FindingCode.LOGIN_VARIABLE_MISSING,
        FindingCode.CA_UNREADABLE,
        FindingCode.FIELD_TOO_NEW,
        FindingCode.KEY_WRONG_CASE,
        FindingCode.ENDPOINT_NOT_A_HOST,
        FindingCode.LOGIN_NOT_ON_NODES,
    }
    levels = [one.level for one in found]
    assert levels == sorted(levels, key=list(Level).index)


def test_the_ca_of_the_environment_counts(tmp_path: Path) -> None:
    file = tmp_path / "ca.crt"
    file.write_text("no pem")
    document = read("\n    endpoint: h\n")
    for path, words in ((file, "PEM"), (tmp_path / "none", "reading the cert file")):
        environment = {"EKSA_REGISTRY_MIRROR_CA": str(path)}
        found = judge_document(document, environment=environment, now=NOW)
        (finding,) = [one for one in found if one.code is FindingCode.CA_UNREADABLE]
        assert finding.level is Level.REJECTED
        assert words in finding.upstream
    assert not [
        one
        for one in judge_document(document, environment={}, now=NOW)
        if one.code is FindingCode.CA_UNREADABLE
    ]
