"""What a screen looks like: its letters, and how each is drawn, by the names of the palette.

Both themes give the same picture, as long as every colour is one of the palette's.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby

from rich.color import ColorSystem
from rich.segment import Segment
from rich.style import Style

from tui.app import MirrorApp
from tui.themes import DARK, LIGHT

_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ROLES = (
    "bg", "panel", "field", "field2", "sel", "rule",
    "ink", "ink2", "ink3", "accent", "on-accent", "ok", "warn", "fail",
)  # fmt: skip
LINE = "=" * 24
"""Stands in a kept picture between the letters and how they are drawn."""

MIXED = "a mixture"
"""Stands for a colour that is not one of the palette."""

_ATTRIBUTES = ("bold", "dim", "italic", "underline", "blink", "reverse", "strike")
_COLOURS = re.compile(r"\x1b\[(?:[0-9]+;)*(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])(?:;[0-9]+)*m")


@dataclass(frozen=True, slots=True)
class Cell:
    """A piece of a row that is drawn in one manner.

    Attributes:
        ink: `#rrggbb` of the letters, empty where the terminal's own is meant; as is `ground`.
        manner: names of attributes, such as `bold underline`.
    """

    text: str
    ink: str
    ground: str
    manner: str


Rows = list[list[Cell]]


def rows_of(app: MirrorApp) -> Rows:
    """All that is on the screen."""
    strips = app.screen._compositor.render_strips(app.size)
    return [[_cell(one) for one in strip if one.text and not one.control] for strip in strips]


def text_of(rows: Rows) -> str:
    """The letters alone, a line for each row."""
    return "\n".join("".join(cell.text for cell in row).rstrip() for row in rows)


def drawn(rows: Rows, theme: str) -> str:
    """The picture as it is kept: the letters, then the manner of each piece of each row.

    Args:
        theme: its colours get their names; `basic` has none.
    """
    names = {} if theme == "basic" else palette(theme)
    legend: dict[str, str] = {}
    lines = []
    for row in rows:
        manners = [(_manner(cell, names), len(cell.text)) for cell in row]
        runs = []
        for manner, group in groupby(manners, key=lambda one: one[0]):
            letter = legend.setdefault(manner, _LETTERS[len(legend)])
            runs.append(f"{sum(length for _, length in group)}{letter}")
        lines.append(" ".join(runs))
    kept = [f"{letter}  {manner}" for manner, letter in legend.items()]
    return "\n".join([text_of(rows), LINE, *lines, LINE, *kept, ""])


def palette(theme: str) -> Mapping[str, str]:
    """`#rrggbb` to the name of its role."""
    variables = {"site-dark": DARK, "site-light": LIGHT}[theme].variables
    return {variables[role]: role for role in _ROLES}


def output(app: MirrorApp) -> str:
    """What is written to a terminal that knows all colours, to draw the screen."""
    strips = app.screen._compositor.render_strips(app.size)
    return "\n".join(
        "".join(
            one.style.render(one.text, color_system=ColorSystem.TRUECOLOR)
            if one.style
            else one.text
            for one in strip
        )
        for strip in strips
    )


def colour_codes(text: str) -> list[str]:
    """The sequences in an output that set a colour."""
    return _COLOURS.findall(text)


def _cell(segment: Segment) -> Cell:
    style = segment.style or Style()
    manner = " ".join(one for one in _ATTRIBUTES if getattr(style, one))
    return Cell(segment.text, _hex(style, "color"), _hex(style, "bgcolor"), manner)


def _hex(style: Style, which: str) -> str:
    colour = getattr(style, which)
    if colour is None or colour.is_default:
        return ""
    return str(colour.get_truecolor().hex)


def _manner(cell: Cell, names: Mapping[str, str]) -> str:
    """`bold ink on bg`; a blank has no ink."""
    ground = f"on {names.get(cell.ground, MIXED)}" if cell.ground else ""
    if not cell.text.strip() and "reverse" not in cell.manner and "line" not in cell.manner:
        return ground or "plain"
    ink = names.get(cell.ink, MIXED) if cell.ink else ""
    return " ".join(one for one in (cell.manner, ink, ground) if one) or "plain"


# --- contrast -----------------------------------------------------------------------------------

_LINES = frozenset("━╸╺▌▊▎▁▂▃▄▅▆▇█└├│─┌┐┘ ")
"""Edges, bars and branches: what they tell is told by words, too."""

_DECORATION = frozenset({"rule", "field", "field2", "panel", "sel", "bg"})


def hard_to_read(rows: Rows, theme: str) -> Iterator[str]:
    """Texts whose contrast is too low: 4.5 to 1 for text (WCAG 2.2, 1.4.3), 3 to 1 for lines.

    What is drawn in the colour of a ground is decoration: the rest of a bar, the edge of a field.
    What shines through below a dialog is drawn on a mixture of colours; nothing there can be used.
    """
    names = palette(theme)
    for row in rows:
        for cell in row:
            text = cell.text.strip()
            graphic = not set(text) - _LINES
            ink = names.get(cell.ink, cell.ink)
            if not text or (graphic and ink in _DECORATION) or _is_mixed(cell, names):
                continue
            ground, ratio = names[cell.ground], contrast(cell.ink, cell.ground)
            if ratio < (3.0 if graphic else 4.5):
                yield f"{ratio:.2f}: {ink} on {ground}: {text!r}"
            elif ink == "ink3" and ground in ("field2", "sel"):
                yield f"ink3 on {ground}: {text!r}"


def _is_mixed(cell: Cell, names: Mapping[str, str]) -> bool:
    return cell.ink not in names or cell.ground not in names


def contrast(one: str, other: str) -> float:
    """From 1 to 21, as WCAG 2.2 defines it."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
