"""The manifests of `download artifacts`: read from its tarball or its folder, never unpacked."""

import tarfile
from pathlib import Path
from typing import IO, Self

from core.archive.sources import FileBytes, is_folder
from core.archive.tarindex import HEADER, MALFORMED_TAR, TarTree, is_tar
from core.archive.tree import MIB, FolderTree, Tree
from core.archive.trouble import unknown_format
from core.archive.zipped import BROKEN_GZIP, GzipBytes, first_bytes, is_gzip, open_gzip
from core.eksa import BUNDLES_FILE
from core.errors import ArchiveError

MAX_FILE = 64 * MIB
_NO_TARBALL: tuple[type[Exception], ...] = (*MALFORMED_TAR, *BROKEN_GZIP, EOFError, OSError)


class Downloads:
    """Files by name, out of `eks-anywhere-downloads.tar.gz`, a plain tar of it, or its folder."""

    def __init__(self, tree: Tree, source: FileBytes | GzipBytes | None, folder_name: str) -> None:
        self._tree = tree
        self._source = source
        self._names = tuple(sorted(tree.names()))
        places = [name for name in self._names if _base(name) == BUNDLES_FILE]
        self._root = min(places, key=len).removesuffix(BUNDLES_FILE) if places else ""
        self._folder_name = _base(self._root.rstrip("/")) or folder_name

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open it; close it again, or use it as a context manager.

        Raises:
            ArchiveError: `archive-not-found`, `archive-unreadable`, `archive-unknown-format`,
                `archive-truncated`, `archive-damaged`, `archive-hostile`.
        """
        if is_folder(path):
            return cls(FolderTree(path), None, path.resolve().name)
        source: FileBytes | GzipBytes = FileBytes.open(path)
        try:
            zipped = is_gzip(source)
            head = (
                first_bytes(source, HEADER)
                if zipped
                else source.read_at(0, min(HEADER, source.size))
            )
            if not is_tar(head):
                raise unknown_format("It is no tarball.", str(path))
            if zipped:
                source.close()
                source = GzipBytes(path)
            return cls(TarTree(source, where=str(path)), source, "")
        except BaseException:
            source.close()
            raise

    def names(self) -> tuple[str, ...]:
        """Names of all files, as they are stored: `eks-anywhere-downloads/1.33/…`, sorted."""
        return self._names

    def read(self, name: str) -> bytes | None:
        """The content of a file; None where it is not there.

        Args:
            name: as stored, or as seen from the folder of `bundle-release.yaml`, or any path that
                passes through the name of that folder: manifests hold paths of the machine that
                downloaded them.

        Raises:
            ArchiveError: `archive-hostile` for a file above 64 MiB or a link that leads out;
                `archive-damaged` for what is no regular file.
        """
        for candidate in self._candidates(name):
            region = self._tree.find(candidate)
            if region is not None:
                return region.read(MAX_FILE)
        return None

    def _candidates(self, name: str) -> list[str]:
        name = name.removeprefix("file://").removeprefix("./")
        found = [name, self._root + name]
        _, passed, below = f"/{name}".partition(f"/{self._folder_name}/")
        if passed:
            found.append(self._root + below)
        return [item for item in found if _is_plain(item)]

    def close(self) -> None:
        """Let go of the file."""
        if self._source is not None:
            self._source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def is_downloads(path: Path) -> bool:
    """Whether a file or folder holds `bundle-release.yaml`, as `download artifacts` makes it.

    Reads from the front and stops at the first entry that is too large for a manifest, so that it
    is quick for tarballs of images too. False for whatever cannot be read.
    """
    try:
        if is_folder(path):
            return (path / BUNDLES_FILE).is_file()
        source = FileBytes.open(path)
    except (ArchiveError, OSError):
        return False
    try:
        zipped = is_gzip(source)
    finally:
        source.close()
    try:
        with open_gzip(path, "rb") if zipped else path.open("rb") as stream:
            return _lists_bundles_manifest(stream)
    except _NO_TARBALL:
        return False


def _lists_bundles_manifest(stream: IO[bytes]) -> bool:
    with tarfile.open(fileobj=stream, mode="r|", errors="replace") as tar:
        while (member := tar.next()) is not None:
            vars(tar)["members"].clear()  # else tarfile keeps every header
            if _base(member.name) == BUNDLES_FILE:
                return True
            if not 0 <= member.size <= MAX_FILE:
                return False
    return False


def _base(name: str) -> str:
    return name.rpartition("/")[2]


def _is_plain(name: str) -> bool:
    """Whether it can be the name of an entry at all; others are not even looked for."""
    parts = name.split("/")
    return bool(name) and "\0" not in name and "" not in parts and ".." not in parts
