"""Step 5: mappings, the live example, and projects that are made on Harbor."""

import asyncio
from collections.abc import Coroutine

import pytest
from textual.events import Key
from textual.widgets import Input

from core.answers import (
    Answers,
    ArtifactAnswers,
    CredentialAnswers,
    CredentialSource,
    MappingAnswer,
    RegistryAnswers,
)
from core.demo.registry import DemoRegistry
from core.demo.sample import Sample
from tests.fixtures.harbor_mock import Account, HarborMock
from tests.fixtures.harbor_mock import running as harbor_running
from tests.tui.wizard.looking import LARGE, SMALL, new_app, running, shown, type_in, until
from tui.app import MirrorApp
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
            assert "Nodes request" not in shown(app)
            await pilot.resize_terminal(*LARGE)
            asked = "Nodes request    GET /v2/eks-a/bottlerocket/"
            await until(pilot, lambda: asked in shown(app) and "/manifests/v" in shown(app))
            await pilot.press("enter", "x")
            assert "/eks-ax/" in shown(app)
            assert "GET /v2/eks-ax/" in shown(app)
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


BURSTS = {
    "edits": ("enter", "lab", "/eks-alab/"),
    "adds": ("a", "docker.io", "docker.io"),
    "finds": ("slash", "operator", "operator"),
}


@pytest.mark.parametrize("burst", BURSTS)
def test_keys_that_come_in_one_burst_land_in_the_field_that_opens(
    burst: str, filled: Answers
) -> None:
    """As over a slow line, or while the wizard is busy: nothing of it is lost or taken for a key
    of the table."""
    opens, typed, seen = BURSTS[burst]

    async def walk() -> None:
        app = new_app(filled, step=5)
        async with running(app) as pilot:
            await until(pilot, lambda: "1 of" in shown(app) and "/eks-a/" in shown(app))
            for key in (opens, *typed):
                letter = "/" if key == "slash" else key if len(key) == 1 else None
                app.post_message(Key(key, letter))
            await until(pilot, lambda: seen in shown(app))
            assert isinstance(app.focused, Input)
            assert app.focused.value == ("eks-a" if burst == "edits" else "") + typed

    play(walk())


def test_a_registry_without_projects_needs_nothing(filled: Answers) -> None:
    async def walk() -> None:
        app = new_app(filled, step=5)
        async with running(app, LARGE) as pilot:
            await until(pilot, lambda: "made at the first push" in shown(app))
            await pilot.press("c")
            assert "No project is missing." in shown(app)

    play(walk())


# --- a Harbor whose projects are missing --------------------------------------------------------


@pytest.fixture
def harbor() -> HarborMock:
    mock = HarborMock()
    mock.accounts = {
        "admin": Account("secret", is_admin=True),
        "demo": Account("secret", rights={"eks-a": {"repository:pull", "repository:push"}}),
    }
    mock.add_project("eks-a")
    return mock


def at_harbor(address: str, user: str, monkeypatch: pytest.MonkeyPatch) -> MirrorApp:
    """The step for a Harbor that wants `eks-a`, `hub` and `quay`."""
    monkeypatch.setenv("REGISTRY_USERNAME", user)
    monkeypatch.setenv("REGISTRY_PASSWORD", "secret")
    registry = RegistryAnswers(
        address=f"{address}/eks-a",
        plain_http=True,
        mappings=(
            MappingAnswer(registry="docker.io", namespace="hub"),
            MappingAnswer(registry="quay.io", namespace="quay/mirror"),
        ),
    )
    credentials = CredentialAnswers(
        username=user, authenticate=True, source=CredentialSource.ENVIRONMENT
    )
    return new_app(Answers(registry=registry, credentials=credentials), step=5)


def row(app: MirrorApp, name: str) -> str:
    return next(line for line in shown(app).splitlines() if name in line and "needed" not in line)


def test_missing_projects_are_created_after_a_question(
    harbor: HarborMock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def walk(app: MirrorApp) -> None:
        async with running(app, LARGE) as pilot:
            await until(pilot, lambda: "2 projects are missing." in shown(app))
            assert "hub              ✗ missing  needed for docker.io" in shown(app)
            assert "Create 2 projects  c" in shown(app)
            assert row(app, "docker.io ").endswith("! warn")
            await pilot.press("c")
            await until(pilot, lambda: isinstance(app.screen, Dialog))
            assert "Create projects “hub”, “quay” in Harbor?" in shown(app)
            await pilot.press("enter")
            assert set(harbor.projects) == {"eks-a"}, "the safe answer has the focus"
            await pilot.press("c")
            await until(pilot, lambda: isinstance(app.screen, Dialog))
            await pilot.press("right", "enter")
            await until(pilot, lambda: "quay             ✓ exists" in shown(app))
            assert set(harbor.projects) == {"eks-a", "hub", "quay"}
            assert not any(one.public for one in harbor.projects.values())
            assert row(app, "docker.io ").endswith("✓ pass")
            assert "missing" not in shown(app)

    with harbor_running(harbor) as server:
        play(walk(at_harbor(server.address, "admin", monkeypatch)))


def test_who_may_not_create_projects_is_told_whom_to_ask(
    harbor: HarborMock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def walk(app: MirrorApp) -> None:
        async with running(app, LARGE) as pilot:
            await until(pilot, lambda: "2 projects are missing." in shown(app))
            await pilot.press("c")
            await until(pilot, lambda: isinstance(app.screen, Dialog))
            await pilot.press("right", "enter")
            await until(pilot, lambda: "✗ fail     you may not create projects" in shown(app))
            await until(pilot, lambda: "administrator for: hub, quay" in shown(app))
            await pilot.press("f7")
            assert app.clipboard == "hub, quay"
            harbor.add_project("hub")
            harbor.add_project("quay")
            for name in ("hub", "quay"):
                harbor.accounts["demo"].rights[name] = {"repository:pull", "repository:push"}
            await pilot.press("f5")
            await until(pilot, lambda: "quay             ✓ exists" in shown(app))
            assert "administrator" not in shown(app)

    with harbor_running(harbor) as server:
        play(walk(at_harbor(server.address, "demo", monkeypatch)))


# --- the example, and how it is drawn -----------------------------------------------------------


def test_a_name_is_found_for_the_example(filled: Answers) -> None:
    async def walk() -> None:
        app = new_app(filled, step=5)
        async with running(app, LARGE) as pilot:
            await until(pilot, lambda: "1 of" in shown(app))
            await pilot.press("slash")
            await type_in(pilot, "PAUSE")
            assert "/eks-a/eks-distro/kubernetes/pause:v1.33.13" in shown(app)
            await pilot.press("enter", "e")
            assert "/eks-a/eks-distro/kubernetes/pause:v1.34.9" in shown(app)
            await pilot.press("slash")
            await type_in(pilot, "no such thing")
            assert "no such name" in shown(app)
            await pilot.press("escape")
            assert "no such name" not in shown(app)
            assert app.session.setup.step == 5, "Esc ended the search, not the step"
            await pilot.press("escape")
            await until(pilot, lambda: app.session.setup.step == 4)

    play(walk())


@pytest.mark.parametrize("size", [SMALL, LARGE])
def test_basic_mode_is_plain_ascii(filled: Answers, size: tuple[int, int]) -> None:
    async def walk() -> None:
        app = new_app(filled, step=5, look=Look(basic=True))
        async with running(app, size) as pilot:
            await until(pilot, lambda: "made at the first push" in shown(app))
            assert shown(app).isascii()

    play(walk())
