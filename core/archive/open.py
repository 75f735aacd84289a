"""Opening an archive: what it is, is told by its content, never by its name.

Everything that can be checked without reading the layers is checked here, before anything is
pushed.
"""

from collections.abc import Callable
from pathlib import Path

from core.archive.archive import Archive
from core.archive.charts import chart_artifact, chart_yaml_name
from core.archive.docker_save import MANIFEST_JSON, LayerPool
from core.archive.images import read_images
from core.archive.layout import INDEX_JSON
from core.archive.package_bundles import bundle_artifact, bundle_tag, says_package_bundle
from core.archive.shelf import Shelf
from core.archive.sources import FileBytes, Window, is_folder
from core.archive.tarindex import HEADER, TarTree, is_tar
from core.archive.tree import MIB, FolderTree, Region, Tree
from core.archive.trouble import damaged, shown, truncated, unknown_format, unreadable
from core.archive.zipped import GzipBytes, Progress, first_bytes, is_gzip, unzip_to_scratch
from core.eksa import BUNDLES_FILE
from core.oci import canonical_json, digest_of

_OTHER_FORMATS = {
    b"\x28\xb5\x2f\xfd": ("compressed with zstd", "Unpack it first: unzstd FILE"),
    b"\xfd7zXZ\x00": ("compressed with xz", "Unpack it first: unxz FILE"),
    b"BZh": ("compressed with bzip2", "Unpack it first: bunzip2 FILE"),
    b"PK\x03\x04": ("a zip file", "Give the tarball of `download images`."),
}


def open_archive(
    path: Path, *, scratch: Path | None = None, on_progress: Progress | None = None
) -> Archive:
    """Open a tarball of `download images`, a docker save file, or an OCI layout.

    Args:
        path: the file, or the folder of an OCI layout.
        scratch: folder for the unzipped copy of a gzip-ed archive; made where it is missing. None
            means that nothing is written: the archive is read in place, more slowly.
        on_progress: told the bytes of the file that were unzipped, and its size.

    Raises:
        ArchiveError: see `core.errors`; every `archive-…` code and `no-scratch-space`.
    """
    if is_folder(path):
        tree = FolderTree(path)
        return _opened(path, tree, _folder_fingerprint(path, tree), _nothing)
    file = FileBytes.open(path)
    try:
        fingerprint = _fingerprint(file)
        if not is_gzip(file):
            _check_is_tar(file.read_at(0, min(HEADER, file.size)), path)
            return _opened(path, TarTree(file, where=str(path)), fingerprint, file.close)
        _check_is_tar(first_bytes(file, HEADER), path)
    except BaseException:
        file.close()
        raise
    file.close()
    source = (
        GzipBytes(path, on_progress)
        if scratch is None
        else unzip_to_scratch(path, scratch, on_progress)
    )
    try:
        return _opened(path, TarTree(source, where=str(path)), fingerprint, source.close)
    except BaseException:
        source.close()
        raise


def _opened(path: Path, tree: Tree, fingerprint: str, close: Callable[[], None]) -> Archive:
    shelf = Shelf()
    _read_tree(tree, shelf, path)
    return Archive(path, shelf.artifacts, shelf.warnings, fingerprint, close)


def _read_tree(tree: Tree, shelf: Shelf, path: Path) -> None:
    pool: LayerPool = {}
    _note_end(tree, shelf, path.name)
    if _holds_images(tree):
        read_images(tree, shelf, pool)
        return
    # Tarballs first: a file beside them that holds the same chart is then known as a copy.
    names = sorted(tree.names(), key=lambda name: (not name.endswith(".tar"), name))
    if any(name.rpartition("/")[2] == BUNDLES_FILE for name in names):
        mend = f"Give it to -b; -i takes the tarball of `download images`, not {path.name}."
        raise unknown_format("It holds the manifests of `download artifacts`.", str(path), mend)
    if chart := chart_yaml_name(tree):
        mend = "Charts are imported with the tarball of `download images` that holds them."
        raise unknown_format(f"It is a single chart ({shown(chart)}).", str(path), mend)
    if not [name for name in names if _read_entry(tree, name, shelf, pool)]:
        raise unknown_format("There is no image, chart or package bundle in it.", str(path))


def _read_entry(tree: Tree, name: str, shelf: Shelf, pool: LayerPool) -> bool:
    """Read one entry of the tarball of `download images`; False where it is none of its kinds."""
    if "/" not in name:
        if name.endswith(".tar") and (region := tree.find(name)) is not None:
            return _read_nested(region, name, shelf, pool)
        if name.endswith(".tgz") and (region := tree.find(name)) is not None:
            shelf.add(chart_artifact(region, name))
            return True
        if bundle_tag(name) and (region := tree.find(name)) is not None:
            if not says_package_bundle(region):
                shelf.note(f"{shown(name)} does not look like a package bundle; it is kept as is.")
            shelf.add(bundle_artifact(region, name))
            return True
    shelf.leave_out(name)
    return False


def _read_nested(region: Region, name: str, shelf: Shelf, pool: LayerPool) -> bool:
    source = Window(region.source, region.offset, region.size)
    if not is_tar(source.read_at(0, min(HEADER, source.size))):
        what = "empty" if not source.size else "no tarball of images"
        raise damaged(f"It is {what}.", region.entry)
    tree = TarTree(source, name)
    _note_end(tree, shelf, name)
    if not _holds_images(tree):
        raise damaged(f"There is no {MANIFEST_JSON} in it.", region.entry)
    read_images(tree, shelf, pool)
    return True


def _holds_images(tree: Tree) -> bool:
    return tree.find(MANIFEST_JSON) is not None or tree.find(INDEX_JSON) is not None


def _note_end(tree: Tree, shelf: Shelf, name: str) -> None:
    if isinstance(tree, TarTree) and not tree.ends_well:
        shelf.note(f"{shown(name)} has no end mark; it may be cut off between two entries.")


def _check_is_tar(head: bytes, path: Path) -> None:
    if is_tar(head):
        return
    where = str(path)
    if not head:
        raise truncated("It is empty, or cut off in its first bytes.", where)
    for magic, (what, mend) in _OTHER_FORMATS.items():
        if head.startswith(magic):
            raise unknown_format(f"It is {what}.", where, mend)
    if head[257:262] == b"ustar":
        raise damaged("The first header of the tarball is broken.", where)
    if head.lstrip().startswith((b"apiVersion:", b"kind:", b"---", b"#")):
        mend = "A manifest goes to -b; -i takes the tarball of `download images`."
        raise unknown_format("It is a YAML file.", where, mend)
    raise unknown_format("It is no tarball.", where)


def _fingerprint(file: FileBytes) -> str:
    edge = min(MIB, file.size)
    return _digest(
        file.size,
        file.modified_ns,
        digest_of(file.read_at(0, edge)),
        digest_of(file.read_at(file.size - edge, edge)),
    )


def _folder_fingerprint(path: Path, tree: FolderTree) -> str:
    region = tree.find(INDEX_JSON) or tree.find(MANIFEST_JSON)
    index = digest_of(region.read(64 * MIB)) if region else ""
    try:
        files = [(file.name, file.stat()) for file in path.iterdir() if file.is_file()]
    except OSError as error:
        raise unreadable(error, str(path)) from None
    return _digest(index, sorted((name, stat.st_size, stat.st_mtime_ns) for name, stat in files))


def _digest(*parts: object) -> str:
    return digest_of(canonical_json(parts))


def _nothing() -> None:
    """A folder holds nothing open."""
