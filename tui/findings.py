"""What is wrong with the mirror's settings, as a person reads it on a terminal."""

import sys
from collections.abc import Iterator, Sequence

from core.mirror.findings import Finding, Level
from core.mirror.from_answers import is_accepted
from tui.grid import headed, labelled, width_of, writable
from tui.words import plural, tell

_HEADINGS = {
    Level.REJECTED: "EKS Anywhere would refuse this",
    Level.WILL_NOT_WORK: "EKS Anywhere takes it, but it will not work",
    Level.CAUTION: "Worth knowing",
}
_STATES = {Level.REJECTED: "✗ fail", Level.WILL_NOT_WORK: "✗ fail", Level.CAUTION: "! warn"}


def tell_findings(findings: Sequence[Finding]) -> None:
    """All findings on standard error, by gravity, each with its cause and what to do."""
    width = width_of(sys.stderr)
    for level in Level:
        of_level = [one for one in findings if one.level is level]
        if of_level:
            tell(_HEADINGS[level])
        for finding in of_level:
            for line in finding_lines(finding, width):
                tell(writable(line, sys.stderr))
        if of_level:
            tell()


def finding_lines(finding: Finding, width: int | None) -> Iterator[str]:
    """A finding in lines: field, state and fact, then what explains it below.

    Args:
        width: columns; None never breaks a line, so that texts can be searched for.
    """
    field = finding.field or "registryMirrorConfiguration"
    yield from headed(field, _STATES[finding.level], finding.message, width)
    says = f"EKS Anywhere: {finding.upstream}" if finding.upstream else ""
    for label, text in (("Cause", finding.cause), ("Says", says), ("Fix", finding.mend)):
        yield from labelled(label, text, width)


def verdict(findings: Sequence[Finding]) -> str:
    """`EKS Anywhere would accept this; 1 thing will not work, 2 warnings.`"""
    counts = {level: sum(1 for one in findings if one.level is level) for level in Level}
    parts = [
        (counts[Level.REJECTED], plural(counts[Level.REJECTED], "refusal")),
        (
            counts[Level.WILL_NOT_WORK],
            plural(counts[Level.WILL_NOT_WORK], "thing") + " will not work",
        ),
        (counts[Level.CAUTION], plural(counts[Level.CAUTION], "warning")),
    ]
    listed = ", ".join(words for count, words in parts if count)
    accepted = "would accept this" if is_accepted(findings) else "would refuse this"
    return f"EKS Anywhere {accepted}{f'; {listed}' if listed else ''}."
