"""Looking for what was carried in: the images tarball and the bundle manifest.

Only a few folders are listed and only the first names of a tarball are read, so that the search
is quick on a slow disk; nothing is changed.
"""

import os
import re
import tarfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.archive.docker_save import MANIFEST_JSON
from core.archive.layout import INDEX_JSON
from core.archive.tarindex import MALFORMED_TAR
from core.eksa import BUNDLES_FILE, DOWNLOADS_FOLDER

_GZIP_MAGIC = b"\x1f\x8b"
_ENDINGS = (".tar", ".tar.gz", ".tgz")
_NAMES_READ = 40
"""Charts and package bundles, which are small, may stand before the images."""

_FILES_LOOKED_AT = 50
_INSIDE = re.compile(
    rf"(?:\./)?(?:images\.tar|tools-image\.tar|oci-layout|repositories|blobs(?:/.*)?|"
    rf"{re.escape(MANIFEST_JSON)}|{re.escape(INDEX_JSON)}|[0-9a-f]{{64}}(?:/.*|\.json)?)$"
)
"""How a tarball of images begins, whichever program made it."""

_MOUNTS = Path("/proc/self/mounts")
_REMOVABLE = ("/media/", "/run/media/", "/mnt/")
_ON_A_NETWORK = ("nfs", "cifs", "smb", "autofs", "fuse.sshfs", "9p", "ceph")
_OCTAL = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True, slots=True)
class AtHand:
    """What was found; None where nothing was.

    Attributes:
        archive: the images tarball.
        size: of the tarball in bytes.
        bundles: the bundle manifest, or the tarball of `download artifacts`.
    """

    archive: Path | None = None
    size: int = 0
    bundles: Path | None = None


def removable_media(mounts: Path = _MOUNTS) -> list[Path]:
    """Where sticks and disks are mounted; file systems of a network are left out, they may hang.

    Args:
        mounts: a table as in `/proc/mounts`.
    """
    try:
        lines = mounts.read_text(errors="surrogateescape").splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        _, place, kind, *_ = [*line.split(" "), "", "", ""]
        place = _OCTAL.sub(lambda octal: chr(int(octal[1], 8)), place)
        if f"{place}/".startswith(_REMOVABLE) and not kind.startswith(_ON_A_NETWORK):
            found.append(Path(place))
    return found


def places_to_look(working: Path, media: Sequence[Path] = ()) -> list[Path]:
    """Folders that are searched, each with its `eks-anywhere-downloads` after it."""
    return [place for one in (working, *media) for place in (one, one / DOWNLOADS_FOLDER)]


def look_for(places: Sequence[Path]) -> AtHand:
    """Search folders; the first that holds one of the two tells it, its newest file wins.

    A folder or file that cannot be read counts as empty: this only proposes.
    """
    archive = next((one for place in places for one in _tarballs(place)), None)
    bundles = next((one for place in places if (one := bundles_in(place))), None)
    return AtHand(archive, _size(archive), bundles)


def bundles_in(folder: Path) -> Path | None:
    """The bundle manifest, or the tarball of `download artifacts` that holds it; None for none."""
    names = (BUNDLES_FILE, f"{DOWNLOADS_FOLDER}/{BUNDLES_FILE}", f"{DOWNLOADS_FOLDER}.tar.gz")
    return next((one for name in names if _is_file(one := folder / name)), None)


def _tarballs(folder: Path) -> Iterator[Path]:
    try:
        with os.scandir(folder) as entries:
            dated = [
                (entry.stat().st_mtime, entry.name)
                for entry in entries
                if entry.name.endswith(_ENDINGS) and entry.is_file()
            ]
    except OSError:
        return
    for _, name in sorted(dated, reverse=True)[:_FILES_LOOKED_AT]:
        if begins_as_images(folder / name):
            yield folder / name


_NO_TARBALL: tuple[type[Exception], ...] = (*MALFORMED_TAR, EOFError, OSError, zlib.error)


def begins_as_images(path: Path) -> bool:
    """Whether the first names in a tarball are those of images; False where it cannot be read."""
    try:
        with path.open("rb") as file:
            zipped = file.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC
        with tarfile.open(path, "r:gz" if zipped else "r:", errors="replace") as tar:
            for _ in range(_NAMES_READ):
                member = tar.next()
                if member is None:
                    return False
                if _INSIDE.match(member.name):
                    return True
    except _NO_TARBALL:
        return False
    return False


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return False


def _size(path: Path | None) -> int:
    try:
        return path.stat().st_size if path else 0
    except OSError:
        return 0
