"""Preparing on a connected machine: what is fetched where, and the folder that remembers it.

Such a download outlives whoever started it. Its orders lie in a folder of its own beside the jobs
of imports, with a log and a picture of how far it is; what was fetched lies where it is wanted.
"""

import hashlib
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from core.eksa import DOWNLOADS_FOLDER
from core.errors import Code, JobError
from core.files import write_atomically
from core.mirror.endpoint import default_mappings
from core.transfer.job import Job, folder_troubles, jobs_folder

IMAGES_FILE = "images.tar"
MANIFESTS_FILE = f"{DOWNLOADS_FOLDER}.tar.gz"

_VERSION = re.compile(r"v?\d+\.\d+\.\d+(-\S+)?")
_ORDERS = "orders.json"
_PICTURE = "picture.json"
_LONGEST_NAME = 60


class Preparation(BaseModel):
    """What is to be fetched.

    Attributes:
        folder: where all files come to lie; absolute.
        release: `v0.26.0`, or file or URL of a bundles manifest; the latest where empty.
        kube_versions: all of the release where empty.
        platforms: all where empty.
        packages_from: registry and path of the images of curated packages; none are fetched where
            empty.
        charts_from: those of their package bundles and charts, where these are elsewhere.
        ca_file: a CA to trust, such as that of a proxy that opens TLS.
        upstream_mirrors: `UPSTREAM=HOST[/PREFIX]` each.
        allow_missing: go on without what upstream lacks.
        jobs: how much is fetched at the same time.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: Path
    release: str = ""
    kube_versions: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    packages_from: str = ""
    charts_from: str = ""
    ca_file: Path | None = None
    upstream_mirrors: tuple[str, ...] = ()
    allow_missing: bool = False
    jobs: int = 4

    @property
    def fingerprint(self) -> str:
        """The same for the same files, whatever the way to them."""
        content = (
            self.release, self.kube_versions, self.platforms, self.packages_from, self.charts_from
        )  # fmt: skip
        return hashlib.sha256(repr(content).encode()).hexdigest()

    @property
    def package_places(self) -> tuple[str, str]:
        """Registry and path of charts, and of images."""
        return self.charts_from or self.packages_from, self.packages_from


def is_version(release: str) -> bool:
    """Whether a text names a release of EKS Anywhere, not a file or URL."""
    return bool(_VERSION.fullmatch(release))


def packages_file(version: str) -> str:
    """The tarball of the curated packages of a Kubernetes version."""
    return f"packages-{version}.tar"


@dataclass(frozen=True, slots=True)
class Errand:
    """A download with its folder."""

    folder: Path

    @property
    def name(self) -> str:
        """Tells it from the others."""
        return self.folder.name

    @property
    def job(self) -> Job:
        """The same folder, for its lock and its log."""
        return Job(self.folder)

    @property
    def picture(self) -> Path:
        """How far it is, as its worker last said."""
        return self.folder / _PICTURE

    def preparation(self) -> Preparation:
        """What it fetches.

        Raises:
            JobError: `job-folder-unsafe` where that cannot be read.
        """
        with folder_troubles(self.folder):
            text = (self.folder / _ORDERS).read_text()
        try:
            return Preparation.model_validate_json(text)
        except ValidationError:
            raise JobError(
                Code.JOB_FOLDER_UNSAFE,
                "What this download was to fetch cannot be read.",
                where=str(self.folder / _ORDERS),
                mend="Prepare anew into the same folder: what is there already is kept.",
            ) from None

    def write(self, preparation: Preparation) -> None:
        """Say what it fetches.

        Raises:
            JobError: `job-folder-unsafe`, `disk-full`.
        """
        with folder_troubles(self.folder):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            content = preparation.model_dump_json(indent=1).encode()
            write_atomically(self.folder / _ORDERS, content)


def errand_for(folder: Path) -> Errand:
    """The download into a folder: there is one at a time."""
    place = str(folder.resolve())
    readable = re.sub(r"[^A-Za-z0-9.-]+", "-", place).strip("-.")[-_LONGEST_NAME:]
    digest = hashlib.sha256(place.encode()).hexdigest()[:8]
    return Errand(_errands_folder() / f"{readable}-{digest}")


def existing_errands() -> list[Errand]:
    """All downloads of this account that were begun here, the last first.

    Raises:
        JobError: `job-folder-unsafe`.
    """
    root = _errands_folder()
    with folder_troubles(root):
        if not root.is_dir():
            return []
        found = [Errand(folder) for folder in root.iterdir() if (folder / _ORDERS).is_file()]
        return sorted(found, key=_last_change, reverse=True)


def import_command(file: str, manifests: str, places: Sequence[str] = ()) -> str:
    """The command that takes a file of ours on the other side.

    Args:
        manifests: the tarball of the manifests; empty for curated packages.
        places: registries and paths that packages were taken from.
    """
    command = f"eksa-mirror import -i {shlex.quote(file)}"
    if manifests:
        return f"{command} -b {shlex.quote(manifests)} -r HOST[:PORT][/NAMESPACE]"
    maps = "".join(f" --map {one}" for one in package_maps(places))
    return f"{command} --all -r HOST[:PORT][/NAMESPACE]{maps}"


def package_maps(places: Sequence[str]) -> list[str]:
    """Mappings that lead packages to where clusters look for them: below eks-anywhere."""
    known = {one.registry for one in default_mappings("")}
    found = []
    for place in dict.fromkeys(places):
        host, _, path = place.partition("/")
        if host and host not in known:
            found.append(f"{host}={'[NAMESPACE]' if path else '[NAMESPACE/]eks-anywhere'}")
    return found


def _errands_folder() -> Path:
    return jobs_folder() / "downloads"


def _last_change(errand: Errand) -> float:
    files = (errand.picture, errand.folder / _ORDERS)
    return max(file.stat().st_mtime for file in files if file.exists())
