"""`check`: what a person reads, what a program reads, and the exit code."""

import inspect
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from core.checks.finding import Finding, State, failed, passed, warned
from core.demo.registry import DemoRegistry
from core.errors import ExitCode, UsageError
from tests.fixtures.zoo import Zoo, ZooServer
from tests.integration.program import run
from tui.check_lines import finding_lines
from tui.commands.checking import check

DASH = "\N{EN DASH}"


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Zoo:
    return Zoo(tmp_path_factory.mktemp("zoo"))


@pytest.fixture
def wrong_name(zoo: Zoo) -> Iterator[ZooServer]:
    """A registry whose certificate is made for others."""
    with ZooServer(zoo.wrong_san()) as server:
        yield server


def lines(finding: Finding, width: int = 80, title: str = "CA file") -> list[str]:
    return list(finding_lines(replace(finding, title=title), width))


REFUSED = failed(
    "EKS Anywhere would refuse this file",
    cause="It reads the first certificate only, the server's.",
    mend="Use the root alone.",
    command="awk '/BEGIN/{n++} n==3' bundle.pem > root.crt",
)


def test_a_problem_is_laid_out_on_the_grid() -> None:
    assert lines(REFUSED) == [
        "CA file          ✗ fail     EKS Anywhere would refuse this file",
        "                   Cause    It reads the first certificate only, the server's.",
        "                   Fix      Use the root alone.",
        "                            $ awk '/BEGIN/{n++} n==3' bundle.pem > root.crt",
    ]


def test_a_warning_says_its_effect() -> None:
    warning = warned("it ends soon", effect="Nodes cannot pull then.", mend="Renew it.")
    assert lines(warning)[1] == "                   Effect   Nodes cannot pull then."


def test_a_pass_is_one_line_with_the_fact() -> None:
    assert lines(passed("valid until 2028-01-01")) == [
        "CA file          ✓ pass     valid until 2028-01-01"
    ]


def test_long_findings_are_wrapped_inside_their_column() -> None:
    told = lines(passed("word " * 40), width=60)
    assert len(told) > 3
    assert all(len(line) <= 60 for line in told)
    assert all(line.startswith(" " * 28) for line in told[1:])


def test_a_command_is_never_broken() -> None:
    finding = failed("no", cause="Why.", mend="Do.", command="install " + "x" * 200)
    assert lines(finding, width=60)[-1].endswith("x" * 200)


def test_a_long_title_has_a_line_of_its_own() -> None:
    told = lines(passed("exists"), title="a-project-with-a-very-long-name")
    assert told == [
        "a-project-with-a-very-long-name",
        " " * 17 + "✓ pass     exists",
    ]


def test_control_characters_of_others_do_not_reach_the_terminal() -> None:
    finding = failed("it says \x1b[2J", cause="\x07", mend="\r", command="echo \x1b]0;x\x07")
    assert not any(ord(c) < 32 for line in lines(finding) for c in line)


def checked(**given: object) -> int:
    """The verb with these flags and no others."""
    every = {one.name: one.default for one in inspect.signature(check).parameters.values()}
    return check(**(every | given))


def at(server: ZooServer) -> str:
    return f"{server.address}/eks-a"


def test_a_failing_check_gives_exit_3_and_the_rest_waits(
    wrong_name: ZooServer, capsys: pytest.CaptureFixture[str]
) -> None:
    code = checked(registry_address=at(wrong_name), only=["tls", "name", "ca-file"])
    told = capsys.readouterr()
    assert code == ExitCode.CHECK_FAILED
    assert "Name             ✗ fail     it covers only harbor.lan, 10.1.2.3\n" in told.out
    assert f"CA file          {DASH} skipped  waits for Name\n" in told.out
    assert told.err == "3 findings: 1 warn, 1 fail, 1 skipped.\n"


def test_warnings_alone_give_exit_0(
    wrong_name: ZooServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert checked(registry_address=at(wrong_name), only=["dns", "port"]) == ExitCode.DONE
    assert "Registry\nName (DNS)       ! warn" in capsys.readouterr().out


def test_headings_stand_above_their_checks(
    wrong_name: ZooServer, capsys: pytest.CaptureFixture[str]
) -> None:
    checked(registry_address=at(wrong_name), only=["name", "port", "tarball"])
    out = capsys.readouterr().out.splitlines()
    headings = [line for line in out if line and " " not in line]
    assert headings == ["Artifacts", "Registry", "Trust"]


def test_json_holds_every_field_and_nothing_else_on_standard_output(
    wrong_name: ZooServer, capsys: pytest.CaptureFixture[str]
) -> None:
    code = checked(registry_address=at(wrong_name), only=["name"], as_json=True)
    (found,) = json.loads(capsys.readouterr().out)
    assert code == ExitCode.CHECK_FAILED
    assert (found["name"], found["state"]) == ("name", "fail")
    assert set(found) == {
        *("name", "title", "subject", "state", "seen", "cause", "effect", "mend", "command"),
        *("details", "code", "duration", "rate"),
    }


def test_an_unknown_name_is_bad_usage(wrong_name: ZooServer) -> None:
    with pytest.raises(UsageError, match="There is no check “nonsense”"):
        checked(registry_address=at(wrong_name), only=["nonsense"])


def test_without_a_registry_the_artifacts_can_be_looked_at(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code = checked(artifacts_archive=tmp_path / "none.tar", only=["tarball"])
    assert code == ExitCode.CHECK_FAILED
    assert "Tarball          ✗ fail     " in capsys.readouterr().out


def test_the_program_checks_a_real_registry_by_name_and_password(
    registry: DemoRegistry, namespace: str
) -> None:
    arguments = ["-r", f"{registry.address}/{namespace}", "--ca-file", str(registry.ca_file)]
    names = ["dns", "port", "tls", "v2", "import-trust", "login", "pull", "push"]
    only = [word for name in names for word in ("--only", name)]
    result = run("check", *arguments, *only, login=registry)
    assert result.code == ExitCode.DONE, result.out
    assert "Login            ✓ pass     accepted as demo" in result.out
    assert registry.password.get_secret_value() not in result.out + result.err
    wrong = run("check", *arguments, *only, login=registry, REGISTRY_PASSWORD="wrong")
    assert wrong.code == ExitCode.CHECK_FAILED
    assert f"Push             {DASH} skipped  waits for Login" in wrong.out


def test_without_utf_8_the_output_is_ascii(wrong_name: ZooServer) -> None:
    result = run(
        *(
            "check",
            "-r",
            wrong_name.address,
            "--only",
            "name",
            "--only",
            "tls",
            "--only",
            "ca-file",
        ),
        PYTHONIOENCODING="ascii",
    )
    assert result.code == ExitCode.CHECK_FAILED
    assert result.out.isascii()
    assert "Name             x fail     " in result.out
    assert "CA file          - skipped  " in result.out


def test_states_have_their_glyphs() -> None:
    told = {state: lines(Finding(state, "seen", mend="m"))[0][17:28] for state in State}
    assert told == {
        State.PASS: "✓ pass     ",
        State.WARN: "! warn     ",
        State.FAIL: "✗ fail     ",
        State.SKIPPED: f"{DASH} skipped  ",
    }


def test_on_a_terminal_it_says_what_is_waited_for(
    wrong_name: ZooServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    checked(registry_address=at(wrong_name), only=["tls"])
    told = capsys.readouterr()
    assert "* running  TLS" in told.err
    assert told.err.endswith("\r\x1b[K1 finding: 1 warn.\n")
    assert "running" not in told.out
