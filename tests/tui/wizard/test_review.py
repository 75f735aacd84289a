"""Step 8: what is read once more, and what its button writes."""

import asyncio
import os
import re
import stat
import subprocess
from collections.abc import Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from textual.pilot import Pilot

from core.answers import (
    AdminMachineAnswers,
    Answers,
    ArtifactAnswers,
    ClusterAnswers,
    CredentialAnswers,
    CredentialSource,
    OutputAnswers,
    RegistryAnswers,
    load_answers,
)
from core.answers.setups import open_setup, saved_setups, setups_folder
from core.demo.registry import DemoRegistry
from core.demo.sample import Sample
from core.host.certs_d import Reader
from core.transfer import site as site_module
from core.transfer.job import jobs_folder
from core.transfer.site import Site, plan_site
from tests.tui.clusters import CLUSTER, write_file
from tests.tui.wizard.looking import SMALL, new_app, running, shown, until
from tui.app import MirrorApp
from tui.screens import review as review_module
from tui.screens.dialogs import Dialog
from tui.screens.review import ReviewScreen
from tui.screens.text_page import TextPage
from tui.terminal import Look

TALL = (120, 60)


def wizard_test(body: Coroutine[Any, Any, None]) -> None:
    asyncio.run(body)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the operator works; docker's trust is that of a rootless one, in this HOME."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.setattr(site_module, "readers_here", lambda _: (Reader.ROOTLESS_DOCKER,))
    return work


@pytest.fixture
def answers(sample: Sample, registry: DemoRegistry, folder: Path) -> Answers:
    """Complete ones, that name a cluster file and have the CA installed for docker."""
    address = {"address": f"{registry.address}/eks-a", "ca_file": registry.ca_file}
    return Answers(
        artifacts=ArtifactAnswers(archive=sample.archive, bundles=sample.bundles),
        registry=RegistryAnswers.model_validate(address),
        credentials=CredentialAnswers(
            source=CredentialSource.NONE, username="robot", authenticate=True
        ),
        cluster=ClusterAnswers(file=write_file(folder, CLUSTER)),
        admin_machine=AdminMachineAnswers(trust_ca=True),
    )


def review(app: MirrorApp) -> ReviewScreen:
    assert isinstance(app.screen, ReviewScreen), app.screen
    return app.screen


def is_written(app: MirrorApp) -> bool:
    return app.session.setup.written


async def ready(pilot: Pilot[str], app: MirrorApp) -> None:
    """The files were looked at, and all checks have ended."""
    await until(pilot, lambda: review(app).site or review(app).trouble)
    boards = [board for step, board in app.session.boards.items() if step < 8]
    await until(pilot, lambda: all(board.ended for board in boards), seconds=60)
    await pilot.pause()


async def write(pilot: Pilot[str], app: MirrorApp) -> None:
    await pilot.press("f8")
    await pilot.pause()
    if isinstance(app.screen, Dialog):
        await pilot.press("tab", "enter")
    await until(pilot, lambda: review(app).outcomes and not review(app)._writing)
    await pilot.pause()


def test_everything_is_written_and_can_be_undone(answers: Answers, folder: Path) -> None:
    async def body() -> None:
        app = new_app(answers, step=8)
        async with running(app, TALL) as pilot:
            await ready(pilot, app)
            seen = shown(app)
            for line in ("+ new      registry-mirror.yaml", "~ merge    cluster.yaml"):
                assert line in seen
            assert "keeps cluster.yaml.bak" in seen
            assert "► 11 lines, 1 certificate" in seen
            assert not re.search(r"Files to write .* in \S+/work$", seen, re.MULTILINE)
            assert not is_written(app)
            await write(pilot, app)
            assert shown(app).count("✓ written") == 4
            assert re.search(r"Files to write .* in \S+/work$", shown(app), re.MULTILINE)
            assert "Go to the import ›" in shown(app)
            assert is_written(app)
            undo = [one.undo for one in review(app).outcomes.values() if one.state == "written"]
        block = yaml.safe_load((folder / "registry-mirror.yaml").read_text())["spec"]
        cluster = next(yaml.safe_load_all((folder / "cluster.yaml").read_text()))
        key = "registryMirrorConfiguration"
        assert cluster["spec"][key] == block[key]
        saved = load_answers(folder / "answers.yaml")
        assert saved.registry == answers.registry
        assert saved.output.fragment == folder / "registry-mirror.yaml"
        assert stat.S_IMODE((folder / "answers.yaml").stat().st_mode) == 0o600
        ca = Path(os.environ["XDG_CONFIG_HOME"]) / "docker/certs.d"
        assert len(list(ca.glob("*/ca.crt"))) == 1
        for command in undo[:3]:
            subprocess.run(["sh", "-c", command], check=True)
        assert [path.name for path in folder.iterdir()] == ["cluster.yaml"]
        assert (folder / "cluster.yaml").read_text() == CLUSTER

    wizard_test(body())


