"""The files that are written for `eksctl anywhere`: planned first, then written all or none.

Every file is replaced in one move and what it held is kept beside it. Where one cannot be written,
those before it are put back.
"""

import os
import shlex
import stat
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from pydantic import SecretStr

from core.answers import Answers, dump_answers
from core.errors import Code, MirrorError, UsageError
from core.files import backup_name, write_atomically
from core.mirror.cluster_file import ClusterFile, difference, write_merged
from core.mirror.configuration import RegistryMirrorConfiguration
from core.mirror.environment import FILE_NAME, environment_file, without_passwords
from core.mirror.fragment import fragment
from core.mirror.yaml_nodes import MAX_BYTES

FRAGMENT_NAME, ANSWERS_NAME = "registry-mirror.yaml", "answers.yaml"

_OPEN, _PRIVATE = 0o644, 0o600


class Role(StrEnum):
    """What a file is for."""

    FRAGMENT = "fragment"
    CLUSTER = "cluster file"
    ENVIRONMENT = "environment file"
    ANSWERS = "answers file"


class Change(StrEnum):
    """What becomes of a file."""

    NEW = "new"
    MERGE = "merge"
    REPLACE = "replace"
    SAME = "same"


@dataclass(frozen=True, slots=True)
class Login:
    """Who logs in to the registry.

    Attributes:
        username: empty where nobody does.
        password: only where it shall be written; else None.
    """

    username: str = ""
    password: SecretStr | None = None


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """A file that would be written.

    Attributes:
        role: what it is for.
        path: as it was named.
        before: what it holds, None where it is not there.
        after: what it would hold.
        mode: rights that it gets; None where it keeps its own, or gets those of any new file.
        note: what is done to it, for the operator; may be empty.
    """

    role: Role
    path: Path
    before: bytes | None = field(repr=False)
    after: bytes = field(repr=False)
    mode: int | None
    note: str = ""

    @property
    def change(self) -> Change:
        """What becomes of it."""
        if self.before is None:
            return Change.NEW
        if self.before == self.after and self.mode is None:
            return Change.SAME
        return Change.MERGE if self.role is Role.CLUSTER else Change.REPLACE

    @property
    def backup(self) -> Path | None:
        """Where what it holds would be kept; None where nothing is replaced."""
        if self.change in (Change.NEW, Change.SAME):
            return None
        return backup_name(_target(self.path))

    def difference(self) -> str:
        """What changes, as a unified diff that shows no password; empty where no line does."""
        before, after = self.before or b"", self.after
        if self.role is Role.ENVIRONMENT:
            texts = (content.decode("utf-8", "replace") for content in (before, after))
            before, after = (text.encode() for text in without_passwords(*texts))
        return difference(before, after, str(self.path))


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """A file that was written.

    Attributes:
        planned: what was to be written.
        target: the file itself, where `path` is a link.
        backup: what it held before; None where it is new.
    """

    planned: PlannedFile
    target: Path
    backup: Path | None

    @property
    def undo(self) -> str:
        """The command that makes it as it was."""
        if self.backup is None:
            return f"rm {shlex.quote(str(self.target))}"
        return f"mv -f {shlex.quote(str(self.backup))} {shlex.quote(str(self.target))}"


def with_default_outputs(answers: Answers, folder: Path) -> Answers:
    """The same answers with a place for the fragment: in `folder` where they name none."""
    if answers.output.fragment:
        return answers
    output = answers.output.model_copy(update={"fragment": folder / FRAGMENT_NAME})
    return answers.model_copy(update={"output": output})


