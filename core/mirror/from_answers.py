"""From answers to the mirror's settings, and all that is to be said about them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from core.answers import Answers, CredentialSource
from core.errors import Code, MirrorError
from core.mirror.cluster_document import ClusterDocument, judge_document
from core.mirror.configuration import RegistryMirrorConfiguration
from core.mirror.endpoint import Mirror
from core.mirror.facts import ClusterFacts, Version
from core.mirror.findings import Finding, FindingCode, Level, by_gravity
from core.mirror.rules import judge
from core.mirror.upstreams import (
    PACKAGES_REGISTRY,
    PUBLIC_ECR,
    counts_as_packages_registry,
    is_packages_registry,
)

_MAX_CA_BYTES = 4 * 1024 * 1024
_PRIVATE_KEY = "PRIVATE KEY-----"


def configuration_of(
    answers: Answers, mirror: Mirror, environment: Mapping[str, str]
) -> RegistryMirrorConfiguration:
    """The settings that clusters need for the mirror of these answers.

    The CA is that of the answers, else that which `EKSA_REGISTRY_MIRROR_CA` names: EKS Anywhere
    would fill it in too.

    Args:
        answers: what was decided.
        mirror: the one that they name.
        environment: where `EKSA_REGISTRY_MIRROR_CA` may stand.

    Raises:
        MirrorError: `ca-file-invalid` where the CA cannot be read, or holds a private key: that
            must not get into any file.
    """
    registry = answers.registry
    configuration = RegistryMirrorConfiguration.from_mirror(
        mirror,
        packages_registry=packages_registry_of(answers),
        ca_cert_content=_read_ca(registry.ca_file) if registry.ca_file else "",
        authenticate=answers.credentials.authenticate,
        insecure_skip_verify=registry.insecure,
    ).with_defaults(environment)
    if _PRIVATE_KEY in configuration.ca_cert_content:
        raise MirrorError(
            Code.CA_FILE_INVALID,
            "The CA file holds a private key.",
            where=str(registry.ca_file or ""),
            cause="It would be readable in the cluster file, in the cluster and on every node.",
            mend="Give a file that holds the certificate alone.",
        )
    return configuration


def is_accepted(findings: Sequence[Finding]) -> bool:
    """Whether EKS Anywhere would take it, be it of use or not."""
    return all(one.level is not Level.REJECTED for one in findings)


def cluster_facts(answers: Answers, known: ClusterFacts | None = None) -> ClusterFacts:
    """What is known of the cluster: what its file says, and for the rest the answers.

    Args:
        answers: the newest of several Kubernetes versions counts.
        known: from the cluster file, None where there is none.
    """
    cluster = answers.cluster
    known = known or ClusterFacts(external_etcd=cluster.external_etcd)
    families = frozenset({cluster.os_family} if cluster.os_family else ())
    versions = [
        text.removeprefix("v").replace("-", ".") for text in answers.artifacts.kube_versions
    ]
    newest = max(versions, key=lambda text: Version.parse(text) or Version(0, 0), default="")
    return replace(
        known,
        provider=known.provider or cluster.provider,
        os_families=known.os_families or families,
        kube_version=known.kube_version or newest,
    )


def judge_answers(
    answers: Answers,
    configuration: RegistryMirrorConfiguration,
    *,
    clusters: Sequence[ClusterDocument] = (),
    release: str = "",
    upstreams: Mapping[str, int] | None = None,
    environment: Mapping[str, str] | None = None,
) -> tuple[Finding, ...]:
    """All that is wrong with the settings that answers make, worst first.

    Args:
        answers: what was decided.
        configuration: made of them by `configuration_of`.
        clusters: that will get it; one of which only the answers tell where empty.
        release: release of EKS Anywhere, empty where it is not known.
        upstreams: upstream registries of all that is needed, with the number of artifacts.
        environment: of this shell; None where the login is set up by other means.
    """
    found = [
        *_plain_http(answers),
        *_not_mapped(configuration, upstreams or {}),
        *_login_left_out(answers, configuration, environment or {}),
    ]
    facts: list[ClusterFacts | None] = [one.facts for one in clusters]
    for known in facts or [None]:
        found += judge(
            configuration,
            cluster=cluster_facts(answers, known),
            release=release,
            environment=environment,
        )
    return by_gravity(_softened(one) for one in dict.fromkeys(found))


def judge_cluster(
    document: ClusterDocument,
    answers: Answers,
    *,
    release: str = "",
    environment: Mapping[str, str] | None = None,
) -> tuple[Finding, ...]:
    """All that is wrong with what a cluster file holds, worst first; see `judge_document`.

    Args:
        document: the cluster.
        answers: tell of the cluster what its file does not.
        release: release of EKS Anywhere, empty where it is not known.
        environment: of this shell, with `EKSA_REGISTRY_MIRROR_CA` perhaps.
    """
    known = replace(document, facts=cluster_facts(answers, document.facts))
    found = judge_document(known, release=release, environment=environment)
    return by_gravity(_softened(one) for one in found)


def _softened(finding: Finding) -> Finding:
    """A login that is not set in this shell is worth a word, but the settings hold none."""
    if finding.code is FindingCode.LOGIN_VARIABLE_MISSING:
        return replace(
            finding,
            level=Level.CAUTION,
            message=finding.message.replace("is not set", "is not set in this shell"),
        )
    return finding


def packages_registry_of(answers: Answers) -> str:
    """The registry of curated packages: the one named, else the one mapped, else the default."""
    named = answers.registry.packages_registry
    if named is not None:
        return named
    mapped = [one.registry for one in answers.registry.mappings]
    packages = [
        one for one in mapped if is_packages_registry(one) or counts_as_packages_registry(one)
    ]
    return PACKAGES_REGISTRY if PACKAGES_REGISTRY in packages else (*packages, PACKAGES_REGISTRY)[0]


def _plain_http(answers: Answers) -> Iterator[Finding]:
    if not answers.registry.plain_http:
        return
    skipped = answers.registry.insecure
    yield Finding(
        Level.WILL_NOT_WORK if skipped else Level.REJECTED,
        FindingCode.PLAIN_HTTP,
        "endpoint",
        "The registry speaks plain HTTP.",
        "EKS Anywhere and the nodes always use TLS; no field of the settings turns it off.",
        "Give the registry a certificate.",
        "" if skipped else "validating registry mirror endpoint: …",
    )


def _login_left_out(
    answers: Answers, configuration: RegistryMirrorConfiguration, environment: Mapping[str, str]
) -> Iterator[Finding]:
    """A registry that wants a login of the import mostly wants one of nodes."""
    no_login = answers.credentials.source is CredentialSource.NONE
    if configuration.authenticate or no_login or not environment.get("REGISTRY_PASSWORD"):
        return
    yield Finding(
        Level.CAUTION,
        FindingCode.LOGIN_LEFT_OUT,
        "authenticate",
        "This shell has a login for the registry, and nodes get none.",
        "Where the registry wants one of them, too, they cannot pull.",
        "Add --authenticate, unless everybody may pull.",
    )


def _not_mapped(
    configuration: RegistryMirrorConfiguration, upstreams: Mapping[str, int]
) -> Iterator[Finding]:
    """Upstream registries of needed artifacts that the mirror does not stand for."""
    places = configuration.mirrors()
    for registry, count in sorted(upstreams.items()):
        if registry in places:
            continue
        if is_packages_registry(registry):
            mend = f"For curated packages from there: --packages-registry {registry}"
        else:
            mend = f"For example: --map {registry}={_beside(configuration, registry)}"
        yield Finding(
            Level.WILL_NOT_WORK,
            FindingCode.UPSTREAM_NOT_MAPPED,
            "ociNamespaces",
            f"{registry} is not mapped, and {count} "
            f"{'artifact comes' if count == 1 else 'artifacts come'} from there.",
            "The import leaves them out, and nodes go to the internet for them.",
            mend,
        )


def _beside(configuration: RegistryMirrorConfiguration, registry: str) -> str:
    """A namespace of its own for a registry, below that of all others."""
    core = next(
        (one.namespace for one in configuration.oci_namespaces if one.registry == PUBLIC_ECR), ""
    )
    own = registry.lower().replace(":", "-").strip("[]")
    return f"{core}/{own}" if core else own


def _read_ca(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_CA_BYTES + 1)
        if len(content) <= _MAX_CA_BYTES:
            return content.decode("utf-8-sig")
        why = f"it is larger than {_MAX_CA_BYTES // 2**20} MiB"
    except OSError as error:
        why = error.strerror or "it is out of reach"
    except UnicodeDecodeError:
        why = "it is not text"
    raise MirrorError(
        Code.CA_FILE_INVALID,
        f"The CA file cannot be read: {why}.",
        where=str(path),
        cause="The path is wrong, the account may not read it, or it is DER and not PEM.",
        mend="From DER to PEM: openssl x509 -inform der -in ca.der -out ca.crt",
    )
