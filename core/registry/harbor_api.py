"""Harbor's own API: how it is asked, and how its answers are read.

What the API can do stands in `core.registry.harbor` and `core.registry.replication`.

Source: goharbor/harbor `api/v2.0/swagger.yaml`, version 2.0 of the API.
"""

import json
from typing import Any, Self, TypeVar
from urllib.parse import urlencode

from pydantic import BaseModel, TypeAdapter, ValidationError, model_validator

from core.errors import Code, RegistryError
from core.registry.connection import Connection
from core.registry.credentials import Credentials
from core.registry.faults import read_error_body
from core.registry.transport import STALL_SECONDS, Body, Response, Transport

API = "/api/v2.0"

_PAGE = 100
_MOST_PAGES = 100

_Model = TypeVar("_Model")


class Part(BaseModel, frozen=True):
    """A part of an answer; null stands for what is left out."""

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, document: Any) -> Any:
        if not isinstance(document, dict):
            return document
        return {key: value for key, value in document.items() if value is not None}


class SystemInfo(Part):
    """What Harbor tells of itself; to anonymous clients it tells less.

    Attributes:
        harbor_version: `v2.11.1-6b7ecba1`; empty where it is not told.
        project_creation_restriction: `adminonly` or `everyone`.
        read_only: whether nothing may be pushed for now.
    """

    harbor_version: str = ""
    project_creation_restriction: str = ""
    read_only: bool = False


class HarborApi:
    """Harbor behind a registry; use it as a context manager.

    The login goes along as Basic from the first request on, as the API wants it.

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
        self._origin = connection.origin
        self._base = connection.origin + API
        self._transport = Transport(connection.tls, connections=2, stall=stall)
        usable = credentials is not None and not credentials.is_identity_token
        self._login = (
            {"Authorization": credentials.basic_header()} if credentials and usable else {}
        )

    def __enter__(self) -> Self:
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

    def _get(self, path: str) -> Response:
        return self._answered(self._ask("GET", path), "GET")

    def _pages(
        self, kind: type[list[_Model]], path: str, may: tuple[str, str] | None = None, **query: str
    ) -> list[_Model]:
        """A list that comes in pages.

        Args:
            may: what it takes a right for, and that right, as `_allowed` has them.
        """
        found: list[_Model] = []
        for page in range(1, _MOST_PAGES + 1):
            asked = urlencode({"page": page, "page_size": _PAGE, **query})
            answer = self._ask("GET", f"{path}?{asked}")
            checked = self._allowed(answer, "GET", *may) if may else self._answered(answer, "GET")
            part = self._read(kind, checked)
            found += part
            if len(part) < _PAGE:
                break
        return found

    def _ask(
        self,
        method: str,
        path: str,
        headers: dict[str, str] | None = None,
        body: Body | None = None,
    ) -> Response:
        sent = {"Accept": "application/json", **self._login, **(headers or {})}
        return self._transport.request(method, self._base + path, sent, body)

    def _send(self, method: str, path: str, document: dict[str, Any]) -> Response:
        """Ask with a document."""
        body = Body.of(json.dumps(document).encode(), "application/json")
        return self._ask(method, path, body=body)

    def _answered(self, answer: Response, method: str, expected: int = 200) -> Response:
        """The answer, if it is the one that was wanted."""
        if answer.status != expected:
            raise answer.error(method)
        return answer

    def _allowed(
        self, answer: Response, method: str, what: str, right: str, expected: int = 200
    ) -> Response:
        """The same where the account may lack a right."""
        if answer.status in (401, 403):
            raise right_missing(answer, what, right)
        return self._answered(answer, method, expected)

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


def right_missing(answer: Response, what: str, right: str) -> RegistryError:
    """The error for a 401 or 403.

    Args:
        what: that the account may not do: “create the project eks-a”.
        right: as Harbor calls it: “project: create”.
    """
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
