"""The login: is it accepted, how long does it last, and does it work the way nodes send it."""

import re
from dataclasses import replace

from core.answers import CredentialSource
from core.checks.clients import harbor, session
from core.checks.context import ANSWER_SECONDS, Context
from core.checks.finding import Finding, State, failed, from_error, passed, skipped, warned
from core.checks.looking import look
from core.checks.product import Kind, harbor_version, product
from core.errors import Code, RegistryError
from core.host.keyring_store import try_keyring
from core.registry.auth import Authenticator, challenges
from core.registry.challenge import Challenge
from core.registry.credentials import Credentials
from core.registry.faults import plain
from core.registry.transport import Response, Transport
from core.units import span

SHORT_TOKEN_SECONDS = 30.0
"""A token that ends sooner may end while a chunk is under way."""

_NOT_KEPT = "This import works; a later start asks for the login again."

_LOCKED = re.compile(r"(?i)\b(locked|disabled|deactivated|suspended|expired|has ended)\b")
_UNKNOWN_USER = re.compile(
    r"(?i)(could not|cannot|can't) find (the )?(user|account|robot)"
    r"|(user|account|robot)\b[^.;]{0,80}\b(not found|unknown|does not exist|not exist)"
    r"|(no such|unknown) (user|account|robot)"
)
_WRONG_PASSWORD = re.compile(
    r"(?i)(wrong|invalid|incorrect|bad) (password|secret)(?! or user)|password[^.;]{0,40}(mismatch|"
    r"does not match|is wrong|is incorrect)"
)


def check_login(context: Context) -> Finding:
    """Is the login accepted, and how long does a token last."""
    answer = look(context, "/v2/")
    asked, credentials = challenges(answer), context.credentials
    details = [_asked_words(one) for one in asked.values()]
    if not asked:
        spare = f"; {credentials.username} is not asked for" if credentials else ""
        return passed(f"no login is needed{spare}", details=details)
    if credentials is None:
        return failed(
            "this registry asks for a login",
            cause="No user name and password were given or found.",
            mend="Set REGISTRY_USERNAME and REGISTRY_PASSWORD, or give --username.",
            command="read -rs REGISTRY_PASSWORD && export REGISTRY_PASSWORD",
            details=details,
            code=Code.LOGIN_MISSING,
        )
    try:
        life = _token_life(context, answer, credentials) if "bearer" in asked else None
        session(context).ping()
    except RegistryError as error:
        return _refused(context, credentials, error, details)
    return _accepted(credentials, life, details + _harbor_words(context))


def check_node_login(context: Context) -> Finding:
    """Does the registry take the Basic login that nodes send of themselves, unasked.

    Source: `hosts.toml` of EKS Anywhere: `authorization = "Basic …"` with each request.
    """
    if context.answers.registry.plain_http:
        return skipped("nodes use HTTPS only")
    credentials = context.credentials
    if credentials is None:
        return passed("nodes need no login")
    if credentials.is_identity_token:
        return failed(
            "nodes cannot use this login",
            cause="docker's config holds an identity token where nodes need a password.",
            mend="Use a user name and a password, best of a robot account.",
        )
    answer = node_get(context, f"https://{context.mirror.address_with_port}/v2/")
    if answer.status == 200:
        return passed("the basic login that nodes send is accepted")
    error = answer.error("GET")
    details = [error.message, *(_asked_words(one) for one in challenges(answer).values())]
    if answer.status == 401 and "bearer" in challenges(answer):
        return failed(
            "only token logins are accepted",
            cause="Nodes send user and password with each request and fetch no token.",
            mend="Allow the basic login in the registry, or anonymous pull.",
            details=details,
            code=Code.LOGIN_REFUSED,
        )
    return from_error(error, seen=f"the basic login that nodes send is refused ({answer.status})")


