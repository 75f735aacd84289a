"""Harbor's own API: projects, quotas, rights.

The registry API knows no projects, and answers “unauthorized” where one is missing; here they can
be listed and made. The login goes along as Basic from the first request on, as the API wants it.

Source: goharbor/harbor `api/v2.0/swagger.yaml`, version 2.0 of the API.
"""

import json
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from pydantic import BaseModel, Field, TypeAdapter, ValidationError, model_validator

from core.errors import Code, RegistryError
from core.registry.connection import Connection
from core.registry.credentials import Credentials
from core.registry.faults import read_error_body
from core.registry.transport import STALL_SECONDS, Body, Response, Transport

API = "/api/v2.0"
UNLIMITED = -1
"""What Harbor says of a quota that sets no limit."""

_PAGE = 100
_MOST_PAGES = 100
_BY_NAME = {"X-Is-Resource-Name": "true"}
"""Without it a project whose name is a number would be taken for that project's ID."""

_Model = TypeVar("_Model")


class _Answer(BaseModel, frozen=True):
    """A part of an answer; null stands for what is left out."""

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, document: Any) -> Any:
        if not isinstance(document, dict):
            return document
        return {key: value for key, value in document.items() if value is not None}


class SystemInfo(_Answer):
    """What Harbor tells of itself; to anonymous clients it tells less.

    Attributes:
        harbor_version: `v2.11.1-6b7ecba1`; empty where it is not told.
        auth_mode: `db_auth`, `ldap_auth`, `oidc_auth`, …
        external_url: what Harbor takes for its own address.
        project_creation_restriction: `adminonly` or `everyone`.
        read_only: whether nothing may be pushed for now.
    """

    harbor_version: str = ""
    auth_mode: str = ""
    external_url: str = ""
    project_creation_restriction: str = ""
    read_only: bool = False


class ProjectMetadata(_Answer):
    """The settings of a project that matter here; all are text in Harbor."""

    public: str = "false"


class Project(_Answer):
    """A project.

    Attributes:
        project_id: its number, as scopes of rights name it.
        name: the first part of every repository in it.
        registry_id: of the upstream registry, for a proxy cache, which takes no pushes.
        repo_count: repositories in it.
    """

    project_id: int
    name: str
    registry_id: int | None = None
    repo_count: int = 0
    metadata: ProjectMetadata = Field(default_factory=ProjectMetadata)

    @property
    def is_public(self) -> bool:
        """Whether everybody may pull."""
        return self.metadata.public == "true"

    @property
    def is_proxy_cache(self) -> bool:
        """Whether it only caches another registry."""
        return bool(self.registry_id)


class _Amounts(_Answer):
    storage: int = UNLIMITED


class Quota(_Answer):
    """How much a project may hold."""

    hard: _Amounts = Field(default_factory=_Amounts)
    used: _Amounts = Field(default_factory=lambda: _Amounts(storage=0))

    @property
    def left(self) -> int | None:
        """Bytes that it may take in yet; None where there is no limit."""
        if self.hard.storage == UNLIMITED:
            return None
        return max(0, self.hard.storage - self.used.storage)


class _Summary(_Answer):
    quota: Quota = Field(default_factory=Quota)


class _Permission(_Answer):
    resource: str
    action: str


class User(_Answer):
    """The account of a person."""

    username: str
    sysadmin_flag: bool = False
    admin_role_in_auth: bool = False

    @property
    def is_admin(self) -> bool:
        """Whether it administers all of Harbor."""
        return self.sysadmin_flag or self.admin_role_in_auth


