"""`check --create-projects`: make the projects that a Harbor lacks, after a confirmation."""

import sys

from core.answers import Answers
from core.checks.context import Context
from core.checks.namespaces import create_project, missing_projects
from core.errors import Code, UsageError
from core.registry.credentials import Credentials
from tui.asking import ask
from tui.check_lines import finding_lines
from tui.grid import WIDEST, width_of, writable
from tui.words import plain, plural, tell


def create_projects(
    answers: Answers, login: Credentials | None, *, public: bool, yes: bool
) -> None:
    """Create what is missing, and tell how that went; the checks that follow tell what lacks yet.

    Raises:
        UsageError: the registry is no Harbor, or the question was answered with no.
        RegistryError: it does not answer.
    """
    with Context(answers, login) as context:
        names = missing_projects(context)
        if not names:
            tell("Every project that is needed is there already.")
            return
        kind = "public" if public else "private"
        tell(f"Missing on {context.mirror.address}: {plain(', '.join(names))}")
        if not ask(f"Create {plural(len(names), f'{kind} project')}?", yes=yes):
            raise UsageError(
                Code.BAD_USAGE, "Nothing was created.", where="--create-projects",
                cause="The question was not answered with yes.",
                mend="Run the same command again to be asked anew.",
            )  # fmt: skip
        width = width_of(sys.stderr) or WIDEST
        for name in names:
            for line in finding_lines(create_project(context, name, public=public), width):
                tell(writable(line, sys.stderr))
