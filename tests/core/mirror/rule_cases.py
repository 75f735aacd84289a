"""A configuration that is right, and what the rules find in others."""

from dataclasses import replace

from core.mirror.configuration import RegistryMirrorConfiguration
from core.mirror.endpoint import NamespaceMapping
from core.mirror.facts import ClusterFacts, OsFamily, Provider
from core.mirror.findings import Finding, FindingCode
from core.mirror.rules import judge
from core.mirror.upstreams import (
    PACKAGES_REGISTRY,
    PUBLIC_ECR,
)
from tests.core.mirror.pki import NOW, make

CA = make("Root CA").pem
REGIONAL = "346438352937.dkr.ecr.us-west-2.amazonaws.com"
GOOD = RegistryMirrorConfiguration(
    endpoint="harbor.local",
    port="8443",
    oci_namespaces=(
        NamespaceMapping(PUBLIC_ECR, "eks-a"),
        NamespaceMapping(PACKAGES_REGISTRY, "eks-a/eks-anywhere"),
    ),
    ca_cert_content=CA,
)


def found(
    configuration: RegistryMirrorConfiguration,
    *,
    cluster: ClusterFacts | None = None,
    release: str = "",
    environment: dict[str, str] | None = None,
) -> list[Finding]:
    return list(
        judge(configuration, cluster=cluster, release=release, environment=environment, now=NOW)
    )


def codes(findings: list[Finding]) -> list[FindingCode]:
    return [one.code for one in findings]


def mapped(**namespaces: str) -> RegistryMirrorConfiguration:
    names = {"public": PUBLIC_ECR, "packages": PACKAGES_REGISTRY, "regional": REGIONAL}
    names |= {"docker": "docker.io", "ghcr": "ghcr.io"}
    entries = tuple(NamespaceMapping(names[key], value) for key, value in namespaces.items())
    return replace(GOOD, oci_namespaces=entries)


BOTTLEROCKET = frozenset({OsFamily.BOTTLEROCKET})
UBUNTU = frozenset({OsFamily.UBUNTU})


def cluster(
    provider: Provider,
    families: frozenset[OsFamily] = UBUNTU,
    *,
    external_etcd: bool = False,
    kube_version: str = "",
) -> ClusterFacts:
    return ClusterFacts(provider, families, external_etcd, kube_version)
