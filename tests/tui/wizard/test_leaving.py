"""Esc leads back, whatever the step waits for, and nothing typed is lost."""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from textual.geometry import Region
from textual.pilot import Pilot

from core.answers import (
    Answers,
    ArtifactAnswers,
    ClusterAnswers,
    CredentialAnswers,
    CredentialSource,
    RegistryAnswers,
)
from core.checks.context import Context
from core.checks.engine import Check, Ladder
from core.checks.finding import Finding, passed
from core.demo.certificates import Authority
from core.demo.sample import Sample
from tests.core.checks.test_cluster import CLUSTER_FILE
from tests.tui.wizard.looking import new_app, running, shown, type_in, until
from tui.app import MirrorApp
from tui.session import Session
from tui.widgets.field import Field

WRONG = {
    1: ("artifacts-archive", "x", "No such file."),
    2: ("registry-endpoint", "/x", "Leave out the path."),
    3: ("registry-ca_file", "x", "No such file."),
    4: ("credentials-username", ":", "No colon in a user name."),
    5: ("mapping-namespace", "A", "Lower case letters, digits"),
    6: ("cluster-file", "x", "No such file."),
}
"""By step: a field, what is typed behind its value, and what is said then."""


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """No check ends before it is set, as behind a cable that was pulled."""
    opened = threading.Event()

    def held(check: Check) -> Check:
        def run(context: Context) -> list[Finding]:
            del context
            opened.wait(60)
            return [passed("at last")]

        return replace(check, run=run, limit=None)

    def ladder(session: Session, checks: Sequence[Check]) -> Ladder:
        return Ladder(tuple(map(held, checks)), lambda: Context(session.answers, environment={}))

    monkeypatch.setattr(Session, "_ladder", ladder)
    yield opened
    opened.set()


@pytest.fixture
def answers(
    sample: Sample,
    authority: Authority,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Answers:
    cluster = tmp_path / "cluster.yaml"
    cluster.write_text(CLUSTER_FILE)
    monkeypatch.setenv("REGISTRY_USERNAME", "somebody")
    monkeypatch.setenv("REGISTRY_PASSWORD", "something")
    return Answers(
        artifacts=ArtifactAnswers(archive=sample.archive, bundles=sample.bundles),
        registry=RegistryAnswers(address="127.0.0.1:1/eks-a", ca_file=authority.ca_file),
        credentials=CredentialAnswers(
            username="somebody", authenticate=True, source=CredentialSource.ENVIRONMENT
        ),
        cluster=ClusterAnswers(file=cluster),
    )


async def opened(pilot: Pilot[str], app: MirrorApp, step: int) -> None:
    await until(pilot, lambda: app.session.setup.step == step and f"{step} of 10" in shown(app))


def test_a_check_that_is_never_answered_holds_nobody(
    answers: Answers, gate: threading.Event
) -> None:
    async def walk() -> None:
        app = new_app(answers, step=2)
        async with running(app) as pilot:
            for step in range(2, 8):
                app.open_step(step)
                await opened(pilot, app, step)
                board = app.session.boards[step]
                await until(pilot, lambda board=board: board.running)  # type: ignore[misc]
                await pilot.press("escape")
                await opened(pilot, app, step - 1)
                assert board.running, "nobody waited for it to give up"
            gate.set()

    asyncio.run(walk())


def places(app: MirrorApp) -> list[Region]:
    """Where the fields lie, with their lines below."""
    return [one.region for one in app.screen.query(".field") if one.display]


async def wrong_and_right(
    pilot: Pilot[str], app: MirrorApp, step: int, wrong: tuple[str, str, str]
) -> None:
    """Type something wrong, leave, come back, and take it away."""
    name, typed, told = wrong
    app.open_step(step)
    await opened(pilot, app, step)
    field = app.screen.query_one(f"#field-{name}", Field)
    field.input.focus()
    await pilot.press("end")
    stood, value = places(app), f"{field.value}{typed}"
    await type_in(pilot, typed)
    await pilot.press("escape")
    await until(pilot, lambda: f"{step} of 10" not in shown(app))
    app.open_step(step)
    await opened(pilot, app, step)
    field = app.screen.query_one(f"#field-{name}", Field)
    assert field.value == value
    field.input.focus()
    await pilot.press("tab")
    await until(pilot, lambda: f"✗ {told}" in shown(app))
    assert places(app) == stood
    field.input.focus()
    await pilot.press("end", *["backspace"] * len(typed))
    await until(pilot, lambda: f"✗ {told}" not in shown(app))  # without leaving the field
    assert places(app) == stood


def test_what_is_wrong_is_kept_with_its_error_until_it_is_right(answers: Answers) -> None:
    async def walk() -> None:
        app = new_app(answers, step=2)
        async with running(app) as pilot:
            for step, wrong in WRONG.items():
                await wrong_and_right(pilot, app, step, wrong)

    asyncio.run(walk())
