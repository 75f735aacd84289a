"""The standard ladder: every check, in the order of the wizard's steps."""

import os
from collections.abc import Mapping

from core.answers import Answers
from core.checks import (
    access,
    admin_machine,
    artifacts,
    before_import,
    body_size,
    ca_file,
    certificate_checks,
    identity,
    login,
    namespaces,
    node_view,
    reach,
    trust,
)
from core.checks.context import Context
from core.checks.engine import Check, Ladder
from core.registry.credentials import Credentials

_INSIDE = ("tarball", "manifest")
"""What tells which projects are needed; where it cannot be read, the answers alone tell."""

ARTIFACTS = (
    Check("manifest", "Manifest", artifacts.check_manifest, limit=None),
    Check("tarball", "Tarball", artifacts.check_tarball, limit=None),
    Check("images", "Images", artifacts.check_images, needs=_INSIDE, limit=None),
    Check("charts", "Helm charts", artifacts.check_charts, needs=_INSIDE, limit=None),
    Check(
        "package-bundles",
        "Package bundles",
        artifacts.check_package_bundles,
        needs=_INSIDE,
        limit=None,
    ),
    Check(
        "architecture",
        "Architecture",
        artifacts.check_architecture,
        needs=("tarball",),
        limit=None,
    ),
    Check("disk", "Free disk", artifacts.check_disk, after=("tarball",), limit=None),
)
REGISTRY = (
    Check("dns", "Name (DNS)", reach.check_dns),
    Check("port", "Port (TCP)", reach.check_port, needs=("dns",)),
    Check("tls", "TLS", reach.check_tls, needs=("port",), limit=15.0),
    Check("v2", "Registry (/v2/)", identity.check_v2, needs=("tls",)),
    Check("kind", "Kind", identity.check_kind, needs=("v2",), limit=15.0),
    Check("login-address", "Login address", identity.check_login_address, needs=("v2",)),
    Check("clock", "Clock", identity.check_clock, needs=("v2",)),
)
_CERTIFICATES = ("tls", "name", "validity", "signature", "chain")
TRUST = (
    Check("name", "Name", certificate_checks.check_name, needs=("tls",)),
    Check("validity", "Validity", certificate_checks.check_validity, needs=("tls",)),
    Check("signature", "Signature", certificate_checks.check_signature, needs=("tls",)),
    Check("chain", "Chain", certificate_checks.check_chain, needs=("tls",), limit=10.0),
    Check("ca-file", "CA file", ca_file.check_ca_file, needs=_CERTIFICATES, limit=15.0),
    Check("import-trust", "This import", trust.check_import_trust, needs=_CERTIFICATES),
    Check(
        "docker-trust", "Docker's trust", trust.check_docker_trust, needs=_CERTIFICATES, limit=15.0
    ),
    Check("node-trust", "Trust on nodes", trust.check_node_trust, needs=_CERTIFICATES, limit=10.0),
)
_TRUSTED = ("v2", "import-trust")
CREDENTIALS = (
    Check("login", "Login", login.check_login, needs=_TRUSTED, limit=15.0),
    Check("pull", "Pull", access.check_pull, needs=("login",), after=_INSIDE, limit=30.0),
    Check(
        "push", "Push", access.check_push, needs=("login",), after=_INSIDE, limit=30.0, grace=8.0
    ),
    Check("node-login", "As a node", login.check_node_login, needs=("login",), limit=10.0),
    Check("keyring", "Keyring", login.check_keyring, limit=30.0),
)
NAMESPACES = (
    Check(
        "projects",
        "Projects",
        namespaces.check_projects,
        needs=("login",),
        after=("pull", "push"),
        limit=30.0,
    ),
    Check(
        "body-size",
        "Upload size",
        body_size.check_body_size,
        needs=("push", "projects"),
        limit=120.0,
        grace=25.0,
    ),
    Check(
        "node-view",
        "Pull as a node",
        node_view.check_node_view,
        needs=("node-login", "node-trust", "projects"),
        after=_INSIDE,
        limit=30.0,
    ),
)
ADMIN_MACHINE = (
    Check("docker", "Docker", admin_machine.check_docker, limit=10.0),
    Check(
        "stray-files", "Stray files", admin_machine.check_stray_files, after=("docker",), limit=10.0
    ),
    Check(
        "docker-ca", "CA for docker", admin_machine.check_docker_ca, after=("docker",), limit=15.0
    ),
    Check("docker-login", "Docker login", admin_machine.check_docker_login, limit=45.0),
    Check(
        "docker-pull",
        "Pull by docker",
        admin_machine.check_docker_pull,
        needs=("docker",),
        after=("docker-ca", "docker-login", *_INSIDE),
        limit=300.0,
    ),
    Check("eksctl", "eksctl anywhere", admin_machine.check_eksctl, after=("manifest",), limit=10.0),
)
_OF_THE_START = (
    Check("tarball-there", "Tarball", before_import.check_unchanged),
    Check("job-folder", "State folder", before_import.check_job_folder),
    Check("other-import", "Other import", before_import.check_other_import),
)
GROUPS = {
    "Artifacts": ARTIFACTS,
    "Registry": REGISTRY,
    "Trust": TRUST,
    "Credentials": CREDENTIALS,
    "Namespaces": NAMESPACES,
    "Admin machine": ADMIN_MACHINE,
}
"""Heading to its checks, as the wizard's steps have them."""

CHECKS = tuple(check for group in GROUPS.values() for check in group)

BEFORE_IMPORT = (
    *(one for one in CHECKS if one.name in {"v2", "login", "push", "projects"}),
    *_OF_THE_START,
)
"""What is looked at again at the moment at which an import is started."""


def ladder(
    answers: Answers,
    credentials: Credentials | None = None,
    *,
    environment: Mapping[str, str] = os.environ,
) -> Ladder:
    """Every check for these answers.

    Args:
        answers: what was decided so far; it may be incomplete.
        credentials: the login; None for an anonymous client.
        environment: variables such as `EKSA_REGISTRY_MIRROR_CA`.
    """
    return Ladder(CHECKS, lambda: Context(answers, credentials, environment=environment))
