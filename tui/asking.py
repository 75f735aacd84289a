"""Asking before something is changed."""

import sys

import typer

from core.errors import Code, UsageError
from tui.words import tell


def ask(question: str, *, yes: bool) -> bool:
    """Whether the operator agrees; Ctrl-C and Ctrl-D stand for no.

    Args:
        question: ends with a question mark and says the deed.
        yes: answers it beforehand.

    Raises:
        UsageError: there is nobody to ask.
    """
    if yes:
        return True
    if not sys.stdin.isatty():
        raise UsageError(
            Code.BAD_USAGE,
            "Nothing was changed: there is nobody to ask.",
            where="--yes",
            cause="Standard input is no terminal.",
            mend="Add --yes to do it without a question.",
        )
    try:
        return typer.confirm(question, err=True)
    except typer.Abort:
        tell()
        return False
