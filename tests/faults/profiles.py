"""Registries as the field knows them, each a profile before a real one.

A profile says of requests and answers what that product would. Where a product has a limit in
bytes, `unit` stands for one MiB, so that a test need not move hundreds of them.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.faults.gates import BasicGate, Bearer, Locations, basic, refusal
from tests.faults.scripts import Together
from tests.fixtures.proxy import Answer, Exchange, Handler, Hangup
from tests.fixtures.tools import Registry

MIB = 2**20
UPLOADS = "/uploads"


def _is_chunk(exchange: Exchange) -> bool:
    return exchange.method == "PATCH"


def _length(exchange: Exchange) -> int:
    return int(exchange.headers.get("Content-Length", "0"))


def _starts_upload(exchange: Exchange) -> bool:
    return exchange.method == "POST" and "/blobs/uploads/" in exchange.path


def _mounts(exchange: Exchange) -> bool:
    return _starts_upload(exchange) and "mount=" in exchange.target


def _asks_status(exchange: Exchange) -> bool:
    return exchange.method == "GET" and UPLOADS in exchange.path


def _set(exchange: Exchange, name: str, value: str) -> None:
    del exchange.answer_headers[name]
    exchange.answer_headers[name] = value


@dataclass
class Limit(Handler):
    """Bodies of uploads beyond so many bytes are refused."""

    most: int
    answer_with: Callable[[], Answer]

    def request(self, exchange: Exchange) -> Answer | None:
        upload = exchange.method in ("PATCH", "PUT") and UPLOADS in exchange.path
        return self.answer_with() if upload and _length(exchange) > self.most else None


class NoMount(Handler):
    """Mounts come to nothing: an upload begins in their place, as the specification allows."""

    def request(self, exchange: Exchange) -> Answer | None:
        if _mounts(exchange):
            exchange.target = exchange.path
        return None


class NeedsLength(Handler):
    """Bodies of unknown length are refused."""

    def request(self, exchange: Exchange) -> Answer | None:
        has_body = exchange.method in ("PUT", "PATCH", "POST")
        if has_body and "Content-Length" not in exchange.headers:
            return Answer(411, {"Content-Type": "text/html"}, b"<html>Length Required</html>")
        return None


class NoProject(Handler):
    """Harbor: a name without a project is none."""

    def request(self, exchange: Exchange) -> Answer | None:
        if re.match(r"/v2/[^/]+/(blobs|manifests)/", exchange.path):
            return refusal(400, "BAD_REQUEST", "invalid repository name")
        return None


class QuayRanges(Handler):
    """Quay counts bytes where others name the last one, and reads only a bare range."""

    def request(self, exchange: Exchange) -> Answer | None:
        said = exchange.headers.get("Content-Range", "0-0")
        if not re.fullmatch(r"\d+-\d+", said):
            return refusal(400, "BLOB_UPLOAD_INVALID", "range is not valid")
        return None

    def answer(self, exchange: Exchange) -> Answer | None:
        match = re.fullmatch(r"0-(\d+)", exchange.answer_headers.get("Range", ""))
        if match and UPLOADS in exchange.path:
            end = int(match[1])
            _set(exchange, "Range", f"bytes=0-{end + 1 if end else 0}")
        if _asks_status(exchange):
            del exchange.answer_headers["Location"]
        return None


@dataclass
class EcrChunks(Handler):
    """ECR says 201 to a chunk, refuses small ones that are not the last, and knows no restart."""

    least: int

    def request(self, exchange: Exchange) -> Answer | None:
        if _is_chunk(exchange) and _length(exchange) < self.least:
            return refusal(405, "UNSUPPORTED", f"parts must be at least {self.least} bytes")
        return None

    def answer(self, exchange: Exchange) -> Answer | None:
        if _is_chunk(exchange) and exchange.status == 202:
            kept = ("Location", "Range", "Docker-Upload-UUID")
            return Answer(201, {name: exchange.answer_headers[name] for name in kept})
        return None


@dataclass
class Created(Handler):
    """ECR: only repositories that somebody has created may be pushed to."""

    missing: str = ""

    def request(self, exchange: Exchange) -> Answer | None:
        if _starts_upload(exchange) and self.missing and f"/{self.missing}/" in exchange.path:
            return refusal(404, "NAME_UNKNOWN", "The repository does not exist in the registry")
        return None


class NoStatus(Handler):
    """ACR: nobody is told how far an upload came."""

    def request(self, exchange: Exchange) -> Answer | None:
        return refusal(404, "BLOB_UPLOAD_UNKNOWN", "unknown") if _asks_status(exchange) else None


class NoChunks(Handler):
    """Google: a blob comes in one PUT or not at all."""

    def request(self, exchange: Exchange) -> Answer | None:
        if _is_chunk(exchange):
            return refusal(405, "UNSUPPORTED", "chunked uploads are not supported")
        return None


class NoWholeUpload(Handler):
    """Artifactory, as some releases of it were: a PUT finds only what a PATCH has brought."""

    def __init__(self) -> None:
        self._patched: set[str] = set()

    def request(self, exchange: Exchange) -> Answer | None:
        match = re.search(r"uploads/([0-9a-f-]{36})", exchange.path)
        if match and _is_chunk(exchange):
            self._patched.add(match[1])
        if match and exchange.method == "PUT" and match[1] not in self._patched:
            return refusal(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry")
        return None


class StrictAccept(Handler):
    """Artifactory reads Accept: manifests are none of it for who asks for blobs."""

    def request(self, exchange: Exchange) -> Answer | None:
        accept = exchange.headers.get("Accept", "*/*")
        wants_blob = "/blobs/sha256:" in exchange.path
        wants_manifest = "/manifests/" in exchange.path and exchange.method in ("GET", "HEAD")
        types = "vnd.docker.distribution.manifest.v2+json"
        if (wants_blob and "*/*" not in accept) or (
            wants_manifest and types not in accept and "*/*" not in accept
        ):
            return Answer(406, {"Content-Type": "application/json"}, b'{"errors": []}')
        return None


class Store(Handler):
    """Where blobs of GitLab and others lie: elsewhere, open to who has the link, no login taken."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self.shown_login = False

    def request(self, exchange: Exchange) -> Answer | None:
        if "Authorization" in exchange.headers:
            self.shown_login = True
            return Answer(400, {"Content-Type": "application/xml"}, b"<Error>Two logins</Error>")
        exchange.headers["Authorization"] = basic(self._registry)
        return None


