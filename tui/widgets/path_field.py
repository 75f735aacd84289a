"""A field for a path: completion of names, F4 opens a list of files."""

import os
from pathlib import Path

from textual.suggester import Suggester

from tui.widgets.field import Field

_MOST_ENTRIES = 20_000
"""A folder with more is not searched: typing must not wait."""


class PathSuggester(Suggester):
    """The first name in the folder that begins as typed; a folder ends with a slash."""

    def __init__(self) -> None:
        super().__init__(use_cache=False, case_sensitive=True)

    async def get_suggestion(self, value: str) -> str | None:
        """The completed path; None where there is none."""
        return completed(value)


def completed(value: str) -> str | None:
    """A path as typed, completed by the first fitting name; `~` stays as it was typed.

    Hidden names are offered once their dot is typed.
    """
    if not value:
        return None
    head, _, beginning = value.rpartition("/")
    folder = Path(os.path.expanduser(f"{head}/") if "/" in value else ".")  # noqa: PTH111 - keeps text
    fitting: list[str] = []
    try:
        with os.scandir(folder) as entries:
            for number, entry in enumerate(entries):
                if number > _MOST_ENTRIES:
                    return None
                hidden = entry.name.startswith(".") and not beginning.startswith(".")
                if entry.name.startswith(beginning) and not hidden:
                    fitting.append(entry.name + ("/" if entry.is_dir() else ""))
    except (OSError, ValueError):
        return None
    if not fitting:
        return None
    return value + min(fitting)[len(beginning) :]


class PathField(Field):
    """A field whose text is the path of a file."""

    def __init__(self, section: str, name: str, **options: object) -> None:
        super().__init__(section, name, suggester=PathSuggester(), **options)  # type: ignore[arg-type]
        self.add_class("path")