class Harbor:
    """Harbor behind a registry; use it as a context manager.

    Args:
        connection: that of the registry.
        credentials: None for an anonymous client; robot accounts go by their full name.
        stall: seconds without a byte after which it is given up.
    """

    def __init__(
        self,
        connection: Connection,
        credentials: Credentials | None = None,
        *,
        stall: float = STALL_SECONDS,
    ) -> None:
        self._base = connection.origin + API
        self._transport = Transport(connection.tls, connections=2, stall=stall)
        usable = credentials is not None and not credentials.is_identity_token
        self._login = (
            {"Authorization": credentials.basic_header()} if credentials and usable else {}
        )

    def __enter__(self) -> "Harbor":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._transport.close()

    def system_info(self) -> SystemInfo:
        """What Harbor tells of itself.

        Raises:
            RegistryError: no answer, or not that of a Harbor.
        """
        return self._read(SystemInfo, self._get("/systeminfo"))

    def projects(self) -> tuple[Project, ...]:
        """All projects that the account may see, public ones included.

        Raises:
            RegistryError: no answer, or the login is refused.
        """
        found: list[Project] = []
        for page in range(1, _MOST_PAGES + 1):
            query = urlencode({"page": page, "page_size": _PAGE, "with_detail": "false"})
            part = self._read(list[Project], self._get(f"/projects?{query}"))
            found += part
            if len(part) < _PAGE:
                break
        return tuple(found)

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
            raise _right_missing(answer, f"see the project {name}", "project: read")
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

    def create_project(
        self, name: str, *, public: bool = False, storage_limit: int = UNLIMITED
    ) -> bool:
        """Make a project; False where it existed already.

        Args:
            public: whether everybody may pull from it.
            storage_limit: its quota in bytes.

        Raises:
            RegistryError: `right-missing` where the account may not, with the right that it lacks;
                or the name is not allowed, or no answer.
        """
        document = {
            "project_name": name,
            "metadata": {"public": "true" if public else "false"},
            "storage_limit": storage_limit,
        }
        body = Body.of(json.dumps(document).encode(), "application/json")
        answer = self._ask("POST", "/projects", body=body)
        if answer.status in (401, 403):
            raise self._may_not_create(answer, name)
        if answer.status == 409:
            return False
        self._answered(answer, "POST", 201)
        return True

    def user(self) -> User | None:
        """The person who is logged in; None for a robot account or no login at all.

        Raises:
            RegistryError: no answer.
        """
        answer = self._ask("GET", "/users/current")
        if answer.status in (401, 412):
            return None
        return self._read(User, self._answered(answer, "GET"))

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
        error = _right_missing(answer, f"create the project {name}", "project: create")
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

    def _get(self, path: str) -> Response:
        return self._answered(self._ask("GET", path), "GET")

    def _ask(
        self,
        method: str,
        path: str,
        headers: dict[str, str] | None = None,
        body: Body | None = None,
    ) -> Response:
        sent = {"Accept": "application/json", **self._login, **(headers or {})}
        return self._transport.request(method, self._base + path, sent, body)

    def _answered(self, answer: Response, method: str, expected: int = 200) -> Response:
        if answer.status != expected:
            raise answer.error(method)
        return answer

    def _read(self, kind: type[_Model], answer: Response) -> _Model:
        try:
            return TypeAdapter(kind).validate_json(answer.content)
        except ValidationError as error:
            first: Any = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"]) or "the answer"
            raise RegistryError(
                Code.REGISTRY_PROTOCOL,
                f"The answer is not that of a Harbor: {place}: {first['msg']}.",
                where=answer.url,
                status=answer.status,
            ) from None


def _right_missing(answer: Response, what: str, right: str) -> RegistryError:
    said = read_error_body(answer.content).text
    words = f" ({said})" if said else ""
    if answer.status == 401:
        return RegistryError(
            Code.LOGIN_REFUSED,
            f"Without a login that Harbor accepts nobody may {what}{words}.",
            where=answer.url,
            status=answer.status,
        )
    return RegistryError(
        Code.RIGHT_MISSING,
        f"The account may not {what}{words}.",
        where=answer.url,
        cause=f"It lacks the right “{right}”.",
        mend="Ask the Harbor administrator to do it, or to grant the right.",
        status=answer.status,
    )
