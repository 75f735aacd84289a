"""What to type: commands with the values of a site, and never a secret in them."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from core.answers.model import Answers, CredentialSource


def login_commands(username: str) -> tuple[str, ...]:
    """Give this shell the registry login; the password is read at the prompt."""
    return (
        f"export REGISTRY_USERNAME={shlex.quote(username)}"
        if username
        else "read -r REGISTRY_USERNAME && export REGISTRY_USERNAME",
        "read -rs REGISTRY_PASSWORD && export REGISTRY_PASSWORD",
    )


def without_the_wizard(
    answers: Answers,
    answers_file: Path,
    folder: Path,
    *,
    trust_needs_root: bool = False,
    docker_names: Sequence[str] = (),
) -> tuple[str, ...]:
    """The same as the steps of the wizard do, in the order in which it is to be typed.

    Args:
        answers_file: where the answers are saved.
        folder: where the operator works; a file in it is named without its path.
        trust_needs_root: whether this account may not install the CA for docker.
        docker_names: under which docker knows the registry.
    """
    name = shlex.quote(short_path(answers_file, folder))
    machine, login = answers.admin_machine, answers.credentials
    commands: list[str] = []
    if login.source is CredentialSource.ENVIRONMENT:
        commands += login_commands(login.username)
    commands.append(f"eksa-mirror write --answers {name}")
    if machine.trust_ca and answers.registry.ca_file:
        sudo = "sudo " if trust_needs_root else ""
        commands.append(f"{sudo}eksa-mirror trust --answers {name}")
    if machine.docker_login and login.source is not CredentialSource.NONE:
        user = f" --username {shlex.quote(login.username)}" if login.username else ""
        commands += [f"docker login {shlex.quote(one)}{user}" for one in docker_names]
    commands.append(f"eksa-mirror import --answers {name}")
    return tuple(commands)


def short_path(path: Path, folder: Path) -> str:
    """A path as it is typed in `folder`: a name, a path below it, or all of it."""
    try:
        return str(path.relative_to(folder))
    except ValueError:
        return str(path)
