"""`import` into several registries at once: checks, start, and how each ended."""

import json
import os
import sys
from collections.abc import Mapping, Sequence

from core.answers import Answers, CredentialSource
from core.errors import Code, ExitCode, JobError, UsageError
from core.host.credentials import PASSWORD, USERNAME
from core.transfer.job import Job
from core.transfer.launch import Started, start_together
from core.transfer.orders import Orders
from core.transfer.report import as_document
from core.transfer.settings import mirror_of
from core.transfer.view import JournalView
from tui import options
from tui.commands.importing import show_end
from tui.commands.planning import show_plan
from tui.displays import Board, JsonDisplay, LineDisplay
from tui.watching import Display, EarlySignals, WorkerGoneError, watch_together
from tui.words import error_lines, put, tell

_OF_ONE = frozenset({CredentialSource.ENVIRONMENT, CredentialSource.FILE, CredentialSource.ASK})
"""Where a login comes from that says not for which registry it is."""


def check(
    wanted: Sequence[Answers], *, password_stdin: bool, environ: Mapping[str, str] = os.environ
) -> None:
    """Refuse a registry that is named twice, and a login that does not say for which one it is.

    Raises:
        UsageError: for either.
    """
    names = [_place(one) for one in wanted]
    if twice := next((one for one in names if names.count(one) > 1), ""):
        raise UsageError(
            Code.BAD_USAGE, f"{twice} is named twice.", where="--registry",
            mend="Name each registry once.",
        )  # fmt: skip
    given = wanted[0].credentials
    sources = {
        "--password-stdin": password_stdin,
        "--password-file": given.file,
        "--username": given.username,
        f"--login-from {given.source}": given.source in _OF_ONE,
        USERNAME: environ.get(USERNAME),
        PASSWORD: environ.get(PASSWORD),
    }
    if one := next((name for name, is_given in sources.items() if is_given), ""):
        raise UsageError(
            Code.BAD_USAGE, f"{one} does not say for which of the registries it is.", where=one,
            cause="A password never goes to a registry that it may not be meant for.",
            mend="Leave it out, and log in to each: docker login HOST. The keyring serves as well.",
        )  # fmt: skip


def show_plans(wanted: Sequence[Answers], *, as_json: bool) -> int:
    """Print one plan after the other.

    Raises:
        UsageError: for JSON, which would be no document.
    """
    if as_json:
        raise UsageError(
            Code.BAD_USAGE, "The plans of several registries are no JSON document.", where="--json",
            mend="Ask for one registry at a time.",
        )  # fmt: skip
    return max(show_plan(one, password_stdin=False, offline=False, as_json=False) for one in wanted)


def run_imports(wanted: Sequence[Answers], *, restart: bool, as_json: bool) -> int:
    """Start them, show them until the last has ended, and say what became of each.

    Returns:
        The worst exit code.
    """
    logins = [options.find_login(one, password_stdin=False) for one in wanted]
    orders = [Orders(login, restart) for login in logins]
    with EarlySignals() as early:
        begun = start_together(list(zip(wanted, orders, strict=True)))
        named = {start.job: _name(one) for start, one in zip(begun, wanted, strict=True)}
        running = [start.job for start in begun if start.error is None]
        if running and not as_json:
            tell("The tarball is read once for all. To watch one later: eksa-mirror attach NAME")
            for job in running:
                tell(f"  {named[job]}: {job.name}")
        displays = _displays({job: named[job] for job in running}, as_json=as_json)
        codes = watch_together(displays, early) if running else {}
    codes |= {start.job: start.error.exit_code for start in begun if start.error}
    for start in begun:
        _show_one(start, named[start.job], codes[start.job], as_json=as_json)
    if not as_json:
        _show_all(begun, named)
    worst = max(codes.values())
    if as_json:
        put(json.dumps({"event": "all-ended", "exit": int(worst)}))
    return worst


def _displays(named: Mapping[Job, str], *, as_json: bool) -> dict[Job, Display]:
    if as_json:
        return {job: JsonDisplay(name) for job, name in named.items()}
    if not (named and sys.stderr.isatty()):
        return {job: LineDisplay(name) for job, name in named.items()}
    board = Board()
    return {job: board.row(name) for job, name in named.items()}


def _show_one(start: Started, name: str, code: ExitCode, *, as_json: bool) -> None:
    """How one ended: for programs always, for people where there is something to be done."""
    if as_json:
        line: dict[str, object] = {"event": "end", "registry": name, "exit": int(code)}
        line |= _in_json(start.error) if start.error else {"report": str(start.job.report("json"))}
        put(json.dumps(line))
        return
    if code is ExitCode.DONE:
        return
    tell()
    tell(f"{name}:")
    if error := start.error or _killed(start.job):
        for text in error_lines(error):
            tell(text)
    else:
        show_end(start.job)


def _show_all(begun: Sequence[Started], named: Mapping[Job, str]) -> None:
    """A line for each."""
    tell()
    width = max(map(len, named.values()))
    for start in begun:
        tell(f"{named[start.job]:<{width}}  {_verdict(start)}")
    tell("Reports: eksa-mirror report NAME")


def _killed(job: Job) -> WorkerGoneError | None:
    """The error of a worker that came to no end."""
    with JournalView(job.journal) as view:
        return None if view.summary().state.ended else WorkerGoneError(job)


def _verdict(start: Started) -> str:
    if start.error:
        return f"The import did not begin: {start.error.message}"
    with JournalView(start.job.journal) as view:
        summary = view.summary()
    document = as_document(start.job, summary, (), alive=False)
    count = f" ({summary.arrived} of {summary.artifacts})" if summary.artifacts else ""
    return f"{document['verdict']}{count}"


def _in_json(error: JobError) -> dict[str, object]:
    return {"error": {"code": error.code.value, "message": error.message, "mend": error.mend}}


def _name(answers: Answers) -> str:
    return str(mirror_of(answers))


def _place(answers: Answers) -> str:
    """The same for the same registry and namespace, however it is spelled."""
    mirror = mirror_of(answers)
    return f"{mirror.address_with_port.lower()}/{mirror.namespace}".rstrip("/")
