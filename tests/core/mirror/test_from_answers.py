"""Answers become the settings that clusters need, and what is wrong with them is told."""

from pathlib import Path
from typing import Any

import pytest

from core.answers import Answers, OsFamily, Provider
from core.errors import Code, MirrorError
from core.mirror.cluster_file import ClusterFile
from core.mirror.configuration import RegistryMirrorConfiguration
from core.mirror.endpoint import Mirror, NamespaceMapping
from core.mirror.facts import ClusterFacts
from core.mirror.findings import Finding, FindingCode, Level
from core.mirror.from_answers import (
    cluster_facts,
    configuration_of,
    is_accepted,
    judge_answers,
    judge_cluster,
)
from core.mirror.upstreams import PACKAGES_REGISTRY
from tests.core.mirror.pki import make

LEGACY_EU = "783794618700.dkr.ecr.eu-west-1.amazonaws.com"
REGIONAL = "346438352937.dkr.ecr.us-west-2.amazonaws.com"


def answers(**registry: Any) -> Answers:
    given = {"endpoint": "harbor.local", "port": 8443, "namespace": "eks-a"} | registry
    return Answers.model_validate({"registry": given})


def configuration(
    given: Answers, environment: dict[str, str] | None = None
) -> RegistryMirrorConfiguration:
    registry = given.registry
    mappings = [NamespaceMapping(one.registry, one.namespace) for one in registry.mappings]
    mirror = Mirror.parse(registry.address, mappings)
    return configuration_of(given, mirror, environment or {})


def mapped(given: Answers) -> dict[str, str]:
    return {one.registry: one.namespace for one in configuration(given).oci_namespaces}


def mapping(registry: str, namespace: str = "eks-a/eks-anywhere") -> dict[str, str]:
    return {"registry": registry, "namespace": namespace}


def found(findings: tuple[Finding, ...], code: FindingCode) -> Finding:
    (one,) = [finding for finding in findings if finding.code is code]
    return one


def judged(given: Answers, **more: Any) -> tuple[Finding, ...]:
    return judge_answers(given, configuration(given), **more)


def test_every_answer_reaches_its_field(tmp_path: Path) -> None:
    ca = make("Root")
    (tmp_path / "ca.crt").write_text(ca.pem)
    given = Answers.model_validate(
        {
            "registry": {
                "address": "10.0.0.5:8443/eks-a",
                "mappings": [mapping("docker.io", "hub")],
                "ca_file": tmp_path / "ca.crt",
                "insecure": True,
            },
            "credentials": {"authenticate": True},
        }
    )
    assert configuration(given) == RegistryMirrorConfiguration(
        endpoint="10.0.0.5",
        port="8443",
        oci_namespaces=(
            NamespaceMapping("public.ecr.aws", "eks-a"),
            NamespaceMapping(PACKAGES_REGISTRY, "eks-a/eks-anywhere"),
            NamespaceMapping("docker.io", "hub"),
        ),
        ca_cert_content=ca.pem,
        authenticate=True,
        insecure_skip_verify=True,
    )


@pytest.mark.parametrize(
    ("registry", "packages"),
    [
        ({}, {PACKAGES_REGISTRY}),
        ({"packages_registry": ""}, set()),
        ({"packages_registry": REGIONAL}, {REGIONAL}),
        ({"mappings": [mapping(LEGACY_EU)]}, {LEGACY_EU}),
        ({"mappings": [mapping(REGIONAL)]}, {REGIONAL}),
        ({"mappings": [mapping(PACKAGES_REGISTRY), mapping(LEGACY_EU)]},
         {PACKAGES_REGISTRY, LEGACY_EU}),
        ({"mappings": [mapping("docker.io")]}, {PACKAGES_REGISTRY, "docker.io"}),
    ],
)  # fmt: skip
def test_the_registry_of_curated_packages(registry: dict[str, Any], packages: set[str]) -> None:
    places = mapped(answers(**registry))
    assert places.pop("public.ecr.aws") == "eks-a"
    assert set(places) == packages
    assert set(places.values()) <= {"eks-a/eks-anywhere"}


