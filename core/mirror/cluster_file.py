"""A cluster file: what it says about the mirror, and the same file with another mirror in it."""

import difflib
import os
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from core.errors import Code, MirrorError
from core.files import backup_name, write_atomically
from core.mirror.cluster_document import ClusterDocument, cluster_documents
from core.mirror.configuration import RegistryMirrorConfiguration
from core.mirror.fragment import BLOCK, as_mapping
from core.mirror.splice import apply, edits_for
from core.mirror.yaml_nodes import MAX_BYTES, compose, entries, invalid, same

_BOM = "\ufeff"


@dataclass(frozen=True, slots=True)
class ClusterFile:
    """A cluster file that was read.

    Attributes:
        where: its path, for messages.
        content: its bytes.
        clusters: its documents of kind Cluster, at least one.
    """

    where: str
    content: bytes = field(repr=False)
    clusters: tuple[ClusterDocument, ...]
    _documents: tuple[yaml.Node, ...] = field(repr=False, compare=False)

    @classmethod
    def load(cls, content: bytes, where: str) -> "ClusterFile":
        """Read a cluster file.

        Raises:
            MirrorError: `manifest-invalid` with line and column where it is not YAML;
                `manifest-wrong-kind` where it holds no Cluster.
        """
        documents = compose(_text(content, where), where)
        clusters = cluster_documents(documents)
        if not clusters:
            raise MirrorError(
                Code.MANIFEST_WRONG_KIND,
                "There is no document of kind Cluster in it.",
                where=where,
                cause="It is another file, or holds only a part of a cluster.",
                mend="Give the file that you pass to `eksctl anywhere create cluster -f`.",
            )
        return cls(where, content, clusters, tuple(documents))

    @classmethod
    def read(cls, path: Path) -> "ClusterFile":
        """Read a cluster file from the disk, or from a pipe.

        Raises:
            MirrorError: `manifest-not-found` where it cannot be read; else as `load`.
        """
        try:
            with path.open("rb") as file:
                content = file.read(MAX_BYTES + 1)
        except OSError as error:
            raise MirrorError(
                Code.MANIFEST_NOT_FOUND,
                f"The cluster file cannot be read: {error.strerror}.",
                where=str(path),
                cause="The path is wrong, or the account may not read it.",
                mend="Give the file that you pass to `eksctl anywhere create cluster -f`.",
            ) from None
        return cls.load(content, str(path))

    def merged(
        self, configuration: RegistryMirrorConfiguration, names: Collection[str] = ()
    ) -> bytes:
        """The file with this mirror in its clusters; the same bytes where they have it already.

        Comments, order, styles, anchors and line ends outside of the mirror stay as they are, and
        within it wherever a key keeps its value.

        Args:
            configuration: the mirror.
            names: only in these clusters; in all where empty.

        Raises:
            MirrorError: `manifest-invalid` where no cluster has such a name, or where the file is
                written in a way that cannot be edited without changing something else.
        """
        chosen = self.chosen(names)
        text = _text(self.content, self.where)
        edits = [
            edit
            for cluster in chosen
            if not _has(cluster, configuration)
            for edit in edits_for(text, cluster.node, configuration, self.where)
        ]
        if not edits:
            return self.content
        result = apply(text, edits)
        self._check(result, chosen, configuration)
        bom = _BOM if self.content.startswith(_BOM.encode()) else ""
        return (bom + result).encode()

    def chosen(self, names: Collection[str] = ()) -> list[ClusterDocument]:
        """Its clusters of these names; all of them where none is given.

        Raises:
            MirrorError: `manifest-invalid` where no cluster has such a name.
        """
        known = [cluster.name for cluster in self.clusters]
        for name in names:
            if name not in known:
                raise invalid(self.where, f"It holds no cluster “{name}”, only {', '.join(known)}.")
        return [cluster for cluster in self.clusters if not names or cluster.name in names]

    def _check(
        self,
        result: str,
        chosen: list[ClusterDocument],
        configuration: RegistryMirrorConfiguration,
    ) -> None:
        """Read the result anew: it must say what was wanted, and all else what it said before."""
        try:
            documents = compose(result, self.where)
        except MirrorError as error:
            raise self._not_editable(error.message) from None
        if len(documents) != len(self._documents):
            raise self._not_editable("The number of documents would change.")
        edited = {id(cluster.node) for cluster in chosen}
        for old, new in zip(self._documents, documents, strict=True):
            bare = (_without_block(old), _without_block(new)) if id(old) in edited else (old, new)
            if not same(*bare):
                raise self._not_editable("Something else in it would change its meaning.")
        names = {cluster.name for cluster in chosen}
        for cluster in cluster_documents(documents):
            if cluster.name in names and not _has(cluster, configuration):
                raise self._not_editable("The mirror would not be read back as it was meant.")

    def _not_editable(self, why: str) -> MirrorError:
        return MirrorError(
            Code.MANIFEST_INVALID,
            f"The mirror cannot be put into it without harm. {why}",
            where=self.where,
            cause="Other lines refer to a part of the mirror by an anchor, or it is written in an "
            "unusual way. The file was not touched.",
            mend=f"Put the fragment in by hand, in place of {BLOCK}.",
        )


