"""A command to be copied."""

import shlex

from textual.content import Content

from tui.words import plain

_SIGN, _LEAST = 3, 20


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


def command_strip(command: str, width: int, *, at: int) -> list[Content]:
    """A command on panel colour, from column `at` to the right edge; its `$` is quiet."""
    room = max(_LEAST, width - at - _SIGN)
    return [
        Content.assemble(
            " " * at,
            Content.styled(f" {'$' if not n else ' '} ", "$ink3 on $panel"),
            Content.styled(f"{line:<{room}}", "$ink on $panel"),
        )
        for n, line in enumerate(wrapped_command(plain(command), room))
    ]
