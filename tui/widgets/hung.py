"""Texts that keep to their column of the grid."""

import textwrap

from textual.content import Content

from tui.words import plain

_LEAST = 20
"""Cells that a text is given at least; in a narrower place it is cut."""


def hung(head: Content, text: str, width: int, *, at: int, style: str = "") -> list[Content]:
    """A text right of its head; what does not fit stands below its beginning.

    Args:
        head: what stands left of it.
        width: cells of the whole.
        at: the column where it begins.
        style: of the text.
    """
    lines = textwrap.wrap(plain(text), max(_LEAST, width - at), break_on_hyphens=False) or [""]
    first = Content.assemble(
        head, " " * max(0, at - head.cell_length), Content.styled(lines[0], style)
    )
    return [first, *(Content.styled(" " * at + line, style) for line in lines[1:])]


def labelled(label: str, text: str, width: int, *, label_at: int, at: int) -> list[Content]:
    """A quiet label and what it explains; nothing where there is no text."""
    head = Content.styled(" " * label_at + label, "$ink3")
    return hung(head, text, width, at=at, style="$ink2") if text else []
