"""Several registries: whose login it is, and how they are shown."""

import io
import json
from pathlib import Path

import pytest

from core.answers import Answers, CredentialSource
from core.errors import UsageError
from core.transfer.states import ArtifactState, JobState
from core.transfer.view import Event, Summary
from tui.commands.several import check
from tui.displays import Board, JsonDisplay, LineDisplay


def wanted(*addresses: str, **credentials: object) -> list[Answers]:
    """The answers for each."""
    return [
        Answers.model_validate({"registry": {"address": one}, "credentials": credentials})
        for one in addresses
    ]


TWO = ("one.example/a", "two.example:5000/a")


@pytest.mark.parametrize(
    ("credentials", "name"),
    [
        pytest.param({"username": "ann"}, "--username", id="user"),
        pytest.param({"file": Path("/secret")}, "--password-file", id="file"),
        pytest.param(
            {"source": CredentialSource.ENVIRONMENT}, "--login-from environment", id="environment"
        ),
        pytest.param({"source": CredentialSource.ASK}, "--login-from ask", id="ask"),
    ],
)
def test_a_login_that_may_be_meant_for_another_registry_is_refused(
    credentials: dict[str, object], name: str
) -> None:
    with pytest.raises(UsageError, match=f"{name} does not say for which of the registries"):
        check(wanted(*TWO, **credentials), password_stdin=False, environ={})


def test_so_is_one_of_standard_input() -> None:
    with pytest.raises(UsageError, match="--password-stdin does not say"):
        check(wanted(*TWO), password_stdin=True, environ={})


@pytest.mark.parametrize("name", ["REGISTRY_USERNAME", "REGISTRY_PASSWORD"])
def test_so_is_one_of_the_environment(name: str) -> None:
    with pytest.raises(UsageError, match=f"{name} does not say") as caught:
        check(wanted(*TWO), password_stdin=False, environ={name: "s3cret"})
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("source", ["auto", "keyring", "docker-config", "none"])
def test_what_each_registry_has_for_itself_is_taken(source: str) -> None:
    nobody = {"REGISTRY_USERNAME": "", "REGISTRY_PASSWORD": ""}
    check(wanted(*TWO, source=source), password_stdin=False, environ=nobody)


def test_a_registry_that_is_named_twice_is_refused() -> None:
    twice = wanted("One.example/a", "two.example/a", "one.example:443/a/")
    with pytest.raises(UsageError, match="named twice"):
        check(twice, password_stdin=False, environ={})


def test_two_namespaces_of_one_registry_are_two() -> None:
    check(wanted("one.example/a", "one.example/b"), password_stdin=False, environ={})


def summary(state: JobState = JobState.SENDING) -> Summary:
    facts = {"total_bytes": "100", "done_bytes": "50"}
    return Summary(state, facts, {ArtifactState.DONE: 1, ArtifactState.WAITING: 1})


EVENT = Event(1, 0.0, "warning", None, "mind the gap")


def test_lines_begin_with_the_registry(capsys: pytest.CaptureFixture[str]) -> None:
    display = LineDisplay("one.example/a")
    display.event(EVENT, "")
    display.update(summary(), [])

    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2
    assert all(line.startswith("one.example/a: ") for line in said)


def test_json_tells_the_registry_only_where_there_are_several(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for display in (JsonDisplay("one.example/a"), JsonDisplay()):
        display.event(EVENT, "")
        display.update(summary(), [])

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line.get("registry") for line in lines] == ["one.example/a"] * 2 + [None] * 2


def test_a_board_has_a_line_for_each(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.StringIO()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("COLUMNS", "80")
    board = Board()
    rows = [board.row(name) for name in ("one.example/a", "another.example:5000/a")]
    rows[0].event(EVENT, "")
    rows[1].update(summary(), [])
    drawn = [text.plain for text in board.lines]
    for row in rows:
        row.close()

    assert "one.example/a: " in terminal.getvalue()
    assert "mind the gap" in terminal.getvalue()
    assert drawn[0] == "one.example/a"
    assert drawn[1].startswith("another.example:5000/a sending")
    assert drawn[1].endswith(" 50 %")
    assert len(drawn[1]) <= 77
    assert board.lines == []