@dataclass
class ToStore(Handler):
    """Questions for blobs are sent on to a store."""

    store: str

    def answer(self, exchange: Exchange) -> Answer | None:
        asks = exchange.method in ("GET", "HEAD") and "/blobs/sha256:" in exchange.path
        if asks and exchange.status == 200:
            return Answer(307, {"Location": f"{self.store}{exchange.path}?signature=x"})
        return None


class ZotSessions(Handler):
    """Zot throws a session away in which a chunk broke off; a mount needs both its words."""

    def __init__(self, locations: Locations) -> None:
        self._locations = locations

    def request(self, exchange: Exchange) -> Answer | None:
        if _starts_upload(exchange) and "from=" in exchange.target and not _mounts(exchange):
            return refusal(405, "UNSUPPORTED", "mount is missing")
        if (
            exchange.method == "PUT"
            and "/manifests/" in exchange.path
            and _length(exchange) > 4 * MIB
        ):
            return refusal(413, "MANIFEST_INVALID", "manifest too large")
        return None

    def broke(self, exchange: Exchange) -> None:
        """A chunk broke off."""
        self._locations.forget(exchange.target)


@dataclass
class Disturbed(Handler):
    """Once the answer to a chunk is lost, so that the client has to ask how far it came."""

    on_loss: Callable[[Exchange], None] = lambda _: None
    lost: int = field(default=0)

    def answer(self, exchange: Exchange) -> Answer | None:
        if _is_chunk(exchange) and exchange.status in (201, 202) and not self.lost:
            self.lost += 1
            self.on_loss(exchange)
            raise Hangup
        return None


