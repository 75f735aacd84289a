"""Harbor's replication: endpoints of other registries, rules, runs and their tasks.

All of it belongs to the administrators of a Harbor, and to robot accounts of the system with rights
of these names.

Source: goharbor/harbor `api/v2.0/swagger.yaml`, version 2.0 of the API; what that leaves open, such
as the words of a status and how a ping fails, from `src/server/v2.0/handler` and `src/pkg/reg`.
"""

import re
from typing import Any, TypeVar

from pydantic import Field, ValidationError, model_validator

from core.errors import Code, RegistryError
from core.registry.credentials import Credentials
from core.registry.faults import plain
from core.registry.harbor_api import HarborApi, Part, SystemInfo, right_missing
from core.registry.transport import Response

HARBOR = "harbor"
"""The type of an endpoint that is a Harbor."""

_ENDPOINT, _RULE, _RUN = "registry", "replication-policy", "replication"
"""What Harbor calls them where it names rights."""

_OUR_OWN = ("id", "src_registry", "creation_time", "update_time")
"""Parts of a rule that Harbor fills in itself; the source of a rule that pushes is always it."""

_ERROR = re.compile(r"\[(?:ERROR|FATAL)\]\s*(?:\[[^\]]*\]\s*:?)?\s*(.+)")


_Model = TypeVar("_Model")


class _Credential(Part):
    access_key: str = ""


class Endpoint(Part):
    """Another registry, as a Harbor knows it. Its password is never told.

    Attributes:
        url: `https://host[:port]`.
        type: `harbor`, `docker-registry`, …
        insecure: whether Harbor takes any certificate of it.
        ca_certificate: PEM, in place of what Harbor trusts otherwise; not of every version.
    """

    id: int
    name: str
    url: str
    type: str = ""
    insecure: bool = False
    ca_certificate: str = ""
    credential: _Credential = Field(default_factory=_Credential)

    @property
    def username(self) -> str:
        """Who logs in there; empty for nobody."""
        return self.credential.access_key


class _Registry(Part):
    id: int = 0


class _Trigger(Part):
    type: str = ""


class Filter(Part):
    """What a rule is about.

    Attributes:
        type: `name`, `tag`, `label` or `resource`.
        value: a pattern such as `eks-a/**`; a list for labels.
        decoration: `matches` or `excludes`, of tags and labels.
    """

    type: str = ""
    value: Any = ""
    decoration: str = ""


class Rule(Part):
    """A rule of replication.

    Attributes:
        dest_registry: its number is 0 where the rule pulls.
        dest_namespace: empty where repositories keep their names.
        override: whether a tag that is there already is replaced.
        given: all that Harbor said of it, so that nothing is lost when it is changed.
    """

    id: int
    name: str
    dest_registry: _Registry = Field(default_factory=_Registry)
    dest_namespace: str = ""
    filters: tuple[Filter, ...] = ()
    trigger: _Trigger = Field(default_factory=_Trigger)
    override: bool = False
    enabled: bool = False
    given: dict[str, Any] = Field(default_factory=dict, repr=False)

    @model_validator(mode="before")
    @classmethod
    def _keep_all(cls, document: Any) -> Any:
        return {**document, "given": document} if isinstance(document, dict) else document


