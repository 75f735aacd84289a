"""Judging `registryMirrorConfiguration`: what EKS Anywhere rejects, and what it lets pass in vain.

Source of the rejections, their order and their messages: aws/eks-anywhere
`pkg/api/v1alpha1/cluster.go` (`validateMirrorConfig`) and `pkg/config/registry.go`, v0.26.1.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime

from core.errors import MirrorError
from core.mirror.certificates import judge_ca
from core.mirror.configuration import DEFAULT_PORT, RegistryMirrorConfiguration
from core.mirror.endpoint import Mirror, NamespaceMapping, clean_namespace
from core.mirror.facts import ClusterFacts
from core.mirror.findings import Finding, FindingCode, Level, by_gravity
from core.mirror.provider_rules import judge_provider
from core.mirror.release_rules import judge_release
from core.mirror.upstreams import PUBLIC_ECR, counts_as_packages_registry, is_packages_registry

USERNAME_VARIABLE = "REGISTRY_USERNAME"
PASSWORD_VARIABLE = "REGISTRY_PASSWORD"  # noqa: S105 - the name of a variable

_GO_INTEGER = re.compile(r"[+-]?[0-9]{1,20}")


def judge(
    configuration: RegistryMirrorConfiguration,
    *,
    cluster: ClusterFacts | None = None,
    release: str = "",
    environment: Mapping[str, str] | None = None,
    now: datetime | None = None,
) -> tuple[Finding, ...]:
    """Everything that is wrong with a configuration, worst first.

    Args:
        configuration: with the defaults filled in where they apply
            (`RegistryMirrorConfiguration.with_defaults`).
        cluster: provider and operating systems, where they are known.
        release: release of EKS Anywhere, `v0.26.0`; empty where it is not known.
        environment: of the shell that will run `eksctl anywhere`; None where it is not known.
        now: with a time zone; the clock of this machine where None.
    """
    findings = [*rejections(configuration), *in_vain(configuration)]
    if environment is not None and configuration.authenticate:
        findings += _login_variables(environment)
    if configuration.ca_cert_content:
        findings += judge_ca(
            configuration.ca_cert_content,
            endpoint=configuration.endpoint,
            verified=not configuration.insecure_skip_verify,
            now=now,
        )
    if cluster is not None:
        findings += judge_provider(configuration, cluster, release)
    findings += judge_release(configuration, release, cluster)
    return by_gravity(findings)


def rejections(configuration: RegistryMirrorConfiguration) -> Iterator[Finding]:
    """What EKS Anywhere rejects, in its own order; it shows the first one only."""
    if not configuration.endpoint:
        yield Finding(
            Level.REJECTED,
            FindingCode.ENDPOINT_MISSING,
            "endpoint",
            "The endpoint is missing.",
            "Without it there is no mirror to pull from.",
            "Enter the host name or address of the registry.",
            "no value set for RegistryMirrorConfiguration.Endpoint",
        )
    if _port_number(configuration.port) is None:
        yield Finding(
            Level.REJECTED,
            FindingCode.PORT_INVALID,
            "port",
            f"“{configuration.port}” is not a port.",
            "A port is a number from 1 to 65535.",
            f'Enter the registry\'s port, or leave it out for "{DEFAULT_PORT}".',
            f"registry mirror port {configuration.port} is invalid, please provide a valid port",
        )
    yield from _rejected_mappings(configuration)


def _rejected_mappings(configuration: RegistryMirrorConfiguration) -> Iterator[Finding]:
    for index, mapping in enumerate(configuration.oci_namespaces):
        if not mapping.registry:
            yield Finding(
                Level.REJECTED,
                FindingCode.REGISTRY_MISSING,
                f"ociNamespaces[{index}].registry",
                "A mapping names no upstream registry.",
                "Nothing says which images it is for.",
                f"Enter a registry such as {PUBLIC_ECR}, or remove the mapping.",
                "registry can't be set to empty in OCINamespaces",
            )
    packages = [
        mapping.registry
        for mapping in configuration.oci_namespaces
        if counts_as_packages_registry(mapping.registry)
    ]
    if len(packages) > 1:
        yield Finding(
            Level.REJECTED,
            FindingCode.SEVERAL_PACKAGE_REGISTRIES,
            "ociNamespaces",
            f"{len(packages)} mappings are for curated packages: {', '.join(packages)}.",
            "EKS Anywhere takes one registry for curated packages.",
            "Keep the one that your packages come from, and remove the others.",
            "only one registry mirror for curated packages is suppported",
        )


def in_vain(configuration: RegistryMirrorConfiguration) -> Iterator[Finding]:
    """What EKS Anywhere takes although it cannot work, whatever the provider."""
    if configuration.endpoint:
        yield from _endpoint(configuration.endpoint)
    port = _port_number(configuration.port)
    if port is not None and configuration.port not in ("", str(port)):
        yield Finding(
            Level.WILL_NOT_WORK,
            FindingCode.PORT_UNUSUAL,
            "port",
            f"The port is written “{configuration.port}”.",
            "It is copied as it stands into names of folders and images.",
            f'Write port: "{port}".',
        )
    for index, mapping in enumerate(configuration.oci_namespaces):
        yield from _mapping(index, mapping)
    yield from _twice(configuration)
    yield from _missing_public_ecr(configuration)
    yield from _packages_elsewhere(configuration)


def _endpoint(endpoint: str) -> Iterator[Finding]:
    why = _not_a_host(endpoint)
    if why:
        bare = _bare_host(endpoint)
        yield Finding(
            Level.WILL_NOT_WORK,
            FindingCode.ENDPOINT_NOT_A_HOST,
            "endpoint",
            f"“{endpoint}” is not a bare host name or address: {why}.",
            "EKS Anywhere puts the port behind it and uses the result as it is.",
            f'Write endpoint: "{bare}".' if bare else "Write the host name or address alone.",
        )
    elif endpoint != endpoint.lower() and ":" not in endpoint:
        yield Finding(
            Level.CAUTION,
            FindingCode.ENDPOINT_CAPITALS,
            "endpoint",
            f"“{endpoint}” has capital letters.",
            "Folders of certificates and saved logins are found by the exact spelling.",
            f'Write endpoint: "{endpoint.lower()}" everywhere.',
        )


def _not_a_host(text: str) -> str:
    """Why `text` cannot be used as the host part of an address; empty where it can."""
    checks = (
        ("://" in text, "it begins with a scheme"),
        ("@" in text, "it holds a user name"),
        (text != text.strip(), "there are spaces around it"),
        (text.endswith("/"), "it ends with a slash"),
        ("/" in text, "it holds a path, which belongs into ociNamespaces"),
        (text.startswith("["), "IPv6 is written without brackets here"),
        (text.count(":") == 1, "it holds a port, which has a field of its own"),
    )
    for wrong, why in checks:
        if wrong:
            return why
    try:
        Mirror.parse(text)
    except MirrorError:
        return "no host can be called that"
    return ""


def _bare_host(text: str) -> str:
    """The host that was meant, where it is plain; else empty."""
    rest = text.strip().rpartition("@")[2]
    rest = rest.partition("://")[2] if "://" in rest else rest
    try:
        return Mirror.parse(rest.partition("/")[0]).host
    except MirrorError:
        return ""


def _mapping(index: int, mapping: NamespaceMapping) -> Iterator[Finding]:
    why = _not_a_registry(mapping.registry) if mapping.registry else ""
    if why:
        yield Finding(
            Level.WILL_NOT_WORK,
            FindingCode.REGISTRY_NOT_A_HOST,
            f"ociNamespaces[{index}].registry",
            f"“{mapping.registry}” is not a bare registry: {why}.",
            "Only a name that is exactly the front of an image's name has an effect.",
            f"Write the host alone, such as {PUBLIC_ECR}; the path of the image stays.",
        )
    field = f"ociNamespaces[{index}].namespace"
    try:
        clean = clean_namespace(mapping.namespace)
    except MirrorError as error:
        yield Finding(
            Level.WILL_NOT_WORK,
            FindingCode.NAMESPACE_INVALID,
            field,
            error.message,
            "Registries take lower case only, and EKS Anywhere resolves “..” before it asks.",
            "Write the project, and a path below it if you like: eks-a/mirror",
        )
        return
    if clean != mapping.namespace:
        yield Finding(
            Level.CAUTION,
            FindingCode.NAMESPACE_CLEANED,
            field,
            f"“{mapping.namespace}” is used as “{clean}”.",
            "EKS Anywhere drops needless slashes.",
            f'Write namespace: "{clean}".',
        )


def _not_a_registry(text: str) -> str:
    """Why no image's name begins with `text`; empty where one can."""
    if "://" in text:
        return "it begins with a scheme"
    if text != text.strip():
        return "there are spaces around it"
    if "/" in text:
        return "it holds a path, so no image matches it"
    if text != text.lower():
        return "it has capital letters"
    try:
        NamespaceMapping(text, "").checked()
    except MirrorError:
        return "no host can be called that"
    return ""


