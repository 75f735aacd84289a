"""The manual page and the completions name what the command line has, and no more."""

import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests.fixtures.tmux import Terminal
from tests.fixtures.tools import need
from tui.cli import VERBS
from tui.manual import bash_completion, commands, man_page, zsh_completion


@pytest.fixture(scope="module")
def page() -> str:
    return man_page("2026-11-24")


def test_the_manual_has_every_verb_with_every_flag(page: str) -> None:
    assert [line[4:] for line in page.splitlines() if line.startswith(".SS ")] == list(VERBS)
    for _, command in commands():
        for option in command.params:
            for flag in option.opts:
                if flag.startswith("--"):
                    assert flag.replace("-", r"\-") in page


def test_no_line_of_the_manual_begins_with_what_is_no_macro(page: str) -> None:
    macros = {line.split()[0] for line in page.splitlines() if line.startswith(".")}
    assert macros <= {".TH", ".SH", ".SS", ".TP", ".B", ".I", ".PP", ".br"}


def completed(*words: str) -> list[str]:
    """What bash offers for the last of these words."""
    script = (
        f'{bash_completion()}\nCOMP_WORDS=(eksa-mirror "$@"); COMP_CWORD=$#; _eksa_mirror;'
        ' printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(
        ["bash", "-c", script, "bash", *words], capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def test_bash_completes_verbs_flags_and_second_words() -> None:
    assert completed("im") == ["import"]
    assert completed("import", "--ca") == ["--ca-file"]
    assert "--limit-rate" in completed("import", "--")
    assert completed("download", "ima") == ["images"]


def test_the_completion_of_zsh_offers_every_verb() -> None:
    offered = set(re.findall(r"^    '([a-z]+):", zsh_completion(), re.MULTILINE))
    assert offered == {name.split()[0] for name in VERBS}


# --- in the shells themselves ------------------------------------------------------------------


@contextmanager
def bash(folder: Path) -> Iterator[Terminal]:
    """As somebody has it who installed bash-completion: the file is read at the first Tab."""
    (folder / "completion").write_text(bash_completion())
    with Terminal(["bash", "--norc", "--noprofile", "-i"], folder) as terminal:
        terminal.type("PS1='ready> '; source ./completion; clear")
        terminal.press("Enter")
        terminal.until(lambda screen: screen.strip() == "ready>", wanted="a prompt")
        yield terminal


@contextmanager
def zsh(folder: Path) -> Iterator[Terminal]:
    """With the function in a folder of `fpath`, where the kit puts it too."""
    need("zsh")
    (folder / "functions").mkdir()
    (folder / "functions/_eksa-mirror").write_text(zsh_completion())
    (folder / ".zshrc").write_text(
        "fpath=($ZDOTDIR/functions $fpath)\nautoload -U compinit\ncompinit -u -D\nPS1='ready> '\n"
    )
    given = {"ZDOTDIR": str(folder)}
    with Terminal(["zsh", "-i"], folder, environment=given) as terminal:
        terminal.until(lambda screen: screen.strip() == "ready>", wanted="a prompt")
        yield terminal


Shell = Callable[[Path], AbstractContextManager[Terminal]]
SHELLS = pytest.mark.parametrize("shell", [bash, zsh], ids=["bash", "zsh"])


@SHELLS
def test_tab_completes_verbs_flags_and_files_in_the_shell(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "release of May.tar").touch()
    with shell(tmp_path) as terminal:
        terminal.type("eksa-mirror imp")
        terminal.press("Tab")
        terminal.wait_for("ready> eksa-mirror import")
        terminal.type("--ca")
        terminal.press("Tab")
        terminal.wait_for("import --ca-file")
        terminal.type("rel")
        terminal.press("Tab")
        terminal.wait_for(r"--ca-file release\ of\ May.tar")


@SHELLS
def test_tab_completes_the_second_word_of_a_verb(shell: Shell, tmp_path: Path) -> None:
    with shell(tmp_path) as terminal:
        terminal.type("eksa-mirror download im")
        terminal.press("Tab")
        terminal.wait_for("ready> eksa-mirror download images")
        terminal.type("--plat")
        terminal.press("Tab")
        terminal.wait_for("download images --platform")


def test_zsh_tells_what_each_verb_does(tmp_path: Path) -> None:
    with zsh(tmp_path) as terminal:
        terminal.type("eksa-mirror s")
        terminal.press("Tab")
        terminal.wait_for("serve", "-- Show the wizard as a page", "status")


def test_the_manual_is_set_without_a_complaint(page: str) -> None:
    need("groff")
    command = ["groff", "-K", "utf8", "-man", "-ww", "-T", "utf8", "-z"]
    done = subprocess.run(command, input=page, capture_output=True, text=True, check=False)
    assert done.stderr == ""
