"""The command line from outside: help, version, exit codes, errors in words, what is imported."""

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

from core import __version__
from core.demo.registry import DemoRegistry
from core.demo.sample import Sample
from core.errors import Code, ExitCode
from tests.integration.program import run
from tests.tui.terminal import run_on_terminal
from tui.cli import GROUPS, VERBS

NEVER_IN_CORE = ("textual", "typer", "rich", "tui")


def test_help_lists_every_verb_with_its_summary() -> None:
    result = run("--help")

    assert result.code == 0
    for name, verb in VERBS.items():
        if " " not in name:
            assert f"{name} " in result.out
            assert verb.summary.split(" ")[0] in result.out
    for name, words in GROUPS.items():
        assert f"{name} " in result.out
        assert words.split(" ")[0] in result.out
        verbs = [verb.removeprefix(f"{name} ") for verb in VERBS if verb.startswith(f"{name} ")]
        listed = run(name, "--help").out
        assert all(f"{verb} " in listed for verb in verbs)


@pytest.mark.parametrize("name", VERBS)
def test_the_docstring_of_a_verb_begins_with_its_summary(name: str) -> None:
    text = inspect.getdoc(VERBS[name].load()) or ""

    assert text.partition("\n")[0] == VERBS[name].summary


@pytest.mark.parametrize("name", VERBS)
def test_every_verb_has_a_help_that_fits_a_small_terminal(name: str) -> None:
    result = run(*name.split(), "--help", COLUMNS="80")

    assert result.code == 0, result.err
    assert VERBS[name].summary in " ".join(result.out.split())
    assert max(len(line) for line in result.out.splitlines()) <= 80


def test_version() -> None:
    assert run("--version").out == f"eksa-mirror {__version__}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["import", "--no-such-flag"],
        ["no-such-verb"],
        ["import", "-i", "nowhere.tar"],
        ["import", "-r", "https://registry.example", "-i", "a.tar", "--all"],
        ["import", "-r", "registry.example", "-i", "a.tar", "--all", "--jobs", "99"],
        ["import", "-r", "registry.example", "-i", "a.tar", "--all", "--compression", "lzma"],
        ["plan", "-r", "registry.example", "--offline"],
        ["status", "no-such-import"],
        ["import", "--answers", "no-such-file.yaml"],
    ],
    ids=" ".join,
)
def test_bad_usage_ends_with_2_and_says_what_is_wrong(arguments: list[str]) -> None:
    result = run(*arguments)

    assert result.code == ExitCode.USAGE
    assert result.out == ""
    assert "Error" in result.err
    assert "Traceback" not in result.err


def test_an_error_tells_what_where_cause_and_fix(tmp_path: Path) -> None:
    page = tmp_path / "bundle-release.yaml"
    page.write_text("<html><body>403 Forbidden</body></html>")

    result = run("plan", "--offline", "-b", page, "-r", "registry.example")

    assert result.code == ExitCode.USAGE
    labels = [line.split()[0] for line in result.err.splitlines() if line.startswith("  ")]
    assert [one for one in labels if one in ("What", "Where", "Cause", "Fix")] == [
        "What", "Where", "Cause", "Fix",
    ]  # fmt: skip
    assert str(page) in result.err
    assert max(len(line) for line in result.err.splitlines()) <= max(80, len(str(page)) + 12)


def test_a_defect_is_told_without_a_traceback_on_the_screen(tmp_path: Path) -> None:
    # A state folder that is a file makes nothing of ours fail in a way that was not thought of;
    # a broken installation does: the schema of the journal is missing.
    script = (
        "import sys, tui.commands.jobs as jobs\n"
        "def broken(): raise RuntimeError('secret-value')\n"
        "jobs.existing_jobs = broken\n"
        "sys.argv = ['eksa-mirror', 'status']\n"
        "from tui.cli import main\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )

    assert done.returncode == ExitCode.BUG
    assert "Traceback" not in done.stderr
    assert f"[{Code.BUG}]" in done.stderr
    (crash,) = Path(tmp_path.anchor).joinpath(*_state_folder()).glob("crash-*.txt")
    assert "broken" in crash.read_text()
    assert "secret-value" not in crash.read_text()
    assert crash.stat().st_mode & 0o777 == 0o600


def python(script: str) -> str:
    """Standard output of a script in a fresh interpreter."""
    command = [sys.executable, "-c", script]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _state_folder() -> tuple[str, ...]:
    from core.transfer.job import jobs_folder

    return jobs_folder().parts[1:]


def test_the_engine_loads_nothing_of_the_terminal() -> None:
    script = (
        "import pkgutil, sys, importlib, core\n"
        "for module in pkgutil.walk_packages(core.__path__, 'core.'):\n"
        "    importlib.import_module(module.name)\n"
        f"print([name for name in {NEVER_IN_CORE} if name in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"


def test_help_does_not_load_the_engine() -> None:
    script = (
        "import sys\n"
        "from tui.cli import application\n"
        "application(['--help'])\n"
        "print([n for n in ('textual', 'rich', 'urllib3', 'core.transfer') if n in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"


def test_status_loads_only_what_tells_how_imports_stand() -> None:
    script = (
        "import sys\n"
        "from tui.cli import application\n"
        "application(['status'])\n"
        "unneeded = ('core.answers', 'yaml', 'truststore', 'urllib3', 'rich', 'textual')\n"
        "print([name for name in unneeded if name in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"


def test_a_cluster_file_serves_as_answers(tmp_path: Path, sample: Sample) -> None:
    cluster = tmp_path / "cluster.yaml"
    cluster.write_text(
        "apiVersion: anywhere.eks.amazonaws.com/v1alpha1\n"
        "kind: Cluster\n"
        "metadata:\n  name: one\n"
        "spec:\n"
        "  registryMirrorConfiguration:\n"
        "    endpoint: harbor.example\n"
        '    port: "8443"\n'
        "    ociNamespaces:\n"
        "      - registry: public.ecr.aws\n"
        "        namespace: eks-a\n"
    )

    result = run("plan", "--offline", "--json", "--answers", cluster, "-b", sample.bundles)

    assert result.code == 0, result.err
    places = {one["destination"].rpartition(":")[0] for one in result.json["artifacts"]}
    assert all(place.startswith("harbor.example:8443/eks-a/") for place in places)


def test_the_password_is_asked_for_where_that_is_wanted(registry: DemoRegistry) -> None:
    seen = run_on_terminal(
        *("check", "-r", f"{registry.address}/eks-a", "--ca-file", registry.ca_file),
        *("-u", registry.username, "--login-from", "ask", "--only", "login"),
        answers={"Password of": registry.password.get_secret_value() + "\n"},
    )

    assert seen.code == 0, seen.text
    assert f"accepted as {registry.username}" in seen.text
    assert registry.password.get_secret_value() not in seen.text


def test_a_password_file_is_read(registry: DemoRegistry, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.touch(mode=0o600)
    secret.write_text(registry.password.get_secret_value() + "\n")

    result = run(
        *("check", "-r", f"{registry.address}/eks-a", "--ca-file", registry.ca_file),
        *("-u", registry.username, "--login-from", "file", "--password-file", secret),
        *("--only", "login"),
    )

    assert result.code == 0, result.out + result.err
