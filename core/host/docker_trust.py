"""Making docker trust the registry's CA, and undoing it: a plan first, then the deed.

What was installed is noted in a record beside it, so that it can be undone to the byte, by whoever
has the rights. Files that somebody else put there are never lost: one that has to give way is kept
under another name.
"""

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from core.errors import Code, MachineError
from core.files import backup_name, nearest_existing, write_atomically
from core.host.certs_d import Reader, certs_folder, halves, registry_names, trusts
from core.host.trust_record import RECORD_NAME, Record, read_record
from core.mirror.endpoint import Mirror

CA_NAME = "ca.crt"

_FILE_MODE = 0o644
_FOLDER_MODE = 0o755


class Change(StrEnum):
    """What becomes of a file."""

    NEW = "new"
    REPLACE = "replace"
    """Another CA is there; it is kept as a backup."""

    SAME = "same"
    """The CA is trusted there already."""

    REMOVE = "remove"
    RESTORE = "restore"
    """The backup comes back in its place."""

    KEEP = "keep"
    """Somebody changed it since; it is not ours any more."""

    NOTHING = "nothing"
    """Nothing was installed there."""


_IDLE = frozenset({Change.SAME, Change.KEEP, Change.NOTHING})


@dataclass(frozen=True, slots=True)
class Step:
    """One file, and what becomes of it.

    Attributes:
        reader: who looks there.
        name: of the registry, as references write it.
        path: `…/certs.d/NAME/ca.crt`.
        change: what becomes of it.
        backup: where the file that was there is kept, or comes back from; None without one.
    """

    reader: Reader
    name: str
    path: Path
    change: Change
    backup: Path | None = None

    @property
    def folder(self) -> Path:
        """The registry's folder."""
        return self.path.parent


@dataclass(frozen=True, slots=True)
class TrustPlan:
    """What an installation, or its removal, would do.

    Attributes:
        steps: in the order in which they are done.
        ca: the certificates that are installed; empty for a removal.
        needs_root: whether this account cannot do it.
    """

    steps: tuple[Step, ...]
    ca: bytes = field(default=b"", repr=False)
    needs_root: bool = False

    @property
    def is_settled(self) -> bool:
        """Whether there is nothing to do."""
        return all(step.change in _IDLE for step in self.steps)

    @property
    def to_do(self) -> tuple[Step, ...]:
        """The steps that change something."""
        return tuple(step for step in self.steps if step.change not in _IDLE)


def plan_trust(
    mirror: Mirror,
    ca: bytes,
    readers: Iterable[Reader],
    *,
    environment: Mapping[str, str] = os.environ,
    root: Path = Path("/"),
) -> TrustPlan:
    """What has to be done so that each reader trusts the registry's CA.

    Args:
        mirror: its address decides the names of the folders.
        ca: as `core.host.certs_d.read_ca` gives it.
        readers: who shall trust it.
        environment: where `HOME` and `XDG_CONFIG_HOME` stand.
        root: folder that stands for `/`, for tests.

    Raises:
        MachineError: `client-key-missing` where a folder holds half of a client certificate: then
            docker would refuse the registry whatever its CA.
    """
    steps = []
    for reader, name, folder in _places(mirror, readers, environment, root):
        with _troubles(folder):
            steps.append(_installation(reader, name, folder / CA_NAME, ca))
    return _planned(steps, ca)


def plan_removal(
    mirror: Mirror,
    readers: Iterable[Reader],
    *,
    environment: Mapping[str, str] = os.environ,
    root: Path = Path("/"),
) -> TrustPlan:
    """What has to be done to undo what `apply` did, and nothing else; last thing first.

    Args:
        mirror, readers, environment, root: as for `plan_trust`.

    Raises:
        MachineError: `needs-root` where this account cannot even look.
    """
    steps = []
    for reader, name, folder in reversed(list(_places(mirror, readers, environment, root))):
        with _troubles(folder):
            steps.append(_removal(reader, name, folder / CA_NAME))
    return _planned(steps)


def apply(plan: TrustPlan) -> tuple[Step, ...]:
    """Do what was planned; each file is looked at again right before.

    Returns:
        The steps as they were really done.

    Raises:
        MachineError: `needs-root`, `client-key-missing` or `file-not-written`. What was done
            until then is recorded, so a removal undoes it.
    """
    done = []
    for step in plan.steps:
        with _troubles(step.path):
            if plan.ca:
                now = _installation(step.reader, step.name, step.path, plan.ca)
                _install(now, plan.ca)
            else:
                now = _removal(step.reader, step.name, step.path)
                _remove(now)
            done.append(now)
    return tuple(done)


