"""A unified diff on a terminal, or as it is for a pipe."""

import sys

from rich.console import Console
from rich.text import Text

from tui.words import plain, put

_STYLES = {"---": "bold", "+++": "bold", "@@ ": "cyan"}
_BY_SIGN = {"+": "green", "-": "red"}


def put_difference(text: str) -> None:
    """Print a diff on standard output; coloured where a person looks at it."""
    if not sys.stdout.isatty():
        put(text)
        return
    console = Console(highlight=False, soft_wrap=True)
    for line in text.splitlines():
        style = _STYLES.get(line[:3]) or _BY_SIGN.get(line[:1], "")
        console.print(Text(plain(line), style))
