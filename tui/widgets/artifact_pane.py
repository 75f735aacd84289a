"""The pane of artifacts: filters, a field to find some, the list, and where in it one is."""

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input

from core.transfer.standing import in_motion
from tui.follower import Sight
from tui.widgets.artifact_list import FILTERS, ArtifactList
from tui.widgets.line import Line
from tui.widgets.row_list import RowList


class ArtifactPane(Vertical):
    """What the keys f, / and Esc do is called by the screen."""

    def compose(self) -> ComposeResult:
        """From top to bottom."""
        yield Line("", id="filters")
        yield Input(placeholder="part of a name", id="find", classes="find-field", compact=True)
        yield ArtifactList(id="artifacts")
        yield Line("", id="rows-line")

    def on_mount(self) -> None:
        """Nothing is looked for yet; the cursor of the field stands still."""
        self._field.display = False
        self._field.cursor_blink = False

    @property
    def list(self) -> ArtifactList:
        """The list itself."""
        return self.query_one(ArtifactList)

    @property
    def _field(self) -> Input:
        return self.query_one("#find", Input)

    def show(self, sight: Sight) -> None:
        """Draw what changed."""
        moving = in_motion(sight.standing.stand, sight.summary)
        self.list.take(sight.rows, sight.gone, sight.layers, moving=moving)
        self._show_counts()

    def next_filter(self) -> None:
        """Sift by the next state."""
        self.list.chosen = (self.list.chosen + 1) % len(FILTERS)
        self.list.sift()
        self._show_counts()

    def find(self) -> None:
        """Open the field; Enter leaves it, Esc ends the search."""
        self._field.display = True
        self._field.focus()

    def end_find(self) -> bool:
        """Close the field and show all again; False where nothing was looked for."""
        if not self._field.display:
            return False
        self._field.value = ""
        self._field.display = False
        self.list.focus()
        return True

    def on_input_changed(self, event: Input.Changed) -> None:
        """Sift while it is typed."""
        event.stop()
        self.list.text = event.value.strip()
        self.list.sift()
        self._show_counts()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """To what was found."""
        event.stop()
        self.list.focus()

    def on_row_list_moved(self, event: RowList.Moved) -> None:
        """Other rows may be in sight."""
        event.stop()
        self._show_place()

    def on_resize(self) -> None:
        """And more or fewer of them."""
        self.call_after_refresh(self._show_place)

    def _show_counts(self) -> None:
        basic = self.app.has_class("-basic")
        parts = []
        counts = zip(FILTERS, self.list.counts(), strict=True)
        for number, ((name, _), count) in enumerate(counts):
            text, chosen = f"{name} {count}", number == self.list.chosen
            if basic:
                parts.append(Content(f"[{text}]" if chosen else text))
            else:
                parts.append(Content.styled(text, "bold underline" if chosen else "$ink2"))
        self.query_one("#filters", Line).update(Content("   ").join(parts), layout=False)
        self._show_place()

    def _show_place(self) -> None:
        first, last = self.list.in_sight
        rows = f"  rows {first} to {last} of {len(self.list.keys)}   Enter shows one artifact"
        wide = self.app.size.width >= 100
        line = rows if wide else "To come back later: eksa-mirror attach"
        self.query_one("#rows-line", Line).update(Content.styled(line, "$ink3"), layout=False)
