"""F2: the steps with their state; any can be opened, in any order."""

from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from tui.glyphs import state_text
from tui.page import Page
from tui.steps import StepStanding
from tui.widgets.frame import FooterLine, HeaderLine, Key

if TYPE_CHECKING:
    from tui.app import MirrorApp

_KEYS = (
    Key("Up/Down", "", "Move", "", 9),
    Key("Enter", "", "Go", "", 9),
    Key("Esc", "", "Close", "close", 10),
)


class StepsList(Page[int]):
    """A list over the whole screen; its result is the step to open, 0 for none."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f2,g", "close", show=False),
        Binding("f10,q", "app.leave", show=False),
        Binding("ctrl+c", "app.leave", show=False, priority=True),
    ]

    def __init__(self, here: int) -> None:
        super().__init__(classes="page-dialog")
        self._here = here

    def compose(self) -> ComposeResult:
        """Header, list, footer."""
        yield HeaderLine(id="header")
        yield Static(Content.styled("Steps", "bold"), classes="page-title")
        yield OptionList(id="steps", compact=True)
        yield FooterLine(id="footer")

    def on_mount(self) -> None:
        """Fill the list; the step that is open is selected."""
        app = cast("MirrorApp", self.app)
        self.query_one(HeaderLine).show(app.session.site, app.saved_words())
        self.query_one(FooterLine).show(_KEYS)
        steps = self.query_one("#steps", OptionList)
        for one in app.session.standings(self._here):
            steps.add_option(Option(_line(one)))
        steps.highlighted = max(0, self._here - 1)
        steps.focus()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Go there."""
        self.dismiss(event.option_index + 1)

    def action_close(self) -> None:
        """Go nowhere."""
        self.dismiss(0)


def _line(one: StepStanding) -> Content:
    needs = {9: "needs step 8", 10: "needs step 9"}
    words = one.words or (needs.get(one.number, "") if one.state == "to do" else "")
    state = state_text(one.state, width=11)
    return Content.assemble(
        f"{one.number:>2}  {one.name:<16}", state, Content.styled(words, "$ink2")
    )
