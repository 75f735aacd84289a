"""`download artifacts`: the manifests of a release, as a folder and a tarball."""

import gzip
import io
import os
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from core.eksa import BUNDLES_FILE
from core.errors import Code, EksaMirrorError, ReleaseError, UsageError
from core.fetch.manifests import Pointer, pointers, rewritten
from core.fetch.partial import told
from core.fetch.record import line_of, read_lines
from core.fetch.release import Release
from core.fetch.upstreams import concerns_all
from core.files import sync_folder, write_atomically
from core.oci import digest_of
from core.release.eksd import load_eksd

_RECORD = ".fetched.jsonl"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is downloaded.

    Attributes:
        folder: as the operator wrote it; paths in the bundles manifest begin with it.
        release: the bundles manifest.
        pointers: the files that it names.
        releases: name and content of manifest.yaml, the list of all releases; or nothing.
    """

    folder: str
    release: Release
    pointers: tuple[Pointer, ...]
    releases: tuple[str, bytes] | None = field(default=None, repr=False)

    @property
    def files(self) -> dict[str, Pointer]:
        """The files by their path below the folder, each once."""
        return {one.path: one for one in reversed(self.pointers)}

    @property
    def tarball(self) -> Path:
        """Beside the folder."""
        return Path(f"{self.folder}.tar.gz")

    @property
    def partial(self) -> Path:
        """Where the folder grows."""
        return Path(f"{self.folder}.partial")


@dataclass(frozen=True, slots=True)
class FileFailure:
    """A file that could not be had."""

    uri: str
    error: EksaMirrorError


def want(release: Release, folder: str, releases: tuple[str, bytes] | None = None) -> Wanted:
    """Look through the bundles manifest.

    Args:
        folder: `eks-anywhere-downloads`, or another path.
        releases: URL and content of manifest.yaml, where it is known.

    Raises:
        ReleaseError: `manifest-invalid`, where two files would become one, too.
        UsageError: the folder has no name.
    """
    folder = folder.rstrip("/")
    if not PurePosixPath(folder).name or PurePosixPath(folder).name == "..":
        raise UsageError(
            Code.BAD_USAGE, f"“{folder}” is no folder to make.", where="--download-dir"
        )
    found = tuple(pointers(_text(release), release.source, folder))
    owners: dict[str, str] = {}
    for one in found:
        if owners.setdefault(one.path, one.uri) != one.uri:
            raise ReleaseError(
                Code.MANIFEST_INVALID,
                f"{one.uri} and {owners[one.path]} would both become {one.path}.",
                where=release.source,
            )
    named = (PurePosixPath(urlsplit(releases[0]).path).name, releases[1]) if releases else None
    return Wanted(folder, release, found, named)


def fetch_all(
    wanted: Wanted, read: Callable[[str], bytes | None], on_file: Callable[[str, bool], None]
) -> tuple[FileFailure, ...]:
    """Fetch every file that is not there yet, into the folder that grows.

    Args:
        read: gives what a URI names.
        on_file: told of each path, and whether an earlier run had it.

    Returns:
        What could not be had; the others are kept.

    Raises:
        Interrupted: the download is to stop.
        RegistryError: a server is away for good.
        JobError: `disk-full`, `file-not-written`.
    """
    known = _read_record(wanted.partial)
    contents: dict[str, bytes] = {}
    failures: dict[str, FileFailure] = {}
    for path, pointer in sorted(wanted.files.items()):
        place = wanted.partial / path
        if place.exists() and known.get(path) == (pointer.uri, digest_of(place.read_bytes())):
            on_file(path, True)
            continue
        if pointer.uri in failures:
            continue
        try:
            if pointer.uri not in contents:
                contents[pointer.uri] = _checked(pointer, read(pointer.uri))
        except EksaMirrorError as error:
            if concerns_all(error):
                raise
            failures[pointer.uri] = FileFailure(pointer.uri, error)
            continue
        _keep(wanted.partial, pointer, contents[pointer.uri])
        on_file(path, False)
    return tuple(failures.values())


def forget(wanted: Wanted) -> None:
    """Throw away what an earlier run left in the folder that grows.

    Raises:
        JobError: `file-not-written`.
    """
    if wanted.partial.exists():
        with told(wanted.partial):
            _remove_strangers(wanted.partial, set())
            _remove_folders(wanted.partial)


def finish(wanted: Wanted, *, retain: bool) -> None:
    """Write the manifests of the release, the tarball and its checksums.

    Args:
        retain: keep the folder beside the tarball.

    Raises:
        JobError: `disk-full`, `file-not-written`.
    """
    text = rewritten(_text(wanted.release), list(wanted.pointers), wanted.folder)
    files = {path: (wanted.partial / path).read_bytes() for path in wanted.files}
    files[BUNDLES_FILE] = text.encode()
    if wanted.releases:
        files[wanted.releases[0]] = wanted.releases[1]
    with told(wanted.partial):
        # The record goes first: without it, a file is fetched anew rather than trusted.
        _remove_strangers(wanted.partial, set(files))
        for path in (BUNDLES_FILE, *(wanted.releases or ())[:1]):
            write_atomically(wanted.partial / str(path), files[str(path)], 0o644)
    packed = _packed(wanted, files)
    with told(wanted.tarball):
        write_atomically(wanted.tarball, packed, 0o644)
        sums = _checksums(wanted, files if retain else {}, packed)
        write_atomically(Path(f"{wanted.tarball}.sha256"), sums, 0o644)
        if retain:
            wanted.partial.replace(wanted.folder)
            sync_folder(Path(wanted.folder).parent)
        else:
            _remove_strangers(wanted.partial, set())
            _remove_folders(wanted.partial)


def _text(release: Release) -> str:
    try:
        return release.content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ReleaseError(
            Code.MANIFEST_INVALID, "The bundles manifest is not UTF-8.", where=release.source
        ) from None


def _checked(pointer: Pointer, content: bytes | None) -> bytes:
    """The content, where it can be what its name says; a web page in its place is refused."""
    if content is None:
        raise ReleaseError(Code.MANIFEST_NOT_FOUND, "It is nowhere.", where=pointer.uri)
    if not content.strip() or content.lstrip()[:1] == b"<":
        what = "a web page" if content.strip() else "empty"
        raise ReleaseError(
            Code.MANIFEST_INVALID,
            f"What the server gives is {what}, not a manifest.",
            where=pointer.uri,
            cause="A proxy or a login page answers in its place.",
        )
    if pointer.is_eksd:
        load_eksd(content, pointer.uri)
    return content


def _keep(folder: Path, pointer: Pointer, content: bytes) -> None:
    place = folder / pointer.path
    with told(place):
        place.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(place, content, 0o644)
        with (folder / _RECORD).open("a") as file:
            file.write(line_of(path=pointer.path, uri=pointer.uri, digest=digest_of(content)))


def _read_record(folder: Path) -> dict[str, tuple[str, str]]:
    """Path to URI and digest of what an earlier run fetched."""
    with told(folder):
        folder.mkdir(parents=True, exist_ok=True)
    lines = read_lines(folder / _RECORD, lambda one: (one["path"], (one["uri"], one["digest"])))
    return dict(lines)


def _packed(wanted: Wanted, files: dict[str, bytes]) -> bytes:
    """The tarball, with folders, as upstream packs it; the same bytes for the same content."""
    top = PurePosixPath(wanted.folder).name if wanted.folder.startswith("/") else wanted.folder
    paths = {f"{top}/{path}": content for path, content in files.items()}
    folders = {str(one) for path in paths for one in PurePosixPath(path).parents} - {".", "/"}
    buffer = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.GNU_FORMAT) as tar,
    ):
        for name in sorted({*paths, *folders}):
            info = tarfile.TarInfo(name)
            if name in folders:
                info.type, info.mode = tarfile.DIRTYPE, 0o755
                tar.addfile(info)
            else:
                info.size, info.mode = len(paths[name]), 0o644
                tar.addfile(info, io.BytesIO(paths[name]))
    return buffer.getvalue()


def _checksums(wanted: Wanted, files: dict[str, bytes], packed: bytes) -> bytes:
    """For `sha256sum -c`: the tarball, and every file that lies beside it."""
    hashes = {wanted.tarball.name: packed}
    name = PurePosixPath(wanted.folder).name
    hashes |= {f"{name}/{path}": content for path, content in sorted(files.items())}
    lines = (f"{digest_of(one).partition(':')[2]}  {path}\n" for path, one in hashes.items())
    return "".join(lines).encode()


def _remove_strangers(folder: Path, kept: set[str]) -> None:
    """Whatever an earlier run left that does not belong to this release."""
    for path in _files_below(folder):
        if str(path.relative_to(folder)) not in kept:
            path.unlink()


def _remove_folders(folder: Path) -> None:
    for parent, _, _ in os.walk(folder, topdown=False):
        Path(parent).rmdir()


def _files_below(folder: Path) -> Iterator[Path]:
    return (Path(parent) / name for parent, _, names in os.walk(folder) for name in names)
