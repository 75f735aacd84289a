"""Answers out of a cluster file or a fragment."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.answers import Answers, OsFamily, Provider
from core.errors import Code, MirrorError
from core.mirror.configuration import RegistryMirrorConfiguration
from core.mirror.endpoint import Mirror, NamespaceMapping
from core.mirror.fragment import fragment
from core.mirror.prefill import Prefill, answers_from_cluster
from core.mirror.upstreams import PACKAGES_REGISTRY

CLUSTER = """\
apiVersion: anywhere.eks.amazonaws.com/v1alpha1
kind: Cluster
metadata: {name: site-a}
spec:
  kubernetesVersion: 1.30
  datacenterRef: {kind: VSphereDatacenterConfig, name: dc}
  controlPlaneConfiguration:
    machineGroupRef: {kind: VSphereMachineConfig, name: cp}
  externalEtcdConfiguration:
    machineGroupRef: {kind: VSphereMachineConfig, name: cp}
  registryMirrorConfiguration:
    endpoint: 10.0.0.5
    port: 8443
    ociNamespaces:
      - {registry: public.ecr.aws, namespace: eks-a}
      - registry: 783794618700.dkr.ecr.us-west-2.amazonaws.com
        namespace: eks-a/eks-anywhere
      - {registry: docker.io, namespace: /dockerhub/}
    caCertContent: |
      -----BEGIN CERTIFICATE-----
      AAAA
      -----END CERTIFICATE-----
    authenticate: true
    insecureSkipVerify: true
---
apiVersion: anywhere.eks.amazonaws.com/v1alpha1
kind: VSphereMachineConfig
metadata: {name: cp}
spec: {osFamily: bottlerocket}
"""


def test_a_cluster_file_gives_all_that_it_says(tmp_path: Path) -> None:
    found = _read(tmp_path, CLUSTER)
    registry, cluster = found.answers.registry, found.answers.cluster
    assert registry.address == "10.0.0.5:8443/eks-a"
    assert [(one.registry, one.namespace) for one in registry.mappings] == [
        ("docker.io", "dockerhub")
    ]
    assert registry.packages_registry is None
    assert registry.insecure
    assert registry.ca_file is None
    assert found.ca_cert_content.startswith("-----BEGIN CERTIFICATE-----\nAAAA\n")
    assert found.answers.credentials.authenticate
    assert found.answers.artifacts.kube_versions == ("1.30",)
    assert cluster.file == tmp_path / "cluster.yaml"
    assert (cluster.provider, cluster.os_family) == (Provider.VSPHERE, OsFamily.BOTTLEROCKET)
    assert cluster.external_etcd
    assert found.notes == ()


def test_of_several_clusters_the_first_with_a_mirror_counts(tmp_path: Path) -> None:
    bare = CLUSTER.partition("  registryMirrorConfiguration")[0].replace("1.30", "1.29")
    assert _read(tmp_path, f"{bare}---\n{CLUSTER}").answers.artifacts.kube_versions == ("1.30",)
    assert _read(tmp_path, bare).answers.artifacts.kube_versions == ("1.29",)


@pytest.mark.parametrize(
    "text",
    [
        "spec: {registryMirrorConfiguration: {endpoint: h, port: '1'}}",
        "registryMirrorConfiguration: {endpoint: h, port: '1'}",
        "{endpoint: h, port: '1'}",
    ],
)
def test_a_fragment_alone_will_do(tmp_path: Path, text: str) -> None:
    found = _read(tmp_path, text)
    assert found.answers.registry.address == "h:1"
    assert found.answers.cluster.file is None


def test_what_cannot_be_used_is_left_out_and_noted(tmp_path: Path) -> None:
    found = _read(
        tmp_path,
        """
        registryMirrorConfiguration:
          endpoint: https://harbor.local:8443/EKS
          port: 443a
          ociNamespaces:
            - {registry: public.ecr.aws, namespace: Eks-A}
            - {registry: docker.io/library, namespace: x}
            - {registry: " ghcr.io", namespace: y}
        """,
    )
    assert found.answers.registry.address == "harbor.local:8443"
    assert [one.registry for one in found.answers.registry.mappings] == ["ghcr.io"]
    assert [note.partition(" ")[0] for note in found.notes] == ["endpoint", "namespace", "registry"]


def test_a_login_in_the_endpoint_is_not_repeated(tmp_path: Path) -> None:
    found = _read(tmp_path, "registryMirrorConfiguration: {endpoint: 'https://u:hunter2@h'}")
    assert found.answers == Answers(registry=found.answers.registry)
    assert "hunter2" not in str(found)
    assert len(found.notes) == 1


def test_a_registry_of_packages_that_is_not_the_usual_one_is_named(tmp_path: Path) -> None:
    regional = "090204409458.dkr.ecr.eu-west-1.amazonaws.com"
    rows = "{registry: public.ecr.aws, namespace: a}, {registry: %s, namespace: b}"
    found = _read(tmp_path, f"{{endpoint: h, ociNamespaces: [{rows % regional}]}}")
    assert found.answers.registry.packages_registry == regional
    assert found.answers.registry.mappings[0].namespace == "b"
    none = _read(tmp_path, "{endpoint: h, ociNamespaces: [{registry: public.ecr.aws}]}")
    assert none.answers.registry.packages_registry == ""


_parts = st.sampled_from(["", "eks-a", "team/mirror"])
_packages = st.sampled_from(["", PACKAGES_REGISTRY, "331113665574.dkr.ecr.us-east-1.amazonaws.com"])


@given(_parts, _packages, st.dictionaries(st.sampled_from(["docker.io", "ghcr.io"]), _parts))
def test_what_was_printed_is_read_back(
    tmp_path_factory: pytest.TempPathFactory,
    namespace: str,
    packages: str,
    others: dict[str, str],
) -> None:
    mappings = tuple(NamespaceMapping(*one) for one in others.items())
    mirror = Mirror.parse(f"[fd00::1]:5000/{namespace}", mappings)
    wanted = RegistryMirrorConfiguration.from_mirror(mirror, packages_registry=packages)
    found = _read(tmp_path_factory.mktemp("prefill"), fragment(wanted)).answers.registry
    again = RegistryMirrorConfiguration.from_mirror(
        Mirror.parse(
            found.address, [NamespaceMapping(one.registry, one.namespace) for one in found.mappings]
        ),
        packages_registry=(
            PACKAGES_REGISTRY if found.packages_registry is None else found.packages_registry
        ),
    )
    assert again == wanted


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"a: b", Code.MANIFEST_WRONG_KIND),
        (b"", Code.MANIFEST_WRONG_KIND),
        (b"a: [", Code.MANIFEST_INVALID),
        (b"\xff\xfe\x01", Code.MANIFEST_NOT_FOUND),
    ],
)
def test_another_file_is_told(tmp_path: Path, content: bytes, code: Code) -> None:
    path = tmp_path / "cluster.yaml"
    path.write_bytes(content)
    with pytest.raises(MirrorError) as caught:
        answers_from_cluster(path)
    assert caught.value.code is code
    with pytest.raises(MirrorError, match="No such file"):
        answers_from_cluster(tmp_path / "none.yaml")


def _read(folder: Path, text: str) -> Prefill:
    path = folder / "cluster.yaml"
    path.write_text(text)
    return answers_from_cluster(path)