class Run(Part):
    """One execution of a rule.

    Attributes:
        status: `InProgress`, `Succeed`, `Failed` or `Stopped`; empty before it begins.
        status_text: what kept the whole of it from going on.
        total: tasks; each moves one repository.
    """

    id: int
    status: str = ""
    status_text: str = ""
    total: int = 0
    succeed: int = 0
    failed: int = 0

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will come of it."""
        return self.status not in ("", "InProgress")

    @property
    def is_whole(self) -> bool:
        """Whether everything arrived."""
        return self.status == "Succeed"


class Task(Part):
    """What a run does for one repository."""

    id: int
    status: str = ""
    src_resource: str = ""


class Replication(HarborApi):
    """The replication of a Harbor."""

    def old_version(self) -> str:
        """`v1.10.2` of a Harbor whose API this program does not speak; empty for anything else.

        Raises:
            RegistryError: no answer.
        """
        answer = self._transport.request("GET", f"{self._origin}/api/systeminfo", self._login)
        try:
            return SystemInfo.model_validate_json(answer.content).harbor_version
        except ValidationError:
            return ""

    def endpoints(self) -> tuple[Endpoint, ...]:
        """All endpoints.

        Raises:
            RegistryError: no answer, `right-missing`, or a Harbor without them.
        """
        return self._listed(list[Endpoint], "/registries", _ENDPOINT)

    def rules(self) -> tuple[Rule, ...]:
        """All rules.

        Raises:
            RegistryError: no answer, `right-missing`, or a Harbor without them.
        """
        return self._listed(list[Rule], "/replication/policies", _RULE)

    def ping(self, **endpoint: Any) -> None:
        """Have Harbor try whether it reaches a registry and may log in there.

        Args:
            endpoint: `id` of one that it knows, with whatever is to be tried in place of what it
                holds; or all of a new one. The names are those of `RegistryPing`.

        Raises:
            RegistryError: it does not: HTTP 400 or 401 where the registry answered and said no, 500
                where none answered whom Harbor trusts; or `right-missing`.
        """
        answer = self._send("POST", "/registries/ping", endpoint)
        if answer.status == 403:
            raise right_missing(answer, "try an endpoint", f"{_ENDPOINT}: read")
        self._answered(answer, "POST")

    def create_endpoint(self, name: str, login: Credentials, **endpoint: Any) -> None:
        """Make an endpoint; Harbor tries it first.

        Raises:
            RegistryError: Harbor does not reach it, has one of this name, or `right-missing`.
        """
        document = {
            "name": name,
            "type": HARBOR,
            "credential": {
                "type": "basic",
                "access_key": login.username,
                "access_secret": login.password.get_secret_value(),
            },
            **endpoint,
        }
        answer = self._send("POST", "/registries", document)
        if answer.status == 409:
            raise _name_taken(answer, name)
        self._allowed(answer, "POST", "create an endpoint", f"{_ENDPOINT}: create", 201)

    def update_endpoint(self, number: int, **parts: Any) -> None:
        """Change parts of an endpoint; Harbor tries it first.

        Args:
            parts: by the names of `RegistryUpdate`.

        Raises:
            RegistryError: Harbor does not reach it, or `right-missing`.
        """
        answer = self._send("PUT", f"/registries/{number}", parts)
        self._allowed(answer, "PUT", "change an endpoint", f"{_ENDPOINT}: update")

    def create_rule(self, **parts: Any) -> None:
        """Make a rule.

        Args:
            parts: by the names of `ReplicationPolicy`.

        Raises:
            RegistryError: Harbor does not take it, or `right-missing`.
        """
        answer = self._send("POST", "/replication/policies", parts)
        self._allowed(answer, "POST", "create a replication rule", f"{_RULE}: create", 201)

    def update_rule(self, rule: Rule, **parts: Any) -> None:
        """Change parts of a rule; Harbor wants all of it again, so the rest goes along.

        Raises:
            RegistryError: Harbor does not take it, or `right-missing`.
        """
        kept = {key: value for key, value in rule.given.items() if key not in _OUR_OWN}
        kept["dest_registry"] = {"id": rule.dest_registry.id}
        answer = self._send("PUT", f"/replication/policies/{rule.id}", kept | parts)
        self._allowed(answer, "PUT", "change a replication rule", f"{_RULE}: update")

    def start(self, rule: Rule) -> int:
        """Start a run of a rule, and give its number.

        Raises:
            RegistryError: Harbor does not take it, or `right-missing`.
        """
        answer = self._send("POST", "/replication/executions", {"policy_id": rule.id})
        self._allowed(answer, "POST", "start a replication", f"{_RUN}: create", 201)
        number = answer.headers.get("location", "").rstrip("/").rpartition("/")[2]
        if not re.fullmatch(r"[0-9]{1,18}", number):
            raise RegistryError(
                Code.REGISTRY_PROTOCOL,
                "The answer does not name the replication that was started.",
                where=answer.url,
                status=answer.status,
            )
        return int(number)

    def run(self, number: int) -> Run:
        """How a run is doing.

        Raises:
            RegistryError: no answer, or it is not there.
        """
        return self._read(Run, self._get(f"/replication/executions/{number}"))

    def tasks(self, run: Run) -> tuple[Task, ...]:
        """The tasks of a run.

        Raises:
            RegistryError: no answer.
        """
        return tuple(self._pages(list[Task], f"/replication/executions/{run.id}/tasks"))

    def reason(self, run: Run, task: Task) -> str:
        """Why a task failed: the first error in its log, on one line; empty where there is none.

        Raises:
            RegistryError: no answer.
        """
        path = f"/replication/executions/{run.id}/tasks/{task.id}/log"
        answer = self._ask("GET", path, {"Accept": "text/plain"})
        if answer.status == 404:
            return ""
        log = self._answered(answer, "GET").content.decode("utf-8", "replace")
        found = _ERROR.search(log)
        return plain(found[1]) if found else ""

    def _listed(self, kind: type[list[_Model]], path: str, right: str) -> tuple[_Model, ...]:
        try:
            return tuple(self._pages(kind, path, ("see the replication", f"{right}: list")))
        except RegistryError as error:
            if error.status == 404:
                raise _too_old(error) from None
            raise


def _too_old(error: RegistryError) -> RegistryError:
    return RegistryError(
        Code.REGISTRY_REFUSED,
        "This Harbor offers no replication through version 2.0 of its API.",
        where=error.where,
        cause="It is too old for it.",
        mend="Update it, or run the import once for each registry.",
        status=error.status,
    )


def _name_taken(answer: Response, name: str) -> RegistryError:
    return RegistryError(
        Code.REGISTRY_REFUSED,
        f"Harbor has an endpoint {name} already, of another kind or with another address.",
        where=answer.url,
        cause="Somebody made it by hand, or changed its address.",
        mend="In Harbor, rename or delete it: Administration, Registries.",
        status=answer.status,
    )
