"""The command line: every verb, and what is done about errors.

Standard output is data, standard error is for people. The exit codes are `core.errors.ExitCode`.
Only the verb that was called is imported: `eksa-mirror --help` must not wait for the others.
"""

import functools
import inspect
import io
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import pairwise
from typing import Annotated, Any

import typer

from core import __version__
from core.errors import EksaMirrorError, ExitCode, InternalError, UsageError


@dataclass(frozen=True, slots=True)
class Verb:
    """A verb before it is loaded.

    Attributes:
        module: of `tui.commands`.
        function: in that module; its docstring begins with `summary`.
        summary: what it does, in a line.
    """

    module: str
    function: str
    summary: str

    def load(self) -> Callable[..., int]:
        """The function that does it."""
        function: Callable[..., int] = getattr(
            import_module(f"tui.commands.{self.module}"), self.function
        )
        return function


VERBS = {
    "check": Verb("checking", "check", "Try everything that clusters and the import will need."),
    "plan": Verb("planning", "plan", "Show what an import would move, and where to."),
    "wizard": Verb("wizard", "wizard", "Go through set-up and import step by step."),
    "serve": Verb("serving", "serve", "Show the wizard as a page in the browser."),
    "import": Verb("importing", "run_import", "Move all that is required into the registry."),
    "attach": Verb("importing", "attach", "Watch a running import."),
    "status": Verb("jobs", "status", "Tell how the imports are doing."),
    "stop": Verb("jobs", "stop", "Stop a running import so that it can go on later."),
    "spec": Verb("specifying", "spec", "Print or judge the mirror's settings for EKS Anywhere."),
    "write": Verb("writing", "write", "Write the mirror's settings into the files of a cluster."),
    "trust": Verb("trusting", "trust", "Make docker on this machine trust the registry's CA."),
    "verify": Verb("verifying", "verify", "Ask the registry for every required artifact."),
    "download artifacts": Verb(
        "downloading",
        "artifacts",
        "Fetch the manifests of a release into a folder and its tarball.",
    ),
    "download images": Verb(
        "downloading", "images", "Fetch all that a release requires from upstream into one tarball."
    ),
    "download packages": Verb(
        "copying",
        "packages",
        "Fetch the curated packages of a Kubernetes version into one tarball.",
    ),
    "copy packages": Verb(
        "copying", "copy", "Copy the curated packages from upstream straight into another registry."
    ),
    "replicate": Verb(
        "replicating", "replicate", "Let a Harbor feed others by its own replication."
    ),
    "report": Verb("jobs", "report", "Print the report of an import."),
    "demo": Verb("demonstrating", "demo", "Show an import from end to end on this machine."),
}

GROUPS = {
    "copy": "Copy from upstream, on a machine that reaches both sides.",
    "download": "Fetch from upstream, on a connected machine.",
}
"""Verbs of two words, by the first."""


_OF_THE_WIZARD = ("--answers", "--basic", "--theme")
"""Options that mean the wizard where no verb stands before them."""


def main() -> None:
    """Run the program and exit with the code that tells how it went."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A letter that the terminal does not know is shown by its code.
            stream.reconfigure(errors="backslashreplace")
    arguments = sys.argv[1:]
    if not arguments or arguments[0].partition("=")[0] in _OF_THE_WIZARD:
        arguments = [*_without_verb(), *arguments]
    application(arguments)(arguments)


def _without_verb() -> list[str]:
    """The wizard where it can be shown.

    Raises:
        SystemExit: it cannot; why not and the help were told.
    """
    from tui.terminal import check_terminal  # noqa: PLC0415 - only where no verb is given

    try:
        check_terminal()
    except UsageError as error:
        code = _tell(error)
        application([])(["--help"], standalone_mode=False)
        raise SystemExit(int(code)) from None
    return ["wizard"]


def application(arguments: Sequence[str]) -> typer.Typer:
    """The command line, with the verb in it loaded that `arguments` name."""
    app = typer.Typer(
        name="eksa-mirror",
        help="Fill a private registry with what EKS Anywhere needs: without Docker, without "
        "unpacking, and never starting over.",
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        add_completion=False,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )
    app.callback()(_common)
    called = _called(arguments)
    groups: dict[str, typer.Typer] = {}
    for name, verb in VERBS.items():
        function = _guarded(verb.load()) if name == called else _not_called
        *group, last = name.split()
        for word in group:
            if word not in groups:
                groups[word] = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
                app.add_typer(groups[word], name=word, help=GROUPS[word])
        home = groups[group[0]] if group else app
        home.command(last, short_help=verb.summary)(function)
    return app


def _called(arguments: Sequence[str]) -> str:
    """The verb that is meant; some are two words, and flags may stand before them."""
    words = [word for word in arguments if not word.startswith("-")]
    names = [name for one, two in pairwise([*words, ""]) for name in (f"{one} {two}", one)]
    return next((name for name in names if name in VERBS), "")


def _version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"eksa-mirror {__version__}\n")
        raise typer.Exit


def _common(
    version: Annotated[
        bool, typer.Option("--version", help="print the version", callback=_version, is_eager=True)
    ] = False,
) -> None:
    del version


def _not_called() -> None:
    """Stands for a verb in the list of `--help`."""


def _guarded(verb: Callable[..., int]) -> Callable[..., None]:
    """A verb whose errors are told in words, and whose result is the exit code."""

    @functools.wraps(verb)
    def run(**arguments: Any) -> None:
        try:
            code = verb(**arguments)
        except EksaMirrorError as error:
            code = _tell(error)
        except (KeyboardInterrupt, typer.Abort):  # Ctrl-C and Ctrl-D, at a question too
            code = ExitCode.INTERRUPTED
        except (typer.Exit, BrokenPipeError):
            raise
        except Exception as error:  # noqa: BLE001 - the last resort: told as a defect of ours
            code = _tell(InternalError(error, _crash_file(error), with_message=False))
        raise typer.Exit(int(code))

    run.__signature__ = inspect.signature(verb)  # type: ignore[attr-defined]
    return run


def _tell(error: EksaMirrorError) -> ExitCode:
    from tui.words import error_lines, tell  # noqa: PLC0415 - only where something went wrong

    for line in error_lines(error):
        tell(line)
    return error.exit_code


def _crash_file(error: BaseException) -> str:
    """Write where it happened, without values, and say where that is."""
    from core.transfer.job import jobs_folder  # noqa: PLC0415 - only where something went wrong

    folder = jobs_folder()
    path = folder / time.strftime("crash-%Y%m%dT%H%M%S.txt")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text("".join(traceback.format_tb(error.__traceback__)) + type(error).__name__)
    except OSError as trouble:
        return f"no crash file ({trouble.strerror})"
    return str(path)


if __name__ == "__main__":
    main()
