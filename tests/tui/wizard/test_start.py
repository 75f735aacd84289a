"""Start: what can be opened, what was found, and what this machine is."""

import asyncio
import os
import signal
import time
from pathlib import Path

import pytest

from core.answers import Answers, RegistryAnswers
from core.answers.file import dump_answers
from core.answers.setups import Setup, begin_setup, saved_setups, setups_folder
from core.demo.registry import DemoRegistry
from core.demo.sample import Sample
from core.transfer.job import existing_jobs, jobs_folder
from core.units import size as size_in_words
from tests.integration.program import begin, run
from tests.tui.wizard.looking import LARGE, SMALL, new_app, running, shown, type_in, until
from tui.app import MirrorApp
from tui.screens.load_answers import LoadAnswers
from tui.screens.prepare import PrepareScreen
from tui.screens.start import StartScreen
from tui.screens.step import StepScreen
from tui.start_entries import PREPARE, day_and_time
from tui.terminal import Look
from tui.widgets.menu import Menu


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")


def save(endpoint: str, *, step: int = 1) -> Setup:
    """A set-up on the disk."""
    answers = Answers(registry=RegistryAnswers(endpoint=endpoint))
    setup = begin_setup(setups_folder(jobs_folder()), answers)
    setup.step = setup.reached = step
    setup.save()
    return setup


def titles(app: MirrorApp) -> list[str]:
    return [one.title for one in app.screen.query_one(Menu).entries]


def step_of(app: MirrorApp) -> int:
    return app.session.setup.step if isinstance(app.screen, StepScreen) else 0


@pytest.mark.parametrize("size", [SMALL, LARGE, (200, 50), (100, 24)])
def test_the_first_run_offers_a_new_set_up_and_tells_what_is_needed(size: tuple[int, int]) -> None:
    async def play() -> None:
        app = new_app()
        async with running(app, size) as pilot:
            await until(pilot, lambda: "looking in" not in shown(app) and titles(app))
            await until(pilot, lambda: "docker does not answer" in shown(app))
            text = shown(app)
            assert titles(app) == [
                "Start a new set-up",
                "Load answers from a file",
                "Prepare on a connected machine",
            ]
            assert "Images tarball   ○ needed   made by “eksctl anywhere download images”" in text
            assert "Registry login   ○ needed" in text
            assert "This machine" in text
            assert "GB" in text
            assert max(map(len, text.splitlines())) <= size[0]
            assert "F10 Quit" in text.splitlines()[-1]

    asyncio.run(play())


def test_basic_is_ascii_with_the_letters_of_keys() -> None:
    async def play() -> None:
        app = new_app(look=Look(basic=True))
        save("harbor.example", step=5)
        async with running(app) as pilot:
            await until(pilot, lambda: 'Continue "harbor.example"' in shown(app))
            await until(pilot, lambda: "basic terminal" in shown(app))
            text = shown(app)
            assert text.isascii()
            assert "> Continue" in text
            assert "? Help  q Quit" in text

    asyncio.run(play())


def test_a_saved_set_up_goes_on_where_it_stopped() -> None:
    async def play() -> None:
        save("harbor.example", step=2)
        app = new_app()
        async with running(app) as pilot:
            await until(pilot, lambda: titles(app))
            assert titles(app)[0] == "Continue “harbor.example”"
            assert "Stopped at step 2, Registry. Saved today at" in shown(app)
            await pilot.press("enter")
            await until(pilot, lambda: step_of(app) == 2)
            assert app.session.site == "harbor.example"

    asyncio.run(play())


def test_the_newest_five_are_listed_and_all_can_be_reached_in_a_small_window() -> None:
    async def play() -> None:
        for number in range(7):
            setup = save(f"site-{number}.example")
            os.utime(setup.answers_file, (number, number))
        app = new_app()
        async with running(app) as pilot:
            await until(pilot, lambda: titles(app))
            assert [one for one in titles(app) if one.startswith("Continue")] == [
                f"Continue “site-{number}.example”" for number in (6, 5, 4, 3, 2)
            ]
            await pilot.press("end")
            await until(pilot, lambda: "► Prepare on a connected machine" in shown(app))
            assert "Have these at hand" in shown(app)

    asyncio.run(play())


