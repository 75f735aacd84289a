"""Named files inside an archive: what tarballs and folders have in common."""

import errno
import os
import posixpath
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from core.archive.model import Blob, RandomAccess
from core.archive.sources import PathBytes
from core.archive.trouble import damaged, hostile, shown, unreadable

MIB = 1024 * 1024
MAX_ENTRIES = 1_000_000
_PACKED_MAGICS = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd")
"""gzip and zstd, the two ways in which layers are compressed."""


@dataclass(frozen=True, slots=True)
class Region:
    """A regular file inside an archive.

    Attributes:
        source: the bytes that hold it.
        offset: where it begins in `source`.
        size: bytes.
        entry: where it lies, in words for messages.
        packed: whether it begins as gzip or zstd does.
    """

    source: RandomAccess = field(repr=False)
    offset: int
    size: int
    entry: str
    packed: bool

    def read(self, limit: int) -> bytes:
        """The whole content.

        Raises:
            ArchiveError: `archive-hostile` where it is larger than `limit` bytes.
        """
        if self.size > limit:
            raise hostile(f"It has {self.size:,} bytes; at most {limit:,} make sense.", self.entry)
        return self.source.read_at(self.offset, self.size)

    def blob(self, digest: str, media_type: str, *, compressible: bool = False) -> Blob:
        """The same bytes as content that a registry can be given."""
        return Blob(
            digest, self.size, media_type, self.entry, self.source, self.offset, compressible
        )


class Tree(Protocol):
    """A tarball or folder whose files are found by name."""

    @property
    def label(self) -> str:
        """What it is called in messages; empty for the archive itself."""
        ...

    def names(self) -> Iterator[str]:
        """Names of all files and links, `/` between the parts, none in front."""
        ...

    def find(self, name: str) -> Region | None:
        """The regular file under `name`, links followed; None where there is nothing.

        Raises:
            ArchiveError: `archive-hostile` for names and links that lead out of the archive or
                in a circle; `archive-damaged` for what is no regular file.
        """
        ...


def require(tree: Tree, name: str) -> Region:
    """The file under `name`.

    Raises:
        ArchiveError: as `Tree.find`, and `archive-damaged` where there is nothing.
    """
    region = tree.find(name)
    if region is None:
        raise damaged("It is named in the archive, but it is not there.", entry_name(tree, name))
    return region


def entry_name(tree: Tree, name: str) -> str:
    """`images.tar: 3f9a…/layer.tar`, for messages."""
    return f"{tree.label}: {shown(name)}" if tree.label else shown(name)


def clean_name(name: str, where: str) -> str:
    """A name without `./` in front and `/` behind; empty for the root itself.

    Raises:
        ArchiveError: `archive-hostile` where it is absolute or climbs with `..`.
    """
    if name.startswith("/"):
        raise hostile("The name of an entry is absolute.", where)
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise hostile("The name of an entry climbs out of the archive.", where)
    return "/".join(parts)


def link_target(link: str, target: str, where: str) -> str:
    """Where the symbolic link `link` leads, as a name in the archive.

    Raises:
        ArchiveError: `archive-hostile` where it leads out of the archive.
    """
    path = posixpath.normpath(posixpath.join(posixpath.dirname(link), target))
    if path == ".." or path.startswith(("/", "../")):
        raise hostile(f"It is a link out of the archive, to {shown(target)}.", where)
    return path


def looks_packed(head: bytes) -> bool:
    """Whether content that begins so is gzip-ed or compressed with zstd."""
    return head.startswith(_PACKED_MAGICS)


class FolderTree:
    """A folder on disk: an OCI layout, or a tarball that somebody unpacked."""

    label = ""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()

    def names(self) -> Iterator[str]:
        """See `Tree.names`."""
        count = 0
        for folder, _, files in os.walk(self._root):
            for file in files:
                count += 1
                if count > MAX_ENTRIES:
                    raise hostile(f"It holds more than {MAX_ENTRIES:,} files.", str(self._root))
                yield str((Path(folder) / file).relative_to(self._root))

    def find(self, name: str) -> Region | None:
        """See `Tree.find`."""
        where = shown(str(self._root / name))
        name = clean_name(name, where)
        if not name or "\0" in name:
            raise hostile("The name of an entry is empty or no name at all.", where)
        try:
            path = (self._root / name).resolve(strict=True)
            status = path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (RuntimeError, OSError) as error:
            if isinstance(error, OSError) and error.errno != errno.ELOOP:
                raise unreadable(error, where) from None
            # RuntimeError is what pathlib makes of a circle before Python 3.13.
            raise hostile("Links lead in a circle.", where) from None
        if not path.is_relative_to(self._root):
            raise hostile("It is a link out of the archive.", where)
        if not stat.S_ISREG(status.st_mode):
            raise damaged("It is no regular file.", where)
        source = PathBytes(path, status.st_size)
        packed = looks_packed(source.read_at(0, min(4, source.size)))
        return Region(source, 0, source.size, shown(name), packed)
