"""A command to be copied."""

import shlex

from textual.content import Content
from textual.widgets import Static

_ROOM = 4


def wrapped_command(command: str, width: int) -> list[str]:
    """A command in lines of at most `width` cells, broken between words with a backslash.

    Quoted words stay whole, so that the lines can be pasted as they are.
    """
    lines: list[str] = [""]
    for word in _words(command):
        last = lines[-1]
        if last and len(last) + 1 + len(word) > width - 2:
            lines[-1] = f"{last} \\"
            lines.append(f"    {word}")
        else:
            lines[-1] = f"{last} {word}" if last.strip() else f"{last}{word}"
    return lines


def _words(command: str) -> list[str]:
    """As typed, quotes and all."""
    lexer = shlex.shlex(command, posix=False, punctuation_chars=False)
    lexer.whitespace_split, lexer.commenters = True, ""
    try:
        return list(lexer)
    except ValueError:
        return command.split()


class CommandStrip(Static):
    """One command on panel colour; the quiet `$` is not part of it.

    Args:
        prompt: before the first line; empty for a line of configuration.
    """

    def __init__(self, command: str, *, prompt: str = "$", id: str | None = None) -> None:  # noqa: A002
        super().__init__("", id=id, classes="command-strip")
        self.command = command
        self._prompt = prompt

    def show(self, command: str) -> None:
        """Change the command."""
        self.command = command
        self.refresh(layout=True)

    def render(self) -> Content:
        """The command, wrapped."""
        return self._content(self.content_size.width or self.app.size.width)

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        """Lines of the wrapped command."""
        del container, viewport
        return len(wrapped_command(self.command, max(20, width - _ROOM)))

    def _content(self, width: int) -> Content:
        first = f" {self._prompt} " if self._prompt else "   "
        lines = wrapped_command(self.command, max(20, width - _ROOM))
        return Content("\n").join(
            Content.assemble(Content.styled(first if not n else "   ", "$ink3"), line)
            for n, line in enumerate(lines)
        )