def check_keyring(context: Context) -> Finding:
    """Does this machine's secret store work, where the login shall be kept in it.

    Most servers have none. Where the login is at hand all the same, nothing fails for want of it.
    """
    if context.answers.credentials.source is not CredentialSource.KEYRING:
        return skipped("the login is not kept there")
    try:
        try_keyring()
    except RegistryError as error:
        found = from_error(error)
        if not context.credentials:
            return found
        return replace(found, state=State.WARN, cause="", effect=_NOT_KEPT)
    return passed("unlocked, written and read back")


def node_get(context: Context, url: str, headers: dict[str, str] | None = None) -> Response:
    """A request as nodes send it: the Basic login set beforehand, no challenge answered.

    Raises:
        RegistryError: there is no answer, or the certificate is not accepted.
    """

    def make() -> Transport:
        made = Transport(context.connection.tls, stall=ANSWER_SECONDS)
        context.close_later(made.close)
        return made

    login = context.credentials
    preset = {"Authorization": login.basic_header()} if login else {}
    client = context.once("node-client", make)
    return client.request("GET", url, preset | (headers or {}))


def _token_life(context: Context, asked: Response, credentials: Credentials) -> float | None:
    """Seconds that a token lasts, from a login that follows the importer's own rules."""
    connection = context.connection
    client = Transport(connection.tls, stall=ANSWER_SECONDS)
    try:
        login = Authenticator(client, connection.origin, credentials, connection.trusted_hosts)
        login.learn(asked, (), {})
        login.header(())
        return login.token_seconds(())
    finally:
        client.close()


def _accepted(credentials: Credentials, life: float | None, details: list[str]) -> Finding:
    who = credentials.username or "the holder of an identity token"
    details = [*details, f"login from: {credentials.source or 'the caller'}"]
    if life is None:
        return passed(f"accepted as {who}", details=details)
    details.append(f"a token lasts {span(life)}")
    if life < SHORT_TOKEN_SECONDS:
        return warned(
            f"accepted as {who}, but a token lasts only {span(life)}",
            effect="It may end while a piece is being sent; that piece is then sent again.",
            mend="Let tokens live longer, 30 min for example.",
            details=details,
        )
    return passed(f"accepted as {who}, for {span(life)} at a time", details=details)


def _harbor_words(context: Context) -> list[str]:
    """Harbor tells its version only to whoever is logged in."""
    if product(context).kind is not Kind.HARBOR:
        return []
    try:
        version = harbor_version(harbor(context).system_info().harbor_version)
    except RegistryError as error:
        return [error.message]
    return [f"Harbor {version}"] if version else []


def _refused(
    context: Context, credentials: Credentials, error: RegistryError, details: list[str]
) -> Finding:
    if error.status not in (401, 403):
        return from_error(error)
    seen, cause = f"refused (HTTP {error.status})", error.cause
    if error.status == 401:
        cause = "The user name or the password is wrong, or the account has ended."
    if _LOCKED.search(error.message):
        seen, cause = "the account is locked or has ended", "The registry says so; see the details."
    elif _UNKNOWN_USER.search(error.message):
        seen = f"the registry does not know the user {credentials.username}"
        cause = "The name is mistyped; robot accounts need their full name."
    elif _WRONG_PASSWORD.search(error.message):
        seen, cause = "the password is wrong", "The registry knows the user, but not this password."
    return failed(
        seen,
        cause=cause,
        mend=_mend_login(context, credentials),
        details=(*details, error.message, f"login from: {credentials.source or 'the caller'}"),
        code=error.code,
    )


def _mend_login(context: Context, credentials: Credentials) -> str:
    if product(context).kind is not Kind.HARBOR:
        return "Try the login in the registry's own page, or have the password set anew."
    if credentials.username.startswith("robot$"):
        return "In Harbor: Robot Accounts, look at its end date, or refresh its secret."
    return "Try the login in Harbor's own page; a robot account begins with robot$."


def _asked_words(challenge: Challenge) -> str:
    shown = [f"{key}={plain(value)}" for key, value in challenge.parameters.items()]
    return f"asks for: {challenge.scheme.capitalize()} {', '.join(shown)}".rstrip()