def test_two_legacy_registries_that_were_both_named_are_refused() -> None:
    given = answers(mappings=[mapping(PACKAGES_REGISTRY), mapping(LEGACY_EU)])
    findings = judged(given)
    assert found(findings, FindingCode.SEVERAL_PACKAGE_REGISTRIES).level is Level.REJECTED
    assert not is_accepted(findings)


def test_the_variable_names_the_ca_where_the_answers_do_not(tmp_path: Path) -> None:
    own, other = tmp_path / "own.crt", tmp_path / "other.crt"
    own.write_text("\ufeffOWN\n")
    other.write_text("OTHER\n")
    variable = {"EKSA_REGISTRY_MIRROR_CA": str(other)}
    assert configuration(answers(), variable).ca_cert_content == "OTHER\n"
    assert configuration(answers(ca_file=own), variable).ca_cert_content == "OWN\n"


def test_a_private_key_never_gets_into_the_settings(tmp_path: Path) -> None:
    ca = make("Root")
    file = tmp_path / "ca.pem"
    for content in (ca.key_pem, ca.pem + ca.key_pem):
        file.write_text(content)
        for given, variable in (
            (answers(ca_file=file), {}),
            (answers(), {"EKSA_REGISTRY_MIRROR_CA": str(file)}),
        ):
            with pytest.raises(MirrorError) as caught:
                configuration(given, variable)
            assert caught.value.code is Code.CA_FILE_INVALID
            assert "BEGIN" not in str(caught.value)


def test_a_ca_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    binary, large = tmp_path / "ca.der", tmp_path / "large"
    binary.write_bytes(b"\x30\x82\xff\xfe")
    with large.open("wb") as file:
        file.truncate(40 * 2**30)
    whys = {
        tmp_path / "missing": "No such file",
        tmp_path: "Is a directory",
        binary: "not text",
        large: "larger than 4 MiB",
    }
    for path, why in whys.items():
        with pytest.raises(MirrorError, match=why) as caught:
            configuration(answers(ca_file=path))
        assert caught.value.code is Code.CA_FILE_INVALID
        assert caught.value.where == str(path)


def test_what_the_file_says_of_a_cluster_goes_before_the_answers() -> None:
    given = Answers.model_validate(
        {
            "artifacts": {"kube_versions": ["1.9", "v1-33", "1.32"]},
            "cluster": {"provider": "snow", "os_family": "rhel", "external_etcd": True},
        }
    )
    assert cluster_facts(given) == ClusterFacts(
        Provider.SNOW, frozenset({OsFamily.RHEL}), external_etcd=True, kube_version="1.33"
    )
    known = ClusterFacts(Provider.VSPHERE, frozenset({OsFamily.UBUNTU}), kube_version="1.30")
    assert cluster_facts(given, known) == known
    partly = cluster_facts(given, ClusterFacts(Provider.VSPHERE))
    assert partly.provider is Provider.VSPHERE
    assert partly.os_families == {OsFamily.RHEL}
    assert not partly.external_etcd
    assert cluster_facts(Answers()) == ClusterFacts()


def test_plain_http_is_refused_or_of_no_use() -> None:
    one = found(judged(answers(plain_http=True)), FindingCode.PLAIN_HTTP)
    assert one.level is Level.REJECTED
    assert one.upstream.startswith("validating registry mirror endpoint: ")
    one = found(judged(answers(plain_http=True, insecure=True)), FindingCode.PLAIN_HTTP)
    assert one.level is Level.WILL_NOT_WORK
    assert one.upstream == ""
    assert not [one for one in judged(answers()) if one.code is FindingCode.PLAIN_HTTP]


@pytest.mark.parametrize(
    ("upstream", "mend"),
    [
        ("docker.io", "--map docker.io=eks-a/docker.io"),
        ("quay.local:5000", "--map quay.local:5000=eks-a/quay.local-5000"),
        (REGIONAL, f"--packages-registry {REGIONAL}"),
    ],
)
def test_a_registry_that_artifacts_come_from_is_suggested(upstream: str, mend: str) -> None:
    needed = {"public.ecr.aws": 44, upstream: 1}
    one = found(judged(answers(), upstreams=needed), FindingCode.UPSTREAM_NOT_MAPPED)
    assert one.level is Level.WILL_NOT_WORK
    assert f"{upstream} is not mapped, and 1 artifact comes from there." == one.message
    assert one.mend.endswith(mend)


