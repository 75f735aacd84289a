"""Upload sessions that an import leaves in docker-registry, and why nobody can end them."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from core.demo.registry import DemoRegistry
from tests.fixtures.proxy import Exchange, Proxy

_UPLOADS = "/blobs/uploads/"


@dataclass(frozen=True, slots=True)
class Death:
    """A worker was killed.

    Attributes:
        begun: requests for a new session that had been sent until then.
        known: sessions that its journal knew when it was dead.
    """

    begun: Sequence[Exchange]
    known: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Left:
    """A session with content; that of a cancelled one is gone, its folder may stay."""

    repository: str
    name: str


def check_sessions(
    registry: DemoRegistry, proxy: Proxy, deaths: Iterable[Death], threads: int
) -> None:
    """Fail where a session is left that somebody could have cancelled.

    These nobody can:

    - The registry refuses to cancel it. docker-registry 2 does so where it took bytes whose answer
      was not recorded: what is signed in the address then does not fit what it holds.
    - The worker died between the answer that told its address and the journal: at the most one for
      each thread of it.
    - Its address was told to nobody, because the registry died while it began the session.
    """
    left = _left(registry)
    refused = {
        name_of(one.path) for one in proxy.matching("DELETE", _UPLOADS) if one.status in (400, 404)
    }
    left = {one for one in left if one.name not in refused}
    used = {name_of(one.path) for one in proxy.matching(path=_UPLOADS) if one.method != "POST"}
    for death in deaths:
        unheard = {told for one in death.begun if (told := _told(one))} - used - death.known
        died_with_it = {one for one in left if one.name in unheard}
        assert len(died_with_it) <= threads
        left -= died_with_it
    begun = proxy.matching("POST", _UPLOADS)
    told_to_somebody = {_told(one) for one in begun}
    told_to_nobody = {one for one in left if one.name not in told_to_somebody}
    unanswered = Counter(_repository(one) for one in begun if one.status in (0, 502))
    assert Counter(one.repository for one in told_to_nobody) <= unanswered
    assert left == told_to_nobody, "nobody cancelled these, and somebody could have"


def _left(registry: DemoRegistry) -> set[_Left]:
    root = registry.storage / "docker/registry/v2/repositories"
    found = (path.relative_to(root).parts for path in root.rglob("_uploads/*/data"))
    return {_Left("/".join(parts[:-3]), parts[-2]) for parts in found}


def _told(begun: Exchange) -> str:
    """Name of the session that the answer to a POST tells; empty where it tells of none."""
    location = begun.answer_headers.get("Location", "") if begun.status == 202 else ""
    return name_of(location)


def name_of(location: str) -> str:
    """The session that an address is about."""
    return urlsplit(location).path.rpartition("/")[2]


def _repository(begun: Exchange) -> str:
    return begun.path.removeprefix("/v2/").partition(_UPLOADS)[0]