def difference(before: bytes, after: bytes, where: str) -> str:
    """What changes, as a unified diff; empty where nothing does."""
    old, new = (content.decode("utf-8", "replace").splitlines() for content in (before, after))
    return "\n".join(difflib.unified_diff(old, new, where, where, lineterm=""))


def write_merged(path: Path, before: bytes, after: bytes, mode: int | None = None) -> Path | None:
    """Write the file in one move, and keep the old one beside it as `.bak`.

    Args:
        path: the cluster file; where it is a link, the file that it leads to.
        before: what it held when it was read.
        after: what it shall hold.
        mode: rights of both files; those that it has where None.

    Returns:
        The backup; an older one is never replaced. None where nothing changes; where rights are
        given, they count as a change.

    Raises:
        MirrorError: `file-changed` where it is not any more what was read; `file-not-written`
            where the disk or its rights stand in the way. The file is then as it was.
    """
    if before == after and mode is None:
        return None
    try:
        target = path.resolve(strict=True)
        status = target.stat()
        if target.read_bytes() != before:
            raise MirrorError(
                Code.FILE_CHANGED, "It is not as it was when it was read.", where=str(path)
            )
        backup = backup_name(target)
        _write_like(backup, before, status, mode)
        try:
            _write_like(target, after, status, mode)
        except OSError:
            backup.unlink()
            raise
    except (OSError, RuntimeError) as error:  # RuntimeError: a circle of links, before Python 3.13
        why = (error.strerror if isinstance(error, OSError) else "") or "it leads in a circle"
        raise MirrorError(
            Code.FILE_NOT_WRITTEN, f"It cannot be written: {why}.", where=str(path)
        ) from None
    return backup


def _write_like(path: Path, content: bytes, status: os.stat_result, mode: int | None) -> None:
    write_atomically(path, content, status.st_mode & 0o777 if mode is None else mode)
    # Only root can give a file back to its owner; nobody else needs to.
    with suppress(PermissionError):
        os.chown(path, status.st_uid, status.st_gid)


def _has(cluster: ClusterDocument, configuration: RegistryMirrorConfiguration) -> bool:
    found = cluster.configuration
    return (
        found is not None
        and not cluster.findings
        and as_mapping(found) == as_mapping(configuration)
    )


def _without_block(document: yaml.Node) -> yaml.Node:
    """A copy of a Cluster that says nothing about a mirror; an empty spec counts as none."""
    kept = []
    for key, value in entries(document):
        if key.value != "spec":
            kept.append((key, value))
            continue
        others = [entry for entry in entries(value) if entry[0].value.lower() != BLOCK.lower()]
        if others:
            kept.append((key, yaml.MappingNode(value.tag, others)))
    return yaml.MappingNode(document.tag, kept)


def _text(content: bytes, where: str) -> str:
    try:
        return content.decode("utf-8").removeprefix(_BOM)
    except UnicodeDecodeError as error:
        raise invalid(where, f"It is not UTF-8 text (byte {error.start}).") from None
