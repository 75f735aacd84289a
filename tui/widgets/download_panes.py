"""The panes of a download: its artifacts, what happened, and errors."""

from collections.abc import Mapping, Sequence
from itertools import groupby

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content

from core.errors import ADVICE, Code
from core.fetch.picture import Fetched, Lost, Picture, artifacts_of
from core.transfer.states import ArtifactState
from core.transfer.troubles import Item, Trouble
from tui.glyphs import state_text
from tui.widgets.error_groups import ErrorGroups
from tui.widgets.event_log import EventLog
from tui.widgets.row_list import RowList
from tui.widgets.tabs import TabLine
from tui.words import cut_name, plain

_STATE_WIDTH = 12

_LABELS = {ArtifactState.SENDING: "fetching", ArtifactState.DONE: "here"}

_ORDER = (
    ArtifactState.FAILED,
    ArtifactState.RETRYING,
    ArtifactState.SENDING,
    ArtifactState.WAITING,
    ArtifactState.DONE,
)


class FetchedList(RowList):
    """State and name of each artifact; those that are not here yet come first.

    It keeps the first row in sight until the pointer is moved; Home does so again.
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - textual's own word
        super().__init__(id=id, empty="the artifacts are not known yet")
        self.rows: Sequence[Fetched] = ()

    def take(self, rows: Sequence[Fetched]) -> None:
        """Show these; nothing is done where nothing changed."""
        if rows == self.rows:
            return
        self.rows = rows
        by_state: dict[ArtifactState, list[int]] = {state: [] for state in _ORDER}
        for number, row in enumerate(rows):
            by_state[row.state].append(number)
        self.put([number for numbers in by_state.values() for number in numbers])

    def followed(self) -> int:
        """The first: what is under way."""
        return 0

    def action_first(self) -> None:
        """To the first row, and stay with whatever comes first."""
        super().action_first()
        self.following = True

    def action_last(self) -> None:
        """To the last row; the end is nothing to follow."""
        self._go(len(self.keys) - 1)

    def draw_row(self, key: int, width: int) -> Content:
        """`◐ fetching  eks/cilium/cilium:v1.19.4-1`."""
        row = self.rows[key]
        name = cut_name(plain(row.name), max(16, width - _STATE_WIDTH))
        return Content.assemble(
            state_text(row.state.value, _LABELS.get(row.state, ""), width=_STATE_WIDTH),
            Content.styled(name, "$ink3" if row.state is ArtifactState.WAITING else "$ink"),
        )


class DownloadPanes(Vertical):
    """`1 Artifacts  2 Log  3 Errors (n)`, and the one that is open."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - textual's own word
        super().__init__(id=id)
        self._told = 0
        self._drawn: object = None

    def compose(self) -> ComposeResult:
        """From top to bottom."""
        yield TabLine(("Artifacts", "Log", "Errors (0)"), id="tabs")
        with Vertical(id="tab-0", classes="pane"):
            yield FetchedList(id="fetched")
        with Vertical(id="tab-1", classes="pane"):
            yield EventLog(id="log")
        with Vertical(id="tab-2", classes="pane"):
            yield ErrorGroups(id="errors", whole="the download")

    def on_mount(self) -> None:
        """The artifacts first."""
        self.open(0, focus=False)

    def show(
        self,
        picture: Picture,
        names: Sequence[str],
        troubles: Sequence[Trouble],
        whole: Mapping[str, str],
    ) -> None:
        """Draw what changed.

        Args:
            names: of the artifacts; empty where they are not known.
            whole: why the whole could not go on, in parts; empty where it could.
        """
        under_way = [(one.artifact, one.label, bool(one.trouble)) for one in picture.flights]
        told = names, picture.states, under_way, picture.lost
        if told != self._drawn:  # of very many artifacts mostly none has changed
            self._drawn = told
            self.query_one(FetchedList).take(artifacts_of(picture, names))
        fresh = [event for event in picture.log if event.number > self._told]
        if fresh:
            self._told = fresh[-1].number
            self.query_one(EventLog).take(fresh, lambda _: "")
        self.query_one(ErrorGroups).show(troubles, whole)
        sign = "✗ " if whole or picture.lost else ""
        name = f"{sign}Errors ({len(picture.lost)})"
        self.query_one(TabLine).name_tab(2, name, alarming=bool(sign))

    def open(self, number: int, *, focus: bool = True) -> None:
        """Show another pane, counted from 0."""
        self.query_one(TabLine).choose(number)
        for one in range(3):
            self.query_one(f"#tab-{one}").display = one == number
        if focus:
            self.query_one(("#fetched", "#log", "#errors")[number]).focus()

    def on_tab_line_chosen(self, event: TabLine.Chosen) -> None:
        """The same by arrows or mouse."""
        event.stop()
        self.open(event.number)


def grouped(lost: Sequence[Lost]) -> list[Trouble]:
    """What could not be had, by cause; the largest group first."""

    def reason(one: Lost) -> tuple[str, str, str]:
        return one.code, one.cause, one.mend.replace("with --allow-missing", "with l")

    groups = []
    for (code, cause, mend), members in groupby(sorted(lost, key=reason), reason):
        title = ADVICE[Code(code)].title if code in set(Code) else code
        items = tuple(Item(n, one.source, 0, one.message) for n, one in enumerate(members))
        groups.append(Trouble(title, cause, mend, (), "", code, items))
    return sorted(groups, key=lambda group: -len(group.items))
