"""Flags that set no field of the answers: one way to say them."""

from typing import Any

import typer


def valued(names: str, takes: str, says: str) -> Any:
    """A flag with a value.

    Args:
        names: with their dashes, a blank between them, the shown one first.
        takes: what the help shows for the value.
        says: the help line; it tells the default, too, where there is one.
    """
    return typer.Option(*names.split(), metavar=takes, help=says, show_default=False)
