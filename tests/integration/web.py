"""A web server that publishes a release as AWS does: the list of releases, bundles, files."""

from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from urllib.parse import urlsplit

from core.demo.certificates import Authority
from core.demo.release import DOWNLOADS
from core.demo.sample import Sample
from tests.fixtures.https_server import HttpsServer

HOST = "anywhere-assets.eks.amazonaws.com"
ASSETS = f"https://{HOST}/artifacts"
_DENIED = b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>'


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is answered in place of a file.

    Attributes:
        status: of the answer.
        body: in place of the file; None for the file itself.
        cut: hang up after so many bytes; -1 for not at all.
    """

    status: int = 200
    body: bytes | None = None
    cut: int = -1


class Site(HttpsServer):
    """Runs inside a `with`.

    Attributes:
        files: content by path.
        troubles: by path, one for each of the next requests.
        asked: every path that was asked for.
    """

    def __init__(self, files: dict[str, bytes], authority: Authority) -> None:
        super().__init__(_Answer, authority.issue("web"))
        self.files = files
        self.troubles: dict[str, list[Trouble]] = {}
        self.asked: list[str] = []
        place = f"{HOST}={self.address}"
        self.flags = ["--upstream-mirror", place, "--ca-file", str(authority.ca_file)]


def published(sample: Sample) -> dict[str, bytes]:
    """The files of a release by path, where the list of releases and bundles-115 name them."""
    folder = sample.folder / DOWNLOADS
    files = {
        f"/artifacts/{path.relative_to(folder)}": path.read_bytes()
        for path in folder.rglob("*.yaml")
    }
    bundles = files.pop("/artifacts/bundle-release.yaml").decode()
    files["/releases/eks-a/manifest.yaml"] = files.pop("/artifacts/manifest.yaml")
    files["/releases/bundles/115/manifest.yaml"] = bundles.replace(
        f"{DOWNLOADS}/", f"{ASSETS}/"
    ).encode()
    return files


class _Answer(BaseHTTPRequestHandler):
    server: Site
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        self.server.asked.append(path)
        waiting = self.server.troubles.get(path)
        trouble = waiting.pop(0) if waiting else Trouble()
        body = self.server.files.get(path) if trouble.body is None else trouble.body
        self.send_response(403 if body is None else trouble.status)
        body = _DENIED if body is None else body
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body if trouble.cut < 0 else body[: trouble.cut])
        self.close_connection = trouble.cut >= 0

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Tests read `asked`."""
