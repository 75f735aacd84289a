"""The artifacts of an import, as the panes show them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from textual.content import Content

from core.transfer.records import ArtifactRow, Layers
from core.transfer.standing import state_of
from core.transfer.states import ArtifactState
from core.units import size, span
from tui.glyphs import state_text
from tui.widgets.row_list import RowList
from tui.words import cut_name, plural

FILTERS: tuple[tuple[str, frozenset[ArtifactState]], ...] = (
    ("All", frozenset(ArtifactState)),
    ("Failed", frozenset({ArtifactState.FAILED})),
    ("Retrying", frozenset({ArtifactState.RETRYING})),
    ("Sending", frozenset({ArtifactState.SENDING})),
    ("Waiting", frozenset({ArtifactState.WAITING})),
    ("Done", frozenset({ArtifactState.DONE, ArtifactState.PRESENT})),
)
_STATE_WIDTH, _SIZE_WIDTH = 12, 9
_KINDS = {"chart": "chart", "package-bundle": "package bundle"}


class ArtifactList(RowList):
    """State, name, size and a note for each; in the order of the plan, never sorted anew.

    What a look brings costs as much as it changes, however many rows there are.

    Attributes:
        rows: by number, as the journal has them.
        chosen: index of the filter in `FILTERS`.
        text: that names must hold; empty for all.
        layer_counts: which layer of how many is on its way, by number of the artifact.
        moving: whether anything is under way; else what the journal says of that is of the past.
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - textual's own word
        super().__init__(id=id, empty="reading the state")
        self.rows: dict[int, ArtifactRow] = {}
        self.chosen = 0
        self.text = ""
        self.layer_counts: Mapping[int, Layers] = {}
        self.moving = True
        self._found: Counter[ArtifactState] = Counter()
        self._newest = 0

    def take(
        self,
        rows: Sequence[ArtifactRow],
        gone: Sequence[int] = (),
        layers: Mapping[int, Layers] | None = None,
        *,
        moving: bool = True,
    ) -> None:
        """Rows that changed, numbers of those that are no more, and layers of those in flight."""
        for number in gone:
            self._forget(number)
        for row in rows:
            self._forget(row.number, stays=row.state is not ArtifactState.SKIPPED)
            if row.state is not ArtifactState.SKIPPED:
                self.rows[row.number] = row
                self._found[row.state] += 1
                if row.state is not ArtifactState.WAITING:
                    self._newest = row.number
        layers = layers or {}
        if rows or gone or moving != self.moving:
            self.moving, self.layer_counts = moving, layers
            self.sift()
        elif layers != self.layer_counts:
            self.layer_counts = layers
            self.refresh()

    def _forget(self, number: int, *, stays: bool = False) -> None:
        """Count it no more; it keeps its place where it `stays`."""
        before = self.rows.get(number)
        if before:
            self._found[before.state] -= 1
            if not stays:
                del self.rows[number]

    def sift(self) -> None:
        """Apply the filter and the text anew."""
        states = {
            state
            for state in ArtifactState
            if state_of(state, moving=self.moving) in FILTERS[self.chosen][1]
        }
        wanted = self.text.casefold()
        if not self.chosen and not wanted:
            self.put(list(self.rows))
        else:
            self.put(
                [
                    number
                    for number, row in self.rows.items()
                    if row.state in states and (not wanted or wanted in row.source.casefold())
                ]
            )
        self.say_empty("reading the state" if not self.rows else "no artifact of this kind")

    def counts(self) -> list[int]:
        """Artifacts of each filter."""
        found: Counter[ArtifactState] = Counter()
        for state, count in self._found.items():
            found[state_of(state, moving=self.moving)] += count
        return [sum(found[state] for state in states) for _, states in FILTERS]

    def name_of(self, number: int) -> str:
        """Its upstream name; empty where the plan does not hold it."""
        row = self.rows.get(number)
        return row.source if row else ""

    def followed(self) -> int:
        """What was touched last."""
        try:
            return self.keys.index(self._newest)
        except ValueError:
            return 0

    def draw_row(self, key: int, width: int) -> Content:
        """`✓ done      eks/cilium/cilium:v1.19.4-1     241 MB  7 s`."""
        row = self.rows[key]
        row = replace(row, state=state_of(row.state, moving=self.moving))
        note_width = 22 if width > 84 else 15
        name_width = max(16, width - _STATE_WIDTH - _SIZE_WIDTH - note_width - 4)
        waits = row.state is ArtifactState.WAITING
        ink = "$ink3" if waits else "$ink"
        return Content.assemble(
            state_text(row.state.value, width=_STATE_WIDTH),
            Content.styled(f"{cut_name(row.source, name_width):<{name_width}}", ink),
            Content.styled(f"  {size(row.size):>{_SIZE_WIDTH}}", "$ink2"),
            Content.styled(
                f"  {note(row, self.layer_counts.get(row.number))[:note_width]}", "$ink2"
            ),
        )


def note(row: ArtifactRow, layers: Layers | None = None) -> str:
    """What stands right of an artifact: `3 s, 1 retry`, `chart`, `already there`."""
    if row.state in (ArtifactState.FAILED, ArtifactState.RETRYING):
        return f"HTTP {row.status}" if row.status else row.code.replace("-", " ")
    if row.state is ArtifactState.PRESENT:
        return "already there"
    if row.state is ArtifactState.DONE:
        return _KINDS.get(row.kind) or _took(row)
    if row.state is ArtifactState.SENDING and layers and layers.total:
        return f"layer {min(layers.total, layers.done + 1)} of {layers.total}"
    return row.note


def _took(row: ArtifactRow) -> str:
    took = span(max(0.0, (row.ended or 0) - (row.started or 0)))
    tried = row.attempts + row.retries
    return f"{took}, {plural(tried, 'retry', 'retries')}" if tried else took