def test_a_set_up_that_cannot_be_read_is_told_and_does_not_open() -> None:
    async def play() -> None:
        setup = save("harbor.example")
        setup.answers_file.write_text("registry: [")
        app = new_app()
        async with running(app) as pilot:
            await until(pilot, lambda: "! warn  “harbor.example” cannot be read" in shown(app))
            await pilot.press("enter")
            await pilot.pause()
            assert isinstance(app.screen, StartScreen)

    asyncio.run(play())


def test_what_others_save_appears_and_the_selection_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.screens.start.LOOK_SECONDS", 0.1)

    async def play() -> None:
        app = new_app()
        async with running(app) as pilot:
            await until(pilot, lambda: titles(app))
            await pilot.press("down")
            save("harbor.example")
            await until(pilot, lambda: len(titles(app)) == 4)
            assert "► Load answers from a file" in shown(app)

    asyncio.run(play())


def test_a_new_set_up_begins_with_the_files_that_were_found(
    sample: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(sample.folder)

    async def play() -> None:
        app = new_app()
        async with running(app, LARGE) as pilot:
            await until(pilot, lambda: shown(app).count("✓ found") == 2)
            assert f"images.tar, {size_in_words(sample.archive.stat().st_size)}" in shown(app)
            await pilot.press("enter")
            await until(pilot, lambda: step_of(app) == 1)
            artifacts = app.session.answers.artifacts
            assert (artifacts.archive, artifacts.bundles) == (sample.archive, sample.bundles)
            assert app.session.answers.admin_machine.trust_ca

    asyncio.run(play())


@pytest.mark.parametrize(("before", "after"), [(SMALL, LARGE), (LARGE, SMALL)], ids=["up", "down"])
def test_paths_fit_a_window_that_was_dragged_while_a_dialog_lay_over_them(
    before: tuple[int, int],
    after: tuple[int, int],
    sample: Sample,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(sample.folder)

    def line(app: MirrorApp) -> str:
        return next(one for one in shown(app).splitlines() if "Bundle manifest" in one).strip()

    async def play() -> None:
        app = new_app()
        async with running(app, after) as pilot:
            await until(pilot, lambda: shown(app).count("✓ found") == 2)
            wanted = line(app)
            await pilot.resize_terminal(*before)
            await until(pilot, lambda: line(app) != wanted)
            await pilot.press("end", "up", "enter")
            await until(pilot, lambda: isinstance(app.screen, LoadAnswers))
            await pilot.resize_terminal(*after)
            await pilot.press("escape")
            await until(pilot, lambda: isinstance(app.screen, StartScreen))
            await until(pilot, lambda: line(app) == wanted, seconds=5)

    asyncio.run(play())


def test_another_one_over_one_that_is_open_is_asked_for() -> None:
    async def play() -> None:
        save("harbor.example")
        app = new_app()
        async with running(app) as pilot:
            await until(pilot, lambda: titles(app))
            await pilot.press("enter")
            await until(pilot, lambda: step_of(app) == 1)
            app.session.notes["mark"] = "the same run"
            await pilot.press("escape")
            await until(pilot, lambda: isinstance(app.screen, StartScreen) and titles(app))
            await pilot.press("down", "enter")
            await until(pilot, lambda: "Keep “harbor.example”?" in shown(app))
            await pilot.press("escape")
            await until(pilot, lambda: "Keep" not in shown(app))
            await pilot.press("up", "enter")
            await until(pilot, lambda: step_of(app) == 1)
            assert app.session.notes.get("mark") == "the same run"
            await pilot.press("escape")
            await until(pilot, lambda: isinstance(app.screen, StartScreen) and titles(app))
            await pilot.press("down", "enter")
            await until(pilot, lambda: "Keep “harbor.example”?" in shown(app))
            await pilot.press("enter")
            await until(pilot, lambda: step_of(app) == 1)
            assert app.session.site == ""
            assert "harbor.example" in [one.name for one in saved_setups(app.session.root)]

    asyncio.run(play())


def test_who_comes_back_from_prepare_finds_its_entry_selected() -> None:
    async def play() -> None:
        app = new_app()
        async with running(app) as pilot:
            await until(pilot, lambda: titles(app))
            await pilot.press("end", "enter")
            await until(pilot, lambda: isinstance(app.screen, PrepareScreen))
            await pilot.press("escape")
            await until(pilot, lambda: isinstance(app.screen, StartScreen) and titles(app))
            menu = app.screen.query_one(Menu)
            assert menu.entries[menu.at].key == PREPARE

    asyncio.run(play())


def test_answers_are_loaded_from_a_file_or_it_says_why_not(tmp_path: Path) -> None:
    good, cluster = tmp_path / "site.yaml", tmp_path / "cluster.yaml"
    good.write_bytes(dump_answers(Answers(registry=RegistryAnswers(endpoint="a.example"))))
    cluster.write_text(
        "kind: Cluster\nmetadata: {name: c}\nspec:\n  registryMirrorConfiguration:\n"
        "    endpoint: b.example\n    port: '5000'\n"
    )
    (tmp_path / "odd.yaml").write_text("version: 1\nregistry:\n  endPoint: x\n")

    async def load(name: str) -> tuple[MirrorApp, str]:
        app = new_app()
        async with running(app) as pilot:
            await until(pilot, lambda: titles(app))
            await pilot.press("end", "up", "enter")
            await until(pilot, lambda: isinstance(app.screen, LoadAnswers))
            await type_in(pilot, name)
            await pilot.press("f8")
            await until(pilot, lambda: "✗" in shown(app) or step_of(app) == 1)
            return app, shown(app)

    async def play() -> None:
        _, text = await load("none.yaml")
        assert "No such file." in text
        _, text = await load("odd.yaml")
        assert "endPoint" in text
        assert "Line 3" in text
        app, _ = await load("site.yaml")
        assert app.session.answers.registry.endpoint == "a.example"
        app, _ = await load("cluster.yaml")
        assert app.session.answers.registry.port == 5000

    asyncio.run(play())


@pytest.mark.integration
def test_an_import_is_seen_running_cut_off_and_done(
    sample: Sample, registry: DemoRegistry, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.screens.start.LOOK_SECONDS", 0.2)
    flags = (
        *("import", "-i", sample.archive, "-b", sample.bundles),
        *("-r", f"{registry.address}/{namespace}", "--ca-file", registry.ca_file),
    )
    site = registry.address.partition(":")[0]

    async def play() -> None:
        app = new_app()
        async with running(app, LARGE) as pilot:
            process = begin(*flags, "--limit-rate", "20k", login=registry)
            try:
                wanted = f"Open the running import of “{site}”"
                await until(pilot, lambda: wanted in shown(app), seconds=30)
                await until(pilot, lambda: " % done" in shown(app))
                (job,) = existing_jobs()
                os.kill(job.worker_pid() or 0, signal.SIGKILL)
                await until(pilot, lambda: "It was cut off at" in shown(app))
            finally:
                process.kill()
                process.communicate()
            assert titles(app)[0] == f"Open the import of “{site}”"
            done = await asyncio.to_thread(run, *flags, login=registry)
            assert done.code == 0, done.err
            await until(pilot, lambda: "are in the registry." in shown(app))
            await pilot.press("home", "enter")
            await until(pilot, lambda: step_of(app) >= 9)
            assert app.session.job == job
            assert app.session.answers.registry.endpoint == site

    asyncio.run(play())


def test_days_are_named_as_people_do() -> None:
    now = time.mktime((2026, 11, 24, 9, 0, 0, 0, 0, -1))

    assert day_and_time(now - 3600, now) == "today at 08:00"
    assert day_and_time(now - 86400, now) == "yesterday at 09:00"
    assert day_and_time(now - 3 * 86400, now) == "2026-11-21 at 09:00"
