"""The README tells the truth: every trouble has its entry, every flag and verb exists."""

import re
from pathlib import Path

import pytest

from core.errors import ADVICE, Code
from tests.integration.program import run
from tui.cli import VERBS

README = Path(__file__).parents[2] / "README.md"


def entry(code: Code) -> str:
    """The row of a code in the table of troubles."""
    advice = ADVICE[code]
    cells = (f"`{code}`", f"{advice.title}. {advice.cause}", advice.mend)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


@pytest.mark.parametrize("code", Code)
def test_every_trouble_has_its_entry(code: Code) -> None:
    assert entry(code) in README.read_text().splitlines()


def test_no_entry_is_left_of_a_trouble_that_is_gone() -> None:
    rows = re.findall(r"^\| `([a-z0-9-]+)` \|", README.read_text(), re.MULTILINE)

    assert rows == [code.value for code in Code]


def test_every_verb_and_flag_that_is_shown_exists() -> None:
    text = README.read_text().replace("\\\n", " ")
    lines = re.findall(r"eksa-mirror +([a-z]+)\b([^\n`|,;]*)", text)
    shown: dict[str, set[str]] = {verb: set() for verb, _ in lines if verb in VERBS}
    for verb, rest in lines:
        if verb in shown:
            shown[verb] |= set(re.findall(r"(?<!\S)(--?[a-z][a-z-]*)", rest))

    assert {"import", "check", "verify", "attach", "status"} <= set(shown)
    for verb, flags in shown.items():
        known = run(verb, "--help").out
        assert [flag for flag in flags if not re.search(rf"{flag}\b", known)] == [], verb
