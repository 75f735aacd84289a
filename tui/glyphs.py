"""State words with their glyphs, and the twins of all glyphs in ASCII (basic mode).

A state is always a glyph and a word; colour only repeats it. Widgets write the glyphs of the
colour mode; `Plain` turns every line of the screen into ASCII where that is wanted.
"""

import unicodedata
from functools import lru_cache

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.content import Content
from textual.filter import LineFilter

_DASH = "\N{EN DASH}"

STATES = {
    "pass": ("✓", "$ok"),
    "exists": ("✓", "$ok"),
    "found": ("✓", "$ok"),
    "done": ("✓", "$ok"),
    "written": ("✓", "$ok"),
    "verified": ("✓", "$ok"),
    "warn": ("!", "$warn"),
    "stalled": ("!", "$warn"),
    "fail": ("✗", "$fail"),
    "missing": ("✗", "$fail"),
    "failed": ("✗", "$fail"),
    "skipped": (_DASH, "$ink3"),
    "paused": (_DASH, "$ink2"),
    "stopped": (_DASH, "$ink2"),
    "running": ("◐", "$accent"),
    "sending": ("◐", "$accent"),
    "verifying": ("◐", "$accent"),
    "waiting": ("○", "$ink3"),
    "needed": ("○", "$ink3"),
    "to do": ("○", "$ink3"),
    "present": ("=", "$ok"),
    "retrying": ("↻", "$warn"),
    "here": ("●", "$accent"),
}
"""Word to its glyph and colour (wireframes, section 4)."""

ASCII = str.maketrans(
    {
        "✓": "+",
        "✗": "x",
        _DASH: "-",
        "\N{EM DASH}": "-",
        "\N{MINUS SIGN}": "-",
        "◐": "*",
        "○": ".",
        "↻": "@",
        "●": ">",
        "►": ">",
        "▌": ">",
        "▼": "v",
        "└": "`",
        "├": "|",
        "│": "|",
        "─": "-",
        "━": "#",
        "╸": "#",
        "╺": ".",
        "‹": "<",
        "›": ">",
        "…": "~",
        "↓": "v",
        "↑": "^",
        "→": ">",
        "•": "*",
        "·": ".",
        "“": '"',
        "”": '"',
        "„": '"',
        "‘": "'",
        "’": "'",
        "\N{NO-BREAK SPACE}": " ",
    }
)


def state_text(word: str, label: str = "", *, width: int = 0) -> Content:
    """The glyph of a state and its word, in its colour.

    Args:
        word: one of `STATES`.
        label: shown in place of the word, as in `3 failed`.
        width: padded to as many cells.
    """
    glyph, colour = STATES[word]
    text = f"{glyph} {label or word}"
    return Content.styled(text, colour) + " " * max(0, width - len(text))


def glyph(word: str) -> Content:
    """The glyph of a state alone; its word must stand near."""
    sign, colour = STATES[word]
    return Content.styled(sign, colour)


def to_ascii(text: str) -> str:
    """The same in as many cells of ASCII; letters lose accents, what is unknown becomes `?`."""
    if text.isascii():
        return "".join(c if c.isprintable() else " " for c in text)
    return "".join(map(_ascii, text))


@lru_cache(4096)
def _ascii(letter: str) -> str:
    known = letter.translate(ASCII)
    if known.isascii():
        return known if known.isprintable() else " "
    base = unicodedata.normalize("NFKD", letter)[0]
    return base if base.isascii() and base.isprintable() else "?" * cell_len(letter)


class Plain(LineFilter):
    """Basic mode: 7-bit characters, and of all styles bold, underline and reverse alone."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The line as a terminal of 1978 can show it."""
        del background
        return [
            segment
            if segment.control
            else Segment(to_ascii(segment.text), _attributes(segment.style))
            for segment in segments
        ]


class Colourless(LineFilter):
    """`NO_COLOR` on a terminal that has letters: the attributes of basic mode, with glyphs."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The line without colours."""
        del background
        return [
            segment if segment.control else Segment(segment.text, _attributes(segment.style))
            for segment in segments
        ]


@lru_cache(1024)
def _attributes(style: Style | None) -> Style | None:
    if style is None:
        return None
    kept = Style(bold=style.bold, underline=style.underline, reverse=style.reverse)
    return kept + Style.from_meta(style.meta) if style.meta else kept
