"""All that is known of one artifact."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from core.errors import JobError
from core.transfer.job import Job
from core.transfer.records import ArtifactDetails, LayerRow
from core.transfer.standing import in_motion, look_at, state_of
from core.transfer.states import PlacementState
from core.transfer.view import JournalView
from core.units import part_of, size
from tui.aside import aside
from tui.glyphs import state_text
from tui.page import Page
from tui.widgets.drawn import Drawn
from tui.widgets.frame import FooterLine, HeaderLine, Key
from tui.widgets.hung import hung
from tui.words import plain

if TYPE_CHECKING:
    from tui.app import MirrorApp

_AT = 17
_STATES = {
    PlacementState.WAITING: ("waiting", ""),
    PlacementState.SENDING: ("sending", ""),
    PlacementState.SENT: ("done", "sent"),
    PlacementState.MOUNTED: ("present", "mounted"),
    PlacementState.PRESENT: ("present", ""),
}


class ArtifactPage(Page[None]):
    """Names, digest, layers, tries; for a failed one its cause and fix. Read again each second."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,d", "close", show=False),
        Binding("f7,y", "copy", show=False),
        Binding("f10,q", "app.leave", show=False),
        Binding("ctrl+c", "app.leave", show=False, priority=True),
    ]

    @dataclass
    class Looked(Message):
        """The journal was read; or it could not be."""

        found: ArtifactDetails | JobError | None
        moving: bool

    def __init__(self, job: Job, number: int) -> None:
        super().__init__(classes="page-dialog")
        self._job, self._number = job, number
        self._copied = ""
        self._looking = False

    def compose(self) -> ComposeResult:
        """Header, text, footer."""
        yield HeaderLine(id="header")
        yield Static(Content.styled("One artifact", "bold"), classes="page-title")
        with VerticalScroll(classes="page-body"):
            yield Drawn(id="artifact-text")
        yield FooterLine(id="footer")

    def on_mount(self) -> None:
        """Draw it, and again as it goes on."""
        app = cast("MirrorApp", self.app)
        self.query_one(HeaderLine).show(app.session.site, app.saved_words())
        self.query_one(FooterLine).show(
            (
                Key("Esc", "", "Close", "close", 10),
                Key("F7", "y", "Copy the name", "copy", 5),
                Key("Up/Down", "", "Scroll", "", 4),
            )
        )
        self.query_one(VerticalScroll).focus()
        self._look()
        self.set_interval(1.0, self._look)

    def _look(self) -> None:
        if not self._looking:
            self._looking = True
            aside(self, self._read)

    def _read(self) -> None:
        try:
            standing, summary = look_at(self._job)
            with JournalView(self._job.journal) as view:
                details = view.artifact_details(self._number)
        except JobError as error:
            self.post_message(self.Looked(error, moving=False))
        else:
            self.post_message(self.Looked(details, in_motion(standing.stand, summary)))

    def on_artifact_page_looked(self, event: Looked) -> None:
        """Draw it."""
        self._looking = False
        found, moving = event.found, event.moving
        if isinstance(found, JobError):
            message = Content(plain(found.message))
            self.query_one(Drawn).show(lambda _: [message])
        elif found:
            self._copied = found.row.destination or found.row.source
            self.query_one(Drawn).show(
                lambda width: list(detail_lines(found, width, moving=moving))
            )

    def action_copy(self) -> None:
        """Its name in the registry."""
        cast("MirrorApp", self.app).copy(self._copied)

    def action_close(self) -> None:
        """Back to the panes."""
        self.dismiss(None)


def detail_lines(details: ArtifactDetails, width: int, *, moving: bool) -> Iterator[Content]:
    """An artifact on the grid.

    Args:
        moving: whether anything is under way, whatever the journal says of this one.
    """
    row = details.row
    state = state_text(state_of(row.state, moving=moving).value)
    yield Content.assemble(Content.styled(f"{'State':<{_AT}}", "$ink2"), state)
    facts = (
        ("Upstream name", row.source),
        ("In your registry", row.destination),
        ("Kind", row.kind.replace("-", " ")),
        ("Platforms", row.platforms),
        ("Digest", row.digest),
        ("Size", size(row.size)),
        ("Verified", "yes" if row.verified else "not yet"),
    )
    for label, text in facts:
        if text:
            yield from _fact(label, text, width)
    if row.message:
        yield Content("")
        for label, text in (("What", row.message), ("Where", row.place)):
            yield from _fact(label, text, width)
        yield from _fact("Cause", row.cause, width)
        yield from _fact("Fix", row.mend, width)
    yield Content("")
    yield Content.styled("Layers", "bold")
    for layer in details.layers:
        yield _layer(layer, moving=moving)
    if details.tries:
        yield Content("")
        yield Content.styled("Tries", "bold")
        for event in details.tries:
            clock = time.strftime("%H:%M:%S", time.localtime(event.at))
            yield from _fact(clock, event.text, width)


def _layer(layer: LayerRow, *, moving: bool) -> Content:
    begun = layer.state is PlacementState.SENDING
    word, label = ("waiting", "begun") if begun and not moving else _STATES[layer.state]
    name = "layer" if layer.is_layer else "config"
    digest = (layer.sent_digest or layer.digest)[:19]
    done = size(layer.size) if layer.state.is_there else part_of(layer.done, layer.size)
    return Content.assemble(
        Content.styled(f"{name:<{_AT}}", "$ink2"), state_text(word, label, width=12),
        f"{digest:<21}{done:>20}",
    )  # fmt: skip


def _fact(label: str, text: str, width: int) -> list[Content]:
    return hung(Content.styled(label, "$ink2"), text, width, at=_AT)
