"""The verb `wizard` on terminals of all kinds, and how a defect of it is told."""

import sys
from pathlib import Path

import pytest

from core.errors import Code, ExitCode, UsageError
from core.transfer.job import jobs_folder
from tests.integration.program import run
from tests.tui.terminal import run_on_terminal
from tui.terminal import check_terminal, look_of

ESC, F10 = "\x1b", "\x1b[21~"
QUIT = {"Have these at hand": "q"}


@pytest.mark.parametrize("arguments", [(), ("wizard",)])
def test_without_a_terminal_it_says_so_and_never_waits(arguments: tuple[str, ...]) -> None:
    result = run(*arguments)

    assert result.code == ExitCode.USAGE
    assert "is not a terminal" in result.err
    assert "--answers FILE" in " ".join(result.err.split())
    assert ("Usage:" in result.out) == (not arguments)


@pytest.mark.parametrize("arguments", [(), ("wizard",)])
@pytest.mark.parametrize("term", ["dumb", "unknown"])
def test_a_terminal_without_a_cursor_is_refused(term: str, arguments: tuple[str, ...]) -> None:
    seen = run_on_terminal(*arguments, answers={}, TERM=term)

    assert seen.code == ExitCode.USAGE
    assert f"“{term}”" in seen.text
    assert ESC not in seen.text


@pytest.mark.parametrize("arguments", [(), ("wizard",)])
def test_on_a_terminal_it_opens_start_and_the_screen_is_restored(
    arguments: tuple[str, ...],
) -> None:
    seen = run_on_terminal(*arguments, answers=QUIT)

    assert seen.code == ExitCode.DONE
    assert "Start a new set-up" in seen.text
    assert f"{ESC}[?1049l" in seen.text


def test_basic_has_letters_of_ascii_alone_and_no_mouse(tmp_path: Path) -> None:
    seen = run_on_terminal("wizard", "--basic", answers=QUIT)

    assert seen.code == ExitCode.DONE
    assert seen.text.isascii()
    assert f"{ESC}[?1000h" not in seen.text
    assert f"{ESC}[38;2" not in seen.text


@pytest.mark.parametrize(
    ("theme", "ground"), [("dark", "48;2;17;21;26"), ("light", "48;2;252;253;254")]
)
def test_a_theme_is_drawn_in_its_colours(theme: str, ground: str) -> None:
    seen = run_on_terminal("wizard", "--theme", theme, answers=QUIT, COLORTERM="truecolor")

    assert seen.code == ExitCode.DONE
    assert ground in seen.text


def test_a_theme_that_is_not_there_is_bad_usage() -> None:
    seen = run_on_terminal("wizard", "--theme", "pink", answers={})

    assert seen.code == ExitCode.USAGE
    assert "auto, dark, light, basic" in seen.text


def test_answers_that_cannot_be_read_are_told_before_the_screen_opens(tmp_path: Path) -> None:
    seen = run_on_terminal("wizard", "--answers", tmp_path / "none.yaml", answers={})

    assert seen.code == ExitCode.USAGE
    assert str(tmp_path)[:30] in seen.text
    assert f"{ESC}[?1049h" not in seen.text


@pytest.mark.parametrize(
    ("environ", "basic"),
    [
        ({"TERM": "xterm-256color", "LANG": "C.UTF-8"}, False),
        ({"TERM": "linux", "LANG": "C.UTF-8"}, True),
        ({"TERM": "vt100", "LANG": "C.UTF-8"}, True),
        ({"LANG": "C.UTF-8"}, True),
        ({"TERM": "xterm", "LANG": "de_DE.ISO-8859-1"}, True),
        ({"TERM": "xterm", "LC_ALL": "C", "LANG": "C.UTF-8"}, True),
    ],
)
def test_the_look_is_told_by_terminal_and_locale(environ: dict[str, str], basic: bool) -> None:
    assert look_of(environ=environ).basic is basic


@pytest.mark.parametrize(
    ("environ", "theme", "drawn"),
    [
        ({}, "auto", "site-dark"),
        ({"COLORFGBG": "0;15"}, "auto", "site-light"),
        ({"COLORFGBG": "15;0"}, "auto", "site-dark"),
        ({"COLORFGBG": "0;15"}, "dark", "site-dark"),
        ({}, "light", "site-light"),
    ],
)
def test_the_theme_follows_the_ground_unless_it_is_named(
    environ: dict[str, str], theme: str, drawn: str
) -> None:
    assert look_of(theme, environ={"TERM": "xterm", **environ}).theme == drawn


def test_what_is_no_terminal_is_refused_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UsageError) as refused:
        check_terminal({"TERM": "xterm"})

    assert refused.value.code is Code.BAD_USAGE
    assert "eksa-mirror --help" in refused.value.mend


# --- defects ----------------------------------------------------------------------------------

_BREAK = """
import tui.screens.start as start
from textual.widgets import Static
SECRET = "sesame"
def boom(*_, **__):
    local = SECRET
    raise ZeroDivisionError("a defect")
def in_thread(self):
    self.run_worker(boom, thread=True)
def in_task(self):
    async def work():
        boom()
    self.run_worker(work())
kind = "%s"
if kind == "handler":
    start.StartScreen.action_help = boom
elif kind == "mount":
    start.StartScreen.on_mount = boom
elif kind == "compose":
    start.StartScreen.compose = boom
elif kind == "thread":
    start.StartScreen.action_help = in_thread
elif kind == "task":
    start.StartScreen.action_help = in_task
elif kind == "render":
    start.Menu.render = boom
import tui.cli
tui.cli.main()
"""


@pytest.mark.parametrize("kind", ["handler", "mount", "compose", "thread", "task", "render"])
def test_a_defect_ends_the_screen_with_a_short_message_and_a_crash_file(
    kind: str, tmp_path: Path
) -> None:
    program = tmp_path / "broken"
    program.write_text(_BREAK % kind)

    seen = run_on_terminal(program, program=sys.executable, answers={"Have these at hand": "?"})

    assert seen.code == ExitCode.BUG
    _, _, after = seen.text.rpartition(f"{ESC}[?1049l")
    assert f"[{Code.BUG}]" in after
    assert "Traceback" not in seen.text
    (crash,) = jobs_folder().glob("crash-*.txt")
    told = crash.read_text()
    assert "in boom" in told
    assert told.endswith("ZeroDivisionError")
    assert "sesame" not in told + seen.text
    assert crash.stat().st_mode & 0o777 == 0o600
