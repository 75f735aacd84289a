"""What is wrong with the mirror's settings, as a person reads it on a terminal."""

import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence

from core.mirror.findings import Finding, Level
from core.mirror.from_answers import is_accepted
from tui.words import plain, plural, tell

_STATE_COLUMN, _FINDING_COLUMN, _LABEL_COLUMN = 17, 28, 19
_WIDEST = 100
_ASCII = str.maketrans({"✗": "x", "“": '"', "”": '"', "…": "~"})
_HEADINGS = {
    Level.REJECTED: "EKS Anywhere would refuse this",
    Level.WILL_NOT_WORK: "EKS Anywhere takes it, but it will not work",
    Level.CAUTION: "Worth knowing",
}
_STATES = {Level.REJECTED: "✗ fail", Level.WILL_NOT_WORK: "✗ fail", Level.CAUTION: "! warn"}


def tell_findings(findings: Sequence[Finding]) -> None:
    """All findings on standard error, by gravity, each with its cause and what to do."""
    width = _width()
    for level in Level:
        of_level = [one for one in findings if one.level is level]
        if of_level:
            tell(_HEADINGS[level])
        for finding in of_level:
            for line in finding_lines(finding, width):
                tell(_writable(line))
        if of_level:
            tell()


def finding_lines(finding: Finding, width: int | None) -> Iterator[str]:
    """A finding in lines: field, state and fact, then what explains it below.

    Args:
        width: columns; None never breaks a line, so that texts can be searched for.
    """
    field = plain(finding.field) or "registryMirrorConfiguration"
    if len(field) >= _STATE_COLUMN:
        yield field
        field = ""
    state = f"{_STATES[finding.level]:<{_FINDING_COLUMN - _STATE_COLUMN}}"
    yield from _hanging(f"{field:<{_STATE_COLUMN}}{state}", finding.message, width)
    says = f"EKS Anywhere: {finding.upstream}" if finding.upstream else ""
    for label, text in (("Cause", finding.cause), ("Says", says), ("Fix", finding.mend)):
        if text:
            indented = f"{' ' * _LABEL_COLUMN}{label:<{_FINDING_COLUMN - _LABEL_COLUMN}}"
            yield from _hanging(indented, text, width)


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


def _hanging(first: str, text: str, width: int | None) -> list[str]:
    if width is None:
        return [first + plain(text)]
    return textwrap.wrap(
        plain(text),
        width,
        initial_indent=first,
        subsequent_indent=" " * _FINDING_COLUMN,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _width() -> int | None:
    if not sys.stderr.isatty():
        return None
    return min(_WIDEST, shutil.get_terminal_size().columns)


def _writable(line: str) -> str:
    """The line in ASCII where the terminal or file takes nothing more."""
    encoding = (sys.stderr.encoding or "ascii").lower().replace("-", "")
    return line if encoding == "utf8" else line.translate(_ASCII)
