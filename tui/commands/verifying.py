"""`verify`: is all that is required in the registry, whoever brought it there?"""

import json
from typing import Annotated, Any

import typer

from core.answers import Answers
from core.errors import ExitCode
from core.registry.retry import IMPATIENT
from core.registry.session import Session
from core.transfer.audit import Audited, audit
from core.transfer.inputs import open_inputs
from core.transfer.settings import connection_of
from tui import options
from tui.flags import JsonFlag
from tui.words import plain, plural, put, tell

_DeepFlag = Annotated[
    bool, typer.Option("--deep", help="read every blob back and compare its hash")
]


@options.takes_answers(options.SOURCE, options.REGISTRY, options.TRANSFER)
def verify(
    answers: Answers,
    password_stdin: options.PasswordFlag = False,
    deep: _DeepFlag = False,
    as_json: JsonFlag = False,
) -> int:
    """Ask the registry for every required artifact.

    By tag and digest, and for all its blobs. With a tarball the content must be the same; with a
    bundles manifest alone, every name must hold a whole artifact.
    """
    login = options.find_login(answers, password_stdin=password_stdin)
    with open_inputs(answers) as inputs:
        with Session(connection_of(answers), login, policy=IMPATIENT) as session:
            session.ping()
            audited = audit(inputs.plan, session, threads=answers.transfer.jobs, deep=deep)
        mirror = str(inputs.mirror)
    wrong = [one for one in audited if one.problem]
    if as_json:
        put(json.dumps([_document(one) for one in audited], indent=2, ensure_ascii=False))
    else:
        for one in audited:
            put(plain(_line(one)))
    depth = "every byte read back" if deep else "every manifest and blob asked for"
    whole = len(audited) - len(wrong)
    tell(f"{whole} of {plural(len(audited), 'artifact')} are in {mirror}, {depth}.")
    return ExitCode.SOME_FAILED if wrong else ExitCode.DONE


def _document(one: Audited) -> dict[str, Any]:
    document: dict[str, Any] = {
        "kind": one.artifact.kind.value,
        "source": one.artifact.source,
        "destination": str(one.artifact.destination or ""),
        "digest": one.digest,
        "verified": one.problem is None,
    }
    if one.problem:
        document["error"] = {"code": one.problem.code.value, "message": one.problem.message}
    return document


def _line(one: Audited) -> str:
    name = f"{one.artifact.kind:<15}{one.artifact.destination or one.artifact.source}"
    return f"fail  {name}: {one.problem.message}" if one.problem else f"pass  {name}"
