"""Step 4: the login, where it is kept, and that no password is ever seen or tried in vain."""

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import keyring
import pytest
from pydantic import SecretStr
from textual.events import Key
from textual.pilot import Pilot

from core.answers import Answers, CredentialSource, RegistryAnswers
from core.demo.registry import DemoRegistry
from core.host.keyring_store import find_in_keyring, save_in_keyring
from core.registry.credentials import Credentials
from tests.core.host.stores import MemoryKeyring
from tests.fixtures.registries import TokenRegistry
from tests.tui.wizard.looking import LARGE, new_app, running, shown, type_in, until
from tui.app import MirrorApp
from tui.screens.credentials import STORED, CredentialsScreen
from tui.screens.trust import TrustScreen
from tui.terminal import Look
from tui.widgets.choice import Choice
from tui.widgets.field import Field


def wizard_test(body: Coroutine[Any, Any, None]) -> None:
    asyncio.run(body)


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> MemoryKeyring:
    """A keyring that works."""
    backend = MemoryKeyring()
    monkeypatch.setattr("keyring.core._keyring_backend", None)
    keyring.set_keyring(backend)
    return backend


@pytest.fixture
def no_store(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without a keyring."""
    monkeypatch.setattr("keyring.core._keyring_backend", None)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Steps beyond this one that were to be opened; their screens have tests of their own."""
    steps: list[int] = []
    open_step = MirrorApp.open_step

    def note(app: MirrorApp, step: int) -> None:
        steps.append(step) if step > 4 else open_step(app, step)

    monkeypatch.setattr(MirrorApp, "open_step", note)
    return steps


def answers(address: str, ca: Path | None = None) -> Answers:
    given = {"address": f"{address}/eks-a", "ca_file": ca}
    return Answers(registry=RegistryAnswers.model_validate(given))


def screen(app: MirrorApp) -> CredentialsScreen:
    assert isinstance(app.screen, CredentialsScreen), app.screen
    return app.screen


async def settled(pilot: Pilot[str], app: MirrorApp) -> None:
    """It is known where a login may lie."""
    credentials = app.session.answers.credentials
    await until(pilot, lambda: app.session.answers.credentials.source is not CredentialSource.AUTO)
    assert credentials is not None


async def ended(pilot: Pilot[str], app: MirrorApp) -> None:
    board = app.session.boards[4]
    await until(pilot, lambda: board.ended is not None)


def test_a_typed_login_is_tried_once_and_kept_in_the_keyring(
    token_registry: TokenRegistry, store: MemoryKeyring, opened: list[int]
) -> None:
    async def body() -> None:
        secret = token_registry.password.get_secret_value()
        address = token_registry.address
        app = new_app(answers(address, token_registry.ca_file), step=4)
        async with running(app, LARGE) as pilot:
            await settled(pilot, app)
            assert "○ waiting  after user" in shown(app)
            await type_in(pilot, token_registry.username)
            await pilot.press("enter")
            await until(pilot, lambda: "○ waiting  after password" in shown(app))
            await type_in(pilot, secret[:3])
            await asyncio.sleep(0.6)  # longer than checks of other fields would wait
            await pilot.pause()
            assert token_registry.tokens.asked == [], "half a password is never tried"
            await type_in(pilot, secret[3:])
            await pilot.press("enter")
            await ended(pilot, app)
            accepted = app.session.boards[4].rows["login"].findings[0].seen
            assert accepted.startswith(f"accepted as {token_registry.username}")
            assert secret not in shown(app)
            tried = len(token_registry.tokens.asked)
            await pilot.press("tab", "shift+tab", "shift+tab")
            await pilot.pause(0.5)
            assert len(token_registry.tokens.asked) == tried, "nothing changed"
            await pilot.press("f8")
            await until(pilot, lambda: opened == [5])
            found = find_in_keyring(address, chosen=True)
            assert found is not None
            assert found.password == token_registry.password
            given = app.session.answers.credentials
            assert (given.source, given.username) == (CredentialSource.KEYRING, found.username)
            assert given.authenticate
            app.save_now()
            files = [one for one in app.session.setup.folder.rglob("*") if one.is_file()]
            assert files
            assert all(secret.encode() not in one.read_bytes() for one in files)

    wizard_test(body())


def test_a_stored_login_is_masked_and_may_stay(
    registry: DemoRegistry, store: MemoryKeyring
) -> None:
    save_in_keyring(registry.address, Credentials(registry.username, registry.password))

    async def body() -> None:
        app = new_app(answers(registry.address, registry.ca_file), step=4)
        async with running(app) as pilot:
            await until(pilot, lambda: STORED in shown(app))
            assert f"▌{'•' * 12}\n" in shown(app)
            await ended(pilot, app)
            assert f"accepted as {registry.username}" in shown(app)
            assert app.session.password is None

    wizard_test(body())
    assert store.kept


def test_an_empty_form_is_held(store: MemoryKeyring) -> None:
    async def body() -> None:
        app = new_app(answers("127.0.0.1:9"), step=4, look=Look(basic=True))
        async with running(app) as pilot:
            await settled(pilot, app)
            assert "  Password        [______" in shown(app)
            assert "  Kept in          (o) Keyring   ( ) Environment   ( ) Docker" in shown(app)
            await pilot.press("f8")
            await pilot.pause()
            assert "x Enter the user name." in shown(app)
            assert "x Enter the password." in shown(app)
            assert "Fix 2 fields to go on." in shown(app)
            await type_in(pilot, "a:b")
            assert "x Enter the user name." not in shown(app), "it goes at the first key"
            await pilot.press("tab")
            await pilot.pause()
            assert "x No colon in a user name." in shown(app)
            await pilot.press("escape")
            await until(pilot, lambda: isinstance(app.screen, TrustScreen))
            await pilot.press("f8")
            await until(pilot, lambda: isinstance(app.screen, CredentialsScreen))
            assert "x No colon in a user name." in shown(app)

    wizard_test(body())
    assert not store.kept


def test_a_typed_password_is_masked_with_stars_in_basic_mode(store: MemoryKeyring) -> None:
    async def body() -> None:
        app = new_app(answers("127.0.0.1:9"), step=4, look=Look(basic=True))
        async with running(app) as pilot:
            await settled(pilot, app)
            await pilot.press("tab")
            await type_in(pilot, "geheim")
            await pilot.pause()
            assert "  Password      > [****** ___" in shown(app)
            assert app.session.password == SecretStr("geheim")
            assert "geheim" not in shown(app)

    wizard_test(body())
    assert not store.kept


def test_no_login_is_settled_and_a_registry_that_asks_is_told(
    registry: DemoRegistry, store: MemoryKeyring, opened: list[int]
) -> None:
    async def body() -> None:
        app = new_app(answers(registry.address, registry.ca_file), step=4)
        async with running(app) as pilot:
            await settled(pilot, app)
            await pilot.press("shift+tab", "right")
            await ended(pilot, app)
            await until(pilot, lambda: "✗ This registry asks for a login." in shown(app))
            given = app.session.answers.credentials
            assert (given.source, given.authenticate) == (CredentialSource.NONE, False)
            assert not screen(app).query_one("#field-login-password").display
            await pilot.press("f8")
            await until(pilot, lambda: opened == [5])

    wizard_test(body())
    assert not store.kept


@pytest.mark.usefixtures("no_store")
def test_a_machine_without_a_keyring_is_told_and_not_stuck(opened: list[int]) -> None:
    async def body() -> None:
        app = new_app(answers("127.0.0.1:9"), step=4)
        async with running(app) as pilot:
            await settled(pilot, app)
            await until(pilot, lambda: "✗ No keyring on this machine." in shown(app))
            await type_in(pilot, "ann")
            await pilot.press("tab")
            await type_in(pilot, "x")
            await pilot.press("f8")
            await until(pilot, lambda: "Not saved. Continue goes on without." in shown(app))
            await pilot.press("f8")
            await until(pilot, lambda: opened == [5])

    wizard_test(body())


@pytest.mark.usefixtures("no_store")
def test_a_login_of_the_environment_is_proposed(
    registry: DemoRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body() -> None:
        app = new_app(answers(registry.address, registry.ca_file), step=4)
        async with running(app) as pilot:
            await settled(pilot, app)
            chosen = screen(app).query_one("#field-credentials-source", Choice)
            assert chosen.value == "environment"
            assert screen(app).query_one("#field-credentials-username", Field).value == "demo"
            assert not screen(app).query_one("#field-login-password").display
            await ended(pilot, app)
            assert "accepted as demo" in shown(app)
            monkeypatch.delenv("REGISTRY_PASSWORD")
            chosen.choose("docker-config")
            words = f"✗ No login for {registry.address} in it."
            await until(pilot, lambda: words in shown(app))
            chosen.choose("environment")
            await until(pilot, lambda: "✗ REGISTRY_PASSWORD is not set." in shown(app))

    monkeypatch.setenv("REGISTRY_USERNAME", registry.username)
    monkeypatch.setenv("REGISTRY_PASSWORD", registry.password.get_secret_value())
    wizard_test(body())


def test_keys_that_come_in_one_burst_land_in_their_own_fields(store: MemoryKeyring) -> None:
    async def body() -> None:
        app = new_app(answers("127.0.0.1:9"), step=4)
        async with running(app) as pilot:
            await settled(pilot, app)
            for key in ("a", "n", "n", "enter", "g", "e", "h", "tab"):
                letter = key if len(key) == 1 else None
                app.post_message(Key(key, letter))
            user = screen(app).query_one("#field-credentials-username", Field)
            await until(pilot, lambda: app.session.password is not None)
            await ended(pilot, app)
            assert user.value == app.session.answers.credentials.username == "ann"
            assert app.session.password == SecretStr("geh")

    wizard_test(body())
    assert not store.kept
