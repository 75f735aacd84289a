"""`import` and `attach`: run an import, and watch one."""

import json
import sys
from typing import Annotated

import typer

from core.answers import Answers
from core.errors import UsageError
from core.transfer.job import Job, find_job
from core.transfer.launch import start
from core.transfer.orders import Orders
from core.transfer.report import EXPOSED, Failures, as_document, failures, headlines
from core.transfer.states import JobState
from core.transfer.view import JournalView
from tui import options
from tui.flags import JobArgument, JsonFlag
from tui.terminal import check_terminal
from tui.watching import Display, EarlySignals, WorkerGoneError, watch
from tui.words import cut_name, hanging, plain, plural, put, tell, trouble_lines

_SHOWN = 5

_RestartFlag = Annotated[
    bool, typer.Option("--restart", help="forget what an earlier run of this import recorded")
]
_PlainFlag = Annotated[bool, typer.Option("--plain", help="bars alone, no panes")]
_DryRunFlag = Annotated[bool, typer.Option("--dry-run", help="show the plan and send nothing")]


@options.takes_answers(
    options.SOURCE, options.REGISTRY, options.TRANSFER, several="registry.address"
)
def run_import(
    wanted: list[Answers],
    password_stdin: options.PasswordFlag = False,
    restart: _RestartFlag = False,
    dry_run: _DryRunFlag = False,
    as_json: JsonFlag = False,
) -> int:
    """Move all that is required into the registry.

    Images, charts and package bundles. It runs in a process of its own: a closed terminal does not
    end it. Run the same command again after whatever went wrong: it goes on where it stopped, and
    sends nothing twice. With several registries each layer is read and compressed once for all.
    """
    if len(wanted) > 1:
        from tui.commands import several  # noqa: PLC0415 - one registry is the rule

        several.check(wanted, password_stdin=password_stdin)
        if dry_run:
            return several.show_plans(wanted, as_json=as_json)
        return several.run_imports(wanted, restart=restart, as_json=as_json)
    (answers,) = wanted
    if dry_run:
        from tui.commands.planning import show_plan  # noqa: PLC0415 - not needed to import

        return show_plan(answers, password_stdin=password_stdin, offline=False, as_json=as_json)
    login = options.find_login(answers, password_stdin=password_stdin)
    with EarlySignals() as early:
        job = start(answers, Orders(login, restart))
        if not as_json:
            tell(f"Import to {answers.registry.address}; to watch it later: eksa-mirror attach")
        return show_to_the_end(job, as_json=as_json, stop_on_signal=True, early=early)


def attach(job: JobArgument = "", as_json: JsonFlag = False, bars: _PlainFlag = False) -> int:
    """Watch a running import.

    On a terminal it opens the panes of the wizard; F10 leaves them, and the import goes on. With
    --plain, and where there is no terminal, Ctrl-C ends the watching, not the import.
    """
    found = find_job(job)
    if not bars and not as_json and _has_terminal():
        from tui.commands.wizard import show_job  # noqa: PLC0415 - loads textual

        return show_job(found)
    if not found.is_running() and not as_json:
        tell(f"{found.name} is not running; this is how it ended.")
    return show_to_the_end(found, as_json=as_json, stop_on_signal=False)


def _has_terminal() -> bool:
    try:
        check_terminal()
    except UsageError:
        return False
    return True


def show_to_the_end(
    job: Job, *, as_json: bool, stop_on_signal: bool, early: EarlySignals | None = None
) -> int:
    try:
        code = watch(job, _display(as_json), stop_on_signal=stop_on_signal, early=early)
    except WorkerGoneError:
        if not as_json:
            tell("Run the same command again: it goes on where it stopped.")
        raise
    if as_json:
        put(json.dumps({"event": "end", "exit": int(code), "report": str(job.report("json"))}))
    else:
        show_end(job)
    return code


def _display(as_json: bool) -> Display:
    # Imported while the worker comes up on its own: rich takes its time.
    from tui.displays import BarDisplay, JsonDisplay, LineDisplay  # noqa: PLC0415

    if as_json:
        return JsonDisplay()
    return BarDisplay() if sys.stderr.isatty() else LineDisplay()


def show_end(job: Job) -> None:
    """What became of an import, on standard error."""
    with JournalView(job.journal) as view:
        summary, rows = view.summary(), view.artifacts()
    if not summary.state.ended:
        tell(f"It goes on: {plural(summary.artifacts, 'artifact')}, {summary.arrived} arrived.")
        return
    document = as_document(job, summary, rows)
    if summary.artifacts:
        tell()
        exposed = document["certificate"] in EXPOSED
        for label, value in headlines(document)[: 7 if exposed else 6]:
            tell(f"  {label:<25}{plain(value)}")
    for group in failures(rows):
        _show_group(group)
    if summary.error:
        tell()
        for line in trouble_lines(summary.error):
            tell(line)
    tell()
    tell(document["verdict"])
    tell("Report (.json, and .md and .html beside it):")
    tell(f"  {job.report('json')}")
    if summary.state is JobState.STOPPED:
        tell("Run the same command again to go on.")


def _show_group(group: Failures) -> None:
    tell()
    tell(f"x {plural(len(group.rows), 'artifact')}: {group.title}")
    for label, text in (("Cause", group.cause), ("Fix", group.mend)):
        for line in hanging(label, plain(text)):
            tell(line)
    for row in group.rows[:_SHOWN]:
        tell(f"    {cut_name(plain(row.source), 72)}")
        if row.message != group.cause:
            tell(f"      {plain(row.message)}")
    if len(group.rows) > _SHOWN:
        tell(f"    and {len(group.rows) - _SHOWN} more, see the report")
