"""The offline kit and the wheel, built as they are handed on, and used where nothing else is."""

import os
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from core import __version__
from core.demo.sample import Sample
from tests.fixtures.bare_machine import USER, BareMachine
from tests.fixtures.chromium import Browser
from tests.fixtures.tmux import Terminal
from tests.fixtures.tools import need
from tui.cli import VERBS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.xdist_group("kit")]
HERE = Path(__file__).parents[2]
SOURCES = (".ci", "core", "tui", "pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE")
NAME = f"eksa-mirror-{__version__}-linux-{os.uname().machine}"


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What both are built from: nothing of this folder but what they hold."""
    folder = tmp_path_factory.mktemp("sources")
    for name in SOURCES:
        if (HERE / name).is_dir():
            shutil.copytree(HERE / name, folder / name, ignore=shutil.ignore_patterns("*.pyc"))
        else:
            shutil.copy(HERE / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def kit(sources: Path) -> Path:
    """The tarball; SOURCE_DATE_EPOCH makes its manual page one of 2026-11-24."""
    need("objdump")
    subprocess.run(
        [sources / ".ci/kit/build"],
        env={**os.environ, "SOURCE_DATE_EPOCH": "1795478400"},
        check=True,
        timeout=800,
    )
    return sources / "dist" / f"{NAME}.tar.gz"


@pytest.fixture(scope="module")
def machine(
    kit: Path, sample: Sample, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BareMachine]:
    """With the kit's tarball and a release carried in, unpacked by its user; not installed."""
    with BareMachine(tmp_path_factory.mktemp("bare")) as bare:
        carried = {
            "kit.tar.gz": kit,
            "images.tar": sample.archive,
            "downloads.tar.gz": sample.downloads,
        }
        for name, path in carried.items():
            shutil.copy(path, bare.root / "kit" / name)
        assert bare.run("tar", "-C", "/home/op", "-xzf", "/kit/kit.tar.gz").code == 0
        yield bare


def test_the_machine_has_neither_network_nor_python(machine: BareMachine) -> None:
    assert machine.run("sh", "-c", "command -v python3 python pip perl curl").code != 0
    devices = machine.run("cat", "/proc/net/dev").out.splitlines()[2:]
    assert [line.split(":")[0].strip() for line in devices] == ["lo"]
    assert machine.run("cat", "/proc/net/route").out.count("\n") == 1


def test_the_kit_holds_its_papers_and_is_whole(machine: BareMachine, kit: Path) -> None:
    folder = f"/home/op/{NAME}"
    checked = machine.run("sh", "-c", f"cd {folder} && sha256sum -c SHA256SUMS")
    assert checked.code == 0, checked.err
    listed = {line.rpartition(": ")[0] for line in checked.out.splitlines()}
    held = machine.root / folder.removeprefix("/")
    files = {f"./{one.relative_to(held)}" for one in held.rglob("*") if one.is_file()}
    links = {f"./{one.relative_to(held)}" for one in held.rglob("*") if one.is_symlink()}
    assert files - links - listed == {"./SHA256SUMS"}
    licences = (held / "LICENCES-OF-OTHERS.txt").read_text()
    for name in ("textual ", "aiohttp ", "urllib3 ", "Python 3", "libssl", "pyinstaller"):
        assert re.search(rf"^=+\n{name}", licences, re.MULTILINE), name
    digest, name = kit.with_name(f"{kit.name}.sha256").read_text().split()
    assert name == kit.name
    assert (
        digest
        in subprocess.run(["sha256sum", kit], capture_output=True, text=True, check=True).stdout
    )


@pytest.mark.parametrize(
    ("user", "prefix"), [(USER, "/home/op/.local"), (0, "/usr/local")], ids=["user", "root"]
)
def test_it_is_installed_used_and_removed(machine: BareMachine, user: int, prefix: str) -> None:
    install = f"/home/op/{NAME}/install.sh"
    kept = {one for one in (machine.root / prefix[1:]).rglob("*") if one.is_file()}

    installed = machine.run("sh", install, user=user)

    assert installed.code == 0, installed.err
    assert f"Installed: {prefix}/bin/eksa-mirror (eksa-mirror {__version__})" in installed.out
    assert "Add it to your PATH" not in installed.out
    for name in (
        "share/man/man1/eksa-mirror.1",
        "share/bash-completion/completions/eksa-mirror",
        "share/zsh/site-functions/_eksa-mirror",
    ):
        assert (machine.root / prefix[1:] / name).stat().st_size > 1000
    assert machine.run("eksa-mirror", "--version").out == f"eksa-mirror {__version__}\n"
    assert all(f"{name.split()[0]} " in machine.run("eksa-mirror", "--help").out for name in VERBS)
    again = machine.run("sh", install, user=user)
    assert again.code == 0, again.err

    removed = machine.run("sh", install, "--remove", user=user)

    assert removed.code == 0, removed.err
    left = {one for one in (machine.root / prefix[1:]).rglob("*") if one.is_file()}
    assert left - kept == set()
    assert machine.run("sh", "-c", "command -v eksa-mirror", user=user).code != 0


