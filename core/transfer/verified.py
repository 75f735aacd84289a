"""What of an import is in the mirror: counted by kind, and what is missing with its reason."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from core.eksa import PACKAGE_BUNDLES
from core.errors import Code, EksaMirrorError
from core.reference import Kind
from core.transfer.records import ArtifactRow
from core.transfer.states import ArtifactState

_MOST_NAMES = 2


class Verdict(StrEnum):
    """How complete the mirror is."""

    COMPLETE = "complete"
    LACKS_EXTRAS = "lacks extras"
    """Only package bundles are missing: clusters come up without them."""

    INCOMPLETE = "incomplete"
    """Images or charts are missing: the cluster would not start."""


@dataclass(frozen=True, slots=True)
class Counted:
    """The artifacts of one kind.

    Attributes:
        kind: which.
        wanted: how many an import is to bring.
        missing: those that are not there whole, with code and message of the reason.
    """

    kind: Kind
    wanted: int
    missing: tuple[ArtifactRow, ...]

    @property
    def whole(self) -> int:
        """How many are there."""
        return self.wanted - len(self.missing)

    @property
    def words(self) -> str:
        """`156 of 156, manifest and every layer`."""
        text = f"{self.whole} of {self.wanted}"
        if not self.missing:
            return text + (", manifest and every layer" if self.kind is Kind.IMAGE else "")
        names = [_short(row.source) for row in self.missing[:_MOST_NAMES]]
        if len(self.missing) > len(names):
            return f"{text}, {len(self.missing)} are missing"
        verb = "was" if len(names) == 1 else "were"
        left_out = all(row.code == Code.NOT_IN_ARCHIVE for row in self.missing)
        reason = f"{verb} not in the tarball" if left_out else "missing"
        return f"{text}, {' and '.join(names)} {reason}"


def counted(
    rows: Sequence[ArtifactRow], problems: Mapping[int, EksaMirrorError] | None = None
) -> tuple[Counted, ...]:
    """Count what is there; what was left out on purpose does not count.

    Args:
        rows: of the journal.
        problems: what a look at the mirror found since, by the number of the artifact.
    """
    found = []
    for kind in Kind:
        wanted = [
            row for row in rows if row.kind == kind and row.state is not ArtifactState.SKIPPED
        ]
        judged = [_judged(row, (problems or {}).get(row.number)) for row in wanted]
        missing = tuple(row for row in judged if not row.state.arrived)
        found.append(Counted(kind, len(wanted), missing))
    return tuple(found)


def verdict(counts: Sequence[Counted]) -> Verdict:
    """How complete the mirror is."""
    lacking = {one.kind for one in counts if one.missing}
    if not lacking:
        return Verdict.COMPLETE
    return Verdict.LACKS_EXTRAS if lacking == {Kind.PACKAGE_BUNDLE} else Verdict.INCOMPLETE


def verdict_words(counts: Sequence[Counted]) -> str:
    """The same in a sentence."""
    said = verdict(counts)
    if said is Verdict.COMPLETE:
        return "Your mirror holds all that the cluster asks for."
    missing = [_plural(len(one.missing), one.kind) for one in counts if one.missing]
    if said is Verdict.LACKS_EXTRAS:
        return f"Your mirror holds all that the cluster asks for, except {missing[0]}."
    total = sum(len(one.missing) for one in counts)
    verb = "is" if total == 1 else "are"
    return f"{' and '.join(missing)} {verb} missing. The cluster would not start."


def _judged(row: ArtifactRow, problem: EksaMirrorError | None) -> ArtifactRow:
    if problem is None:
        return row
    return replace(
        row,
        state=ArtifactState.FAILED,
        code=problem.code.value,
        message=problem.message,
        place=problem.where,
        cause=problem.cause,
        mend=problem.mend,
    )


def _plural(count: int, kind: Kind) -> str:
    name = {Kind.IMAGE: "image", Kind.CHART: "chart"}.get(kind, "package bundle")
    return f"{count} {name}{'' if count == 1 else 's'}"


def _short(source: str) -> str:
    """The tag of a package bundle, the last part of anything else."""
    last = source.rpartition("/")[2]
    name, colon, tag = last.rpartition(":")
    return tag if colon and name.startswith(PACKAGE_BUNDLES) else last
