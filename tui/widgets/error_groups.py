"""What failed, by cause, with the way out."""

import textwrap
from collections.abc import Mapping, Sequence

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from core.errors import ADVICE, Code
from core.transfer.troubles import Trouble
from core.units import size
from tui.glyphs import state_text
from tui.widgets.strip import wrapped_command
from tui.words import cut_name, plain, plural

_AT, _TEXT_AT, _ITEMS = 17, 25, 5


class ErrorGroups(VerticalScroll, can_focus=True):
    """The groups, the largest first; Enter shows all items of each."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - textual's own word
        super().__init__(id=id)
        self.troubles: Sequence[Trouble] = ()
        self._whole = False

    def compose(self) -> ComposeResult:
        """One text."""
        yield Static("", id="error-text")

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

    def on_resize(self) -> None:
        """Texts are wrapped anew."""
        self._draw()

    def _draw(self) -> None:
        width = self.content_size.width or 76
        lines: list[Content] = []
        for trouble in self.troubles:
            lines += [*group_lines(trouble, width, whole=self._whole), Content("")]
        if not lines:
            lines = [Content.styled("  Nothing has failed.", "$ink3")]
        self.query_one("#error-text", Static).update(Content("\n").join(lines))


def _whole_trouble(error: Mapping[str, str]) -> Trouble:
    code = error.get("code", "")
    title = ADVICE[Code(code)].title if code in set(Code) else code
    said = f"{error.get('message', '')} {error.get('cause', '')}".strip()
    return Trouble(title, said, error.get("mend", ""), (), "", code, ())


def group_lines(trouble: Trouble, width: int, *, whole: bool = False) -> list[Content]:
    """A group: count and title, cause, fix, command, items."""
    count = plural(len(trouble.items), "artifact") if trouble.items else "the import"
    title = textwrap.wrap(plain(trouble.title), max(20, width - _AT)) or [""]
    head = state_text("failed", count, width=_AT)
    lines = [Content.assemble(head, Content.styled(title[0], "bold"))]
    lines += [Content.styled(" " * _AT + line, "bold") for line in title[1:]]
    for label, text in (("Cause", trouble.cause), ("Fix", trouble.mend)):
        lines += _labelled(label, plain(text), width)
    for line in trouble.settings:
        lines.append(Content.assemble(" " * (_TEXT_AT + 2), Content.styled(line, "$ink")))
    if trouble.command:
        room = max(20, width - _TEXT_AT)
        for number, line in enumerate(wrapped_command(plain(trouble.command), room - 3)):
            sign = "$" if not number else " "
            lines.append(
                Content.assemble(
                    " " * _TEXT_AT,
                    Content.styled(f" {sign} ", "$ink3 on $panel"),
                    Content.styled(f"{line:<{room - 3}}", "$ink on $panel"),
                )
            )
    shown = trouble.items if whole else trouble.items[:_ITEMS]
    for number, item in enumerate(shown):
        name_width = max(20, width - _TEXT_AT - 10)
        name = cut_name(plain(item.source), name_width)
        label = "Items" if not number else ""
        lines.append(
            Content.assemble(
                Content.styled(f"{'':<{_AT}}{label:<{_TEXT_AT - _AT}}", "$ink3"),
                f"{name:<{name_width}}",
                Content.styled(f"{size(item.size):>10}", "$ink2"),
            )
        )
    if len(shown) < len(trouble.items):
        more = len(trouble.items) - len(shown)
        lines.append(Content.styled(f"{'':<{_TEXT_AT}}and {more} more, Enter shows all", "$ink3"))
    return lines


def _labelled(label: str, text: str, width: int) -> list[Content]:
    wrapped = textwrap.wrap(text, max(20, width - _TEXT_AT), break_on_hyphens=False)
    return [
        Content.assemble(
            Content.styled(f"{'':<{_AT}}{label if not n else '':<{_TEXT_AT - _AT}}", "$ink3"),
            Content.styled(line, "$ink2"),
        )
        for n, line in enumerate(wrapped)
    ]