def test_what_is_damaged_or_too_new_is_not_installed(machine: BareMachine) -> None:
    script = (
        f"cp -R /home/op/{NAME} /tmp/torn && cd /tmp/torn && echo x >> README.md;"
        "sh install.sh --prefix /tmp/p; echo $?; cd /; rm -rf /tmp/torn"
    )
    torn = machine.run("sh", "-c", script)
    assert torn.out.endswith("1\n")
    assert "damaged on the way" in torn.err
    later = (
        f"cp -R /home/op/{NAME} /tmp/new && cd /tmp/new && echo 9.99 > share/glibc &&"
        "sed -i '/share.glibc/d' SHA256SUMS && sha256sum ./share/glibc >> SHA256SUMS;"
        "sh install.sh --prefix /tmp/p; echo $?; cd /; rm -rf /tmp/new"
    )
    new = machine.run("sh", "-c", later)
    assert new.out.endswith("1\n")
    assert re.search(r"needs glibc 9\.99 or later; this system has 2\.\d+", new.err)
    assert not (machine.root / "tmp/p").exists()


@pytest.fixture
def installed(machine: BareMachine) -> BareMachine:
    """For its user."""
    done = machine.run("sh", f"/home/op/{NAME}/install.sh")
    assert done.code == 0, done.err
    return machine


def login(machine: BareMachine) -> dict[str, str]:
    return {
        "REGISTRY_USERNAME": machine.registry.username,
        "REGISTRY_PASSWORD": machine.registry.password.get_secret_value(),
    }


def flags(machine: BareMachine) -> list[str]:
    return [
        *("-i", "/kit/images.tar", "-b", "/kit/downloads.tar.gz"),
        *("-r", f"{machine.registry.address}/eks-a", "--ca-file", "/kit/ca.crt"),
    ]


def test_check_import_and_verify_do_the_whole_job(installed: BareMachine) -> None:
    only = [f"--only={name}" for name in ("v2", "chain", "login", "push")]
    checked = installed.run(
        "eksa-mirror", "check", *flags(installed), *only, variables=login(installed)
    )
    assert checked.code == 0, checked.out + checked.err
    imported = installed.run("eksa-mirror", "import", *flags(installed), variables=login(installed))
    assert imported.code == 0, imported.out + imported.err
    verified = installed.run(
        "eksa-mirror", "verify", *flags(installed), "--deep", variables=login(installed)
    )
    assert verified.code == 0, verified.out + verified.err
    again = installed.run(
        "eksa-mirror", "import", "--json", *flags(installed), variables=login(installed)
    )
    assert again.code == 0, again.err


@contextmanager
def serving(machine: BareMachine) -> Iterator["subprocess.Popen[str]"]:
    """`serve` of its user, who has done nothing yet; ended in any case."""
    nothing_done = {"XDG_STATE_HOME": "/tmp/of-the-page"}
    command = machine.command("eksa-mirror", "serve", "--port", "0", variables=nothing_done)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def line_of(process: "subprocess.Popen[str]") -> str:
    assert process.stdout
    return process.stdout.readline().strip()


def test_nothing_is_changed_below_a_running_program(installed: BareMachine) -> None:
    with serving(installed) as running:
        assert line_of(running)
        refused = installed.run("sh", f"/home/op/{NAME}/install.sh", "--remove")
    assert refused.code == 1
    assert "eksa-mirror is running (process" in refused.err
    assert installed.run("eksa-mirror", "--version").code == 0


def test_the_wizard_is_drawn_on_a_terminal(installed: BareMachine, tmp_path: Path) -> None:
    nothing_done = {"XDG_STATE_HOME": "/tmp/of-the-wizard"}
    command = installed.command("eksa-mirror", variables=nothing_done)
    with Terminal(command, tmp_path) as terminal:
        terminal.wait_for("Start a new set-up", "This machine")
        terminal.press("Enter")
        terminal.wait_for("1  Artifacts", "Images tarball")
        terminal.type("/kit/images.tar")
        terminal.press("Enter")
        terminal.calm()
        terminal.type("/kit/downloads.tar.gz")
        terminal.press("Enter")
        terminal.wait_for("All checks pass")


def test_the_page_is_served_from_what_the_kit_holds(installed: BareMachine, tmp_path: Path) -> None:
    need("chromium")
    with serving(installed) as running:
        url = line_of(running)
        with Browser(tmp_path / "chromium", installed.network) as browser:
            browser.visit(url)
            browser.wait_for("Start a new set-up")
            assert browser.complaints == []
        running.terminate()
        assert running.wait(30) == 0


# --- the wheel ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def wheel(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", folder, sources],
        check=True,
        timeout=300,
    )
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_holds_the_program_and_no_more(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    tops = {name.split("/")[0] for name in names}
    assert tops == {"core", "tui", f"eksa_mirror-{__version__}.dist-info"}
    wanted = [
        str(path.relative_to(HERE))
        for package in ("core", "tui")
        for path in (HERE / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    ]
    held = [name for name in names if name.startswith(("core/", "tui/"))]
    assert sorted(held) == sorted(wanted)


def test_the_wheel_runs_in_an_environment_of_its_own(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=True)
    program = tmp_path / "venv/bin"
    subprocess.run(
        [program / "python", "-m", "pip", "install", "--quiet", wheel], check=True, timeout=600
    )

    said = subprocess.run(
        [program / "eksa-mirror", "--version"], capture_output=True, text=True, check=True
    )

    assert said.stdout == f"eksa-mirror {__version__}\n"
