"""Which registry is it: from headers and from endpoints that only one product has."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from core.checks.context import Context
from core.checks.looking import look, look_for_json
from core.registry.auth import challenges
from core.registry.faults import plain
from core.registry.transport import Response


class Kind(StrEnum):
    """Products that are told apart."""

    HARBOR = "Harbor"
    QUAY = "Quay"
    ZOT = "Zot"
    ARTIFACTORY = "Artifactory"
    NEXUS = "Nexus"
    ECR = "Amazon ECR"
    GITLAB = "GitLab"
    DISTRIBUTION = "Docker registry"
    UNKNOWN = "not recognised"


@dataclass(frozen=True, slots=True)
class Product:
    """What the registry is.

    Attributes:
        kind: the product.
        version: as it tells it, empty where it does not.
    """

    kind: Kind
    version: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.version}".rstrip()


def product(context: Context) -> Product:
    """Which product the registry is; asked once.

    Raises:
        RegistryError: `/v2/` does not answer.
    """
    return context.once("product", lambda: _identify(context))


def harbor_version(text: object) -> str:
    """`2.11.1` out of `v2.11.1-6b7ecba1`; empty for anything else."""
    found = re.match(r"v?([0-9]+(?:\.[0-9]+)+)", str(text))
    return found[1] if found else ""


def _identify(context: Context) -> Product:
    answer = look(context, "/v2/")
    for recognise in _BY_HEADER:
        if found := recognise(answer):
            return found
    if found := _by_endpoint(context):
        return found
    if "docker-distribution-api-version" in answer.headers:
        return Product(Kind.DISTRIBUTION)
    return Product(Kind.UNKNOWN)


def _gitlab(answer: Response) -> Product | None:
    version = answer.headers.get("gitlab-container-registry-version", "")
    bearer = challenges(answer).get("bearer")
    asks = bearer is not None and bearer.parameters.get("service") == "container_registry"
    return Product(Kind.GITLAB, plain(version)) if version or asks else None


def _artifactory(answer: Response) -> Product | None:
    said = answer.headers.get("x-jfrog-version", "") or answer.headers.get("server", "")
    found = re.match(r"Artifactory/([0-9][0-9.]*)", said)
    if found:
        return Product(Kind.ARTIFACTORY, found[1])
    return Product(Kind.ARTIFACTORY) if "x-artifactory-id" in answer.headers else None


def _nexus(answer: Response) -> Product | None:
    found = re.match(r"Nexus/([0-9][0-9.]*)", answer.headers.get("server", ""))
    if found:
        return Product(Kind.NEXUS, found[1])
    realms = [one.parameters.get("realm", "") for one in challenges(answer).values()]
    asks = any("Sonatype Nexus" in realm for realm in realms)
    return Product(Kind.NEXUS) if asks else None


def _ecr(answer: Response) -> Product | None:
    services = [one.parameters.get("service") for one in challenges(answer).values()]
    return Product(Kind.ECR) if "ecr.amazonaws.com" in services else None


_BY_HEADER: tuple[Callable[[Response], Product | None], ...] = (
    _gitlab,
    _artifactory,
    _nexus,
    _ecr,
)


def _by_endpoint(context: Context) -> Product | None:
    info = look_for_json(context, "/api/v2.0/systeminfo")
    if "auth_mode" in info or "harbor_version" in info:
        return Product(Kind.HARBOR, harbor_version(info.get("harbor_version", "")))
    config = look_for_json(context, "/v2/_zot/ext/mgmt")
    if "distSpecVersion" in config:
        return Product(Kind.ZOT, plain(str(config.get("releaseTag", ""))).removeprefix("v"))
    health = look_for_json(context, "/health/instance").get("data")
    if isinstance(health, dict) and "services" in health:
        return Product(Kind.QUAY)
    return None