def _relative(repository: str, name: str) -> str:
    return f"/v2/{repository}/blobs/uploads/{name}"


def _signed(repository: str, name: str) -> str:
    return f"/v2/{repository}/blobs/uploads/{name}?_nouploadcache=false&_state=a%2Fb%3D"


def harbor(registry: Registry, unit: int, store: str) -> list[Handler]:
    return [
        Bearer(registry, "/service/token", "harbor-registry", life=1800, serves=15),
        NoProject(),
        Locations(_signed),
    ]


def quay(registry: Registry, unit: int, store: str) -> list[Handler]:
    return [Bearer(registry, "/v2/auth", "quay"), QuayRanges(), Locations(_relative)]


def ecr(registry: Registry, unit: int, store: str) -> list[Handler]:
    return [
        BasicGate("https://api.ecr.aws/"),
        EcrChunks(5 * unit),
        Created(),
        NoMount(),
        Locations(_relative),
    ]


def acr(registry: Registry, unit: int, store: str) -> list[Handler]:
    gate = Bearer(registry, "/oauth2/token", "acr", key="access_token", says_life=False)
    return [
        gate,
        Limit(20 * unit, lambda: Answer(413, {"Content-Type": "text/html"}, b"<html>413</html>")),
        NeedsLength(),
        NoStatus(),
        Locations(_signed),
    ]


def ghcr(registry: Registry, unit: int, store: str) -> list[Handler]:
    words = "the request body is too large and exceeds the maximum permissible limit of 4.00MiB"
    return [
        Bearer(registry, "/token", "ghcr.io", says_life=False),
        Limit(4 * unit, lambda: refusal(416, "REQUESTED_RANGE_NOT_SATISFIABLE", words)),
        NoMount(),
        Locations(_relative),
    ]


def google(registry: Registry, unit: int, store: str) -> list[Handler]:
    def form(repository: str, name: str) -> str:
        return f"/artifacts-uploads/namespaces/p/repositories/{repository}/uploads/{name}"

    return [Bearer(registry, "/v2/token", "pkg.dev"), NoChunks(), NoMount(), Locations(form)]


def artifactory(registry: Registry, unit: int, store: str) -> list[Handler]:
    gate = Bearer(registry, "/v2/token", "artifactory", key="access_token", also_basic=True)
    return [gate, StrictAccept(), NoWholeUpload(), Locations(_relative)]


def nexus(registry: Registry, unit: int, store: str) -> list[Handler]:
    return [
        BasicGate("Sonatype Nexus Repository Manager"),
        NeedsLength(),
        Locations(_relative),
    ]


def gitlab(registry: Registry, unit: int, store: str) -> list[Handler]:
    gate = Bearer(registry, "/jwt/auth", "container_registry", life=300, last_scope_only=True)
    return [gate, ToStore(store), Locations(_signed)]


def zot(registry: Registry, unit: int, store: str) -> list[Handler]:
    locations = Locations(_relative)
    return [BasicGate("zot"), ZotSessions(locations), locations]


Profile = Callable[[Registry, int, str], list[Handler]]

PROFILES: dict[str, Profile] = {
    "harbor": harbor,
    "quay": quay,
    "ecr": ecr,
    "acr": acr,
    "ghcr": ghcr,
    "google": google,
    "artifactory": artifactory,
    "nexus": nexus,
    "gitlab": gitlab,
    "zot": zot,
}


def profile(
    name: str, registry: Registry, unit: int, store: str = ""
) -> tuple[Together, Disturbed]:
    """All of a product, with one answer to a chunk that is lost."""
    handlers = PROFILES[name](registry, unit, store)
    sessions = next((one for one in handlers if isinstance(one, ZotSessions)), None)
    disturbed = Disturbed(sessions.broke) if sessions else Disturbed()
    *before, locations = handlers  # the addresses of sessions are known before anything is lost
    return Together(*before, disturbed, locations), disturbed