def test_what_is_the_same_is_not_written_again(answers: Answers) -> None:
    async def body() -> None:
        app = new_app(answers, step=8)
        async with running(app, TALL) as pilot:
            await ready(pilot, app)
            await write(pilot, app)
            app.open_step(8)
            await pilot.pause()
            await ready(pilot, app)
            assert shown(app).count("= same") == 4
            assert "Nothing to write: all 4 files are the same." in shown(app)
            app.session.put("registry", "namespace", "elsewhere")
            assert not is_written(app)
            app.open_step(8)
            await pilot.pause()
            await ready(pilot, app)
            assert "~ merge    cluster.yaml" in shown(app)
            assert "! replace  registry-mirror.yaml" in shown(app)
            assert "Write 3 files ›" in shown(app)

    wizard_test(body())


def test_open_problems_are_asked_about_and_kept(answers: Answers, folder: Path) -> None:
    async def body() -> None:
        wrong = answers.registry.model_copy(update={"ca_file": None})
        app = new_app(answers.model_copy(update={"registry": wrong}), step=8)
        async with running(app, TALL) as pilot:
            await ready(pilot, app)
            assert "EKS Anywhere would refuse this" in " ".join(shown(app).split())
            await pilot.press("f8")
            await pilot.pause()
            assert isinstance(app.screen, Dialog)
            assert "open problem" in shown(app)
            await pilot.press("enter")
            await pilot.pause()
            assert not (folder / "registry-mirror.yaml").exists()
            await write(pilot, app)
            app.save_now()
        assert (folder / "registry-mirror.yaml").exists()
        kept = open_setup(saved_setups(setups_folder(jobs_folder()))[0])
        assert any("Trust: " in one and "refuse" in one for one in kept.written_over)

    wizard_test(body())


def test_a_missing_value_keeps_the_button_quiet_and_leads_to_its_step(answers: Answers) -> None:
    async def body() -> None:
        app = new_app(answers, step=8)
        app.session.put("registry", "port", "70000")
        async with running(app, SMALL) as pilot:
            assert "Step 2: port: A number from 1 to 65535." in shown(app)
            assert app.screen.query_one("#primary").has_class("-quiet")
            await pilot.press("f8")
            await pilot.pause()
            assert app.session.setup.step == 2

    wizard_test(body())


def test_a_file_that_cannot_be_written_does_not_keep_the_others(
    answers: Answers, folder: Path
) -> None:
    async def body() -> None:
        file = folder / "gone" / "mirror.env"
        output = OutputAnswers(environment=file)
        app = new_app(answers.model_copy(update={"output": output}), step=8)
        async with running(app, TALL) as pilot:
            await ready(pilot, app)
            await write(pilot, app)
            assert "✗ failed" in shown(app)
            assert "its folder is not there" in shown(app)
            assert "1 of 5 not written. Fix it and try again." in shown(app)
            assert "Write 1 file ›" in shown(app)
            assert not is_written(app)
            file.parent.mkdir()
            await pilot.press("f5")
            await ready(pilot, app)
            await write(pilot, app)
            assert is_written(app)
        assert "REGISTRY_PASSWORD" in file.read_text()

    wizard_test(body())


