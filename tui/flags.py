"""Flags that set no field of the answers; light, so that `status` comes up at once."""

from typing import Annotated, Any

import typer

JsonFlag = Annotated[bool, typer.Option("--json", help="print JSON on standard output")]
JobArgument = Annotated[
    str,
    typer.Argument(
        metavar="[IMPORT]",
        help="name of the import, or the beginning of it; default: the last one",
        show_default=False,
    ),
]


def valued(names: str, takes: str, says: str) -> Any:
    """A flag with a value.

    Args:
        names: with their dashes, a blank between them, the shown one first.
        takes: what the help shows for the value.
        says: the help line; it tells the default, too, where there is one.
    """
    return typer.Option(*names.split(), metavar=takes, help=says, show_default=False)
