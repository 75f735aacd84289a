"""Who comes back, or goes on with little: what is known is proposed, what is not is asked for."""

import asyncio
from pathlib import Path

import keyring
import pytest
from pydantic import SecretStr

from core.answers import (
    Answers,
    CredentialAnswers,
    CredentialSource,
    RegistryAnswers,
    TransferAnswers,
)
from core.answers.setups import Setup
from core.checks.finding import passed
from core.checks.standard import ladder
from core.errors import RegistryError
from tests.core.host.stores import MemoryKeyring
from tests.tui.wizard.looking import new_app, running, shown, until
from tui.app import MirrorApp
from tui.screens.credentials import CredentialsScreen
from tui.screens.namespaces import NamespacesScreen
from tui.session import Session
from tui.widgets.field import Field
from tui.widgets.menu import Entry, Menu

NOBODY = "127.0.0.1:1"


@pytest.fixture(autouse=True)
def _an_empty_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keyring.core._keyring_backend", None)
    keyring.set_keyring(MemoryKeyring())


def answers(user: str = "admin", address: str = NOBODY) -> Answers:
    return Answers(
        registry=RegistryAnswers.model_validate({"address": address}),
        credentials=CredentialAnswers(
            source=CredentialSource.KEYRING, username=user, authenticate=bool(user)
        ),
    )


def session_with(given: Answers, folder: Path) -> Session:
    session = Session(lambda _: None, Setup(folder))
    for section in ("registry", "credentials"):
        for field, value in getattr(given, section):
            session.put(section, field, value)
    return session


def test_no_import_begins_without_the_password_that_it_needs(tmp_path: Path) -> None:
    """The worker would only be refused, and the figures of what was sent be gone."""
    session = session_with(answers(), tmp_path)

    with pytest.raises(RegistryError) as told:
        session.login_for_import()
    assert "step 4" in told.value.mend

    session.password = SecretStr("typed again")
    login = session.login_for_import()
    assert login
    assert (login.username, login.password.get_secret_value()) == ("admin", "typed again")


def test_the_field_that_is_empty_has_the_focus_when_credentials_open_again() -> None:
    """Else the password would be typed into the user's field, where everybody can read it."""

    async def focus(user: str) -> str:
        app = new_app(answers(user), step=4)
        async with running(app):
            assert isinstance(app.screen, CredentialsScreen)
            return next(one.field for one in app.screen.query(Field) if one.input.has_focus)

    assert asyncio.run(focus("admin")) == "password"
    assert asyncio.run(focus("")) == "username"


@pytest.mark.parametrize(
    ("kind", "reached", "namespace"),
    [("Harbor v2.11.1", 4, "eks-a"), ("Harbor v2.11.1", 5, ""), ("Docker registry", 4, "")],
    ids=["harbor", "decided-before", "another"],
)
def test_push_and_pull_are_tried_in_the_project_that_the_next_step_proposes(
    kind: str, reached: int, namespace: str
) -> None:
    """Else Harbor is asked for projects of upstream's names, which nobody wants there."""

    async def walk(app: MirrorApp) -> None:
        app.session.setup.reached = reached
        row = app.session.boards[2].rows["kind"]
        row.findings = (passed(kind),)
        app.session.check_again(4)
        row.findings = ()  # the CA file of step 3 made step 2 look again
        async with running(app):
            assert app.session.answers.registry.namespace == namespace

    asyncio.run(walk(new_app(answers(), step=4)))


def test_what_a_missing_project_fails_is_tried_again_with_the_projects() -> None:
    again = ladder(answers()).waiting_for("projects")

    assert set(again) == {"projects", "body-size", "node-view"}


def test_entries_of_start_that_find_no_room_are_told_of() -> None:
    entries = [Entry(f"key-{n}", f"Entry {n}", "words") for n in range(5)]

    async def walk() -> None:
        app = new_app()
        async with running(app) as pilot:
            await until(pilot, lambda: "Start a new set-up" in shown(app))
            menu = app.screen.query_one(Menu)
            menu.put(entries)
            await until(pilot, lambda: "↓ 1 more" in shown(app), seconds=5)
            assert "Entry 3" in shown(app)
            assert "Entry 4" not in shown(app)
            await pilot.press(*["down"] * 4)
            assert "Entry 4" in shown(app)
            assert "↑ 1 more" in shown(app)

    asyncio.run(walk())


def test_once_projects_are_made_other_steps_look_again() -> None:
    async def walk() -> None:
        app = new_app(answers(), step=5)
        async with running(app) as pilot:
            boards = app.session.boards
            boards[4].ended = 1.0  # it looked before, and 9 did not
            app.screen.post_message(NamespacesScreen.Created((passed("created"),)))
            await until(pilot, lambda: boards[4].began)
            assert boards[9].began is None

    asyncio.run(walk())


def test_a_rate_limit_is_told_before_the_start() -> None:
    limited = answers().model_copy(update={"transfer": TransferAnswers(limit_rate=3_000_000)})

    async def walk() -> None:
        app = new_app(limited, step=9)
        async with running(app) as pilot:
            await until(pilot, lambda: "4 at a time, 3 MB/s at the most" in shown(app))

    asyncio.run(walk())
