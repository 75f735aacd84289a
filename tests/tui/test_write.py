"""`write` puts the mirror's settings into files: asked first, all or none, and undone by a line."""

import stat
import subprocess
from pathlib import Path

import pytest
import yaml

from core.demo.sample import Sample
from core.errors import ExitCode
from tests.integration.program import PROGRAM, Ended, run
from tests.tui.clusters import CLUSTER, cluster_with, write_file
from tests.tui.terminal import run_on_terminal
from tui.differences import folded

HARBOR = "harbor.site-a.example"
TO = ("-r", f"{HARBOR}/eks-a")
SECRET = "s3cr'et $mark"
QUESTION = "Write 2 files? [y/N]: "


def write(*arguments: str | Path, **more: str) -> Ended:
    return run("write", *arguments, login=None, **more)


def content(folder: Path) -> dict[str, bytes]:
    """Every file below, to be compared."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def undo_commands(ended: str) -> list[str]:
    return [line.removeprefix("  $ ") for line in ended.splitlines() if line.startswith("  $ ")]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    folder = tmp_path / "site a"
    folder.mkdir()
    return write_file(folder, CLUSTER)


@pytest.fixture
def both(file: Path) -> tuple[str | Path, ...]:
    """A cluster file and a fragment that is not there yet."""
    return (*TO, "--cluster-file", file, "--fragment", file.parent / "fragment.yaml")


def test_both_files_are_written_and_undone(file: Path, both: tuple[str | Path, ...]) -> None:
    before = content(file.parent)
    ended = write(*both, "--yes")
    assert ended.code == ExitCode.DONE
    block = yaml.safe_load((file.parent / "fragment.yaml").read_text())["spec"]
    cluster, _ = yaml.safe_load_all(file.read_text())
    mirror = cluster["spec"]["registryMirrorConfiguration"]
    assert mirror == block["registryMirrorConfiguration"]
    assert mirror["endpoint"] == HARBOR
    assert (file.parent / "cluster.yaml.bak").read_text() == CLUSTER
    assert f"the old one is {file}.bak" in ended.err
    commands = undo_commands(ended.err)
    assert len(commands) == 2
    for command in commands:
        subprocess.run(["sh", "-c", command], check=True)
    assert content(file.parent) == before


def test_comments_order_and_anchors_stay(file: Path, both: tuple[str | Path, ...]) -> None:
    write(*both, "--yes")
    kept = [line for line in file.read_text().splitlines() if line in CLUSTER.splitlines()]
    assert "\n".join(kept) + "\n" == CLUSTER


def test_the_difference_of_each_is_shown(file: Path, both: tuple[str | Path, ...]) -> None:
    ended = write(*both, "--yes")
    assert f"+++ {file}\n" in ended.out
    assert f"+++ {file.parent / 'fragment.yaml'}\n" in ended.out
    assert ended.out.count(f'+    endpoint: "{HARBOR}"\n') == 2
    assert f"~ merge    {file}\n" in ended.err
    assert f"+ new      {file.parent / 'fragment.yaml'}\n" in ended.err
    assert "cluster “site-a” has no mirror yet, it is added" in ended.err


def test_nothing_is_done_where_nothing_changes(file: Path, both: tuple[str | Path, ...]) -> None:
    write(*both, "--yes")
    before = content(file.parent)
    ended = write(*both)
    assert (ended.code, ended.out) == (ExitCode.DONE, "")
    assert "Nothing to write: both files are the same." in ended.err
    assert content(file.parent) == before


def test_with_nobody_to_ask_nothing_is_written(file: Path, both: tuple[str | Path, ...]) -> None:
    before = content(file.parent)
    ended = write(*both)
    assert ended.code == ExitCode.USAGE
    assert "there is nobody to ask" in ended.err
    assert "--yes" in ended.err
    assert f"+++ {file}\n" in ended.out
    assert content(file.parent) == before


def test_on_a_terminal_it_asks_and_takes_yes(file: Path, both: tuple[str | Path, ...]) -> None:
    seen = run_on_terminal("write", *both, answers={QUESTION: "y\n"})
    assert seen.code == ExitCode.DONE
    assert "+ written" in seen.text
    assert HARBOR in file.read_text()


@pytest.mark.parametrize("answer", ["n\n", "\n", "\x03", "\x04"], ids=["n", "enter", "^C", "^D"])
def test_on_a_terminal_all_else_is_no(
    file: Path, both: tuple[str | Path, ...], answer: str
) -> None:
    before = content(file.parent)
    seen = run_on_terminal("write", *both, answers={QUESTION: answer})
    assert seen.code == ExitCode.USAGE
    assert seen.text.endswith("Nothing was written.\n")
    assert "Error" not in seen.text
    assert content(file.parent) == before


def test_what_eks_anywhere_would_refuse_is_not_written(file: Path) -> None:
    flags = (*TO, "--insecure", "--os-family", "bottlerocket")
    target = file.parent / "fragment.yaml"
    ended = write(*flags, "--fragment", target, "--yes")
    assert ended.code == ExitCode.USAGE
    assert "InsecureSkipVerify is not supported for bottlerocket" in ended.err
    assert "[mirror-rejected]" in ended.err
    assert "--anyway" in ended.err
    assert not target.exists()
    anyway = write(*flags, "--fragment", target, "--yes", "--anyway")
    assert anyway.code == ExitCode.DONE
    assert "insecureSkipVerify: true" in target.read_text()


def test_the_cluster_file_tells_what_it_is_for(tmp_path: Path) -> None:
    """This one runs Bottlerocket, which no flag has to say."""
    file = write_file(tmp_path, CLUSTER.replace("osFamily: ubuntu", "osFamily: bottlerocket"))
    ended = write(*TO, "--insecure", "--cluster-file", file, "--yes")
    assert ended.code == ExitCode.USAGE
    assert "[mirror-rejected]" in ended.err
    assert file.read_text() == CLUSTER.replace("osFamily: ubuntu", "osFamily: bottlerocket")


def test_answers_name_the_files(file: Path) -> None:
    answers = file.parent / "answers.yaml"
    answers.write_text(
        f"version: 1\nregistry: {{address: {HARBOR}/eks-a}}\ncluster: {{file: cluster.yaml}}\n"
        "output: {fragment: fragment.yaml, environment: eks.env}\n"
        "credentials: {username: robot$a+b, authenticate: true}\n"
    )
    ended = write("--answers", answers, "--yes")
    assert ended.code == ExitCode.DONE
    assert {"fragment.yaml", "eks.env", "cluster.yaml.bak"} <= set(content(file.parent))
    assert "export REGISTRY_USERNAME='robot$a+b'\n" in (file.parent / "eks.env").read_text()
    assert "is not set in this shell" not in ended.err
    assert "Nothing to write: all 3 files are the same." in write("--answers", answers).err


def test_a_password_is_written_only_where_it_was_asked_for(file: Path) -> None:
    target = file.parent / "eks.env"
    flags = (*TO, "-u", "robot$a+b", "--environment", target, "--yes")
    ended = write(*flags, REGISTRY_PASSWORD=SECRET)
    assert ended.code == ExitCode.DONE
    assert "mark" not in target.read_text()
    asked = write(*flags, "--environment-with-password", REGISTRY_PASSWORD=SECRET)
    assert asked.code == ExitCode.DONE
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    read = subprocess.run(
        ["sh", "-euc", '. "$0"; printf %s "$REGISTRY_PASSWORD"', str(target)],
        capture_output=True, text=True, check=True, env={},
    )  # fmt: skip
    assert read.stdout == SECRET
    again = write(*flags, "--environment-with-password", REGISTRY_PASSWORD="other-mark")
    as_json = write(*flags, "--environment-with-password", "--json", REGISTRY_PASSWORD=SECRET)
    for ended in (asked, again, as_json):
        assert "mark" not in ended.out + ended.err
        assert "<the password>" in ended.out


def test_the_password_may_come_from_standard_input(file: Path) -> None:
    target = file.parent / "eks.env"
    ran = subprocess.run(
        [PROGRAM, "write", *TO, "-u", "bob", "--environment", str(target), "--yes",
         "--environment-with-password", "--password-stdin"],
        input="typed-mark\n", capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == ExitCode.DONE, ran.stderr
    assert "export REGISTRY_PASSWORD=typed-mark\n" in target.read_text()
    assert "typed-mark" not in ran.stdout + ran.stderr


def test_a_folder_that_is_missing_stops_everything(file: Path) -> None:
    before = content(file.parent)
    ended = write(*TO, "--cluster-file", file, "--fragment", file.parent / "none" / "f.yaml", "-y")
    assert ended.code == ExitCode.USAGE
    assert "mkdir -p" in ended.err
    assert content(file.parent) == before


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("-r", HARBOR), "there is nothing to write"),
        (("--fragment", "f.yaml"), "--registry"),
        (("-r", HARBOR, "--environment-with-password"), "--environment FILE"),
        (("-r", HARBOR, "--fragment", "f.yaml", "--password-stdin"), "--environment-with-password"),
        (("-r", HARBOR, "--cluster-file", "none.yaml"), "none.yaml"),
    ],
)
def test_bad_usage_says_what_is_missing(arguments: tuple[str, ...], told: str) -> None:
    ended = write(*arguments, "--yes")
    assert (ended.code, ended.out) == (ExitCode.USAGE, "")
    assert told in " ".join(ended.err.split())


def test_json_tells_what_was_done(file: Path, both: tuple[str | Path, ...]) -> None:
    first = write(*both, "--yes", "--json").json
    assert first["accepted"] is True
    fragment, cluster = first["files"]
    assert fragment["path"] == str(file.parent / "fragment.yaml")
    assert (fragment["change"], fragment["written"], fragment["backup"]) == ("new", True, None)
    assert (cluster["role"], cluster["change"]) == ("cluster file", "merge")
    assert cluster["backup"] == f"{file}.bak"
    assert cluster["undo"] == f"mv -f '{file}.bak' '{file}'"
    assert f'+    endpoint: "{HARBOR}"' in cluster["difference"]
    second = write(*both, "--json").json
    assert [(one["change"], one["written"]) for one in second["files"]] == [("same", False)] * 2


def test_a_mirror_that_is_there_is_replaced_key_by_key(tmp_path: Path) -> None:
    file = write_file(
        tmp_path, cluster_with("endpoint: old.local # ours\nport: '443'   # keep"), CLUSTER
    )
    ended = write(*TO, "--cluster-file", file, "--cluster", "one", "--yes")
    assert ended.code == ExitCode.DONE
    assert "cluster “one” has a mirror already, it is replaced" in ended.err
    text = file.read_text()
    assert f'endpoint: "{HARBOR}" # ours' in text
    assert "port: '443'   # keep" in text
    assert text.endswith(CLUSTER)


def test_the_release_is_asked_for_its_defects(file: Path, sample: Sample) -> None:
    ended = write(*TO, "--cluster-file", file, "-b", sample.bundles, "--os-family", "bottlerocket",
                  "--yes")  # fmt: skip
    assert ended.code == ExitCode.DONE
    assert "v0.26.0" not in ended.err  # the file says ubuntu, and that counts
    file.write_text(CLUSTER.replace("osFamily: ubuntu", "osFamily: bottlerocket"))
    told = write(*TO, "--cluster-file", file, "-b", sample.bundles, "--yes")
    assert "With v0.26.0 Bottlerocket nodes of Kubernetes 1.33" in told.err


def test_the_body_of_a_certificate_is_told_by_its_length() -> None:
    body = ["A" * 64, "b/+" + "C" * 61]
    added = ["+  caCertContent: |", *(f"+    {line}" for line in body * 3), "+    Zg=="]
    assert list(folded(added)) == [
        "+  caCertContent: |",
        "+    … 6 lines of a certificate",
        "+    Zg==",
    ]
    mixed = [f"-    {body[0]}"] * 4 + [f"+    {body[1]}"] * 5
    assert list(folded(mixed)) == [
        "-    … 4 lines of a certificate",
        "+    … 5 lines of a certificate",
    ]
    short = [f"+    {line}" for line in body]
    assert list(folded(short)) == short
