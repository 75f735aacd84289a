"""Rights in the registry: may the account pull and push, project by project.

Pull is tried by asking for a manifest that is not there: “not found” means that it may be asked
for. Push is tried by opening an upload, which is cancelled at once.
"""

from collections.abc import Callable
from dataclasses import dataclass

from core.checks.clients import harbor, session
from core.checks.context import Context
from core.checks.finding import Finding, failed, from_error, passed, skipped
from core.checks.product import Kind, product
from core.checks.wanted import PROBE, ProjectNeed, project_needs
from core.checks.words import listed
from core.errors import Code, RegistryError
from core.registry import auth
from core.registry.upload import Upload

NOTHING_NAMED = "no namespace and no artifacts are named yet"
_DENIED = frozenset({Code.PUSH_DENIED, Code.LOGIN_REFUSED, Code.LOGIN_MISSING})
"""What registries answer both to a missing right and to a missing project."""


@dataclass(frozen=True, slots=True)
class Right:
    """Whether something is allowed in a project.

    Attributes:
        need: the project.
        trouble: None where it is allowed.
        tried: False where it could not be tried without leaving something behind.
        note: what else happened.
    """

    need: ProjectNeed
    trouble: RegistryError | None = None
    tried: bool = True
    note: str = ""

    @property
    def is_denied(self) -> bool:
        """Whether the registry refused it, as against not answering at all."""
        return self.trouble is not None and self.trouble.code in _DENIED


def may_pull(context: Context, need: ProjectNeed) -> Right:
    """Whether the account may pull from a project; asked once."""
    return context.once(f"pull {need.repository}", lambda: _try_pull(context, need))


def may_push(context: Context, need: ProjectNeed) -> Right:
    """Whether the account may push to a project; tried once."""
    return context.once(f"push {need.repository}", lambda: _try_push(context, need))


def check_pull(context: Context) -> Finding:
    """May the account pull from every project; sending needs that, too."""
    return _check(context, may_pull, "read", "pull")


def check_push(context: Context) -> Finding:
    """May the account push to every project."""
    return _check(context, may_push, "write to", "push")


def is_missing(context: Context, need: ProjectNeed) -> bool:
    """Whether a refusal comes from a project that is not there, as Harbor refuses then."""
    if product(context).kind is not Kind.HARBOR or not need.name:
        return False
    try:
        return not context.once(
            f"project {need.name}", lambda: harbor(context).has_project(need.name)
        )
    except RegistryError:
        return False


def _try_pull(context: Context, need: ProjectNeed) -> Right:
    path = f"/v2/{need.repository}/manifests/{PROBE}"
    try:
        session(context).request("GET", path, scopes=(auth.pull(need.repository),), ok=(200, 404))
    except RegistryError as error:
        return Right(need, error)
    return Right(need)


def _try_push(context: Context, need: ProjectNeed) -> Right:
    if not need.is_real and product(context).kind is Kind.QUAY:
        return Right(need, tried=False, note="Quay would make a repository of it")
    try:
        upload = Upload.start(session(context), need.repository)
    except RegistryError as error:
        return Right(need, error)
    try:
        upload.cancel()
    except RegistryError as error:
        return Right(need, note=f"the upload could not be cancelled: {error.message}")
    return Right(need, note="an upload was opened and cancelled")


def _check(
    context: Context, may: Callable[[Context, ProjectNeed], Right], verb: str, right: str
) -> Finding:
    needs = project_needs(context)
    if not needs:
        return skipped(NOTHING_NAMED)
    rights = []
    for need in needs:
        context.go_on()
        rights.append(may(context, need))
    return _told(context, rights, verb, right)


def _told(context: Context, rights: list[Right], verb: str, right: str) -> Finding:
    details = [_line(one) for one in rights]
    denied = [one for one in rights if one.is_denied]
    broken = next((one for one in rights if one.trouble and not one.is_denied), None)
    if denied:
        return _denied(context, denied, verb, right, details)
    if broken and broken.trouble:
        return from_error(broken.trouble, seen=_broken_words(broken.trouble, broken.need))
    tried = [one.need.shown for one in rights if one.tried]
    if not tried:
        return skipped("it cannot be tried without leaving something behind", details=details)
    how = " (upload opened, cancelled)" if verb == "write to" else ""
    return passed(f"may {verb} {listed(tried)}{how}", details=details)


def _denied(
    context: Context, denied: list[Right], verb: str, right: str, details: list[str]
) -> Finding:
    missing = [one.need.name for one in denied if is_missing(context, one.need)]
    seen = f"may not {verb} {listed(one.need.shown for one in denied)}"
    trouble = denied[0].trouble
    code = trouble.code if trouble else ""
    if missing:
        return failed(
            seen,
            cause=f"There is no project {listed(missing)}; Harbor says “unauthorized” then.",
            mend=f"Create {listed(missing)} in Harbor, or with check --create-projects; in the "
            "wizard, c in step 5 does it.",
            details=details,
            code=Code.REGISTRY_NOT_FOUND,
        )
    if product(context).kind is Kind.HARBOR:
        return failed(
            seen,
            cause=f"The project exists, but the account may not {right} there; sending needs both.",
            mend=f"In Harbor: Projects, {denied[0].need.name}, Robot Accounts: tick Push and Pull.",
            details=details,
            code=code,
        )
    return failed(
        seen,
        cause="The account lacks the right, or the registry wants the project made first.",
        mend="Grant the account pull and push, or make the project.",
        details=details,
        code=code,
    )


def _broken_words(error: RegistryError, need: ProjectNeed) -> str:
    if error.code is Code.REGISTRY_NOT_FOUND:
        return f"the registry does not take the name {need.repository}"
    return ""


def _line(right: Right) -> str:
    said = right.trouble.message if right.trouble else "allowed" if right.tried else "not tried"
    return f"{right.need.repository}: {said}" + (f" ({right.note})" if right.note else "")
