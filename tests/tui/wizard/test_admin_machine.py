"""Step 7: the two boxes, and how docker on this machine stands."""

import asyncio
from pathlib import Path

import pytest

from core.answers import Answers, CredentialAnswers, CredentialSource, RegistryAnswers
from core.checks.open_points import is_settled_by_writing
from core.demo.registry import DemoRegistry
from tests.tui.wizard.looking import LARGE, SMALL, new_app, running, shown, until
from tui.app import MirrorApp
from tui.terminal import Look

pytestmark = pytest.mark.integration


@pytest.fixture
def site(registry: DemoRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Answers:
    """A registry with a CA and a login; docker does not run."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    monkeypatch.setenv("REGISTRY_USERNAME", registry.username)
    monkeypatch.setenv("REGISTRY_PASSWORD", registry.password.get_secret_value())
    return Answers(
        registry=RegistryAnswers(address=registry.address, ca_file=registry.ca_file),
        credentials=CredentialAnswers(
            username=registry.username, authenticate=True, source=CredentialSource.ENVIRONMENT
        ),
    )


def ended(app: MirrorApp) -> bool:
    return app.session.boards[7].ended is not None


@pytest.mark.parametrize("size", [SMALL, LARGE, (200, 50)])
def test_boxes_and_checks_are_shown(site: Answers, size: tuple[int, int]) -> None:
    async def play() -> None:
        app = new_app(site, step=7)
        async with running(app, size) as pilot:
            await until(pilot, lambda: ended(app))
            await until(pilot, lambda: "checked" in shown(app))
            text = shown(app)
            assert "At step 8" in text
            assert "Install the CA for docker" in text
            assert "One ca.crt file. Asks for sudo." in text
            assert "Log docker in" in text
            assert "✗ fail     docker does not answer" in text
            assert max(map(len, text.splitlines())) <= size[0]

    asyncio.run(play())


def test_ticks_are_kept_and_settle_what_step_8_does(site: Answers) -> None:
    async def play() -> None:
        app = new_app(site, step=7)
        async with running(app, LARGE) as pilot:
            await until(pilot, lambda: ended(app))
            (ca,) = [one for one in app.session.findings(7) if one.name == "docker-ca"]
            assert not is_settled_by_writing(ca, app.session.answers)
            await pilot.press("space", "enter", "space")
            machine = app.session.answers.admin_machine
            assert machine.trust_ca
            assert machine.docker_login
            assert is_settled_by_writing(ca, app.session.answers)
            await pilot.press("n")
            await until(pilot, lambda: app.session.setup.step == 8)
            app.open_step(7)
            await until(pilot, lambda: "✓  Install the CA" in shown(app))

    asyncio.run(play())


def test_the_sentence_tells_who_does_the_rest(
    site: Answers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nobody meant to have docker here: that is a warning, and no failure that goes before.
    monkeypatch.delenv("DOCKER_HOST")
    monkeypatch.setenv("PATH", str(tmp_path))

    async def play() -> None:
        app = new_app(site, step=7)
        async with running(app, LARGE) as pilot:
            await until(pilot, lambda: ended(app) and "Left to you: " in shown(app))
            await pilot.press("space")
            await until(pilot, lambda: ended(app) and app.session.answers.admin_machine.trust_ca)
            await until(pilot, lambda: "warning" in shown(app))

    asyncio.run(play())


def test_without_a_login_the_second_box_is_not_shown(site: Answers) -> None:
    nobody = CredentialAnswers(source=CredentialSource.NONE)

    async def play() -> None:
        app = new_app(site.model_copy(update={"credentials": nobody}), step=7)
        async with running(app) as pilot:
            await until(pilot, lambda: "Install the CA for docker" in shown(app))
            assert "Log docker in" not in shown(app)

    asyncio.run(play())


def test_without_a_ca_only_the_login_is_offered(site: Answers) -> None:
    bare = RegistryAnswers(address=site.registry.address)

    async def play() -> None:
        app = new_app(site.model_copy(update={"registry": bare}), step=7)
        async with running(app) as pilot:
            await until(pilot, lambda: "Log docker in" in shown(app))
            assert "At step 8" in shown(app)
            assert "Install the CA" not in shown(app)

    asyncio.run(play())


def test_basic_is_ascii_with_boxes_in_brackets(site: Answers) -> None:
    async def play() -> None:
        app = new_app(site, step=7, look=Look(basic=True))
        async with running(app) as pilot:
            await until(pilot, lambda: ended(app))
            assert shown(app).isascii()
            assert "[ ] Install the CA for docker" in shown(app)
            await pilot.press("space")
            await until(pilot, lambda: "[x] Install the CA for docker" in shown(app))

    asyncio.run(play())


def test_the_port_443_has_two_names(site: Answers) -> None:
    usual = RegistryAnswers(endpoint="harbor.invalid", ca_file=site.registry.ca_file)

    async def play() -> None:
        app = new_app(site.model_copy(update={"registry": usual}), step=7)
        async with running(app) as pilot:
            await until(pilot, lambda: "Two ca.crt files, with and without :443." in shown(app))

    asyncio.run(play())
