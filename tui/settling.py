"""The login that the environment file tells, for the verbs that print or write it."""

from core.answers import Answers
from core.errors import Code, UsageError
from core.mirror.outputs import Login, environment_has_login
from core.transfer.settled import Settled, settle
from tui import options

__all__ = ["Settled", "login_for_environment", "settle"]


def login_for_environment(answers: Answers, *, password_stdin: bool = False) -> Login:
    """The login that the environment file shall tell, with its password only where it was asked.

    Raises:
        UsageError: `bad-usage` where no user name is known.
        RegistryError: a source of credentials is broken, or holds no password.
    """
    if not environment_has_login(answers):
        return Login()
    username = answers.credentials.username
    if username and not answers.output.with_password:
        return Login(username)
    found = options.find_login(answers, password_stdin=password_stdin)
    if found is None:
        raise UsageError(
            Code.BAD_USAGE,
            "Nothing tells which user logs in, so the environment file cannot be made.",
            where="--username",
            cause="No flag and no source of credentials names one.",
            mend="Add --username NAME, or leave out --authenticate where no login is wanted.",
        )
    return Login(found.username, found.password if answers.output.with_password else None)
