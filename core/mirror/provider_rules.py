"""What each provider and operating system really does with the mirror.

Source: the templates of the providers in aws/eks-anywhere (`pkg/providers`, `pkg/clusterapi`) and
`pkg/validations/cluster.go`, v0.26.1.
"""

from collections.abc import Iterator

from core.mirror.configuration import RegistryMirrorConfiguration
from core.mirror.facts import ClusterFacts, Provider, Version
from core.mirror.findings import Finding, FindingCode, Level
from core.mirror.upstreams import PUBLIC_ECR

_BOTTLEROCKET_IGNORES_MAPPINGS = frozenset({Provider.BARE_METAL, Provider.SNOW})
_NO_LOGIN_ON_NODES = frozenset({Provider.SNOW, Provider.CLOUDSTACK})


def judge_provider(
    configuration: RegistryMirrorConfiguration, cluster: ClusterFacts, release: str = ""
) -> Iterator[Finding]:
    """What this provider and its operating systems make of the configuration.

    Args:
        configuration: what is judged.
        cluster: for whom.
        release: release of EKS Anywhere; empty means a current one.
    """
    if cluster.bottlerocket and cluster.provider is not Provider.DOCKER:
        yield from _bottlerocket(configuration, cluster, release)
    if configuration.authenticate and not login_reaches_nodes(cluster):
        yield Finding(
            Level.WILL_NOT_WORK,
            FindingCode.LOGIN_NOT_ON_NODES,
            "authenticate",
            f"Nodes on {cluster.provider} do not get the login.",
            f"The templates for {cluster.provider} hold no login, so nodes pull anonymously.",
            "Allow anonymous pull on the registry, or choose another provider.",
        )
    if cluster.provider is Provider.BARE_METAL:
        yield from _bare_metal(configuration)
    if cluster.external_etcd:
        yield from _external_etcd(configuration)
    if not configuration.ca_cert_content and not configuration.insecure_skip_verify:
        yield Finding(
            Level.CAUTION,
            FindingCode.BOOTSTRAP_NOT_VERIFIED,
            "caCertContent",
            "The bootstrap node will accept any certificate.",
            "Without a CA the bootstrap cluster never checks the registry's certificate, even a "
            "publicly trusted one.",
            "Nothing to do where the network of the admin machine is trusted.",
        )


def login_reaches_nodes(cluster: ClusterFacts) -> bool:
    """Whether nodes get the login; Snow and CloudStack have no place for it."""
    return cluster.provider not in _NO_LOGIN_ON_NODES


def _bottlerocket(
    configuration: RegistryMirrorConfiguration, cluster: ClusterFacts, release: str
) -> Iterator[Finding]:
    if configuration.insecure_skip_verify:
        yield Finding(
            Level.REJECTED,
            FindingCode.BOTTLEROCKET_SKIP_VERIFY,
            "insecureSkipVerify",
            "EKS Anywhere refuses insecureSkipVerify on Bottlerocket.",
            "Bottlerocket always checks certificates.",
            "Write insecureSkipVerify: false and give the CA in caCertContent.",
            "InsecureSkipVerify is not supported for bottlerocket",
        )
    ignored = _other_registries(configuration)
    if not ignored:
        return
    version = Version.parse(release)
    names = ", ".join(ignored)
    if version and Version(0, 19) <= version < Version(0, 20):
        yield Finding(
            Level.REJECTED,
            FindingCode.BOTTLEROCKET_ONLY_PUBLIC_ECR,
            "ociNamespaces",
            f"With Bottlerocket {release} takes the mapping of {PUBLIC_ECR} only.",
            f"{names} cannot be mapped there.",
            "Remove the other mappings, or use v0.20 or later on vSphere.",
            f"{PUBLIC_ECR} is the only registry supported in ociNamespaces for bottlerocket",
        )
    elif cluster.provider in _BOTTLEROCKET_IGNORES_MAPPINGS or (
        version and version < Version(0, 20)
    ):
        yield Finding(
            Level.CAUTION,
            FindingCode.BOTTLEROCKET_ONLY_PUBLIC_ECR,
            "ociNamespaces",
            f"On Bottlerocket only the mapping of {PUBLIC_ECR} takes effect.",
            f"Images of {names} are pulled from the internet.",
            "Nothing to do where no workload needs them, else choose Ubuntu or RHEL.",
        )


def _bare_metal(configuration: RegistryMirrorConfiguration) -> Iterator[Finding]:
    if configuration.authenticate:
        yield Finding(
            Level.CAUTION,
            FindingCode.LOGIN_IN_BOOT_ARGUMENTS,
            "authenticate",
            "User and password are readable in the boot arguments of the machines.",
            "HookOS, which installs them over the network, gets them as kernel arguments.",
            "Give the cluster a robot account that may only pull.",
        )
    if not configuration.insecure_skip_verify:
        yield Finding(
            Level.CAUTION,
            FindingCode.BOOT_NOT_VERIFIED,
            "insecureSkipVerify",
            "While machines are installed, the registry's certificate is not checked.",
            "HookOS always treats the registry as insecure, whatever is written here.",
            "Keep the provisioning network apart.",
        )


def _external_etcd(configuration: RegistryMirrorConfiguration) -> Iterator[Finding]:
    ignored = _other_registries(configuration)
    if ignored:
        are = "is" if len(ignored) == 1 else "are"
        yield Finding(
            Level.CAUTION,
            FindingCode.ETCD_ONLY_PUBLIC_ECR,
            "ociNamespaces",
            f"The machines of the external etcd use only the mapping of {PUBLIC_ECR}.",
            f"{', '.join(ignored)} {are} not mapped on them; etcd itself needs nothing from there.",
            "Nothing to do.",
        )
    if configuration.insecure_skip_verify:
        yield Finding(
            Level.WILL_NOT_WORK,
            FindingCode.ETCD_SKIP_VERIFY,
            "insecureSkipVerify",
            "The machines of the external etcd check the registry's certificate all the same.",
            "Their configuration has a CA but no way to skip the check.",
            "Give the CA in caCertContent, or let etcd run on the control plane nodes.",
        )


def _other_registries(configuration: RegistryMirrorConfiguration) -> list[str]:
    return [
        one.registry for one in configuration.oci_namespaces if one.registry not in ("", PUBLIC_ECR)
    ]
