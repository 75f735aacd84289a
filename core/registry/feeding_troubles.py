"""Why one Harbor does not feed another, in words."""

import re

from core.errors import Code, RegistryError

_CAUSES = (
    (
        r"x509|certificate",
        "The source does not trust the target's certificate.",
        "Give its CA with --to-ca-file, or have the source trust it.",
    ),
    (
        r"quota|exceed the configured upper limit",
        "The project's quota at the target is used up.",
        "Raise it there: Administration, Project Quotas.",
    ),
    (
        r"no space left|disk is full",
        "The target's disk is full.",
        "On its host: df -h, then free or add space.",
    ),
    (
        r"read.only",
        "The target is in read-only mode.",
        "There, untick Repository Read Only: Administration, Configuration, System Settings.",
    ),
    (
        r"immutable",
        "A rule at the target forbids to replace this tag.",
        "Take the tag out of that rule: in the project, Policy, Tag Immutability.",
    ),
    (
        r"\b401\b|\b403\b|unauthorized|forbidden|denied",
        "The login at the target may not push there, or not create the project.",
        "Grant it Push and Pull, and create the projects there first.",
    ),
    (
        r"no such host|refused|time-?out|deadline|no route|unreachable|\beof\b|reset by peer",
        "The source does not reach the target, or lost it.",
        "Look at the network between them and run it again; what arrived is not sent again.",
    ),
)


def cause_of(reason: str) -> tuple[str, str]:
    """Cause and mend for what Harbor wrote into the log of a task.

    Args:
        reason: the first error of that log; may be empty.
    """
    for words, cause, mend in _CAUSES:
        if re.search(words, reason, re.IGNORECASE):
            return cause, mend
    return "", "Look at its log in Harbor: Administration, Replications, the rule, the execution."


def login_missing(address: str, cause: str = "") -> RegistryError:
    """There is no login that the source could use at a target."""
    return RegistryError(
        Code.LOGIN_MISSING,
        f"There is no login for {address}.",
        where="--to",
        cause=cause or "None was given, and the source holds none.",
        mend="Give --to-username with --to-password-file, or docker login there first.",
    )


def login_refused(source: str, address: str, error: RegistryError) -> RegistryError:
    """The target answers, but not to this login."""
    return RegistryError(
        Code.LOGIN_REFUSED,
        f"{address} answers, but refuses the login that {source} shows it.",
        where=error.where,
        mend="Try it there in the browser; robot accounts need their full name.",
        status=error.status,
    )


def not_trusted(source: str, address: str, error: RegistryError, *, with_ca: bool) -> RegistryError:
    """The target answers where its certificate does not count."""
    cause = "It is signed by an authority that this Harbor does not know, or for another name."
    if with_ca:
        cause = (
            "The CA that was given did not sign it, the name is another one, or this Harbor is too "
            "old to take a CA with an endpoint."
        )
    return RegistryError(
        Code.TLS_UNTRUSTED,
        f"{source} does not accept the certificate of {address}.",
        where=error.where,
        cause=cause,
        mend="Give the CA that signed it with --to-ca-file, or have that Harbor's host trust it; "
        "--to-insecure accepts any.",
        status=error.status,
    )


def not_reached(source: str, address: str, error: RegistryError) -> RegistryError:
    """The target does not answer at all, or not as a Harbor does."""
    return RegistryError(
        Code.REGISTRY_UNREACHABLE,
        f"{source} does not reach {address}. {error.message}",
        where=error.where,
        cause="From there, the name is not known, a firewall is between them, or it is no Harbor.",
        mend=f"On the host of {source}: curl -v https://{address}/api/version; the reason is in "
        "its core.log.",
        status=error.status,
    )


def not_kept(what: str, where: str) -> RegistryError:
    """Harbor said yes, and holds something else."""
    return RegistryError(
        Code.REGISTRY_REFUSED,
        f"Harbor took the change, but does not hold it: {what}.",
        where=where,
        cause="It is too old to know this setting, or somebody else changes it, too.",
        mend="Look at it in Harbor: Administration, Registries and Replications.",
    )
