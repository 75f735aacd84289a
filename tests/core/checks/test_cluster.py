"""What a provider and its system do with the mirror, line by line."""

from pathlib import Path

from core.answers import Answers, ClusterAnswers, CredentialAnswers, RegistryAnswers
from core.checks.cluster import CLUSTER
from core.checks.context import Context
from core.checks.engine import Ladder
from core.checks.finding import Finding, State

CLUSTER_FILE = """\
apiVersion: anywhere.eks.amazonaws.com/v1alpha1
kind: Cluster
metadata:
  name: prod
spec:
  kubernetesVersion: "1.33"
  datacenterRef: {kind: VSphereDatacenterConfig, name: dc}
  externalEtcdConfiguration:
    count: 3
    machineGroupRef: {kind: VSphereMachineConfig, name: cp}
---
apiVersion: anywhere.eks.amazonaws.com/v1alpha1
kind: VSphereMachineConfig
metadata:
  name: cp
spec:
  osFamily: ubuntu
"""


def lines(*, login: bool = False, insecure: bool = False, **cluster: object) -> dict[str, Finding]:
    answers = Answers(
        registry=RegistryAnswers.model_validate(
            {"address": "harbor.site-a.example/eks-a", "insecure": insecure}
        ),
        credentials=CredentialAnswers(authenticate=login),
        cluster=ClusterAnswers.model_validate(cluster),
    )
    found = Ladder(CLUSTER, lambda: Context(answers, environment={})).run()
    return {finding.title: finding for finding in found}


def test_nothing_is_said_of_an_unknown_provider() -> None:
    found = lines()
    assert found["Mappings"].state is State.SKIPPED
    assert found["Merge"].state is State.SKIPPED


def test_on_bare_metal_bottlerocket_takes_one_mapping() -> None:
    found = lines(provider="bare metal", os_family="bottlerocket")
    assert found["Mappings"].state is State.WARN
    assert "only the mapping of public.ecr.aws" in found["Mappings"].seen


def test_a_login_does_not_reach_nodes_on_snow() -> None:
    assert (
        lines(provider="Snow", os_family="ubuntu", login=True)["CA and login"].state is State.FAIL
    )
    assert lines(provider="Snow", os_family="ubuntu")["CA and login"].state is State.PASS


def test_skipping_the_tls_check_is_refused_on_bottlerocket() -> None:
    found = lines(provider="vSphere", os_family="bottlerocket", insecure=True)
    assert found["Skip TLS check"].state is State.FAIL
    assert any("not supported for bottlerocket" in line for line in found["Skip TLS check"].details)


def test_a_cluster_file_tells_provider_system_and_etcd(tmp_path: Path) -> None:
    file = tmp_path / "cluster.yaml"
    file.write_text(CLUSTER_FILE)
    found = lines(file=str(file))
    assert found["Mappings"].state is State.PASS
    assert found["External etcd"].state is State.WARN
    assert found["Merge"].seen == "cluster.yaml has no mirror yet, it is added"


def test_a_mirror_that_is_there_is_replaced_and_told(tmp_path: Path) -> None:
    file = tmp_path / "cluster.yaml"
    mirror = "spec:\n  registryMirrorConfiguration: {endpoint: old.example, port: '443'}\n"
    file.write_text(CLUSTER_FILE.replace("spec:\n", mirror, 1))
    assert lines(file=str(file))["Merge"].state is State.WARN
