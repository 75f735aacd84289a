"""The certificates that the registry shows: names, dates, signatures, completeness."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from core.checks.ca_file import ca_certificates
from core.checks.chain import Certificate, issuer_among
from core.checks.context import Context
from core.checks.finding import Finding, State, failed, passed, skipped, warned
from core.checks.presented import presented, trouble_with
from core.checks.words import listed
from core.mirror.certificates import judge_names, judge_validity
from core.mirror.findings import Finding as Judgement
from core.mirror.findings import FindingCode
from core.registry.tls import TlsSettings

EXPIRY_NOTICE = timedelta(days=120)
"""From when on the end of a certificate is told."""

_PLAIN_HTTP = "plain HTTP has no certificates"


def check_name(context: Context) -> Finding:
    """Is the server's certificate made for the endpoint."""
    if context.answers.registry.plain_http:
        return skipped(_PLAIN_HTTP)
    host, leaf = context.mirror.host, presented(context).chain.leaf
    names = f"Names (SAN): {', '.join(leaf.alternative_names) or 'none'}"
    for judgement in judge_names(leaf.parsed, host, "endpoint"):
        seen, cause, mend = _wrong_name(host, leaf, judgement.code)
        found = failed(
            seen, cause=cause, mend=mend, details=_quoted(names, judgement), code=judgement.code
        )
        return _as_information(context, found)
    return passed(f"the certificate covers {host}", details=(names,))


def _wrong_name(host: str, leaf: Certificate, code: FindingCode) -> tuple[str, str, str]:
    """What is seen, cause and mend."""
    again = f"Issue it again with a SAN for {host}."
    if code is FindingCode.CERTIFICATE_WITHOUT_SAN:
        cause = "It has only a common name, which is no longer accepted."
        return "it has no SAN", cause, again
    if host in leaf.alternative_names:
        seen = f"it holds {host} as a DNS name, not as an IP address"
        cause = "An address counts only as an IP entry of the SAN."
        return seen, cause, f"Issue it again with {host} as an IP entry."
    seen = f"it covers only {listed(leaf.alternative_names)}"
    mend = "Use a covered name as the endpoint, or issue a new certificate."
    return seen, f"{host} is not among its names (SAN).", mend


def check_validity(context: Context, now: datetime | None = None) -> Finding:
    """Has every certificate of the path begun, and when does the first one end."""
    if context.answers.registry.plain_http:
        return skipped(_PLAIN_HTTP)
    moment = now or datetime.now(UTC)
    certificates = _with_root(context)
    details = tuple(
        f"“{one.name}”: {one.begins:%Y-%m-%d} to {one.ends:%Y-%m-%d}" for one in certificates
    )
    judged = list(_judge_dates(certificates, moment))
    for wanted, seen, cause, mend in _DATES:
        for certificate, judgement in judged:
            if judgement.code is wanted:
                found = failed(
                    seen.format(what=_what(certificate, certificates), one=certificate),
                    cause=cause,
                    mend=mend,
                    command="date" if wanted is FindingCode.CERTIFICATE_NOT_YET_VALID else "",
                    details=_quoted(*details, judgement),
                    code=judgement.code,
                )
                return _as_information(context, found)
    first = min(certificates, key=lambda one: one.ends)
    if judged:
        left = (first.ends - moment).days
        return warned(
            f"{_what(first, certificates)} ends on {first.ends:%Y-%m-%d}, in {left} days",
            effect="From then on nodes cannot pull.",
            mend="Renew it with the same CA."
            if not first.is_self_signed
            else "Plan its renewal: every node needs the new one before.",
            details=details,
            code=FindingCode.CERTIFICATE_EXPIRES_SOON,
        )
    return passed(f"valid until {first.ends:%Y-%m-%d}", details=details)


def check_signature(context: Context) -> Finding:
    """Is everything signed in a way that Go accepts."""
    if context.answers.registry.plain_http:
        return skipped(_PLAIN_HTTP)
    path = presented(context).chain.path
    details = [f"“{one.name}”: {one.signature}, {one.key}" for one in path]
    weak = next((one for one in path if one.old_hash and not one.is_self_signed), None)
    if weak is not None:
        found = failed(
            f"“{weak.name}” is signed with {weak.signature.partition(' ')[0]}",
            cause="EKS Anywhere and the nodes refuse such signatures.",
            mend="Issue it again with SHA-256.",
            details=details,
            code=FindingCode.CERTIFICATE_SHA1,
        )
        return _as_information(context, found)
    return passed(path[0].signature, details=details)


