"""The table of namespace mappings, and the names of its columns."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Static

from core.checks.row_states import RowState
from core.mirror.mapping_rows import MappingRow
from tui.glyphs import state_text
from tui.widgets.field import Field
from tui.widgets.row_list import RowList

_CHECK_WIDTH, _COUNT_WIDTH = 9, 11
_WIDE = 80


class MappingHead(Static):
    """Names of the columns."""

    def render(self) -> Content:
        """On the grid of the rows."""
        line = _on_grid(
            "Upstream registry", "Namespace in yours", "Artifacts", self.content_size.width - 2
        )
        return Content.styled(f"  {line}Check", "$ink3")


class MappingTable(RowList):
    """The upstream registries with their namespaces.

    Attributes:
        rows: as shown.
        states: how each stands, by its upstream registry.
        counts: artifacts that come from each.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        # At once: keys that come right after belong to the field that these lead to.
        Binding("enter", "choose", show=False, priority=True),
        Binding("a", "screen.add", show=False, priority=True),
        Binding("slash", "screen.find", show=False, priority=True),
    ]

    def __init__(self) -> None:
        super().__init__(id="mappings")
        self.rows: Sequence[MappingRow] = ()
        self.states: Mapping[str, RowState] = {}
        self.counts: Mapping[str, int] = {}
        self.following = False

    @property
    def current(self) -> MappingRow | None:
        """The selected row."""
        return self.rows[self.at] if self.rows else None

    @property
    def trouble(self) -> str:
        """What is wrong with the selected row; empty where nothing is."""
        state = self.states.get(self.current.registry) if self.current else None
        return state.words if state else ""

    def show(self, rows: Sequence[MappingRow]) -> None:
        """Show these; the table is as high as they are."""
        self.rows = rows
        self.put(range(len(rows)))
        self.styles.height = max(1, len(rows))

    def judge(self, states: Mapping[str, RowState], counts: Mapping[str, int]) -> None:
        """Show how they stand."""
        self.states, self.counts = states, counts
        self.refresh()

    def action_choose(self) -> None:
        """To the field of the row, at once: what is typed next belongs there."""
        field = self.screen.query_one("#field-mapping-namespace", Field)
        self.screen.set_focus(field.input)

    def draw_row(self, key: int, width: int) -> Content:
        """`docker.io                  dockerhub              ! warn`."""
        row = self.rows[key]
        known = self.states.get(row.registry)
        word = known.state.value if known and known.state else "waiting"
        count = str(self.counts[row.registry]) if row.registry in self.counts else ""
        line = _on_grid(row.registry, row.namespace or "(the root)", count, width)
        return Content.assemble(line, state_text(word))


def _on_grid(registry: str, namespace: str, count: str, width: int) -> str:
    """The columns before the state; a wide table also counts artifacts."""
    counted = f"{count:>{_COUNT_WIDTH - 2}}  " if width >= _WIDE else ""
    room = max(40, width - _CHECK_WIDTH - len(counted))
    place = max(20, min(30, room - 46))
    return f"{_fitted(registry, room - place)}{_fitted(namespace, place)}{counted}"


def _fitted(text: str, width: int) -> str:
    """In exactly so many cells, with a blank at the end."""
    return f"{text if len(text) < width else text[: width - 2] + '…':<{width}}"
