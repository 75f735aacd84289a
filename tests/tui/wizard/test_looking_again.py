"""What a step found is looked at again where a later answer has changed it."""

import asyncio
from pathlib import Path

from core.answers import Answers, RegistryAnswers
from core.checks.finding import State
from core.demo.registry import DemoRegistry
from tests.tui.wizard.looking import new_app, running, until
from tui.app import MirrorApp
from tui.board import Board


def answers(registry: DemoRegistry, ca_file: Path | None = None) -> Answers:
    given = {"address": registry.address, "ca_file": ca_file}
    return Answers(registry=RegistryAnswers.model_validate(given))


def tls(board: Board) -> State | None:
    found = board.rows["tls"].findings
    return found[0].state if found and board.ended is not None else None


def test_the_registry_is_looked_at_again_once_its_ca_is_known(registry: DemoRegistry) -> None:
    async def body() -> None:
        app: MirrorApp = new_app(answers(registry), step=2)
        async with running(app) as pilot:
            board = app.session.boards[2]
            await until(pilot, lambda: tls(board) is State.WARN)
            app.session.put("registry", "ca_file", str(registry.ca_file))
            assert tls(board) is State.WARN, "nothing is asked while the answer is being given"
            app.open_step(4)
            await until(pilot, lambda: tls(board) is State.PASS)

    asyncio.run(body())


def test_what_no_answer_has_changed_is_not_asked_twice(registry: DemoRegistry) -> None:
    async def body() -> None:
        app = new_app(answers(registry, registry.ca_file), step=2)
        async with running(app) as pilot:
            board = app.session.boards[2]
            await until(pilot, lambda: tls(board) is State.PASS)
            ended = board.ended
            app.session.put("admin_machine", "trust_ca", value=False)
            app.open_step(3)
            await until(pilot, lambda: app.session.boards[3].ended is not None)
            assert board.ended == ended

    asyncio.run(body())