def test_the_suggestion_works() -> None:
    for fix in (
        {"mappings": [mapping("quay.local:5000", "eks-a/quay.local-5000")]},
        {"packages_registry": REGIONAL},
    ):
        needed = {"quay.local:5000": 1} if "mappings" in fix else {REGIONAL: 2}
        codes = {one.code for one in judged(answers(**fix), upstreams=needed)}
        assert FindingCode.UPSTREAM_NOT_MAPPED not in codes
        assert FindingCode.PACKAGES_ELSEWHERE not in codes


def test_a_login_that_is_not_set_in_this_shell_refuses_nothing() -> None:
    given = Answers.model_validate(
        {"registry": {"endpoint": "h"}, "credentials": {"authenticate": True}}
    )
    findings = judged(given, environment={})
    missing = [one for one in findings if one.code is FindingCode.LOGIN_VARIABLE_MISSING]
    assert [one.message for one in missing] == [
        "REGISTRY_USERNAME is not set in this shell.",
        "REGISTRY_PASSWORD is not set in this shell.",
    ]
    assert {one.level for one in missing} == {Level.CAUTION}
    assert missing[0].upstream == "please set REGISTRY_USERNAME env var"
    assert is_accepted(findings)
    assert not [one for one in judged(given) if one.code is FindingCode.LOGIN_VARIABLE_MISSING]


def clusters(*texts: str) -> ClusterFile:
    head = "apiVersion: anywhere.eks.amazonaws.com/v1alpha1\nkind: Cluster\n"
    return ClusterFile.load("---\n".join(head + text for text in texts).encode(), "c.yaml")


def test_each_cluster_of_a_file_counts_once() -> None:
    file = clusters(
        "spec: {datacenterRef: {kind: SnowDatacenterConfig}}\n",
        "spec: {datacenterRef: {kind: SnowDatacenterConfig}}\n",
        "spec: {datacenterRef: {kind: VSphereDatacenterConfig}}\n",
    )
    given = Answers.model_validate(
        {"registry": {"endpoint": "h"}, "credentials": {"authenticate": True}}
    )
    findings = judged(given, clusters=file.clusters)
    assert found(findings, FindingCode.LOGIN_NOT_ON_NODES).level is Level.WILL_NOT_WORK
    assert found(findings, FindingCode.BOOTSTRAP_NOT_VERIFIED)
    levels = [list(Level).index(one.level) for one in findings]
    assert levels == sorted(levels)


def test_answers_tell_of_a_cluster_what_its_file_does_not() -> None:
    (document,) = clusters(
        "spec: {registryMirrorConfiguration: {endpoint: h, insecureSkipVerify: true}}\n"
    ).clusters
    assert is_accepted(judge_cluster(document, Answers()))
    given = Answers.model_validate({"cluster": {"os_family": "bottlerocket"}})
    one = found(judge_cluster(document, given), FindingCode.BOTTLEROCKET_SKIP_VERIFY)
    assert one.level is Level.REJECTED


def test_a_login_in_a_cluster_file_refuses_nothing_either() -> None:
    (document,) = clusters(
        "spec: {registryMirrorConfiguration: {endpoint: h, authenticate: true}}\n"
    ).clusters
    assert is_accepted(judge_cluster(document, Answers(), environment={}))
    assert len(judge_cluster(document, Answers(), environment={})) > len(
        judge_cluster(document, Answers())
    )


def test_a_login_that_only_the_import_has_is_told() -> None:
    shell = {"REGISTRY_PASSWORD": "x"}
    (told,) = [
        one
        for one in judged(answers(), environment=shell)
        if one.code is FindingCode.LOGIN_LEFT_OUT
    ]
    assert told.level is Level.CAUTION
    assert "--authenticate" in told.mend

    with_login = Answers.model_validate(
        {"registry": {"address": "harbor.local"}, "credentials": {"authenticate": True}}
    )
    without = Answers.model_validate(
        {"registry": {"address": "harbor.local"}, "credentials": {"source": "none"}}
    )
    for given, environment in ((answers(), {}), (with_login, shell), (without, shell)):
        codes = {one.code for one in judged(given, environment=environment)}
        assert FindingCode.LOGIN_LEFT_OUT not in codes
