"""What is wrong with a mirror's configuration, in words."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is."""

    REJECTED = "rejected"
    """EKS Anywhere refuses it."""

    WILL_NOT_WORK = "will-not-work"
    """EKS Anywhere takes it, but clusters will not pull what they should."""

    CAUTION = "caution"
    """It works, within a limit that should be known."""


class FindingCode(StrEnum):
    """Names of findings, stable for ever."""

    ENDPOINT_MISSING = "endpoint-missing"
    ENDPOINT_NOT_A_HOST = "endpoint-not-a-host"
    ENDPOINT_CAPITALS = "endpoint-capitals"
    PORT_INVALID = "port-invalid"
    PORT_UNUSUAL = "port-unusual"
    REGISTRY_MISSING = "registry-missing"
    REGISTRY_NOT_A_HOST = "registry-not-a-host"
    REGISTRY_TWICE = "registry-twice"
    SEVERAL_PACKAGE_REGISTRIES = "several-package-registries"
    NAMESPACE_INVALID = "namespace-invalid"
    NAMESPACE_CLEANED = "namespace-cleaned"
    PUBLIC_ECR_MISSING = "public-ecr-missing"
    PACKAGES_ELSEWHERE = "packages-elsewhere"
    UPSTREAM_NOT_MAPPED = "upstream-not-mapped"
    PLAIN_HTTP = "plain-http"
    LOGIN_VARIABLE_MISSING = "login-variable-missing"
    LOGIN_VARIABLE_EMPTY = "login-variable-empty"
    LOGIN_LEFT_OUT = "login-left-out"

    KEY_UNKNOWN = "key-unknown"
    KEY_WRONG_CASE = "key-wrong-case"
    KEY_TWICE = "key-twice"
    KEY_MISSING = "key-missing"
    VALUE_WRONG_TYPE = "value-wrong-type"
    VALUE_NOT_QUOTED = "value-not-quoted"

    CA_UNREADABLE = "ca-unreadable"
    CA_PRIVATE_KEY = "ca-private-key"
    CA_NOT_A_CA = "ca-not-a-ca"
    CA_ONLY_FIRST_USED = "ca-only-first-used"
    CA_WRONG_ORDER = "ca-wrong-order"
    CERTIFICATE_EXPIRED = "certificate-expired"
    CERTIFICATE_NOT_YET_VALID = "certificate-not-yet-valid"
    CERTIFICATE_EXPIRES_SOON = "certificate-expires-soon"
    CERTIFICATE_WITHOUT_SAN = "certificate-without-san"
    CERTIFICATE_NAME_MISMATCH = "certificate-name-mismatch"
    CERTIFICATE_SHA1 = "certificate-sha1"

    BOTTLEROCKET_SKIP_VERIFY = "bottlerocket-skip-verify"
    BOTTLEROCKET_ONLY_PUBLIC_ECR = "bottlerocket-only-public-ecr"
    LOGIN_NOT_ON_NODES = "login-not-on-nodes"
    LOGIN_IN_BOOT_ARGUMENTS = "login-in-boot-arguments"
    BOOT_NOT_VERIFIED = "boot-not-verified"
    ETCD_ONLY_PUBLIC_ECR = "etcd-only-public-ecr"
    ETCD_SKIP_VERIFY = "etcd-skip-verify"
    BOOTSTRAP_NOT_VERIFIED = "bootstrap-not-verified"

    FIELD_TOO_NEW = "field-too-new"
    RELEASE_DEFECT = "release-defect"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        level: how bad it is.
        code: which rule found it.
        field: key below `registryMirrorConfiguration`, with an index in lists:
            `ociNamespaces[1].registry`.
        message: what is wrong, with the names of this case.
        cause: why it is, or what comes of it.
        mend: what to do.
        upstream: the exact message with which EKS Anywhere refuses it; empty where it does not.
    """

    level: Level
    code: FindingCode
    field: str
    message: str
    cause: str
    mend: str
    upstream: str = ""


_GRAVITY = tuple(Level)


def by_gravity(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Worst first; within a level in the order in which EKS Anywhere checks."""
    return tuple(sorted(findings, key=lambda one: _GRAVITY.index(one.level)))
