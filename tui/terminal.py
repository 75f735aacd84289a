"""What the terminal can do: whether the wizard can run on it, and in which mode."""

import locale
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from core.errors import Code, UsageError

_ESC_MILLISECONDS = 15
"""So long is waited to tell the Esc key from the beginning of another key's sequence.

Terminals send a sequence in one piece, and networks hand it on in one piece.
"""

_BASIC_TERMS = ("linux", "vt", "ansi", "cons", "sun")


@dataclass(frozen=True, slots=True)
class Look:
    """How the screens are drawn.

    Attributes:
        basic: ASCII and attributes alone, no mouse, no animation.
        colourless: no colours, but letters and glyphs (`NO_COLOR`).
        theme: `site-dark` or `site-light`.
    """

    basic: bool = False
    colourless: bool = False
    theme: str = "site-dark"


def look_of(
    theme: str = "auto", *, basic: bool = False, environ: Mapping[str, str] = os.environ
) -> Look:
    """How to draw on this terminal.

    Args:
        theme: `auto`, `dark`, `light` or `basic`.
        basic: asked for.
    """
    term = environ.get("TERM", "")
    plain = basic or theme == "basic" or not term or term.startswith(_BASIC_TERMS)
    no_colour = bool(environ.get("NO_COLOR"))
    light = theme == "light" or (theme == "auto" and _is_light(environ))
    return Look(
        basic=plain or no_colour or not _speaks_utf8(environ),
        colourless=no_colour,
        theme="site-light" if light else "site-dark",
    )


def hear_esc_at_once() -> None:
    """To be called before textual is loaded; whoever needs a longer delay has set `ESCDELAY`."""
    os.environ.setdefault("ESCDELAY", str(_ESC_MILLISECONDS))


def check_terminal(environ: Mapping[str, str] = os.environ) -> None:
    """Whether a wizard can be shown at all, on a terminal or behind a page of `serve`.

    Raises:
        UsageError: `bad-usage`, with the way that goes without it.
    """
    if environ.get("TEXTUAL_DRIVER", "").endswith(":WebDriver"):
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty() and sys.stdout.isatty()):
        raise _no_wizard("Standard input, output or error is not a terminal.")
    if environ.get("TERM", "") in ("dumb", "unknown"):
        raise _no_wizard(f"The terminal says that it is “{environ['TERM']}”: no cursor to place.")


def _no_wizard(why: str) -> UsageError:
    return UsageError(
        Code.BAD_USAGE,
        why,
        cause="The wizard draws on a whole screen.",
        mend="Use the commands: eksa-mirror check, write and import with --answers FILE; "
        "eksa-mirror --help lists them.",
    )


def _speaks_utf8(environ: Mapping[str, str]) -> bool:
    said = environ.get("LC_ALL") or environ.get("LC_CTYPE") or environ.get("LANG") or ""
    if said:
        return "utf-8" in said.lower() or "utf8" in said.lower()
    return "utf" in locale.getpreferredencoding(do_setlocale=False).lower()


def _is_light(environ: Mapping[str, str]) -> bool:
    """`COLORFGBG` is `foreground;background`; 7 and 15 are white grounds."""
    return environ.get("COLORFGBG", "").rpartition(";")[2] in ("7", "15")
