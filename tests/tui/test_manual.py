"""The manual page and the completions name what the command line has, and no more."""

import re
import subprocess

import pytest

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
