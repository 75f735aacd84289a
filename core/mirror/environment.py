"""The environment that `eksctl anywhere` needs, as a file for the shell."""

import re
import shlex

from pydantic import SecretStr

from core.errors import Code, UsageError
from core.mirror.configuration import CA_VARIABLE
from core.mirror.rules import PASSWORD_VARIABLE, USERNAME_VARIABLE

FILE_NAME = "eks-anywhere.env"

_PASSWORD = re.compile(rf"(?<={PASSWORD_VARIABLE}=).*")


def environment_file(
    *,
    username: str = "",
    ca_file: str = "",
    password: SecretStr | None = None,
    name: str = FILE_NAME,
) -> str:
    """A file to be read with `. FILE` by any POSIX shell.

    Without a password in it the shell asks for one, without showing it, unless it is set already.
    Names such as `robot$a+b` are quoted so that the shell takes them as they are.

    Args:
        username: of the registry; empty where it wants no login.
        ca_file: path of the CA's certificate; empty where none is needed.
        password: written into the file in clear, which must then be 0600; None leaves it out.
        name: of the file, for the line that tells how to read it.

    Raises:
        UsageError: `bad-usage` where a value holds a line end or another control character; a
            password is not repeated.
    """
    for value in (username, ca_file, name):
        if not value.isprintable():
            raise UsageError(Code.BAD_USAGE, f"{value!r} holds a control character.")
    holds = "the password: nobody else may read it" if password else "no password"
    lines = [
        f"# For eksctl anywhere. Read it into the shell that runs it:  . {_readable(name)}",
        f"# It holds {holds}.",
    ]
    if ca_file:
        lines.append(f"export {CA_VARIABLE}={shlex.quote(ca_file)}")
    if username:
        lines.append(f"export {USERNAME_VARIABLE}={shlex.quote(username)}")
        lines += [_assigned(password)] if password else _ask_for_the_password()
    return "\n".join([*lines, ""])


def without_passwords(before: str, after: str) -> tuple[str, str]:
    """Two such files with words in place of the password; other words where it changes."""
    same = _PASSWORD.findall(before) == _PASSWORD.findall(after)
    old = "<the password>" if same else "<the password so far>"
    return _PASSWORD.sub(old, before), _PASSWORD.sub("<the password>", after)


def _readable(name: str) -> str:
    """The file as `.` finds it: a bare name would be looked for on the PATH."""
    return shlex.quote(name if "/" in name else f"./{name}")


def _assigned(password: SecretStr) -> str:
    secret = password.get_secret_value()
    if any(letter < " " or letter == "\x7f" for letter in secret):
        raise UsageError(Code.BAD_USAGE, "The password holds a control character.")
    return f"export {PASSWORD_VARIABLE}={shlex.quote(secret)}"


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
