"""What the mappings do to the name of a real artifact."""

from collections.abc import Sequence
from dataclasses import dataclass

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input

from core.answers import Answers
from core.mirror.mapping_rows import MappingRow, example
from tui.widgets.drawn import Drawn
from tui.widgets.heading import Heading

_PLAIN_NAMES = ("public.ecr.aws/eks/cilium/cilium:v1.19.4-1",)
"""Stands for the real ones until they are read."""

_LABEL_WIDTH, _WIDE = 17, 86


class LiveExample(Vertical):
    """An upstream name and what becomes of it; `e` shows the next one, `/` finds one.

    Attributes:
        names: of all artifacts that are required; empty while they are not known.
    """

    @dataclass
    class Searched(Message):
        """The search has ended: the focus goes back to where it was."""

    def __init__(self) -> None:
        super().__init__(id="live-example")
        self.names: Sequence[str] = ()
        self._answers = Answers()
        self._row: MappingRow | None = None
        self._at = 0
        self._found: str | None = None

    def compose(self) -> ComposeResult:
        """Heading, a field to find a name, and the lines."""
        yield Heading("Live example", "e next", id="example-heading")
        yield Input(placeholder="part of a name", classes="find-field", compact=True)
        yield Drawn(id="example")

    def on_mount(self) -> None:
        """Nothing is looked for yet; the cursor of the field stands still."""
        self._field.display = False
        self._field.cursor_blink = False

    @property
    def _field(self) -> Input:
        return self.query_one(".find-field", Input)

    @property
    def _own(self) -> Sequence[str]:
        """The names that the row is about; all where it is about none."""
        row, names = self._row, self.names or _PLAIN_NAMES
        return [one for one in names if row and one.startswith(f"{row.registry}/")] or names

    def show(self, answers: Answers, row: MappingRow | None) -> None:
        """Draw it.

        Args:
            row: as it is being typed, right or not; it goes before the answers.
        """
        if row and self._row and row.registry != self._row.registry:
            self._found = None
        self._answers, self._row = answers, row
        self._draw()

    def go_on(self) -> None:
        """The next name: of those that were found, while something is looked for."""
        if self._found is not None and self._field.value:
            self._look_for(self._field.value, after=self._found)
        else:
            self._found = None
            self._at += 1
        self._draw()

    def find(self) -> None:
        """Open the field; Enter keeps what was found, Esc goes back."""
        self._field.value = ""
        self._field.display = True
        self.screen.set_focus(self._field)

    def end_find(self) -> bool:
        """Esc: the name of before; False where nothing was looked for."""
        if not self._field.display:
            return False
        self._found = None
        self._close()
        return True

    def on_input_changed(self, event: Input.Changed) -> None:
        """The first name that holds what is typed."""
        event.stop()
        if self._field.display:
            self._look_for(event.value)
            self._draw()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Keep it."""
        event.stop()
        self._close()

    def _close(self) -> None:
        self._field.display = False
        self._draw()
        self.post_message(self.Searched())

    def _look_for(self, text: str, after: str = "") -> None:
        """Find a name; an empty one stands for none."""
        wanted = text.strip().casefold()
        if not wanted:
            self._found = None
            return
        fitting = [one for one in self.names or _PLAIN_NAMES if wanted in one.casefold()]
        at = (fitting.index(after) + 1) % len(fitting) if after in fitting else 0
        self._found = fitting[at] if fitting else ""

    def _draw(self) -> None:
        own, names = self._own, list(self.names or _PLAIN_NAMES)
        at, total = self._at % len(own), len(own)
        name = own[at]
        if self._found:
            name, at, total = self._found, names.index(self._found), len(names)
        meta = "no such name" if self._found == "" else f"e next   {at + 1} of {total}"
        self.query_one("#example-heading", Heading).show(meta=meta)
        shown = example(self._answers, name, self._row)
        self.query_one("#example", Drawn).show(lambda width: _lines(shown, width))


def _lines(shown: tuple[str, str, str], width: int) -> list[Content]:
    upstream, place, rest = shown
    registry, _, path = upstream.partition("/")
    before = Content.assemble(
        Content.styled(f"{'Upstream name':<{_LABEL_WIDTH}}", "$ink2"),
        Content.styled(registry, "underline"),
        f"/{path}",
    )
    after = Content.assemble(
        Content.styled(f"{'In your mirror':<{_LABEL_WIDTH}}", "$ink2"),
        Content.styled(place, "bold underline $accent"),
        rest,
    )
    lines = [before, after]
    if place and width >= _WIDE:
        told = f"{'Nodes request':<{_LABEL_WIDTH}}{_request(place + rest)}"
        lines.append(Content.styled(told, "$ink2"))
    return [line.truncate(width, ellipsis=True) for line in lines]


def _request(reference: str) -> str:
    """What a node asks the registry for: `GET /v2/eks-a/eks/cilium/cilium/manifests/v1.19.4-1`."""
    name = reference.partition("/")[2]
    sign = "@" if "@" in name else ":"
    repository, _, version = name.rpartition(sign)
    return f"GET /v2/{repository}/manifests/{version}"
