"""What a live check found, in words that a person can act on.

A finding says what happens to the operator (`seen`), why (`cause`) and what to do (`mend`, and
`command` where one line in a shell does it). The tool's own words stand in `details`, never alone.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from core.checks.words import first_lower
from core.errors import EksaMirrorError
from core.plain_text import one_line


class State(StrEnum):
    """How a check ended."""

    PASS = "pass"  # noqa: S105 - the word that is shown
    WARN = "warn"
    FAIL = "fail"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found about one thing.

    Attributes:
        state: pass, warn, fail or skipped.
        seen: the fact, short, one line, no full stop; filled for a pass, too.
        cause: why it failed; a sentence.
        effect: what comes of a warning where nothing is broken; a sentence.
        mend: what to do; a sentence.
        command: the shell command that does it, ready to be copied; empty where there is none.
        details: the tool's own words, quoted whole, and further facts; a line each.
        code: name of the trouble (`core.errors.Code`, `core.mirror.findings.FindingCode`); empty
            where there is none.
        subject: what it is about, where one check looks at several things: a project.
        name: of the check; the ladder fills it in.
        title: what a person calls it; the ladder fills it in.
        duration: seconds that the check took; the ladder fills it in.
        rate: bytes a second that the registry took; 0 where a check did not send enough to tell.
    """

    state: State
    seen: str
    cause: str = ""
    effect: str = ""
    mend: str = ""
    command: str = ""
    details: tuple[str, ...] = ()
    code: str = ""
    subject: str = ""
    name: str = ""
    title: str = ""
    duration: float = 0.0
    rate: float = 0.0


def passed(seen: str, *, details: Iterable[str] = (), subject: str = "") -> Finding:
    """All is well; `seen` is the fact that was found, not “OK”."""
    return Finding(State.PASS, seen, details=tuple(details), subject=subject)


def warned(
    seen: str,
    *,
    cause: str = "",
    effect: str = "",
    mend: str = "",
    command: str = "",
    details: Iterable[str] = (),
    code: str = "",
    subject: str = "",
) -> Finding:
    """It works, but needs a look."""
    return Finding(
        State.WARN, seen, cause, effect, mend, command, tuple(details), str(code), subject
    )


def failed(
    seen: str,
    *,
    cause: str,
    mend: str,
    command: str = "",
    details: Iterable[str] = (),
    code: str = "",
    subject: str = "",
) -> Finding:
    """It does not work; cause and mend are always said."""
    return Finding(State.FAIL, seen, cause, "", mend, command, tuple(details), str(code), subject)


def skipped(reason: str, *, details: Iterable[str] = ()) -> Finding:
    """It was not tried; `reason` says why, as in `waits for CA file`."""
    return Finding(State.SKIPPED, reason, details=tuple(details))


def from_error(error: EksaMirrorError, *, seen: str = "", subject: str = "") -> Finding:
    """An error as a finding.

    Args:
        seen: what happens to the operator; the message of the error where nothing better is known.
            The whole of the error stands in the details.
    """
    where = f"{error.where}: " if error.where else ""
    return failed(
        seen or first_lower(error.message),
        cause=error.cause,
        mend=error.mend,
        details=(f"{where}{error.message}",),
        code=error.code,
        subject=subject,
    )


def cleaned(finding: Finding) -> Finding:
    """The same with every text on one line and printable: much of it comes from a registry."""
    return replace(
        finding,
        seen=one_line(finding.seen),
        cause=one_line(finding.cause),
        effect=one_line(finding.effect),
        mend=one_line(finding.mend),
        command=one_line(finding.command),
        details=tuple(map(one_line, finding.details)),
        subject=one_line(finding.subject),
    )


def worst(findings: Sequence[Finding]) -> State:
    """The gravest state among them: fail, warn, pass; skipped where nothing was tried."""
    for state in (State.FAIL, State.WARN, State.PASS):
        if any(one.state is state for one in findings):
            return state
    return State.SKIPPED


def several(findings: Finding | Iterable[Finding]) -> Iterator[Finding]:
    """The findings of a check that may give one or more."""
    if isinstance(findings, Finding):
        yield findings
    else:
        yield from findings
