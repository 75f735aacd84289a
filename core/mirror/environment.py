"""The environment that `eksctl anywhere` needs, as a file for the shell, without any secret."""

import shlex

from core.errors import Code, UsageError
from core.mirror.configuration import CA_VARIABLE
from core.mirror.rules import PASSWORD_VARIABLE, USERNAME_VARIABLE


def environment_file(*, username: str = "", ca_file: str = "") -> str:
    """A file to be read with `. FILE` by any POSIX shell.

    The password is not in it: the shell asks for it, without showing it, unless it is set already.
    Names such as `robot$a+b` are quoted so that the shell takes them as they are.

    Args:
        username: of the registry; empty where it wants no login.
        ca_file: path of the CA's certificate; empty where none is needed.

    Raises:
        UsageError: `bad-usage` where a value holds a line end or another control character.
    """
    for value in (username, ca_file):
        if not value.isprintable():
            raise UsageError(Code.BAD_USAGE, f"{value!r} holds a control character.")
    lines = [
        "# For eksctl anywhere. Read it into the shell that runs it:  . ./eks-anywhere.env",
        "# It holds no password.",
    ]
    if ca_file:
        lines.append(f"export {CA_VARIABLE}={shlex.quote(ca_file)}")
    if username:
        lines.append(f"export {USERNAME_VARIABLE}={shlex.quote(username)}")
        lines += _ask_for_the_password()
    return "\n".join([*lines, ""])


def _ask_for_the_password() -> list[str]:
    name = PASSWORD_VARIABLE
    return [
        f'if [ -z "${{{name}-}}" ]; then',
        f"  printf 'Password of %s: ' \"${USERNAME_VARIABLE}\" >&2",
        "  stty -echo 2>/dev/null || :",
        f"  IFS= read -r {name} || :",
        "  stty echo 2>/dev/null || :",
        "  printf '\\n' >&2",
        "fi",
        f"export {name}",
    ]
