"""Feeding other Harbors from one: what is to be made in it, and the making.

For each target the source Harbor needs an endpoint and a rule that pushes. What is there already is
found again, by address and by name, and only what differs is changed. Repositories keep their
names. Projects that the target lacks are created there by the source, with the target's login.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from core.errors import RegistryError
from core.registry.credentials import Credentials
from core.registry.feeding_troubles import (
    login_missing,
    login_refused,
    not_kept,
    not_reached,
    not_trusted,
)
from core.registry.replication import HARBOR, Endpoint, Replication, Rule

_LONGEST_NAME = 64
"""Of an endpoint (goharbor/harbor `src/controller/registry`)."""

_REFUSED = frozenset({400, 401})
"""What Harbor answers to a ping where the other registry spoke, and said no."""

_IN_VAIN = _REFUSED | {404, 500}
"""And where the other registry is to blame in any way, not Harbor itself."""


class Trigger(StrEnum):
    """When a rule moves something, as Harbor calls it."""

    EVENT_BASED = "event_based"
    MANUAL = "manual"

    def __str__(self) -> str:
        return "at every push" if self is Trigger.EVENT_BASED else "only when started"


@dataclass(frozen=True, slots=True)
class Target:
    """A Harbor that is to be fed.

    Attributes:
        address: `host[:port]`.
        login: with push there; None leaves the one that the source holds.
        verify: False has the source accept any certificate of it.
        ca_certificate: PEM that the source is to trust there; empty for what it trusts already.
    """

    address: str
    login: Credentials | None = None
    verify: bool = True
    ca_certificate: str = ""

    @property
    def url(self) -> str:
        """As an endpoint names it."""
        return f"https://{self.address}"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What targets are fed with.

    Attributes:
        source: `host[:port]` of the Harbor that feeds.
        namespace: of the import; rules are named after it. Empty for the registry's root.
        projects: all that is in them is moved.
    """

    source: str
    namespace: str
    projects: tuple[str, ...]
    trigger: Trigger = Trigger.EVENT_BASED

    def rule_name(self, target: Target) -> str:
        """The same for the same namespace and target, so that it is found again."""
        parts = ("eksa-mirror", self.namespace, "to", target.address)
        return _slug("-".join(part for part in parts if part))

    @property
    def pattern(self) -> str:
        """Harbor looks at one filter by name only: `eks-a/**`, `{eks-a,hub}/**`."""
        names = ",".join(sorted(self.projects))
        return f"{{{names}}}/**" if len(self.projects) > 1 else f"{names}/**"


@dataclass(frozen=True, slots=True)
class Change:
    """A part that differs from what is wanted.

    Attributes:
        what: in words.
        before: what Harbor holds, empty for what is new or secret.
        after: what it will hold.
    """

    what: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Step:
    """What one target takes; nothing where all is as it should be.

    Attributes:
        endpoint: as it is; None where it is to be created.
        rule: as it is; None where it is to be created.
        endpoint_changes: of the endpoint.
        rule_changes: of the rule.
    """

    target: Target
    wanted: Wanted
    endpoint: Endpoint | None
    rule: Rule | None
    endpoint_changes: tuple[Change, ...]
    rule_changes: tuple[Change, ...]

    @property
    def is_done(self) -> bool:
        """Whether nothing is to be done."""
        return not (self.endpoint_changes or self.rule_changes)

    @property
    def endpoint_name(self) -> str:
        """That of the endpoint, or what it will be called."""
        return self.endpoint.name if self.endpoint else _slug(self.target.address)

    @property
    def rule_name(self) -> str:
        """That of the rule, or what it will be called."""
        return self.wanted.rule_name(self.target)


def survey(replication: Replication, target: Target, wanted: Wanted) -> Step:
    """Find what is there for a target, and have Harbor try to reach it.

    Raises:
        RegistryError: the source lets nobody see it; or the target is not reached, not trusted, or
            refuses the login; `login-missing` where neither the operator nor the source has one.
    """
    step = _compared(replication, target, wanted)
    if step.endpoint is None and target.login is None:
        raise login_missing(target.address)
    try:
        return _tried(replication, step)
    except RegistryError as error:
        if error.status not in _IN_VAIN:
            raise
        raise _why(replication, step, error) from None


def carry_out(replication: Replication, step: Step) -> Rule:
    """Make and change what a step says; the rule as Harbor then holds it.

    Raises:
        RegistryError: Harbor does not do it, or keeps another value than the one it was given.
    """
    target = step.target
    if step.endpoint is None and target.login is not None:
        parts = _endpoint_parts(target)
        replication.create_endpoint(step.endpoint_name, target.login, url=target.url, **parts)
    elif step.endpoint is not None and step.endpoint_changes:
        parts = _endpoint_parts(target) | _login_parts(target.login)
        replication.update_endpoint(step.endpoint.id, **parts)
    endpoint = _find_endpoint(replication, target)
    if endpoint is None:
        raise not_kept("the endpoint", target.url)
    parts = _rule_parts(step.wanted, endpoint)
    if step.rule is None:
        replication.create_rule(name=step.rule_name, **parts)
    elif step.rule_changes:
        replication.update_rule(step.rule, **parts)
    return _as_kept(_compared(replication, target, step.wanted))


def _compared(replication: Replication, target: Target, wanted: Wanted) -> Step:
    endpoint = _find_endpoint(replication, target)
    name = wanted.rule_name(target)
    rule = next((one for one in replication.rules() if one.name == name), None)
    return Step(
        target,
        wanted,
        endpoint,
        rule,
        tuple(_endpoint_changes(endpoint, target)),
        tuple(_rule_changes(rule, endpoint, wanted, target)),
    )


