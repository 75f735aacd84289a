"""Asking before something is changed."""

import sys

import typer

from core.errors import Code, UsageError


def ask(question: str, *, yes: bool) -> None:
    """Come back where the answer is yes.

    Args:
        question: ends with a question mark and says the deed.
        yes: answers it beforehand.

    Raises:
        UsageError: the answer is no, or there is nobody to ask.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(
            Code.BAD_USAGE,
            "Nothing was changed: there is nobody to ask.",
            where="--yes",
            cause="Standard input is no terminal.",
            mend="Add --yes to do it without a question.",
        )
    if not typer.confirm(question, err=True):
        raise UsageError(
            Code.BAD_USAGE,
            "Nothing was changed.",
            cause="The question was answered with no.",
            mend="Run the same command again to be asked anew.",
        )
