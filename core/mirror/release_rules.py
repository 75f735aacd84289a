"""What single releases of EKS Anywhere do not know yet, or do wrong.

Source: changelog, pull requests and issues of aws/eks-anywhere; the numbers are named at each rule.
"""

from collections.abc import Iterator

from core.mirror.configuration import RegistryMirrorConfiguration
from core.mirror.facts import ClusterFacts, Provider, Version
from core.mirror.findings import Finding, FindingCode, Level
from core.mirror.upstreams import LEGACY_PACKAGES_ACCOUNT


def judge_release(
    configuration: RegistryMirrorConfiguration,
    release: str,
    cluster: ClusterFacts | None = None,
) -> Iterator[Finding]:
    """What this release of EKS Anywhere makes of the configuration.

    Args:
        configuration: what is judged.
        release: `v0.26.0`; nothing is found where it is empty or of a development build.
        cluster: provider and operating systems, where they are known.
    """
    version = Version.parse(release)
    if version is None:
        return
    yield from _unknown_fields(configuration, version, release)
    yield from _skip_verify(configuration, version, release, cluster)
    yield from _wildcard_of_packages(configuration, version, release)
    yield from _doubled_v2(version, release, cluster)
    if cluster is not None:
        yield from _bottlerocket(version, release, cluster)


def _unknown_fields(
    configuration: RegistryMirrorConfiguration, version: Version, release: str
) -> Iterator[Finding]:
    """Strict parsing refuses fields of later releases (issue 5962)."""
    used = (
        ("ociNamespaces", bool(configuration.oci_namespaces), Version(0, 14)),
        ("authenticate", configuration.authenticate, Version(0, 12)),
    )
    for field, is_used, since in used:
        if is_used and version < since:
            yield Finding(
                Level.REJECTED,
                FindingCode.FIELD_TOO_NEW,
                field,
                f"{release} does not know {field}.",
                f"It came with v{since.major}.{since.minor}.0.",
                "Use a later release of eksctl anywhere.",
                f'unknown field "{field}"',
            )


def _skip_verify(
    configuration: RegistryMirrorConfiguration,
    version: Version,
    release: str,
    cluster: ClusterFacts | None,
) -> Iterator[Finding]:
    """Issue 1647."""
    on_snow = cluster is not None and cluster.provider is Provider.SNOW
    if configuration.insecure_skip_verify and version < Version(0, 16) and not on_snow:
        yield Finding(
            Level.WILL_NOT_WORK,
            FindingCode.FIELD_TOO_NEW,
            "insecureSkipVerify",
            f"{release} honours insecureSkipVerify on Snow only.",
            "Other providers have it since v0.16.0.",
            "Give the CA in caCertContent, or use a later release.",
        )


def _wildcard_of_packages(
    configuration: RegistryMirrorConfiguration, version: Version, release: str
) -> Iterator[Finding]:
    """Pull request 10097."""
    if not Version(0, 18) <= version < Version(0, 24):
        return
    for index, mapping in enumerate(configuration.oci_namespaces):
        if mapping.registry.startswith(f"{LEGACY_PACKAGES_ACCOUNT}."):
            yield Finding(
                Level.WILL_NOT_WORK,
                FindingCode.RELEASE_DEFECT,
                f"ociNamespaces[{index}]",
                f"With {release} nodes do not use the mapping of {mapping.registry}.",
                "v0.18 to v0.23 write it with a “*” for the region, which nodes do not understand.",
                "Use v0.24.0 or later where curated packages are needed.",
            )


def _doubled_v2(version: Version, release: str, cluster: ClusterFacts | None) -> Iterator[Finding]:
    """Pull request 10765."""
    if cluster is not None and cluster.only_bottlerocket:
        return
    if Version(0, 25) <= version < Version(0, 25, 3):
        yield Finding(
            Level.WILL_NOT_WORK,
            FindingCode.RELEASE_DEFECT,
            "endpoint",
            f"With {release} nodes ask the mirror for /v2 twice and get nothing.",
            "override_path is missing in the hosts.toml of its nodes; they then go to the "
            "internet.",
            "Use v0.25.3 or later.",
        )


def _bottlerocket(version: Version, release: str, cluster: ClusterFacts) -> Iterator[Finding]:
    """Pull requests 10858 and 10939."""
    kube = Version.parse(cluster.kube_version)
    if not cluster.bottlerocket or kube is None or kube < Version(1, 33):
        return
    if version < Version(0, 26, 1):
        yield Finding(
            Level.WILL_NOT_WORK,
            FindingCode.RELEASE_DEFECT,
            "endpoint",
            f"With {release} Bottlerocket nodes of Kubernetes {cluster.kube_version} do not use "
            "the mirror rightly.",
            "From Kubernetes 1.33 on its containerd ignores the login, and port 443 fails.",
            "Use v0.26.1 or later with Bottlerocket 1.64 or later.",
        )
