"""The projects that the artifacts need: are they there, may the account use them, is there room."""

from dataclasses import replace

from core.checks.access import NOTHING_NAMED, Right, may_pull, may_push
from core.checks.clients import harbor
from core.checks.context import Context
from core.checks.finding import Finding, failed, from_error, passed, skipped, warned
from core.checks.product import Kind, product
from core.checks.wanted import ProjectNeed, project_needs
from core.checks.words import first_lower, listed
from core.errors import Code, EksaMirrorError, RegistryError, UsageError
from core.registry.harbor import Harbor, Project, Quota
from core.units import size

_PUSHING = frozenset({"repository:push", "repository:pull"})


def check_projects(context: Context) -> list[Finding]:
    """Each project that is needed: exists, pull and push allowed, quota."""
    needs = project_needs(context)
    if not needs:
        return [skipped(NOTHING_NAMED)]
    kind = product(context).kind
    if kind is not Kind.HARBOR:
        return [_elsewhere(context, needs, kind)]
    client = harbor(context)
    try:
        read_only = client.system_info().read_only
    except RegistryError as error:
        return [from_error(error, seen=f"projects cannot be read: {first_lower(error.message)}")]
    if read_only:
        return [_read_only()]
    return [_judged(context, client, need) for need in needs]


def missing_projects(context: Context) -> tuple[str, ...]:
    """The projects that are needed and not there, on a Harbor.

    Raises:
        UsageError: the registry is no Harbor; others have no projects that could be made for them.
        RegistryError: Harbor does not answer.
    """
    kind = product(context).kind
    if kind is not Kind.HARBOR:
        raise UsageError(
            Code.BAD_USAGE,
            f"Projects can be created on Harbor only, and this registry is {kind}.",
            where="--create-projects",
            cause="Other registries make a repository with the first push, or are set up by hand.",
            mend="Leave the flag out.",
        )
    client = harbor(context)
    return tuple(one.name for one in project_needs(context) if not client.has_project(one.name))


def create_project(context: Context, name: str, *, public: bool = False) -> Finding:
    """Make a project in Harbor, because the operator asked for it.

    Args:
        public: whether everybody may pull from it.
    """
    client = harbor(context)
    try:
        made = client.create_project(name, public=public)
        quota = client.quota(name)
    except RegistryError as error:
        seen = (
            "you may not create projects"
            if error.code is Code.RIGHT_MISSING
            else f"{name} could not be created"
        )
        return replace(from_error(error, seen=seen, subject=name), name="projects", title=name)
    what = "created" if made else "was there already"
    kind = "public" if public else "private"
    seen = f"{what}, {kind}, {_quota_words(quota)}" if made else f"{what}, {_quota_words(quota)}"
    return replace(passed(seen, subject=name), name="projects", title=name)


def _judged(context: Context, client: Harbor, need: ProjectNeed) -> Finding:
    context.go_on()
    try:
        if not client.has_project(need.name):
            return _missing(need)
        project = _visible(client, need.name)
        if project is not None and project.is_proxy_cache:
            return _proxy_cache(need)
        quota = client.quota(need.name)
    except RegistryError as error:
        return from_error(
            error, seen=f"cannot be read: {first_lower(error.message)}", subject=need.name
        )
    pull, push = may_pull(context, need), may_push(context, need)
    if pull.trouble or push.trouble:
        return _without_right(client, need, project, pull, push)
    tried = "push and pull allowed" if push.tried else "pull allowed, push not tried"
    details = [f"tried with {need.repository}"]
    if project is not None:
        details.append("public" if project.is_public else "private")
    if quota is not None and quota.left == 0:
        return failed(
            "exists, but its quota is used up",
            cause=f"It may hold {size(quota.hard.storage)}, and does.",
            mend="Raise its quota in Harbor: Administration, Project Quotas.",
            details=details,
            code=Code.QUOTA_EXCEEDED,
            subject=need.name,
        )
    return passed(f"exists, {tried}, {_quota_words(quota)}", details=details, subject=need.name)


def _missing(need: ProjectNeed) -> Finding:
    why = f"needed for {listed(need.upstreams)}" if need.upstreams else "named in the address"
    return failed(
        f"missing, {why}",
        cause=f"Nothing can go to {need.name} before the project exists.",
        mend="Create it in Harbor: New Project; or c in the wizard, check --create-projects.",
        code=Code.REGISTRY_NOT_FOUND,
        subject=need.name,
    )


def _visible(client: Harbor, name: str) -> Project | None:
    """The project, as far as the account may see it; robot accounts often may not."""
    try:
        return client.project(name)
    except RegistryError as error:
        if error.code in (Code.RIGHT_MISSING, Code.LOGIN_REFUSED):
            return None
        raise


def _proxy_cache(need: ProjectNeed) -> Finding:
    return failed(
        "exists, but is only a cache of another registry",
        cause="Harbor takes no uploads into a proxy cache.",
        mend="Choose another namespace, or replace the project by an ordinary one.",
        code=Code.REGISTRY_REFUSED,
        subject=need.name,
    )


def _without_right(
    client: Harbor, need: ProjectNeed, project: Project | None, pull: Right, push: Right
) -> Finding:
    """Name the rights that are lacking, as far as Harbor tells them."""
    refused = [name for name, right in (("pull", pull), ("push", push)) if right.trouble]
    details = [right.trouble.message for right in (pull, push) if right.trouble]
    rights: frozenset[str] | None = None
    try:
        rights = client.rights(project) if project is not None else None
    except EksaMirrorError as error:
        details.append(error.message)
    if rights is not None and (lacking := sorted(_PUSHING - rights)):
        details.append(f"lacking: {', '.join(lacking)}")
    return warned(
        f"exists, but you may not {' or '.join(refused)}",
        effect="What belongs into it cannot be sent.",
        mend="In Harbor, give the account the role Developer there; tick a robot's Push and Pull.",
        details=details,
        code=Code.PUSH_DENIED,
        subject=need.name,
    )


def _read_only() -> Finding:
    return failed(
        "Harbor is in read-only mode",
        cause="Its administrator set it, to collect garbage or to move it for example.",
        mend="In Harbor: Administration, Configuration, System Settings: untick Repository "
        "Read Only.",
        code=Code.REGISTRY_REFUSED,
    )


def _elsewhere(context: Context, needs: tuple[ProjectNeed, ...], kind: Kind) -> Finding:
    """Other registries know no projects, or none that a client could ask for."""
    names = listed(need.shown for need in needs)
    denied = [
        right.need
        for need in needs
        for right in (may_push(context, need),)
        if right.trouble is not None
    ]
    if denied and kind is Kind.ECR:
        first = denied[0].repository
        return failed(
            f"the repository {first} does not exist",
            cause="Amazon ECR makes no repository at the first push.",
            mend="Create every repository beforehand.",
            command=f"aws ecr create-repository --repository-name {first}",
            code=Code.REGISTRY_NOT_FOUND,
        )
    if denied:
        return warned(
            f"{listed(one.shown for one in denied)} cannot be written to",
            effect="What belongs there cannot be sent.",
            mend="A GitLab project must exist at this path, and the account be its Developer."
            if kind is Kind.GITLAB
            else "Grant the account push there, or make what the registry wants made first.",
            code=Code.PUSH_DENIED,
        )
    return passed(f"repositories are made at the first push, nothing to prepare ({names})")


def _quota_words(quota: Quota | None) -> str:
    if quota is None:
        return "quota not told"
    return "no quota" if quota.left is None else f"{size(quota.left)} quota left"
