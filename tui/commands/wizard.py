"""`eksa-mirror wizard`, and `eksa-mirror` alone on a terminal."""

from pathlib import Path
from typing import Annotated

import typer

from core.answers import load_answers
from core.answers.setups import Setup, begin_setup, setup_with, setups_folder
from core.errors import Code, ExitCode, UsageError
from core.mirror.prefill import answers_of_file
from core.transfer.job import Job, jobs_folder
from tui.terminal import check_terminal, hear_esc_at_once, look_of
from tui.words import tell

THEMES = ("auto", "dark", "light", "basic")


def wizard(
    answers: Annotated[
        Path | None, typer.Option("--answers", help="begin with these answers, or a cluster file")
    ] = None,
    theme: Annotated[str, typer.Option("--theme", help="auto, dark, light or basic")] = "auto",
    basic: Annotated[
        bool, typer.Option("--basic", help="ASCII without colours, mouse or animations")
    ] = False,
) -> int:
    """Go through set-up and import step by step."""
    check_terminal()
    check_theme(theme)
    setup = _setup_of(answers) if answers else None
    return run_app(theme, basic=basic, setup=setup)


def check_theme(theme: str) -> None:
    """Whether there is such a theme.

    Raises:
        UsageError: `bad-usage`, with those that there are.
    """
    if theme not in THEMES:
        raise UsageError(
            Code.BAD_USAGE,
            f"There is no theme “{theme}”.",
            where="--theme",
            mend=f"Choose among: {', '.join(THEMES)}.",
        )


def run_app(
    theme: str = "auto",
    *,
    basic: bool = False,
    setup: Setup | None = None,
    step: int = 0,
    job: Job | None = None,
) -> int:
    """Show the wizard until it is left.

    Raises:
        Exception: a defect that ended it; the screen is as before.
    """
    hear_esc_at_once()
    from tui.app import MirrorApp  # noqa: PLC0415 - textual is loaded for the wizard alone

    look = look_of(theme, basic=basic)
    app = MirrorApp(look, setup, step, job)
    farewell = app.run(mouse=not look.basic)
    if app.crash:
        raise app.crash
    if farewell:
        tell(farewell)
    return ExitCode.DONE


def show_job(job: Job) -> int:
    """Open the panes of an import.

    Raises:
        EksaMirrorError: its answers cannot be read, or this is no terminal for panes.
    """
    check_terminal()
    setup = setup_with(setups_folder(jobs_folder()), load_answers(job.answers))
    return run_app(setup=setup, step=9, job=job)


def _setup_of(path: Path) -> Setup:
    """A new set-up with the answers of a file.

    Raises:
        EksaMirrorError: the file cannot be read.
    """
    return begin_setup(setups_folder(jobs_folder()), answers_of_file(path))
