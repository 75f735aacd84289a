"""Finding the EKS-D release manifests that a bundles manifest points to, without a network.

`eksD.manifestUrl` is an https URL as published, `embed:///…` in builds for tests, and, after
`download artifacts`, a path that is relative to the folder in which the command ran: usually not
the folder in which the bundles manifest lies now.
"""

import os
import posixpath
import re
import stat
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from core.eksa import DOWNLOADS_FOLDER
from core.release.plain_yaml import MAX_BYTES

ManifestReader = Callable[[str], bytes | None]
"""The content of the manifest that a URI names, or None where it is not there."""

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_EKSD_FILE = re.compile(r"kubernetes-([0-9]+)-([0-9]+)-eks-[0-9]+\.ya?ml")


class ManifestLocator:
    """Reads the manifest behind a URI from the disk; call it with the URI.

    It looks below the working directory, the folder of the bundles manifest, its parent, and an
    `eks-anywhere-downloads` in any of them. A name that leaves these folders is not followed. An
    absolute path, as `download artifacts -d /absolute` writes it, is read where it is an ordinary
    file.

    Args:
        bundles_path: the bundles manifest, or the tarball that holds it.
        extra_readers: asked first, in order; for the inside of a tarball. Each gets the URI, then
            shorter and shorter names of the file.
    """

    def __init__(self, bundles_path: Path, extra_readers: Sequence[ManifestReader] = ()) -> None:
        folder = bundles_path.parent.resolve()
        roots = [Path.cwd(), folder, folder.parent]
        self._roots = tuple(dict.fromkeys(roots + [root / DOWNLOADS_FOLDER for root in roots]))
        self._readers = tuple(extra_readers)
        self._tried: dict[str, list[str]] = {}

    def __call__(self, uri: str) -> bytes | None:
        """The content, or None where no place has it; never an error."""
        tried = self._tried[uri] = []
        for reader in self._readers:
            for name in (uri, *_names(uri)):
                content = reader(name)
                if content is not None:
                    return content
        for path in self._candidates(uri):
            content, why_not = _read_ordinary_file(path)
            if content is not None:
                return content
            tried.append(f"{path} ({why_not})" if why_not else str(path))
        return None

    def tried(self, uri: str) -> tuple[str, ...]:
        """The files that were looked for, with a reason in brackets where one is unreadable."""
        return tuple(self._tried.get(uri, ()))

    def explain(self, uri: str) -> str:
        """Where this URI was looked for when it was last asked for, in a sentence."""
        folders = ", ".join(str(root) for root in self._roots if root.name != DOWNLOADS_FOLDER)
        names = ", ".join(dict.fromkeys(_names(uri))) or "nothing, as it names no file"
        troubles = "".join(f" {place}." for place in self.tried(uri) if place.endswith(")"))
        return f"Looked in {folders}, and in {DOWNLOADS_FOLDER} below each, for {names}.{troubles}"

    def _candidates(self, uri: str) -> Iterator[Path]:
        path = _path_of(uri)
        if posixpath.isabs(path) and not _SCHEME.match(uri):
            yield Path(path)
        seen: set[Path] = set()
        for name in _names(uri):
            for root in self._roots:
                candidate = root / name
                if candidate not in seen:
                    seen.add(candidate)
                    yield candidate


def _names(uri: str) -> Iterator[str]:
    """Relative names to look for, most precise first; none of them leaves its root."""
    path = posixpath.normpath(_path_of(uri))
    parts = [part for part in path.split("/") if part]
    if not posixpath.isabs(path) and ".." not in parts:
        yield path
    file = parts[-1] if parts else ".."
    if file in (".", ".."):
        return
    tail = parts[-3:]
    if len(tail) == 3 and ".." not in tail:
        yield "/".join(tail)
    version = _EKSD_FILE.fullmatch(file)
    if version:
        yield f"{version[1]}.{version[2]}/eks-distro/{file}"
    yield file


def _path_of(uri: str) -> str:
    """The path inside a URL, or the path that it is."""
    if not _SCHEME.match(uri):
        return uri
    try:
        return unquote(urlsplit(uri).path)
    except ValueError:
        return ""


def _read_ordinary_file(path: Path) -> tuple[bytes | None, str]:
    """Content, or why there is none; the reason is empty where the file does not exist."""
    try:
        # Without O_NONBLOCK a pipe that is named like a manifest would be waited for.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            return _read(handle)
        finally:
            os.close(handle)
    except (FileNotFoundError, NotADirectoryError):
        return None, ""
    except OSError as error:
        return None, (error.strerror or "cannot be read").lower()
    except ValueError:  # a NUL or half a letter, which no file name can hold
        return None, "not a possible name"


def _read(handle: int) -> tuple[bytes | None, str]:
    status = os.fstat(handle)
    if not stat.S_ISREG(status.st_mode):
        return None, "not an ordinary file"
    if status.st_size > MAX_BYTES:
        return None, f"larger than {MAX_BYTES // 1024**2} MiB"
    with os.fdopen(handle, "rb", closefd=False) as file:
        return file.read(MAX_BYTES), ""
