"""`replicate`: other Harbors are fed from one, by the replication that it has itself."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from core.answers import Answers
from core.checks.clients import harbor
from core.checks.context import Context
from core.checks.product import Kind, product
from core.checks.wanted import planned, project_needs
from core.errors import Code, EksaMirrorError, ExitCode, RegistryError, UsageError
from core.registry.feeding import Change, Step, Target, Trigger, Wanted, carry_out, survey
from core.registry.replication import Replication, Rule
from core.transfer.settings import mirror_of
from tui import options
from tui.asking import ask
from tui.commands.replication_run import Ran, as_document, show_run, watch_run
from tui.commands.targeting import Given, find_targets
from tui.flags import JsonFlag, valued
from tui.words import error_lines, plain, plural, put, tell

_ToFlag = Annotated[list[str], valued("--to", "HOST[:PORT]", "a Harbor to feed; may be repeated")]
_UsernameFlag = Annotated[
    str,
    valued(
        "--to-username",
        "NAME",
        "who pushes there, such as a robot account (default: "
        "EKSA_MIRROR_TARGET_USERNAME, or docker's login)",
    ),
]
_FileFlag = Annotated[
    Path | None,
    valued(
        "--to-password-file", "FILE", "holds the password for there alone; readable only by you"
    ),
]
_StdinFlag = Annotated[
    bool,
    typer.Option("--to-password-stdin", help="read the password for there from standard input"),
]
_CaFlag = Annotated[
    Path | None,
    valued(
        "--to-ca-file",
        "FILE",
        "PEM that the feeding Harbor is to trust there, for versions that can",
    ),
]
_InsecureFlag = Annotated[
    bool,
    typer.Option("--to-insecure", help="the feeding Harbor accepts any certificate there"),
]
_ManualFlag = Annotated[
    bool, typer.Option("--manual", help="move only when started, not at every push")
]
_StartFlag = Annotated[bool, typer.Option("--start", help="start it now, and follow it to its end")]
_YesFlag = Annotated[bool, typer.Option("--yes", help="do not ask before Harbor is changed")]
_DryRunFlag = Annotated[
    bool, typer.Option("--dry-run", help="show what would be changed, and change nothing")
]


@dataclass(slots=True)
class _Fed:
    """A target, and what became of it.

    Attributes:
        step: what it takes; None where that could not be found out.
        rule: as Harbor holds it in the end.
        error: why it is not fed.
        ran: what was moved, where that was asked for.
    """

    target: Target
    step: Step | None = None
    rule: Rule | None = None
    error: EksaMirrorError | None = None
    ran: Ran | None = None

    @property
    def is_well(self) -> bool:
        return self.error is None and (self.ran is None or self.ran.is_whole)


@options.takes_answers(options.SOURCE, options.REGISTRY)
def replicate(
    answers: Answers,
    *,
    to: _ToFlag,
    to_username: _UsernameFlag = "",
    to_password_file: _FileFlag = None,
    to_password_stdin: _StdinFlag = False,
    to_ca_file: _CaFlag = None,
    to_insecure: _InsecureFlag = False,
    manual: _ManualFlag = False,
    start: _StartFlag = False,
    yes: _YesFlag = False,
    dry_run: _DryRunFlag = False,
    password_stdin: options.PasswordFlag = False,
    as_json: JsonFlag = False,
) -> int:
    """Let a Harbor feed others by its own replication.

    In the Harbor that -r names, it makes an endpoint for each target and a rule that pushes the
    projects of the import there. What is right already stays as it is. The account must be an
    administrator of that Harbor.
    """
    if password_stdin and to_password_stdin:
        raise UsageError(
            Code.BAD_USAGE, "Standard input can hold one password only.",
            where="--to-password-stdin", mend="Give the other one as --to-password-file.",
        )  # fmt: skip
    given = Given(to_username, to_password_file, to_password_stdin, to_ca_file, to_insecure)
    targets = find_targets(to, mirror_of(answers), given)
    login = options.find_login(answers, password_stdin=password_stdin)
    trigger = Trigger.MANUAL if manual else Trigger.EVENT_BASED
    with (
        Context(answers, login) as context,
        Replication(context.connection, login) as source,
    ):
        _check_source(context, source)
        wanted = _wanted(context, trigger)
        feeds = _surveyed(source, targets, wanted)
        _show(feeds, as_json=as_json)
        if not dry_run:
            _change(source, feeds, yes=yes)
            if start:
                _run(source, feeds)
    if as_json:
        put(json.dumps([_document(one) for one in feeds], indent=2, ensure_ascii=False))
    return _exit_code(feeds)


def _check_source(context: Context, source: Replication) -> None:
    """Whether the registry is a Harbor that this program can speak with."""
    kind = product(context).kind
    if kind is Kind.HARBOR:
        return
    if old := source.old_version():
        raise UsageError(
            Code.BAD_USAGE, f"Harbor {plain(old)} is too old to be set up by this program.",
            where="--registry", cause="It does not know version 2.0 of Harbor's API.",
            mend="Update it, or run the import once for each registry.",
        )  # fmt: skip
    raise UsageError(
        Code.BAD_USAGE, f"Only a Harbor can feed others, and this registry is {kind}.",
        where="--registry", cause="Replication is set up through Harbor's own API.",
        mend="Run the import once for each registry: what is there already is not sent again.",
    )  # fmt: skip


def _wanted(context: Context, trigger: Trigger) -> Wanted:
    """The projects of the import.

    Raises:
        UsageError: nothing names any.
        EksaMirrorError: tarball or manifests cannot be read: the projects would not be all.
    """
    planned(context)
    names = tuple(one.name for one in project_needs(context) if one.name)
    if not names:
        raise UsageError(
            Code.BAD_USAGE, "Nothing names the projects that are to be fed.", where="--registry",
            cause="The address has no namespace, and no bundles manifest is given.",
            mend="Add the project: -r HOST[:PORT]/PROJECT, or -b BUNDLES.",
        )  # fmt: skip
    for name in names:
        if not harbor(context).has_project(name):
            tell(f"Warning: {name} is not in {context.mirror.address} yet; import first.")
    return Wanted(context.mirror.address, context.mirror.namespace, names, trigger)


def _surveyed(source: Replication, targets: Sequence[Target], wanted: Wanted) -> list[_Fed]:
    """What each target takes; one that is not reached does not keep the others.

    Raises:
        RegistryError: the source lets nobody see its replication; no target could be fed.
    """
    source.endpoints()
    source.rules()
    feeds = []
    for target in targets:
        fed = _Fed(target)
        try:
            fed.step = survey(source, target, wanted)
            fed.rule = fed.step.rule
        except RegistryError as error:
            fed.error = error
        feeds.append(fed)
    return feeds


def _change(source: Replication, feeds: Sequence[_Fed], *, yes: bool) -> None:
    """Do what is to be done, after a yes.

    Raises:
        UsageError: the question was not answered with yes.
    """
    open_ones = [(one, one.step) for one in feeds if one.step and not one.step.is_done]
    if not open_ones:
        return
    question = f"Change the replication to {plural(len(open_ones), 'registry', 'registries')}?"
    if not ask(question, yes=yes):
        raise UsageError(
            Code.BAD_USAGE, "Nothing was changed.", where="replicate",
            cause="The question was not answered with yes.",
            mend="Run the same command again to be asked anew.",
        )  # fmt: skip
    for fed, step in open_ones:
        try:
            fed.rule = carry_out(source, step)
            tell(f"Set up: {fed.target.address}")
        except RegistryError as error:
            fed.error = error
            _tell_error(fed)


def _run(source: Replication, feeds: Sequence[_Fed]) -> None:
    """Start all rules, then follow each to its end."""
    started = []
    for fed in feeds:
        if fed.rule is not None and fed.error is None:
            try:
                started.append((fed, source.start(fed.rule)))
            except RegistryError as error:
                fed.error = error
                _tell_error(fed)
    for fed, number in started:
        try:
            fed.ran = watch_run(source, number, fed.target.address)
            show_run(fed.ran, fed.target.address)
        except RegistryError as error:
            fed.error = error
            _tell_error(fed)


def _show(feeds: Sequence[_Fed], *, as_json: bool) -> None:
    """The plan on standard output, or on standard error where JSON goes there."""
    say = tell if as_json else put
    for fed in feeds:
        if fed.step is None:
            _tell_error(fed)
            continue
        for line in _step_lines(fed.step):
            say(plain(line))
        if not fed.target.verify:
            address = fed.target.address
            tell(f"Warning: {fed.step.wanted.source} accepts any certificate of {address}.")


def _step_lines(step: Step) -> list[str]:
    lines = [step.target.address]
    for kind, name, there, changes in (
        ("endpoint", step.endpoint_name, step.endpoint, step.endpoint_changes),
        ("rule", step.rule_name, step.rule, step.rule_changes),
    ):
        state = "new" if there is None else "to change" if changes else "right already"
        lines.append(f"  {kind:<10}{name}: {state}")
        lines += [f"    {one.what:<16}{_change_words(one)}" for one in changes]
    return lines


def _change_words(change: Change) -> str:
    return f"{change.before} -> {change.after}" if change.before else change.after


def _tell_error(fed: _Fed) -> None:
    if fed.error is not None:
        tell(f"{fed.target.address} is not fed:")
        for line in error_lines(fed.error):
            tell(line)


def _document(fed: _Fed) -> dict[str, Any]:
    document: dict[str, Any] = {"target": fed.target.address}
    if fed.step:
        changes = {"endpoint": fed.step.endpoint_changes, "rule": fed.step.rule_changes}
        document |= {"endpoint": fed.step.endpoint_name, "rule": fed.step.rule_name}
        document["changes"] = {key: [asdict(one) for one in of] for key, of in changes.items()}
    if fed.ran:
        document["run"] = as_document(fed.ran)
    if fed.error:
        error = fed.error
        document["error"] = {
            "code": error.code.value,
            "message": error.message,
            "mend": error.mend,
        }
    return document


def _exit_code(feeds: Sequence[_Fed]) -> int:
    errors = [one.error for one in feeds if one.error]
    if len(errors) == len(feeds):
        return errors[0].exit_code
    return ExitCode.DONE if all(one.is_well for one in feeds) else ExitCode.SOME_FAILED
