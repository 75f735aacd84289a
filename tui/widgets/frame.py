"""What stands round every screen: header, rail, stepper, title, action line, footer."""

from collections.abc import Sequence
from dataclasses import dataclass

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.events import Click
from textual.widgets import Static

from tui.glyphs import glyph
from tui.steps import FIRST_OF_IMPORT, StepStanding
from tui.widgets.button import FlatButton
from tui.widgets.children import replace_children
from tui.widgets.ends import Ends
from tui.widgets.line import Line

_GAP = "  "
"""Between two keys of the footer."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key of the moment, for the footer.

    Attributes:
        key: as printed on it: `F5`, `Esc`.
        letter: its twin; empty where it has none.
        label: what it does, in a word or two.
        action: of the screen, as in `again`.
        weight: the least drop out of a narrow footer first.
    """

    key: str
    letter: str
    label: str
    action: str
    weight: int = 5


class TooSmall(Static):
    """Lies over everything while the window is too small; all goes on underneath."""

    def __init__(self) -> None:
        super().__init__("", id="too-small")

    def render(self) -> Content:
        """How large it is, and how large it must be."""
        width, height = self.app.size
        return Content(
            f"This window is {width} x {height}. eksa-mirror needs 80 x 24.\n"
            "Enlarge it, or use the commands: eksa-mirror --help"
        )


class HeaderLine(Ends):
    """`eksa-mirror   site-a                answers saved 14:02`."""

    def show(self, site: str, right: Content, exposure: str = "") -> None:
        """Fill it.

        Args:
            exposure: how somebody on the way could read along; empty where nobody can.
        """
        left = Content.styled("eksa-mirror", "bold")
        if site:
            left = Content.assemble(left, f"   {site}")
        if exposure:
            left = Content.assemble(left, "   ", Content.styled(f"! {exposure}", "$warn"))
        self.put(left.stylize_before("$ink2"), right.stylize_before("$ink3"))


class Rail(Line):
    """The ten steps at the left of a wide window."""

    def show(self, standings: Sequence[StepStanding]) -> None:
        """Fill it."""
        lines = [Content.styled("Set up", "$ink2")]
        for one in standings:
            if one.number == FIRST_OF_IMPORT:
                lines += [Content(""), Content.styled("Import", "$ink2")]
            lines.append(_rail_line(one))
        self.update(Content("\n").join(lines), layout=False)


def _rail_line(one: StepStanding) -> Content:
    here, todo = one.state == "here", one.state == "to do"
    style = "bold $accent" if here else "$ink3" if todo else "$ink2"
    text = Content.styled(f" {one.number:>2}  {one.name}", style)
    return Content.assemble(glyph(one.state), text)


class Stepper(Line):
    """`5  Namespaces        ! + ! + > . . . . .   5 of 10`, in a narrow window."""

    def show(self, standings: Sequence[StepStanding], here: int, state: Content) -> None:
        """Fill it.

        Args:
            state: of the import; may be empty.
        """
        name = standings[here - 1].name
        left = Content.styled(f"{here}  {name}", "bold $accent")
        if state:
            left = Content.assemble(left, "   ", state)
        right = Content.assemble(
            Content(" ").join(glyph(one.state) for one in standings),
            Content.styled(f"   {here:>2} of {len(standings)}", "$ink2"),
        )
        gap = max(1, self.app.size.width - 4 - left.cell_length - right.cell_length)
        self.update(Content.assemble(left, " " * gap, right), layout=False)


class ActionLine(Horizontal):
    """Back, one sentence, further buttons, the primary button."""

    def compose(self) -> ComposeResult:
        yield FlatButton("‹ Back", action="back", id="back")
        yield Line("", id="sentence")
        yield Horizontal(id="extra-buttons")
        yield FlatButton("Continue ›", action="go_on", id="primary", primary=True)

    def show(self, sentence: str | Content, primary: str, *, enabled: bool = True) -> None:
        """Fill it; without a label there is no primary button."""
        said = Content(sentence) if isinstance(sentence, str) else sentence
        self.query_one("#sentence", Line).update(said, layout=False)
        button = self.query_one("#primary", FlatButton)
        button.show(primary)
        button.display = bool(primary)
        button.set_class(not enabled, "-quiet")

    def extra(self, *buttons: FlatButton) -> None:
        """Buttons between the sentence and the primary one."""
        replace_children(self.query_one("#extra-buttons", Horizontal), *buttons)


class FooterLine(Static):
    """The keys that work now; what does not fit drops out, the least used first."""

    _keys: Sequence[tuple[Key, str]] = ()
    _hint = ""

    def show(self, keys: Sequence[Key], hint: str = "") -> None:
        """Fill it; nothing happens where nothing changed.

        Args:
            hint: stands at the right end in basic mode, where it fits.
        """
        basic = self.app.has_class("-basic")
        spelled = [(key, _spelled(key, basic=basic)) for key in keys]
        room = self.app.size.width - 4
        while len(spelled) > 1 and _width(spelled) > room:
            spelled.remove(min(reversed(spelled), key=lambda one: one[0].weight))
        if (spelled, hint) != (self._keys, self._hint):
            self._keys, self._hint = spelled, hint
            self.refresh()

    def render(self) -> Content:
        """All keys, and the hint."""
        style = "reverse" if self.app.has_class("-basic") else "bold $accent"
        shown = [
            Content.assemble(Content.styled(text, style), f" {key.label}")
            for key, text in self._keys
        ]
        words = Content(_GAP).join(shown)
        room = self.content_size.width - words.cell_length
        hint = f"{self._hint:>{room}}" if len(self._hint) + len(_GAP) <= room else ""
        return (words + hint).stylize_before("$ink2")

    def on_click(self, event: Click) -> None:
        """Do what the clicked key does."""
        at, column = event.get_content_offset(self), 0
        for key, text in self._keys if at else ():
            end = column + len(text) + 1 + len(key.label)
            if at and column <= at.x < end and key.action:
                doing = self.app.run_action(key.action, default_namespace=self.screen)
                self.screen.run_worker(doing)
            column = end + len(_GAP)


def _spelled(key: Key, *, basic: bool) -> str:
    return key.letter if basic and key.letter else key.key


def _width(spelled: Sequence[tuple[Key, str]]) -> int:
    words = sum(len(text) + 1 + len(key.label) for key, text in spelled)
    return words + len(_GAP) * (len(spelled) - 1)
