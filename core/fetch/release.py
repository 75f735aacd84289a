"""The manifests of a release on the connected side: from a file, a folder, a tarball or the web."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urljoin

from core.archive.downloads import Downloads, is_downloads
from core.eksa import BUNDLES_FILE
from core.errors import Code, ReleaseError
from core.fetch.upstreams import Upstreams
from core.reference import Kind
from core.release.bundles import BundlesManifest, load_bundles
from core.release.kinds import RELEASES, load_manifest
from core.release.locate import ManifestLocator, ManifestReader
from core.release.model import Requirements
from core.release.plain_yaml import MAX_BYTES, Plain
from core.release.required import required_artifacts

RELEASES_URL = "https://anywhere-assets.eks.amazonaws.com/releases/eks-a/manifest.yaml"


@dataclass(frozen=True, slots=True)
class Release:
    """A release whose bundles manifest was read.

    Attributes:
        source: the file or URL of the bundles manifest.
        content: its exact bytes.
        bundles: the same, read.
        read: gives what it points to, wherever that lies; None where it is nowhere.
    """

    source: str
    content: bytes = field(repr=False)
    bundles: BundlesManifest = field(repr=False)
    read: ManifestReader = field(repr=False)

    def requirements(self, kube_versions: Sequence[str] = ()) -> Requirements:
        """All that it requires.

        Raises:
            ReleaseError: an EKS-D release manifest is missing or broken, or a version unknown.
        """
        return required_artifacts(self.bundles, self.read, kube_versions)

    def tools(self, required: Requirements) -> str:
        """The image that eksctl loads first: that of the first version in the file.

        Where that version was not chosen, it is the one of the first which was; else nothing.
        """
        content = self.bundles.versions_bundles[0].content
        eksa = content.get("eksa")
        tools = eksa.get("cliTools") if isinstance(eksa, dict) else None
        uri = tools.get("uri") if isinstance(tools, dict) else None
        known = {str(one.artifact) for one in required.artifacts if one.artifact.kind is Kind.IMAGE}
        if isinstance(uri, str) and uri in known:
            return uri
        chosen = [str(one.artifact) for one in required.artifacts if "eksa.cliTools" in one.fields]
        return next(iter(chosen), "")


def is_url(text: str) -> bool:
    """Whether a text is an address on the web, not a file."""
    return text.startswith("https://")


def open_release(source: str, upstreams: Upstreams) -> Release:
    """Read a bundles manifest.

    Args:
        source: a URL, the manifest, or the tarball or folder of `download artifacts`.

    Raises:
        ReleaseError: it is not there, of the wrong kind, or broken.
        RegistryError: the server does not answer.
    """
    web = _Web(upstreams, source if is_url(source) else "")
    if is_url(source):
        content = upstreams.read(source)
        return Release(source, content, load_bundles(content, source), web)
    path = Path(source)
    if path.is_dir() or is_downloads(path):
        return _from_downloads(path, web)
    content = read_file(path)
    local = ManifestLocator(path)
    return Release(source, content, load_bundles(content, source), _FirstOf(local, web))


def find_bundles_url(content: bytes, where: str, version: str = "") -> tuple[str, str]:
    """The release and the URL of its bundles manifest, out of the list of all releases.

    Args:
        content: of manifest.yaml.
        version: `v0.26.0`; the latest where empty.

    Raises:
        ReleaseError: `manifest-not-found` for a release that is not listed.
    """
    spec = load_manifest(content, where, RELEASES).get("spec")
    fields: Mapping[str, Plain] = spec if isinstance(spec, dict) else {}
    wanted = version or str(fields.get("latestVersion") or "")
    wanted = wanted if wanted.startswith("v") else f"v{wanted}"
    listed = fields.get("releases")
    releases = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    for one in releases:
        url = one.get("bundleManifestUrl")
        if one.get("version") == wanted and isinstance(url, str):
            return wanted, urljoin(where, url) if is_url(where) else url
    known = ", ".join(str(one.get("version")) for one in releases[-5:])
    raise ReleaseError(
        Code.MANIFEST_NOT_FOUND,
        f"The release {wanted} is not in the list of releases.",
        where=where,
        cause=f"The newest in it: {known or 'none'}.",
        mend="Name another one with --release.",
    )


def read_file(path: Path) -> bytes:
    """A manifest on the disk.

    Raises:
        ReleaseError: `manifest-not-found`.
    """
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ReleaseError(
            Code.MANIFEST_NOT_FOUND,
            f"The manifest cannot be read: {error.strerror}.",
            where=str(path),
            cause="The path is wrong, or the account may not read it.",
        ) from None


def _from_downloads(path: Path, web: "_Web") -> Release:
    with Downloads.open(path) as downloads:
        content = downloads.read(BUNDLES_FILE)
        if content is None:
            raise ReleaseError(
                Code.MANIFEST_NOT_FOUND, f"It holds no {BUNDLES_FILE}.", where=str(path)
            )
        bundles = load_bundles(content, f"{path}: {BUNDLES_FILE}")
        files = {one.eksd_uri: downloads.read(one.eksd_uri) for one in bundles.versions_bundles}
    return Release(str(path), content, bundles, _FirstOf(ManifestLocator(path, (files.get,)), web))


@dataclass(frozen=True, slots=True)
class _Web:
    """Reads what a URL names; a path is looked for beside the manifest that named it."""

    upstreams: Upstreams
    base: str

    def __call__(self, uri: str) -> bytes | None:
        url = uri if is_url(uri) else urljoin(self.base, uri) if self.base else ""
        return self.upstreams.read(url) if url else None


@dataclass(frozen=True, slots=True)
class _FirstOf:
    """The disk first, then the web."""

    local: ManifestLocator
    web: _Web

    def __call__(self, uri: str) -> bytes | None:
        content = self.local(uri)
        return content if content is not None else self.web(uri)