def test_a_docker_that_does_not_answer_holds_nobody(
    answers: Answers, folder: Path, registry: DemoRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{folder}/no.sock")
    monkeypatch.setenv("REGISTRY_USERNAME", registry.username)
    monkeypatch.setenv("REGISTRY_PASSWORD", registry.password.get_secret_value())
    given = answers.model_copy(
        update={
            "credentials": CredentialAnswers(source=CredentialSource.ENVIRONMENT),
            "admin_machine": AdminMachineAnswers(trust_ca=False, docker_login=True),
        }
    )

    async def body() -> None:
        app = new_app(given, step=8)
        async with running(app, TALL) as pilot:
            await ready(pilot, app)
            await write(pilot, app)
            assert "✗ failed   docker login as demo" in shown(app)
            assert "Docker is not logged in. You can go on." in shown(app)
            assert "Go to the import ›" in shown(app)
            await pilot.press("f5")
            await ready(pilot, app)
            assert "Log docker in ›" in shown(app)

    wizard_test(body())


def test_a_file_that_somebody_changed_is_asked_about(answers: Answers, folder: Path) -> None:
    async def body() -> None:
        app = new_app(answers, step=8)
        async with running(app, TALL) as pilot:
            await ready(pilot, app)
            (folder / "cluster.yaml").write_text(CLUSTER + "# mine\n")
            await pilot.press("f8")
            await pilot.pause()
            if isinstance(app.screen, Dialog):
                await pilot.press("tab", "enter")
            await until(pilot, lambda: "cluster.yaml has changed" in shown(app))
            await pilot.press("tab", "enter")
            await until(pilot, lambda: is_written(app))
        assert (folder / "cluster.yaml").read_text().endswith("# mine\n")
        assert "registryMirrorConfiguration" in (folder / "cluster.yaml").read_text()

    wizard_test(body())


def test_without_sudo_a_script_for_root_is_left(
    answers: Answers, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def as_another_account(*arguments: Any) -> Site:
        site = plan_site(*arguments)
        assert site.trust
        trust = replace(site.trust, needs_root=not site.trust.is_settled)
        return replace(site, trust=trust)

    monkeypatch.setattr(review_module, "plan_site", as_another_account)
    monkeypatch.setenv("PATH", str(folder))

    async def body() -> None:
        app = new_app(answers, step=8)
        async with running(app, TALL) as pilot:
            await ready(pilot, app)
            await write(pilot, app)
            assert "○ needed" in shown(app)
            assert "Left to you: sudo sh trust-docker.sh" in shown(app)
            assert is_written(app)
            assert "Go to the import ›" in shown(app)

    wizard_test(body())
    script = (folder / "trust-docker.sh").read_text()
    assert "BEGIN CERTIFICATE" in script
    assert not list(Path(os.environ["XDG_CONFIG_HOME"]).rglob("ca.crt"))


def test_narrow_has_four_tabs_and_shows_files_and_differences(answers: Answers) -> None:
    async def body() -> None:
        app = new_app(answers, step=8, look=Look(basic=True))
        async with running(app, SMALL) as pilot:
            await ready(pilot, app)
            assert "[1 Fragment]" in shown(app)
            assert "spec:" in shown(app)
            await pilot.press("1", "enter")
            await pilot.pause()
            assert "BEGIN CERTIFICATE" in shown(app)
            await pilot.press("2", "down", "enter")
            await pilot.pause()
            assert isinstance(app.screen, TextPage)
            assert "registryMirrorConfiguration:" in shown(app)
            await pilot.press("escape", "4")
            await pilot.pause()
            assert "eksa-mirror import --answers answers.yaml" in shown(app)
            assert shown(app).isascii()
            await pilot.press("escape")
            await pilot.pause()
            assert app.session.setup.step == 7

    wizard_test(body())


def test_a_copied_command_is_kept_beside_the_set_up(answers: Answers) -> None:
    async def body() -> None:
        app = new_app(answers, step=8)
        async with running(app, SMALL) as pilot:
            await ready(pilot, app)
            await pilot.press("4", "f7")
            await pilot.pause()
            assert "Also in commands.txt." in shown(app)
            kept = app.session.setup.folder / "commands.txt"
            assert kept.read_text() == "eksa-mirror write --answers answers.yaml\n"
            assert app.clipboard == "eksa-mirror write --answers answers.yaml"

    wizard_test(body())