def _twice(configuration: RegistryMirrorConfiguration) -> Iterator[Finding]:
    counted = Counter(one.registry for one in configuration.oci_namespaces if one.registry)
    for registry, count in counted.items():
        if count > 1:
            used = configuration.mirrors()[registry]
            yield Finding(
                Level.WILL_NOT_WORK,
                FindingCode.REGISTRY_TWICE,
                "ociNamespaces",
                f"{registry} is mapped {count} times.",
                f"EKS Anywhere silently uses the last one: {used}",
                "Remove the mappings that are not meant.",
            )


def _missing_public_ecr(configuration: RegistryMirrorConfiguration) -> Iterator[Finding]:
    names = {one.registry for one in configuration.oci_namespaces}
    if names and PUBLIC_ECR not in names:
        yield Finding(
            Level.WILL_NOT_WORK,
            FindingCode.PUBLIC_ECR_MISSING,
            "ociNamespaces",
            f"{PUBLIC_ECR} is not mapped.",
            "Once there is any mapping there is no default: the mirror is ignored for all that EKS "
            "Anywhere itself needs, and nodes go to the internet.",
            f'Add registry: "{PUBLIC_ECR}" with the namespace it was imported to, or "".',
        )


def _packages_elsewhere(configuration: RegistryMirrorConfiguration) -> Iterator[Finding]:
    places = configuration.mirrors()
    core = places.get(PUBLIC_ECR)
    if core is None:
        return
    for index, mapping in enumerate(configuration.oci_namespaces):
        if not is_packages_registry(mapping.registry):
            continue
        expected = f"{core}/eks-anywhere"
        if places[mapping.registry] != expected:
            inside = expected.removeprefix(configuration.base).lstrip("/")
            yield Finding(
                Level.WILL_NOT_WORK,
                FindingCode.PACKAGES_ELSEWHERE,
                f"ociNamespaces[{index}].namespace",
                f"Curated packages are looked for in {places[mapping.registry]}.",
                f"`eksctl anywhere copy packages` puts charts and images into one place, {expected}"
                ", where the packages controller looks for the charts.",
                f'Write namespace: "{inside}".',
            )


def _login_variables(environment: Mapping[str, str]) -> Iterator[Finding]:
    for name in (USERNAME_VARIABLE, PASSWORD_VARIABLE):
        if name not in environment:
            yield Finding(
                Level.REJECTED,
                FindingCode.LOGIN_VARIABLE_MISSING,
                "authenticate",
                f"{name} is not set.",
                "With authenticate: true EKS Anywhere takes the login from the environment.",
                f"export {name}=… in the shell that runs eksctl anywhere.",
                f"please set {name} env var",
            )
        elif not environment[name]:
            yield Finding(
                Level.WILL_NOT_WORK,
                FindingCode.LOGIN_VARIABLE_EMPTY,
                "authenticate",
                f"{name} is set but empty.",
                "EKS Anywhere takes it as it is, and the registry will refuse the login.",
                f"export {name}=… with the registry's login.",
            )


def _port_number(text: str) -> int | None:
    """The port as Go's `strconv.Atoi` reads it; 443 where empty, None where it is none."""
    if not text:
        return int(DEFAULT_PORT)
    if not _GO_INTEGER.fullmatch(text):
        return None
    return int(text) if 1 <= int(text) <= 65535 else None
