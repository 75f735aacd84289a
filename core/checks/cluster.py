"""What this provider and its operating system really do with the mirror."""

from core.answers import OsFamily, Provider
from core.checks.context import Context
from core.checks.engine import Check
from core.checks.finding import Finding, failed, from_error, passed, skipped, warned
from core.checks.words import first_lower
from core.errors import EksaMirrorError
from core.mirror.cluster_file import ClusterFile
from core.mirror.configuration import RegistryMirrorConfiguration
from core.mirror.facts import ClusterFacts
from core.mirror.findings import Finding as Judgement
from core.mirror.findings import FindingCode, Level
from core.mirror.from_answers import cluster_facts, configuration_of
from core.mirror.provider_rules import judge_provider

_UNKNOWN = "neither a cluster file nor a provider is named"

OS_FAMILIES = {
    Provider.VSPHERE: tuple(OsFamily),
    Provider.BARE_METAL: tuple(OsFamily),
    Provider.NUTANIX: (OsFamily.UBUNTU, OsFamily.RHEL),
    Provider.SNOW: (OsFamily.UBUNTU, OsFamily.BOTTLEROCKET),
    Provider.CLOUDSTACK: (OsFamily.RHEL,),
    Provider.DOCKER: (),
}
"""Operating systems that nodes of a provider may have."""


def facts_of(context: Context) -> ClusterFacts:
    """What the cluster file says, and for the rest the answers.

    Raises:
        MirrorError: the cluster file cannot be read.
    """
    held = _file(context)
    return cluster_facts(context.answers, held.clusters[0].facts if held else None)


def check_mappings(context: Context) -> Finding:
    """Which namespace mappings reach the nodes."""
    count = len(_configuration(context).oci_namespaces)
    which = "the mapping reaches" if count == 1 else f"all {count} reach"
    return _by_rule(context, (FindingCode.BOTTLEROCKET_ONLY_PUBLIC_ECR,), f"{which} the nodes")


def check_ca_and_login(context: Context) -> Finding:
    """Whether nodes get the CA and the login."""
    login = _configuration(context).authenticate
    seen = "written to every node" if login else "the CA is written to every node, no login needed"
    return _by_rule(context, (FindingCode.LOGIN_NOT_ON_NODES,), seen)


def check_skip_verify(context: Context) -> Finding:
    """Whether insecureSkipVerify is taken, where it is set."""
    if not _configuration(context).insecure_skip_verify:
        return passed("off: nodes check the registry's certificate")
    codes = (FindingCode.BOTTLEROCKET_SKIP_VERIFY, FindingCode.ETCD_SKIP_VERIFY)
    return _by_rule(context, codes, "taken: nodes accept any certificate")


def check_bootstrap(context: Context) -> Finding:
    """Whether the bootstrap node checks the certificate."""
    seen = "the kind node gets the CA, so it verifies too"
    return _by_rule(context, (FindingCode.BOOTSTRAP_NOT_VERIFIED,), seen)


def check_etcd(context: Context) -> Finding:
    """What the machines of an external etcd use."""
    if not facts_of(context).external_etcd:
        return skipped("etcd runs on the control plane nodes")
    seen = "its machines use what all nodes use"
    return _by_rule(context, (FindingCode.ETCD_ONLY_PUBLIC_ECR,), seen)


def check_bare_metal(context: Context) -> Finding:
    """What is to be known of machines that are installed over the network."""
    if facts_of(context).provider is not Provider.BARE_METAL:
        return skipped("only for bare metal")
    codes = (FindingCode.LOGIN_IN_BOOT_ARGUMENTS, FindingCode.BOOT_NOT_VERIFIED)
    return _by_rule(context, codes, "nothing of the login is in the boot arguments")


def check_merge(context: Context) -> Finding:
    """Whether the mirror can be put into the cluster file."""
    held = _file(context)
    if held is None:
        return skipped("no cluster file; the fragment is written on its own")
    name = context.answers.cluster.file
    short = name.name if name else held.where
    try:
        merged = held.merged(_configuration(context))
    except EksaMirrorError as error:
        return from_error(error)
    if merged == held.content:
        return passed(f"{short} has this mirror already")
    if any(one.configuration for one in held.clusters):
        return warned(
            f"{short} has a mirror already, it is replaced",
            effect="What it says now is kept in a .bak beside it.",
            mend="Look at the difference in step 8.",
        )
    return passed(f"{short} has no mirror yet, it is added")


CLUSTER = (
    Check("cluster-mappings", "Mappings", check_mappings),
    Check("cluster-login", "CA and login", check_ca_and_login),
    Check("cluster-skip-verify", "Skip TLS check", check_skip_verify),
    Check("cluster-bootstrap", "Bootstrap", check_bootstrap),
    Check("cluster-etcd", "External etcd", check_etcd),
    Check("cluster-bare-metal", "Bare metal boot", check_bare_metal),
    Check("cluster-merge", "Merge", check_merge),
)
"""The lines of the step Cluster; they read files, and ask nobody."""


def _file(context: Context) -> ClusterFile | None:
    path = context.answers.cluster.file

    def read() -> ClusterFile | None:
        return ClusterFile.read(path) if path else None

    return context.once("cluster-file", read)


def _configuration(context: Context) -> RegistryMirrorConfiguration:
    return context.once(
        "mirror-configuration",
        lambda: configuration_of(context.answers, context.mirror, context.environment),
    )


def _by_rule(context: Context, codes: tuple[FindingCode, ...], otherwise: str) -> Finding:
    """The first rule of these that strikes; else a pass."""
    facts = facts_of(context)
    if facts.provider is None:
        return skipped(_UNKNOWN)
    rules = judge_provider(_configuration(context), facts)
    struck = next((rule for rule in rules if rule.code in codes), None)
    return _told(struck) if struck else passed(otherwise)


def _told(rule: Judgement) -> Finding:
    seen = first_lower(rule.message).rstrip(".")
    details = (f"EKS Anywhere: {rule.upstream}",) if rule.upstream else ()
    if rule.level is Level.CAUTION:
        return warned(seen, effect=rule.cause, mend=rule.mend, details=details, code=rule.code)
    return failed(seen, cause=rule.cause, mend=rule.mend, details=details, code=rule.code)