def _places(
    mirror: Mirror, readers: Iterable[Reader], environment: Mapping[str, str], root: Path
) -> Iterator[tuple[Reader, str, Path]]:
    for reader in readers:
        base = certs_folder(reader, environment=environment, root=root)
        for name in registry_names(mirror):
            yield reader, name, base / name


def _planned(steps: Sequence[Step], ca: bytes = b"") -> TrustPlan:
    blocked = any(step.change not in _IDLE and not _may_write(step.folder) for step in steps)
    return TrustPlan(tuple(steps), ca, needs_root=blocked and os.geteuid() != 0)


def _may_write(folder: Path) -> bool:
    effective = os.access in os.supports_effective_ids
    return os.access(nearest_existing(folder), os.W_OK | os.X_OK, effective_ids=effective)


def _installation(reader: Reader, name: str, path: Path, ca: bytes) -> Step:
    try:
        _refuse_halves(path.parent)
        if trusts(path.parent, ca):
            return Step(reader, name, path, Change.SAME)
        if not os.path.lexists(path):
            return Step(reader, name, path, Change.NEW)
    except PermissionError:
        # What cannot be seen is for root to look at.
        return Step(reader, name, path, Change.NEW)
    if _is_settled_before(path):
        return Step(reader, name, path, Change.REPLACE)
    return Step(reader, name, path, Change.REPLACE, backup_name(path))


def _removal(reader: Reader, name: str, path: Path) -> Step:
    record = read_record(path.parent)
    if record is None:
        return Step(reader, name, path, Change.NOTHING)
    if _sha256(path) != record.sha256:
        return Step(reader, name, path, Change.KEEP)
    if record.backup and os.path.lexists(path.with_name(record.backup)):
        return Step(reader, name, path, Change.RESTORE, path.with_name(record.backup))
    return Step(reader, name, path, Change.REMOVE)


def _is_settled_before(path: Path) -> bool:
    """Whether what is there needs no backup: it is ours, or a last run was cut off after its."""
    record = read_record(path.parent)
    if record is None:
        return False
    backup = path.with_name(record.backup) if record.backup else None
    cut_off = backup is not None and backup.exists() and backup.samefile(path)
    return cut_off or _sha256(path) == record.sha256


def _refuse_halves(folder: Path) -> None:
    for path in halves(folder):
        other = ".key" if path.suffix == ".cert" else ".cert"
        raise MachineError(
            Code.CLIENT_KEY_MISSING,
            f"{path.name} has no {path.with_suffix(other).name}.",
            where=str(folder),
        )


def _install(step: Step, ca: bytes) -> None:
    """The record first: whatever happens then, a removal knows what is ours."""
    if step.change in _IDLE:
        return
    made = _make_folder(step.folder)
    before = read_record(step.folder)
    backup = step.backup.name if step.backup else before.backup if before else ""
    record = Record(hashlib.sha256(ca).hexdigest(), backup, made or (before.made if before else ()))
    write_atomically(step.folder / RECORD_NAME, record.dump(), _FILE_MODE)
    if step.backup:
        os.link(step.path, step.backup, follow_symlinks=False)
    write_atomically(step.path, ca, _FILE_MODE)


def _remove(step: Step) -> None:
    if step.change in _IDLE:
        return
    record = read_record(step.folder)
    if step.change is Change.RESTORE and step.backup:
        step.backup.replace(step.path)
    elif step.change is Change.REMOVE:
        step.path.unlink()
    (step.folder / RECORD_NAME).unlink(missing_ok=True)
    for name in reversed(record.made if record else ()):
        if Path(name) in (step.folder, *step.folder.parents):
            with suppress(OSError):  # somebody else put something into it
                Path(name).rmdir()


def _make_folder(folder: Path) -> tuple[str, ...]:
    """Make a folder for everybody to read, and say which ones had to be made."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    for path in reversed(missing):
        path.mkdir()
        path.chmod(_FOLDER_MODE)
    return tuple(str(path) for path in reversed(missing))


def _sha256(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError:
        return ""


@contextmanager
def _troubles(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if isinstance(error, PermissionError) and os.geteuid() != 0:
            raise MachineError(
                Code.NEEDS_ROOT, "This account may not look or write there.", where=str(path)
            ) from None
        raise MachineError(
            Code.FILE_NOT_WRITTEN,
            f"It cannot be used: {error.strerror}.",
            where=str(path),
            mend="Look at the folder with ls -la; what was there before is still whole.",
        ) from None