def plan_outputs(
    answers: Answers,
    configuration: RegistryMirrorConfiguration,
    *,
    cluster: ClusterFile | None = None,
    names: Collection[str] = (),
    login: Login | None = None,
    answers_file: Path | None = None,
) -> tuple[PlannedFile, ...]:
    """What would be written for these answers; nothing is touched.

    Args:
        answers: name the files.
        configuration: the mirror.
        cluster: the cluster file of the answers, read; None where it names none.
        names: only in these of its clusters; in all where empty.
        login: for the environment file.
        answers_file: where the answers themselves go; nowhere where None.

    Raises:
        UsageError: no file is named, two are the same, or one is another kind of file.
        MirrorError: `file-not-written` where one cannot be read; `manifest-invalid` where the
            mirror cannot be merged without harm.
    """
    planned = []
    if answers.output.fragment:
        planned.append(_fragment(answers.output.fragment, configuration))
    if cluster is not None and answers.cluster.file:
        planned.append(_cluster(answers.cluster.file, cluster, configuration, names))
    if answers.output.environment:
        planned.append(_environment(answers, answers.output.environment, login or Login()))
    if answers_file:
        planned.append(_answers(answers_file, answers))
    if not planned:
        raise UsageError(
            Code.BAD_USAGE,
            "No file was named, so there is nothing to write.",
            cause="Neither a flag nor the answers name one.",
            mend="Add --fragment FILE, --cluster-file FILE or --environment FILE.",
        )
    _check_names(answers, planned)
    return tuple(planned)


def environment_has_login(answers: Answers) -> bool:
    """Whether the environment file tells a login: where clusters use one, or one was named."""
    login = answers.credentials
    return login.authenticate or bool(login.username) or answers.output.with_password


def environment_of(answers: Answers, login: Login, name: str = FILE_NAME) -> str:
    """The content of the environment file.

    Raises:
        UsageError: `bad-usage` where a value cannot stand in it.
    """
    ca_file = answers.registry.ca_file
    return environment_file(
        username=login.username,
        ca_file=str(ca_file) if ca_file else "",
        password=login.password,
        name=name,
    )


def check_writable(planned: Iterable[PlannedFile]) -> None:
    """Whether all that changes can be written, as far as can be told before.

    Raises:
        MirrorError: `file-not-written`, naming the first that cannot.
    """
    for one in planned:
        if one.change is Change.SAME:
            continue
        target = _target(one.path)
        if not target.parent.is_dir():
            raise _not_written(one.path, "its folder is not there", mend=_make_folder(target))
        if not os.access(target.parent, os.W_OK | os.X_OK):
            raise _not_written(one.path, f"this account may not write in {target.parent}")
        if one.before is not None and not os.access(target, os.W_OK):
            raise _not_written(one.path, "this account may not write it")


def write_outputs(planned: Sequence[PlannedFile]) -> tuple[WrittenFile, ...]:
    """Write all that changes, or nothing.

    Returns:
        What was written, in the order given; what is the same is left out.

    Raises:
        MirrorError: `file-changed` where a file is not any more what it was when it was planned;
            `file-not-written`. All is as it was then, unless the message names what is not.
    """
    check_writable(planned)
    written: list[WrittenFile] = []
    for one in planned:
        if one.change is Change.SAME:
            continue
        try:
            written.append(_written(one))
        except MirrorError as error:
            raise _told(error, written) from None
    return tuple(written)


def _fragment(path: Path, configuration: RegistryMirrorConfiguration) -> PlannedFile:
    before = _content(path)
    if before is not None and _is_cluster_file(before):
        raise UsageError(
            Code.BAD_USAGE,
            "It is a cluster file; the fragment would take its place.",
            where=str(path),
            cause="The fragment goes into a file of its own.",
            mend=f"Merge the mirror into it instead: --cluster-file {shlex.quote(str(path))}",
        )
    content = fragment(configuration).encode()
    return PlannedFile(Role.FRAGMENT, path, before, content, None)


def _cluster(
    path: Path,
    file: ClusterFile,
    configuration: RegistryMirrorConfiguration,
    names: Collection[str],
) -> PlannedFile:
    merged = file.merged(configuration, names)
    notes = [
        f"cluster “{one.name}” has no mirror yet, it is added"
        if one.configuration is None
        else f"cluster “{one.name}” has a mirror already, it is replaced"
        for one in file.chosen(names)
    ]
    note = "" if merged == file.content else "; ".join(notes)
    return PlannedFile(Role.CLUSTER, path, file.content, merged, None, note)


