"""`plan`: what an import would move."""

import json
import threading
from typing import Annotated, Any

import typer

from core.answers import Answers
from core.errors import ExitCode
from core.mirror.destination import projects
from core.transfer.forecast import Forecast, forecast
from core.transfer.inputs import Inputs, open_inputs
from core.transfer.outlook import asked_forecast
from core.transfer.plan import PlannedArtifact
from core.units import size
from tui import options
from tui.flags import JsonFlag
from tui.words import plain, plural, put, tell

_OfflineFlag = Annotated[
    bool, typer.Option("--offline", help="do not ask the registry what it holds already")
]


@options.takes_answers(options.SOURCE, options.REGISTRY, options.TRANSFER)
def plan(
    answers: Answers,
    password_stdin: options.PasswordFlag = False,
    offline: _OfflineFlag = False,
    as_json: JsonFlag = False,
) -> int:
    """Show what an import would move, and where to.

    Changes nothing: the tarball is read, and the registry asked what it holds already.
    """
    return show_plan(answers, password_stdin=password_stdin, offline=offline, as_json=as_json)


def show_plan(answers: Answers, *, password_stdin: bool, offline: bool, as_json: bool) -> int:
    """Print the plan; exit 1 where something that is required cannot be moved."""
    with open_inputs(answers) as inputs:
        if offline:
            seen = forecast(inputs.plan, None, 1, threading.Event())
        else:
            login = options.find_login(answers, password_stdin=password_stdin)
            seen = asked_forecast(inputs.plan, answers, login, threading.Event())
        if as_json:
            put(json.dumps(_document(inputs, seen), indent=2, ensure_ascii=False))
        else:
            _show(inputs, seen)
        failing = any(one.problem for one in inputs.plan.artifacts)
    return ExitCode.SOME_FAILED if failing else ExitCode.DONE


def _state(one: PlannedArtifact, seen: Forecast) -> str:
    if one.problem:
        return "failed"
    if one.skipped:
        return "skipped by filter"
    if one.source in seen.present:
        return "already there"
    return "to send" if one.stored else "required"


def _document(inputs: Inputs, seen: Forecast) -> dict[str, Any]:
    requirements = inputs.requirements
    return {
        "registry": str(inputs.mirror),
        "release": requirements.release if requirements else "",
        "kube_versions": list(requirements.kube_versions) if requirements else [],
        "bytes": {"send": seen.send, "mount": seen.mount, "present": seen.there},
        "projects": list(projects(o.destination for o in inputs.plan.artifacts if o.destination)),
        "warnings": list(inputs.plan.warnings),
        "artifacts": [_artifact(one, seen) for one in inputs.plan.artifacts],
    }


def _artifact(one: PlannedArtifact, seen: Forecast) -> dict[str, Any]:
    document: dict[str, Any] = {
        "kind": one.kind.value,
        "source": one.source,
        "destination": str(one.destination) if one.destination else None,
        "size": one.size,
        "blobs": sum(1 for _ in one.blobs()),
        "platforms": [str(p) for p in one.stored.platforms] if one.stored else [],
        "required": one.required,
        "state": _state(one, seen),
    }
    if one.problem:
        document["error"] = {
            "code": one.problem.code.value,
            "message": one.problem.message,
            "mend": one.problem.mend,
        }
    return document


def _show(inputs: Inputs, seen: Forecast) -> None:
    for one in inputs.plan.artifacts:
        target = f" -> {one.destination}" if one.destination else ""
        reason = f" ({one.problem.message})" if one.problem else ""
        put(plain(f"{_state(one, seen):<18}{one.kind:<15}{one.source}{target}{reason}"))
    for warning in inputs.plan.warnings:
        tell(f"Warning: {plain(warning)}")
    moved = [one for one in inputs.plan.artifacts if one.to_move]
    waiting = len([one for one in moved if one.source not in seen.present])
    tell()
    tell(f"{plural(waiting, 'artifact')} to send to {inputs.mirror}: {size(seen.send)} as stored")
    tell(f"{size(seen.mount)} more are mounted, not sent; {size(seen.there)} are there already")
