"""Who answers there: is it a registry, which one, where does it send logins, what is its clock."""

import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime

from core.checks.context import Context
from core.checks.finding import Finding, failed, from_error, passed, warned
from core.checks.looking import look, needs_client_certificate, transport
from core.checks.product import Kind, product
from core.errors import Code, RegistryError
from core.registry.auth import Authenticator, challenges
from core.registry.faults import plain, read_error_body
from core.registry.transport import Response
from core.units import span

CLOCK_SECONDS = 60.0
"""From how much on a clock that is wrong matters: tokens live a few minutes."""


def check_v2(context: Context) -> Finding:
    """Is there a registry: `GET /v2/`."""
    try:
        answer = look(context, "/v2/")
    except RegistryError as error:
        if needs_client_certificate(error):
            return failed(
                "the registry asks for a client certificate",
                cause="It is set up for mutual TLS, which EKS Anywhere and the nodes cannot do.",
                mend="Turn client certificates off on the registry.",
                details=(error.message,),
                code=error.code,
            )
        return from_error(error)
    details = _answer_details(answer)
    if answer.status == 401 and challenges(answer):
        return passed("/v2/ answers, a login is needed", details=details)
    is_page = "html" in answer.headers.get("content-type", "").lower()
    if answer.status == 200 and not is_page:
        return passed("/v2/ answers, open to everybody", details=details)
    return _no_registry(answer, details, is_page=is_page)


def check_kind(context: Context) -> Finding:
    """Which product and version."""
    found = product(context)
    details = _answer_details(look(context, "/v2/"))
    if found.kind is Kind.UNKNOWN:
        return warned(
            "not recognised",
            effect="Only standard registry calls will be used.",
            mend="Nothing to do.",
            details=details,
        )
    return passed(str(found), details=details)


def check_login_address(context: Context) -> Finding:
    """Where the registry sends logins, and whether they may go there."""
    answer = look(context, "/v2/")
    asked = challenges(answer)
    if not asked:
        return passed("no login is asked for")
    bearer = asked.get("bearer")
    realm = plain(bearer.parameters.get("realm", "")) if bearer else ""
    if not realm and "basic" in asked:
        return passed("the registry itself takes the login")
    settings = context.connection
    client = Authenticator(transport(context), settings.origin, None, settings.trusted_hosts)
    try:
        client.learn(answer, (), {})
        client.header(())
    except RegistryError as error:
        if error.code is Code.LOGIN_MISSING:
            return passed(realm)
        return _wrong_address(context, realm, error)
    return passed(realm)


def check_clock(context: Context, now: Callable[[], float] = time.time) -> Finding:
    """Whether the clocks of this machine and of the registry agree."""
    fresh = transport(context).request("GET", f"{context.connection.origin}/v2/", {})
    said = fresh.headers.get("date", "")
    try:
        theirs = parsedate_to_datetime(said).timestamp()
    except (ValueError, OverflowError):
        return warned(
            "the registry does not tell its time",
            effect="A wrong clock cannot be noticed here.",
            mend="Compare by hand.",
            command="date -u",
        )
    apart = theirs - now()
    if abs(apart) <= CLOCK_SECONDS:
        return passed("the registry's clock and this one agree", details=(f"Date: {plain(said)}",))
    which = "ahead of" if apart > 0 else "behind"
    return warned(
        f"the registry's clock is {span(abs(apart))} {which} this one",
        effect="Logins and certificates may be refused as ended or not valid yet.",
        mend="Set the clock that is wrong, best with NTP on both.",
        command="timedatectl",
        details=(f"Date: {plain(said)}",),
    )


def _no_registry(answer: Response, details: tuple[str, ...], *, is_page: bool) -> Finding:
    status = answer.status
    if status >= 500:
        return failed(
            f"the registry, or a proxy before it, has a fault (HTTP {status})",
            cause="It is starting, overloaded or broken.",
            mend="Look at its log; on its host also at the disk.",
            command="df -h",
            details=details,
            code=Code.REGISTRY_FAULT,
        )
    if status in (401, 403):
        return failed(
            f"/v2/ is closed, and no way to log in is offered (HTTP {status})",
            cause="Something before the registry forbids it, by address or by its own login.",
            mend="Have this machine and the nodes let through.",
            details=details,
            code=Code.REGISTRY_PROTOCOL,
        )
    if 300 <= status < 400:
        seen = f"no registry here: it redirects to {plain(answer.headers.get('location', '?'))}"
    elif is_page:
        seen = "no registry here, but a web page"
    else:
        seen = f"no registry here, HTTP {status}"
    return failed(
        seen,
        cause="Another web server listens here, or the registry lies under another port or name.",
        mend="Check address and port.",
        details=details,
        code=Code.REGISTRY_PROTOCOL,
    )


def _wrong_address(context: Context, realm: str, error: RegistryError) -> Finding:
    if not realm:
        return from_error(error, seen="the registry asks for a login in no way that is known")
    if error.code is not Code.TOKEN_SERVER_ELSEWHERE:
        return from_error(error, seen=f"{realm} does not work")
    is_harbor = product(context).kind is Kind.HARBOR
    host = context.mirror.address
    return failed(
        f"it points to {realm}",
        cause="The registry has another address of its own set.",
        mend=f"In harbor.yml: external_url: https://{host}, then run prepare and restart."
        if is_harbor
        else error.mend,
        details=(error.message,),
        code=error.code,
    )


def _answer_details(answer: Response) -> tuple[str, ...]:
    said = read_error_body(answer.content).text
    lines = [f"GET /v2/: HTTP {answer.status}" + (f", {said}" if said else "")]
    lines += [
        f"{name}: {plain(answer.headers[name])}"
        for name in ("server", "docker-distribution-api-version", "www-authenticate", "location")
        if name in answer.headers
    ]
    return tuple(lines)