def _environment(answers: Answers, path: Path, login: Login) -> PlannedFile:
    before, content = _content(path), environment_of(answers, login, path.name).encode()
    note = "holds the password, so only you may read it" if login.password else "no password"
    # People type the password into it, so a new one is private anyway.
    private = before is None or (login.password and _rights(path) != _PRIVATE)
    mode = _PRIVATE if private else None
    return PlannedFile(Role.ENVIRONMENT, path, before, content, mode, note)


def _answers(path: Path, answers: Answers) -> PlannedFile:
    before = _content(path)
    mode = _PRIVATE if before is None else None
    return PlannedFile(Role.ANSWERS, path, before, dump_answers(answers), mode, "no passwords")


def _check_names(answers: Answers, planned: Sequence[PlannedFile]) -> None:
    """No output is another one, or one of the files that are only read."""
    read = (
        answers.registry.ca_file,
        answers.artifacts.archive,
        answers.artifacts.bundles,
        answers.credentials.file,
    )
    taken: dict[Path, str] = {_target(path): "a file that is only read" for path in read if path}
    for one in planned:
        target = _target(one.path)
        if target in taken:
            raise UsageError(
                Code.BAD_USAGE,
                f"The {one.role} would replace {taken[target]}.",
                where=str(one.path),
                cause="One name was given for both.",
                mend="Give it another name.",
            )
        taken[target] = f"the {one.role}"


def _content(path: Path) -> bytes | None:
    """What an ordinary file holds, None where there is none."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise _not_written(path, "it is no ordinary file")
        if status.st_size > MAX_BYTES:
            raise _not_written(path, f"it is larger than {MAX_BYTES // 2**20} MiB: another file")
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _not_written(path, f"it cannot be read ({error.strerror})") from None


def _rights(path: Path) -> int:
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except OSError as error:
        raise _not_written(path, f"it is out of reach ({error.strerror})") from None


def _is_cluster_file(content: bytes) -> bool:
    try:
        ClusterFile.load(content, "")
    except MirrorError:
        return False
    return True


def _written(one: PlannedFile) -> WrittenFile:
    target = _target(one.path)
    if one.before is not None:
        backup = write_merged(target, one.before, one.after, one.mode)
        return WrittenFile(one, target, backup)
    if os.path.lexists(target):
        raise MirrorError(
            Code.FILE_CHANGED, "It was not there when this began.", where=str(one.path)
        )
    try:
        write_atomically(target, one.after, _OPEN if one.mode is None else one.mode)
    except OSError as error:
        raise _not_written(one.path, error.strerror or "the disk does not take it") from None
    return WrittenFile(one, target, None)


def _told(error: MirrorError, written: Sequence[WrittenFile]) -> MirrorError:
    """The error, after those files that were written were put back."""
    left = [one.target for one in reversed(written) if not _put_back(one)]
    outcome = "Nothing was changed."
    if left:
        names = ", ".join(map(str, left))
        outcome = f"These were written and could not be put back: {names}."
    return MirrorError(
        error.code,
        f"{error.message} {outcome}",
        where=error.where,
        cause=error.cause,
        mend=error.mend,
    )


def _put_back(one: WrittenFile) -> bool:
    try:
        if one.backup is None:
            one.target.unlink()
        else:
            one.backup.replace(one.target)
    except OSError:
        return False
    return True


def _target(path: Path) -> Path:
    """The file itself, where the path is a link."""
    try:
        return path.resolve()
    except (OSError, RuntimeError):  # RuntimeError: a circle of links, before Python 3.13
        raise _not_written(path, "its links lead in a circle") from None


def _make_folder(target: Path) -> str:
    return f"mkdir -p {shlex.quote(str(target.parent))}"


def _not_written(path: Path, why: str, *, mend: str = "") -> MirrorError:
    return MirrorError(
        Code.FILE_NOT_WRITTEN, f"It cannot be written: {why}.", where=str(path), mend=mend
    )