def _find_endpoint(replication: Replication, target: Target) -> Endpoint | None:
    wanted = _plain_url(target.url)
    found = (one for one in replication.endpoints() if one.type == HARBOR)
    return next((one for one in found if _plain_url(one.url) == wanted), None)


def _endpoint_changes(endpoint: Endpoint | None, target: Target) -> Iterator[Change]:
    if endpoint is None:
        yield Change("address", "", target.url)
    if target.login and (endpoint is None or endpoint.username != target.login.username):
        yield Change("login", endpoint.username if endpoint else "", target.login.username)
    verifies = endpoint is None or not endpoint.insecure
    if verifies is not target.verify:
        before = _certificate_words(verify=verifies) if endpoint else ""
        yield Change("certificate", before, _certificate_words(verify=target.verify))
    known = endpoint.ca_certificate if endpoint else ""
    if target.ca_certificate and known.strip() != target.ca_certificate.strip():
        yield Change("CA", "another" if known else "", "as given")


def _rule_changes(
    rule: Rule | None, endpoint: Endpoint | None, wanted: Wanted, target: Target
) -> Iterator[Change]:
    number = endpoint.id if endpoint else 0
    if rule is None or not number or rule.dest_registry.id != number:
        yield Change("target", "another" if rule else "", target.address)
    before = _filter_words(rule) if rule else ""
    if before != wanted.pattern:
        yield Change("repositories", before, wanted.pattern)
    if rule is None or rule.trigger.type != wanted.trigger.value:
        yield Change("moves", _trigger_words(rule) if rule else "", str(wanted.trigger))
    if rule is not None and rule.dest_namespace:
        yield Change("namespace there", rule.dest_namespace, "as here")
    if rule is None or not rule.override:
        yield Change("what is there", "stays" if rule else "", "is replaced where it differs")
    if rule is not None and not rule.enabled:
        yield Change("state", "disabled", "enabled")


def _tried(replication: Replication, step: Step) -> Step:
    """The same step, after Harbor tried it; with a new password where the one it holds fails."""
    target, endpoint, parts = step.target, step.endpoint, _endpoint_parts(step.target)
    login = _login_parts(target.login)
    if endpoint is None:
        replication.ping(type=HARBOR, url=target.url, **parts, **login)
        return step
    if any(one.what == "login" for one in step.endpoint_changes):
        replication.ping(id=endpoint.id, **parts, **login)
        return step
    try:
        replication.ping(id=endpoint.id, **parts)
    except RegistryError as error:
        if not login or error.status not in _REFUSED:
            raise
        replication.ping(id=endpoint.id, **parts, **login)
        renewed = Change("password", "", "as given")
        return replace(step, endpoint_changes=(*step.endpoint_changes, renewed))
    return step


def _why(replication: Replication, step: Step, error: RegistryError) -> RegistryError:
    """Ask again without the login, then without a look at the certificate; never both with it."""
    target, source = step.target, step.wanted.source
    if _reaches(replication, target, **_endpoint_parts(target)):
        return login_refused(source, target.address, error)
    if target.verify and _reaches(replication, target, insecure=True):
        with_ca = bool(target.ca_certificate)
        return not_trusted(source, target.address, error, with_ca=with_ca)
    return not_reached(source, target.address, error)


def _reaches(replication: Replication, target: Target, **parts: Any) -> bool:
    try:
        replication.ping(type=HARBOR, url=target.url, **parts)
    except RegistryError as error:
        if error.status not in _IN_VAIN:
            raise
        return False
    return True


def _as_kept(step: Step) -> Rule:
    """The rule of a step that was carried out."""
    if step.rule is None or not step.is_done:
        changes = (*step.endpoint_changes, *step.rule_changes)
        raise not_kept(", ".join(one.what for one in changes), step.target.url)
    return step.rule


def _endpoint_parts(target: Target) -> dict[str, Any]:
    parts: dict[str, Any] = {"insecure": not target.verify}
    if target.ca_certificate:
        parts["ca_certificate"] = target.ca_certificate
    return parts


def _login_parts(login: Credentials | None) -> dict[str, Any]:
    """As `RegistryPing` and `RegistryUpdate` name them; for the body of a request alone."""
    if login is None:
        return {}
    return {
        "credential_type": "basic",
        "access_key": login.username,
        "access_secret": login.password.get_secret_value(),
    }


def _rule_parts(wanted: Wanted, endpoint: Endpoint) -> dict[str, Any]:
    return {
        "dest_registry": {"id": endpoint.id},
        "dest_namespace": "",
        "filters": [{"type": "name", "value": wanted.pattern}],
        "trigger": {"type": wanted.trigger.value},
        "override": True,
        "enabled": True,
    }


def _filter_words(rule: Rule) -> str:
    """`eks-a/**` for a rule as we make it; what else it filters by stands behind."""
    names = [str(one.value) for one in rule.filters if one.type == "name"]
    others = [
        " ".join(part for part in (one.type, one.decoration, str(one.value)) if part)
        for one in rule.filters
        if one.type != "name"
    ]
    return "; ".join([*names, *others]) or "all"


def _trigger_words(rule: Rule) -> str:
    known = [str(one) for one in Trigger if one.value == rule.trigger.type]
    return known[0] if known else rule.trigger.type


def _certificate_words(*, verify: bool) -> str:
    return "is verified" if verify else "any is accepted"


def _plain_url(url: str) -> str:
    return url.lower().rstrip("/").removesuffix(":443")


def _slug(text: str) -> str:
    """A name that Harbor takes anywhere; a long one is cut, and told apart by its hash."""
    name = re.sub(r"[^a-z0-9._-]+", "-", text.lower()).strip("-._")
    if len(name) <= _LONGEST_NAME:
        return name
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    return f"{name[: _LONGEST_NAME - 9]}-{digest}"
