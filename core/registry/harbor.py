"""Harbor's projects, quotas and rights.

The registry API knows no projects, and answers “unauthorized” where one is missing; here they can
be listed and made.

Source: goharbor/harbor `api/v2.0/swagger.yaml`, version 2.0 of the API.
"""

from urllib.parse import quote, urlencode

from pydantic import Field

from core.errors import RegistryError
from core.registry.harbor_api import HarborApi, Part, right_missing
from core.registry.transport import Response

UNLIMITED = -1
"""What Harbor says of a quota that sets no limit."""

_BY_NAME = {"X-Is-Resource-Name": "true"}
"""Without it a project whose name is a number would be taken for that project's ID."""


class ProjectMetadata(Part):
    """The settings of a project that matter here; all are text in Harbor."""

    public: str = "false"


class Project(Part):
    """A project.

    Attributes:
        project_id: its number, as scopes of rights name it.
        name: the first part of every repository in it.
        registry_id: of the upstream registry, for a proxy cache, which takes no pushes.
    """

    project_id: int
    name: str
    registry_id: int | None = None
    metadata: ProjectMetadata = Field(default_factory=ProjectMetadata)

    @property
    def is_public(self) -> bool:
        """Whether everybody may pull."""
        return self.metadata.public == "true"

    @property
    def is_proxy_cache(self) -> bool:
        """Whether it only caches another registry."""
        return bool(self.registry_id)


class _Amounts(Part):
    storage: int = UNLIMITED


class Quota(Part):
    """How much a project may hold."""

    hard: _Amounts = Field(default_factory=_Amounts)
    used: _Amounts = Field(default_factory=lambda: _Amounts(storage=0))

    @property
    def left(self) -> int | None:
        """Bytes that it may take in yet; None where there is no limit."""
        if self.hard.storage == UNLIMITED:
            return None
        return max(0, self.hard.storage - self.used.storage)


class _Summary(Part):
    quota: Quota = Field(default_factory=Quota)


class _Permission(Part):
    resource: str
    action: str


class Harbor(HarborApi):
    """Projects, quotas and rights of a Harbor."""

    def projects(self) -> tuple[Project, ...]:
        """All projects that the account may see, public ones included.

        Raises:
            RegistryError: no answer, or the login is refused.
        """
        return tuple(self._pages(list[Project], "/projects", with_detail="false"))

    def has_project(self, name: str) -> bool:
        """Whether a project exists; every account may ask that.

        Raises:
            RegistryError: no answer.
        """
        answer = self._ask("HEAD", f"/projects?{urlencode({'project_name': name})}")
        if answer.status in (200, 404):
            return answer.status == 200
        raise answer.error("HEAD")

    def project(self, name: str) -> Project | None:
        """A project; None where it does not exist.

        Raises:
            RegistryError: no answer, or `right-missing` where the account may not see it.
        """
        answer = self._ask("GET", f"/projects/{quote(name, safe='')}", _BY_NAME)
        if answer.status == 404:
            return None
        if answer.status in (401, 403):
            raise right_missing(answer, f"see the project {name}", "project: read")
        return self._read(Project, self._answered(answer, "GET"))

    def quota(self, name: str) -> Quota | None:
        """How much a project may hold; None where the account may not know.

        Raises:
            RegistryError: no answer.
        """
        answer = self._ask("GET", f"/projects/{quote(name, safe='')}/summary", _BY_NAME)
        if answer.status in (401, 403, 404):
            return None
        return self._read(_Summary, self._answered(answer, "GET")).quota

    def create_project(self, name: str, *, public: bool = False) -> bool:
        """Make a project without a quota; False where it existed already.

        Args:
            public: whether everybody may pull from it.

        Raises:
            RegistryError: `right-missing` where the account may not, with the right that it lacks;
                or the name is not allowed, or no answer.
        """
        document = {
            "project_name": name,
            "metadata": {"public": "true" if public else "false"},
            "storage_limit": UNLIMITED,
        }
        answer = self._send("POST", "/projects", document)
        if answer.status in (401, 403):
            raise self._may_not_create(answer, name)
        if answer.status == 409:
            return False
        self._answered(answer, "POST", 201)
        return True

    def rights(self, project: Project) -> frozenset[str] | None:
        """What the account may do in a project, as `repository:push`; None where it is not told.

        Raises:
            RegistryError: no answer.
        """
        scope = f"/project/{project.project_id}"
        query = urlencode({"scope": scope, "relative": "true"})
        answer = self._ask("GET", f"/users/current/permissions?{query}")
        if answer.status in (401, 403, 404, 412):
            return None
        found = self._read(list[_Permission], self._answered(answer, "GET"))
        return frozenset(f"{one.resource}:{one.action}" for one in found)

    def _may_not_create(self, answer: Response, name: str) -> RegistryError:
        error = right_missing(answer, f"create the project {name}", "project: create")
        try:
            restriction = self.system_info().project_creation_restriction
        except RegistryError:
            return error  # the refusal says more than this second failure
        if restriction != "adminonly":
            return error
        return RegistryError(
            error.code,
            error.message,
            where=error.where,
            cause="This Harbor lets only its administrators create projects.",
            mend=f"Ask the Harbor administrator for: {name}",
            status=answer.status,
        )
