"""`trust`: make docker on this machine trust the registry's CA, or undo it."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from core.answers import Answers
from core.errors import Code, EksaMirrorError, ExitCode, MachineError, UsageError
from core.host.certs_d import Reader, read_ca, registry_names
from core.host.daemon import connect
from core.host.docker_login import docker_login
from core.host.docker_readers import daemon_here, readers_for
from core.host.docker_trust import Change, Step, TrustPlan, apply, plan_removal, plan_trust
from core.host.docker_view import shake_hands_as_docker
from core.host.trust_script import keychain_command, shell_commands, shell_script
from core.mirror.endpoint import Mirror
from core.transfer.settings import mirror_of
from tui import options
from tui.asking import ask
from tui.commands import picking
from tui.flags import JsonFlag
from tui.words import error_lines, plain, plural, put, tell

_FLAGS = [
    one
    for one in options.REGISTRY
    if one.field in ("registry.address", "registry.ca_file", "credentials.username")
]
_MARKS = {
    Change.NEW: "+ new",
    Change.REPLACE: "! replace",
    Change.SAME: "= same",
    Change.REMOVE: "- remove",
    Change.RESTORE: "~ restore",
    Change.KEEP: "! keep",
    Change.NOTHING: "= nothing",
}
_WHY = {
    Change.SAME: "trusted there already",
    Change.KEEP: "was changed since; left as it is",
    Change.NOTHING: "nothing was installed there",
}

_RemoveFlag = Annotated[bool, typer.Option("--remove", help="undo what an earlier trust installed")]
_YesFlag = Annotated[bool, typer.Option("--yes", "-y", help="do not ask first")]
_ForFlag = Annotated[
    list[Reader] | None,
    typer.Option(
        "--for", help="whose folder; default: what is on this machine", metavar="|".join(Reader)
    ),
]
_ScriptFlag = Annotated[
    Path | None,
    typer.Option(
        "--script", metavar="FILE", help="write a script for root instead", show_default=False
    ),
]


_SaveRootFlag = Annotated[
    Path | None,
    typer.Option(
        "--save-root",
        metavar="FILE",
        help="only write a certificate of the chain that the registry shows",
        show_default=False,
    ),
]
_FingerprintFlag = Annotated[
    str,
    typer.Option(
        "--fingerprint",
        metavar="SHA256",
        help="of the certificate to save, as its owner tells it",
        show_default=False,
    ),
]
_LoginFlag = Annotated[bool, typer.Option("--login", help="also log docker in to the registry")]


@options.takes_answers(_FLAGS)
def trust(
    answers: Answers,
    *,
    password_stdin: options.PasswordFlag = False,
    login: _LoginFlag = False,
    save_root: _SaveRootFlag = None,
    fingerprint: _FingerprintFlag = "",
    remove: _RemoveFlag = False,
    yes: _YesFlag = False,
    whom: _ForFlag = None,
    script: _ScriptFlag = None,
    as_json: JsonFlag = False,
) -> int:
    """Make docker on this machine trust the registry's CA.

    Puts the CA where docker looks for it: under the registry's exact name, with and without :443
    where that is the port. Shows what would change and asks first; what was there is kept, and
    --remove undoes it. Then connects to the registry the way docker does. With --save-root the CA
    is taken out of the chain that the registry shows, once its fingerprint is confirmed.
    """
    if save_root is not None:
        return picking.save_root(answers, save_root, fingerprint)
    mirror = mirror_of(answers)
    ca_file = answers.registry.ca_file
    if sys.platform == "darwin":
        return _show_keychain(ca_file, remove=remove)
    readers = tuple(whom) if whom else _find_readers()
    if remove:
        plan = plan_removal(mirror, readers)
    else:
        plan = plan_trust(mirror, read_ca(_needed(ca_file)), readers)
    if script is not None:
        return _write_script(script, plan)
    _show(plan)
    if not plan.is_settled:
        if plan.needs_root:
            raise _needs_root(plan, ca_file)
        _ask(plan, yes=yes)
        plan = TrustPlan(apply(plan), plan.ca)
    seen = [_look(mirror, step) for step in plan.steps]
    if as_json:
        put(json.dumps(_document(plan, seen), indent=2, ensure_ascii=False))
    else:
        _tell_end(plan, seen, remove=remove)
    if login:
        _log_in(answers, password_stdin=password_stdin)
    return ExitCode.DONE if remove or not any(seen) else ExitCode.CHECK_FAILED


def _log_in(answers: Answers, *, password_stdin: bool) -> None:
    credentials = options.find_login(answers, password_stdin=password_stdin)
    if credentials is None:
        raise UsageError(
            Code.BAD_USAGE, "There is no login that docker could be given.", where="--login",
            cause="No user name and password were given or found.",
            mend="Set REGISTRY_USERNAME and REGISTRY_PASSWORD, or use --username and "
            "--password-stdin.",
        )  # fmt: skip
    names = registry_names(mirror_of(answers))
    with connect() as daemon:
        kept = docker_login(daemon, names, credentials)
    tell(plain(f"docker is logged in to {' and '.join(names)}; kept in {kept}"))


def _find_readers() -> tuple[Reader, ...]:
    facts = daemon_here()
    if facts and not facts.endpoint.is_local:
        tell(f"Docker runs on another machine, {plain(facts.endpoint.address)}, and looks for the")
        tell("CA there. What is installed here is for a docker of this machine.")
    return readers_for(facts)


def _needed(ca_file: Path | None) -> Path:
    if ca_file is None:
        raise UsageError(
            Code.BAD_USAGE, "No CA file was named.", where="--ca-file",
            cause="The flag is missing, and no answers file gives it.",
            mend="Add --ca-file ca.crt, or --remove to undo an earlier trust.",
        )  # fmt: skip
    return ca_file


def _show(plan: TrustPlan) -> None:
    for step in plan.steps:
        line = f"  {_MARKS[step.change]:<11}{step.path}"
        if step.change is Change.REPLACE and step.backup:
            line += f"  (what is there is kept as {step.backup.name})"
        elif step.change in _WHY:
            line += f"  ({_WHY[step.change]})"
        tell(plain(line))


def _ask(plan: TrustPlan, *, yes: bool) -> None:
    if not ask(f"Change {plural(len(plan.to_do), 'file')}?", yes=yes):
        raise UsageError(
            Code.BAD_USAGE, "Nothing was changed.", cause="The question was not answered with yes.",
            mend="Run the same command again to be asked anew.",
        )  # fmt: skip


def _needs_root(plan: TrustPlan, ca_file: Path | None) -> MachineError:
    tell()
    tell("Root rights are needed. The same by hand:")
    for line in shell_commands(plan, ca_file or Path("ca.crt")):
        tell(f"  $ {line}")
    return MachineError(
        Code.NEEDS_ROOT,
        "This account may not change these files; nothing was changed.",
        where=str(plan.to_do[0].path),
        mend="Run the same command with sudo, or the commands above, or write a script for root "
        "with --script FILE.",
    )


def _write_script(path: Path, plan: TrustPlan) -> int:
    if plan.is_settled:
        tell("There is nothing to do; no script was written.")
        return ExitCode.DONE
    try:
        path.write_text(shell_script(plan))
    except OSError as error:
        raise MachineError(
            Code.FILE_NOT_WRITTEN, f"It cannot be written: {error.strerror}.", where=str(path)
        ) from None
    tell(f"Written: {path}. Run it as root: sudo sh {path}")
    return ExitCode.DONE


def _look(mirror: Mirror, step: Step) -> EksaMirrorError | None:
    """What stands between docker and the registry now."""
    try:
        shake_hands_as_docker(mirror, step.folder)
    except EksaMirrorError as error:
        return error
    return None


def _tell_end(plan: TrustPlan, seen: list[EksaMirrorError | None], *, remove: bool) -> None:
    tell()
    for step, trouble in zip(plan.steps, seen, strict=True):
        if trouble is None:
            tell(f"pass  {step.reader} accepts {step.name}")
        elif remove:
            tell(plain(f"      {step.reader} does not accept {step.name}: {trouble.message}"))
        else:
            tell(f"fail  {step.reader} does not accept {step.name}")
            for line in error_lines(trouble):
                tell(f"  {line}")


def _document(plan: TrustPlan, seen: list[EksaMirrorError | None]) -> list[dict[str, Any]]:
    return [
        {
            "for": step.reader.value,
            "registry": step.name,
            "path": str(step.path),
            "change": step.change.value,
            "backup": str(step.backup) if step.backup else None,
            "accepted": trouble is None,
            "error": trouble
            and {"code": trouble.code.value, "message": trouble.message, "mend": trouble.mend},
        }
        for step, trouble in zip(plan.steps, seen, strict=True)
    ]


def _show_keychain(ca_file: Path | None, *, remove: bool) -> int:
    """Docker on macOS takes the keychain's word, which asks for a password of its own."""
    put(keychain_command(_needed(ca_file), remove=remove))
    tell("Run this, then restart Docker Desktop.")
    return ExitCode.DONE
