"""What failed, by cause, with the way out."""

from collections.abc import Mapping, Sequence

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content

from core.errors import ADVICE, Code
from core.transfer.troubles import Trouble
from core.units import size
from tui.glyphs import state_text
from tui.widgets.drawn import Drawn
from tui.widgets.hung import hung, labelled
from tui.widgets.strip import command_strip
from tui.words import cut_name, plain, plural

_AT, _TEXT_AT, _ITEMS = 17, 25, 5


class ErrorGroups(VerticalScroll, can_focus=True):
    """The groups, the largest first; Enter shows all items of each.

    Args:
        whole: what it is that could not go on as a whole.
    """

    def __init__(
        self,
        *,
        id: str | None = None,  # noqa: A002 - textual's own word
        whole: str = "the import",
    ) -> None:
        super().__init__(id=id)
        self._about = whole
        self.troubles: Sequence[Trouble] = ()
        self._whole = False

    def compose(self) -> ComposeResult:
        """One text."""
        yield Drawn(id="error-text")

    def on_mount(self) -> None:
        """Nothing has failed yet."""
        self._draw()

    def show(self, troubles: Sequence[Trouble], error: Mapping[str, str]) -> None:
        """Draw the groups, and before them why the whole import could not go on.

        Args:
            error: of the job; empty where it has none.
        """
        whole = (_whole_trouble(error),) if error else ()
        if (*whole, *troubles) == self.troubles:
            return
        self.troubles = (*whole, *troubles)
        self._draw()

    def key_enter(self) -> None:
        """All items, or the first ones."""
        self._whole = not self._whole
        self._draw()

    def _draw(self) -> None:
        self.query_one("#error-text", Drawn).show(self._lines)

    def _lines(self, width: int) -> list[Content]:
        lines: list[Content] = []
        for trouble in self.troubles:
            drawn = group_lines(trouble, width, whole=self._whole, name=self._about)
            lines += [*drawn, Content("")]
        return lines or [Content.styled("  Nothing has failed.", "$ink3")]


def _whole_trouble(error: Mapping[str, str]) -> Trouble:
    code = error.get("code", "")
    title = ADVICE[Code(code)].title if code in set(Code) else code
    said = f"{error.get('message', '')} {error.get('cause', '')}".strip()
    return Trouble(title, said, error.get("mend", ""), (), "", code, ())


def group_lines(
    trouble: Trouble, width: int, *, whole: bool = False, name: str = "the import"
) -> list[Content]:
    """A group: count and title, cause, fix, command, items.

    Args:
        whole: all items, not the first ones alone.
        name: stands for the count where it is not about single artifacts.
    """
    count = plural(len(trouble.items), "artifact") if trouble.items else name
    head = state_text("failed", count, width=_AT)
    lines = hung(head, trouble.title, width, at=_AT, style="bold")
    for label, text in (("Cause", trouble.cause), ("Fix", trouble.mend)):
        lines += labelled(label, text, width, label_at=_AT, at=_TEXT_AT)
    for line in trouble.settings:
        lines.append(Content.assemble(" " * (_TEXT_AT + 2), Content.styled(line, "$ink")))
    if trouble.command:
        lines += command_strip(trouble.command, width, at=_TEXT_AT)
    shown = trouble.items if whole else trouble.items[:_ITEMS]
    for number, item in enumerate(shown):
        name_width = max(20, width - _TEXT_AT - 10)
        name = cut_name(plain(item.source), name_width)
        label = "Items" if not number else ""
        lines.append(
            Content.assemble(
                Content.styled(f"{'':<{_AT}}{label:<{_TEXT_AT - _AT}}", "$ink3"),
                f"{name:<{name_width}}",
                Content.styled(f"{size(item.size) if item.size else '':>10}", "$ink2"),
            )
        )
    if len(shown) < len(trouble.items):
        more = len(trouble.items) - len(shown)
        lines.append(Content.styled(f"{'':<{_TEXT_AT}}and {more} more, Enter shows all", "$ink3"))
    return lines