def check_chain(context: Context) -> Finding:
    """Is everything sent that lies between the server's certificate and the root."""
    if context.answers.registry.plain_http:
        return skipped(_PLAIN_HTTP)
    chain = presented(context).chain
    details = [f"sent: “{one.name}”, signed by “{one.issuer_name}”" for one in chain.sent]
    if not _ends_well(context):
        return _broken_off(context, chain.top, len(chain.path), details)
    if not chain.in_order:
        return warned(
            "complete, but sent in the wrong order",
            effect="EKS Anywhere, docker and the nodes cope; older clients may not.",
            mend="Put the server's certificate first, each followed by the one that signed it.",
            details=details,
        )
    count = len(chain.path)
    what = "the server's certificate" if count == 1 else f"{count} certificates"
    end = "" if chain.top.is_self_signed else f", signed by “{chain.top.issuer_name}”"
    return passed(f"complete: {what}{end}", details=details)


def _ends_well(context: Context) -> bool:
    """Whether the path leads to a root, to the CA file, or to the system's store."""
    path, given = presented(context).chain.path, ca_certificates(context)
    if path[-1].is_self_signed or issuer_among(path[-1], given):
        return True
    if any(one in given for one in path):
        return True  # any certificate of the CA file is an anchor
    return trouble_with(context, TlsSettings()) is None


def _broken_off(context: Context, top: Certificate, count: int, details: list[str]) -> Finding:
    """The end is not known: it may be the root that is left out, as it should be, or a CA below."""
    given = ca_certificates(context)
    if count > 1:
        seen = f"{count} certificates, signed by “{top.issuer_name}”, which is not sent"
        return passed(seen, details=details)
    if not given:
        return warned(
            "only the server's certificate is sent",
            effect=f"If “{top.issuer_name}” is not the root itself, clients find no way to it.",
            mend="Give the CA file; then this can be told for certain.",
            details=details,
        )
    held = listed(f"“{one.name}”" for one in given)
    found = failed(
        f"“{top.issuer_name}”, which signed the certificate, is not sent",
        cause=f"Nodes know only what the CA file holds: {held}.",
        mend=f"Add “{top.issuer_name}” to the registry's certificate file, "
        "or take the CA file that belongs to it.",
        details=details,
        code=FindingCode.CA_WRONG_ORDER,
    )
    return _as_information(context, found)


def _with_root(context: Context) -> tuple[Certificate, ...]:
    """The path, and the CA above it where it is in the CA file."""
    path = presented(context).chain.path
    above = issuer_among(path[-1], ca_certificates(context))
    return path if above is None or above in path else (*path, above)


def _judge_dates(
    certificates: tuple[Certificate, ...], moment: datetime
) -> Iterator[tuple[Certificate, Judgement]]:
    for one in certificates:
        for judgement in judge_validity(one.parsed, "", now=moment, notice=EXPIRY_NOTICE):
            yield one, judgement


def _what(certificate: Certificate, certificates: tuple[Certificate, ...]) -> str:
    return "the server certificate" if certificate == certificates[0] else f"“{certificate.name}”"


_DATES = (
    (
        FindingCode.CERTIFICATE_EXPIRED,
        "{what} ended on {one.ends:%Y-%m-%d}",
        "Whoever checks certificates refuses the registry since then.",
        "Have it renewed, with the same CA if possible.",
    ),
    (
        FindingCode.CERTIFICATE_NOT_YET_VALID,
        "{what} is not valid before {one.begins:%Y-%m-%d}",
        "The clock of this machine may be wrong, or it was issued for later.",
        "Compare the date of this machine with a clock.",
    ),
)


def _as_information(context: Context, found: Finding) -> Finding:
    """Where certificates are not checked, a fault of them stops nobody."""
    if not context.answers.registry.insecure:
        return found
    effect = "None as long as certificates are not checked (insecureSkipVerify)."
    return replace(found, state=State.WARN, effect=effect)


def _quoted(*parts: str | Judgement) -> tuple[str, ...]:
    """Facts, and EKS Anywhere's own words where it has any."""
    lines = []
    for part in parts:
        if isinstance(part, str):
            lines.append(part)
        elif part.upstream:
            lines.append(f"EKS Anywhere: {part.upstream}")
    return tuple(lines)
