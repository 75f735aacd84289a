"""`check`: is all of this true, tried the way docker, the import and the nodes will do it?"""

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Annotated, Any

import typer

from core.answers import Answers
from core.checks.engine import Check
from core.checks.finding import Finding, State
from core.checks.standard import GROUPS, ladder
from core.errors import ExitCode
from tui import options
from tui.check_lines import finding_lines
from tui.commands.creating import create_projects
from tui.flags import JsonFlag
from tui.grid import WIDEST, width_of, writable
from tui.words import plural, put, tell

_TRANSFER = [
    one for one in options.TRANSFER if one.field in ("transfer.chunk_size", "transfer.scratch")
]

_OnlyFlag = Annotated[
    list[str] | None,
    typer.Option(
        "--only",
        metavar="NAME",
        help="only this check, whatever it waits for; may be repeated. Names: "
        + ", ".join(check.name for group in GROUPS.values() for check in group),
        show_default=False,
    ),
]


_CreateFlag = Annotated[
    bool,
    typer.Option("--create-projects", help="on Harbor, create the missing projects first; asks"),
]
_PublicFlag = Annotated[
    bool, typer.Option("--public", help="create them public: everybody may pull from them")
]
_YesFlag = Annotated[bool, typer.Option("--yes", "-y", help="do not ask before creating")]


@options.takes_answers(options.SOURCE, options.REGISTRY, _TRANSFER)
def check(
    answers: Answers,
    *,
    password_stdin: options.PasswordFlag = False,
    only: _OnlyFlag = None,
    create: _CreateFlag = False,
    public: _PublicFlag = False,
    yes: _YesFlag = False,
    as_json: JsonFlag = False,
) -> int:
    """Try everything that clusters and the import will need.

    Nothing is left behind: uploads that are begun are cancelled, files are only read. Exit 3 where
    a check fails.
    """
    login = None
    if answers.registry.address:
        login = options.find_login(answers, password_stdin=password_stdin)
    if create:
        create_projects(answers, login, public=public, yes=yes)
    checks = ladder(answers, login)
    if as_json:
        found = checks.run(only=only or ())
        put(json.dumps([_document(one) for one in found], indent=2, ensure_ascii=False))
    else:
        printer = _Printer(only or checks.names)
        found = checks.run(only=only or (), on_start=printer.start, on_result=printer.take)
    tell(_summary(found))
    failing = any(one.state is State.FAIL for one in found)
    return ExitCode.CHECK_FAILED if failing else ExitCode.DONE


class _Printer:
    """Prints findings in the order of the ladder, each as soon as those before it are there."""

    def __init__(self, names: Iterable[str]) -> None:
        wanted = set(names)
        self._waiting = [
            (heading, one.name)
            for heading, group in GROUPS.items()
            for one in group
            if one.name in wanted
        ]
        self._found: dict[str, tuple[Finding, ...]] = {}
        self._running: dict[str, str] = {}
        self._heading = ""
        self._width = width_of(sys.stdout) or WIDEST

    def start(self, check: Check) -> None:
        """A check begins."""
        self._running[check.name] = check.title
        self._show_running()

    def take(self, check: Check, findings: tuple[Finding, ...]) -> None:
        """What one check found."""
        self._running.pop(check.name, None)
        self._found[check.name] = findings
        _clear_line()
        while self._waiting and self._waiting[0][1] in self._found:
            heading, name = self._waiting.pop(0)
            if heading != self._heading:
                self._put(f"\n{heading}" if self._heading else heading)
                self._heading = heading
            for finding in self._found[name]:
                for line in finding_lines(finding, self._width):
                    self._put(line)
        self._show_running()

    def _show_running(self) -> None:
        """On a terminal, what is waited for; a large tarball takes its time."""
        if self._running and sys.stderr.isatty():
            _clear_line()
            line = f"* running  {', '.join(self._running.values())}"
            sys.stderr.write(line[: self._width - 1])
            sys.stderr.flush()

    def _put(self, line: str) -> None:
        put(writable(line, sys.stdout))


def _document(finding: Finding) -> dict[str, Any]:
    document = asdict(finding)
    order = ("name", "title", "subject", "state", "seen")
    head = {key: document.pop(key) for key in order}
    return head | document | {"duration": round(finding.duration, 3)}


def _summary(found: Sequence[Finding]) -> str:
    counts = [(state, sum(1 for one in found if one.state is state)) for state in State]
    parts = ", ".join(f"{count} {state}" for state, count in counts if count)
    return f"{plural(len(found), 'finding')}: {parts}."


def _clear_line() -> None:
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()
