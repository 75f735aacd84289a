"""`write`: put the mirror's settings into the files that `eksctl anywhere` needs."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any

import typer

from core.answers import Answers
from core.errors import Code, ExitCode, MirrorError, UsageError
from core.mirror.cluster_file import ClusterFile
from core.mirror.findings import Level
from core.mirror.from_answers import is_accepted
from core.mirror.outputs import (
    Change,
    PlannedFile,
    WrittenFile,
    check_writable,
    plan_outputs,
    write_outputs,
)
from tui import options
from tui.asking import ask
from tui.differences import put_difference
from tui.findings import tell_findings, verdict
from tui.flags import JsonFlag
from tui.settling import Settled, login_for_environment, settle
from tui.words import plain, plural, put, tell

_MARKS = {
    Change.NEW: "+ new",
    Change.MERGE: "~ merge",
    Change.REPLACE: "! replace",
    Change.SAME: "= same",
}

_INDENT = 11

_YesFlag = Annotated[bool, typer.Option("--yes", "-y", help="do not ask first")]
_AnywayFlag = Annotated[
    bool, typer.Option("--anyway", help="also write what EKS Anywhere would refuse")
]


@options.takes_answers(options.SOURCE, options.SETTINGS, options.CLUSTER, options.OUTPUT)
def write(
    answers: Answers,
    *,
    only: options.ClusterFlag = None,
    password_stdin: options.PasswordFlag = False,
    yes: _YesFlag = False,
    anyway: _AnywayFlag = False,
    as_json: JsonFlag = False,
) -> int:
    """Write the mirror's settings into the files of a cluster.

    The fragment goes into a file of its own, and into the cluster file in place: comments, order
    and anchors stay. Shows what changes and asks first; what was there is kept as .bak, and the
    command that restores it is told. Either all files are written or none.
    """
    _check_password(answers, password_stdin=password_stdin)
    file = answers.cluster.file
    cluster = ClusterFile.read(file) if file else None
    clusters = cluster.chosen(only or ()) if cluster else []
    has_environment = answers.output.environment is not None
    settled = settle(answers, clusters, login_is_set_up=has_environment)
    login = (
        login_for_environment(answers, password_stdin=password_stdin) if has_environment else None
    )
    planned = plan_outputs(
        answers, settled.configuration, cluster=cluster, names=only or (), login=login
    )
    tell_findings(settled.findings)
    tell(verdict(settled.findings))
    _refuse_rejected(settled, anyway=anyway)
    _show(planned, with_difference=not as_json)
    check_writable(planned)
    changing = [one for one in planned if one.change is not Change.SAME]
    written: tuple[WrittenFile, ...] = ()
    if changing:
        if not ask(f"Write {plural(len(changing), 'file')}?", yes=yes):
            tell("Nothing was written.")
            return ExitCode.USAGE
        written = write_outputs(planned)
    _tell_end(planned, written)
    if as_json:
        put(json.dumps(_document(settled, planned, written), indent=2, ensure_ascii=False))
    return ExitCode.DONE


def _check_password(answers: Answers, *, password_stdin: bool) -> None:
    output = answers.output
    if output.with_password and not output.environment:
        raise UsageError(
            Code.BAD_USAGE,
            "No environment file was named for the password.",
            where="--environment-with-password",
            cause="The password goes nowhere else.",
            mend="Add --environment FILE.",
        )
    if password_stdin and not output.with_password:
        raise UsageError(
            Code.BAD_USAGE,
            "A password was given, but nothing asks for it.",
            where="--password-stdin",
            cause="It is written only into an environment file, and only where that is wanted.",
            mend="Add --environment FILE --environment-with-password.",
        )


def _refuse_rejected(settled: Settled, *, anyway: bool) -> None:
    if is_accepted(settled.findings):
        return
    if anyway:
        tell("It is written all the same, as --anyway says.")
        return
    first = next(one for one in settled.findings if one.level is Level.REJECTED)
    raise MirrorError(
        Code.MIRROR_REJECTED,
        f"Nothing was written. {first.message}",
        where=first.field,
        cause=first.cause,
        mend=f"{first.mend} To write it all the same, add --anyway.",
    )


def _show(planned: Sequence[PlannedFile], *, with_difference: bool) -> None:
    for one in planned:
        tell()
        tell(plain(f"{_MARKS[one.change]:<{_INDENT}}{one.path}"))
        note = f"{one.role}, {one.note}" if one.note else one.role
        tell(plain(f"{'':<{_INDENT}}{note}"))
        if one.change is Change.SAME or not with_difference:
            continue
        text = one.difference()
        if text:
            put_difference(text)
        else:
            tell(f"{'':<{_INDENT}}only its rights change")
    tell()


def _tell_end(planned: Sequence[PlannedFile], written: Sequence[WrittenFile]) -> None:
    if not written:
        count = len(planned)
        what = ("the file is", "both files are", f"all {count} files are")[min(count, 3) - 1]
        tell(f"Nothing to write: {what} the same.")
        return
    for one in written:
        tell(plain(f"{'+ written':<{_INDENT}}{one.planned.path}"))
        if one.backup:
            tell(plain(f"{'':<{_INDENT}}the old one is {one.backup}"))
    tell()
    tell("To undo it:")
    for one in written:
        tell(f"  $ {plain(one.undo)}")


def _document(
    settled: Settled, planned: Sequence[PlannedFile], written: Sequence[WrittenFile]
) -> dict[str, Any]:
    by_path = {one.planned.path: one for one in written}
    return {
        "accepted": is_accepted(settled.findings),
        "findings": [asdict(one) for one in settled.findings],
        "files": [_file(one, by_path.get(one.path)) for one in planned],
    }


def _file(planned: PlannedFile, written: WrittenFile | None) -> dict[str, Any]:
    backup = written.backup if written else None
    return {
        "path": str(planned.path),
        "role": planned.role.value,
        "change": planned.change.value,
        "difference": planned.difference(),
        "written": written is not None,
        "backup": str(backup) if backup else None,
        "undo": written.undo if written else "",
    }
