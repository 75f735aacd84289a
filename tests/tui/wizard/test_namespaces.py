"""Step 5: mappings, the live example, and projects that are made on Harbor."""

import asyncio
from collections.abc import Coroutine

import pytest

from core.answers import Answers, ArtifactAnswers, CredentialAnswers, RegistryAnswers
from core.demo.registry import DemoRegistry
from core.demo.sample import Sample
from tests.tui.wizard.looking import LARGE, SMALL, new_app, running, shown, type_in, until
from tui.screens.dialogs import Dialog
from tui.terminal import Look

pytestmark = pytest.mark.integration


def play(coroutine: Coroutine[object, object, None]) -> None:
    asyncio.run(coroutine)


@pytest.fixture
def filled(sample: Sample, registry: DemoRegistry, monkeypatch: pytest.MonkeyPatch) -> Answers:
    monkeypatch.setenv("REGISTRY_USERNAME", registry.username)
    monkeypatch.setenv("REGISTRY_PASSWORD", registry.password.get_secret_value())
    return Answers(
        artifacts=ArtifactAnswers(archive=sample.archive, bundles=sample.bundles),
        registry=RegistryAnswers.model_validate(
            {"address": f"{registry.address}/eks-a", "ca_file": registry.ca_file}
        ),
        credentials=CredentialAnswers(username=registry.username, authenticate=True),
    )


def test_the_example_follows_each_key_and_wrong_forms_are_told(filled: Answers) -> None:
    async def walk() -> None:
        app = new_app(filled, step=5)
        async with running(app) as pilot:
            await until(pilot, lambda: "1 of" in shown(app) and "/eks-a/" in shown(app))
            await pilot.press("enter", "x")
            assert "/eks-ax/" in shown(app)
            assert app.session.answers.registry.namespace == "eks-ax"
            await pilot.press("A")
            await pilot.press("tab")
            assert "Lower case letters, digits" in shown(app)
            await pilot.press("escape")
            await until(pilot, lambda: app.session.setup.step == 4)

    play(walk())


def test_a_row_is_added_and_removed_and_the_core_stays(filled: Answers) -> None:
    async def walk() -> None:
        app = new_app(filled, step=5)
        async with running(app) as pilot:
            await until(pilot, lambda: "1 of" in shown(app))
            await pilot.press("delete")
            assert "must stay" in shown(app)
            await pilot.press("a")
            await type_in(pilot, "docker.io")
            await pilot.press("enter")
            await type_in(pilot, "hub")
            await pilot.press("enter")
            await until(pilot, lambda: len(app.session.answers.registry.mappings) == 1)
            await until(pilot, lambda: "docker.io  " in shown(app))
            await pilot.press("down", "down", "delete")
            await until(pilot, lambda: isinstance(app.screen, Dialog))
            assert "Nodes will then ask docker.io itself." in shown(app)
            await pilot.press("right", "enter")
            await until(pilot, lambda: not app.session.answers.registry.mappings)

    play(walk())


def test_a_registry_without_projects_needs_nothing(filled: Answers) -> None:
    async def walk() -> None:
        app = new_app(filled, step=5)
        async with running(app, LARGE) as pilot:
            await until(pilot, lambda: "made at the first push" in shown(app))
            await pilot.press("c")
            assert "No project is missing." in shown(app)

    play(walk())


@pytest.mark.parametrize("size", [SMALL, LARGE])
def test_basic_mode_is_plain_ascii(filled: Answers, size: tuple[int, int]) -> None:
    async def walk() -> None:
        app = new_app(filled, step=5, look=Look(basic=True))
        async with running(app, size) as pilot:
            await until(pilot, lambda: "made at the first push" in shown(app))
            assert shown(app).isascii()

    play(walk())
