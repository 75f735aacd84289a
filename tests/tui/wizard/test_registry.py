"""Step 2: the address, its errors, what is pasted, and the checks."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from textual.events import Paste
from textual.pilot import Pilot

from core.answers import Answers, RegistryAnswers
from core.demo.registry import DemoRegistry
from tests.tui.wizard.looking import LARGE, SMALL, new_app, running, shown, type_in, until
from tui.app import MirrorApp
from tui.screens.registry import RegistryScreen
from tui.screens.trust import TrustScreen
from tui.terminal import Look
from tui.widgets.field import Field, LineInput


def wizard_test(body: Coroutine[Any, Any, None]) -> None:
    asyncio.run(body)


def answers(address: str, **registry: object) -> Answers:
    given = {"address": address, **registry}
    return Answers(registry=RegistryAnswers.model_validate(given))


def field(app: MirrorApp, name: str) -> Field:
    return app.screen.query_one(f"#field-registry-{name}", Field)


async def paste(pilot: Pilot[str], text: str) -> None:
    focused = pilot.app.focused
    assert isinstance(focused, LineInput)
    focused.post_message(Paste(text))
    await pilot.pause()


def test_without_an_endpoint_checks_wait_and_the_step_is_held() -> None:
    async def body() -> None:
        app = new_app(step=2)
        async with running(app) as pilot:
            assert "Name (DNS)       ○ waiting  after endpoint" in shown(app)
            await pilot.press("f8")
            await pilot.pause()
            assert isinstance(app.screen, RegistryScreen)
            assert "✗ Enter the host name or IP address of your registry." in shown(app)
            assert "Fix 1 field to go on." in shown(app)

    wizard_test(body())


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("https://h.example", "Leave out https://."),
        ("h.example/eks-a", "Leave out the path. It belongs to step 5, Namespaces."),
        ("h.example:8443", "The port goes into the field below."),
        ("h. example", "No spaces."),
        ("[fd00::1]", "Write an IPv6 address without brackets."),
    ],
)
def test_an_endpoint_of_a_wrong_form_is_told_when_it_is_left(typed: str, told: str) -> None:
    async def body() -> None:
        app = new_app(step=2)
        async with running(app) as pilot:
            await type_in(pilot, typed.replace("[", "").replace("]", ""))
            if "[" in typed:
                field(app, "endpoint").input.value = typed
                await pilot.pause()
            assert told not in shown(app), "it is not judged while it is first typed"
            await pilot.press("enter")
            await pilot.pause()
            assert f"✗ {told}" in shown(app)

    wizard_test(body())


def test_an_error_goes_at_the_key_that_makes_it_right_and_comes_back_with_the_screen() -> None:
    async def body() -> None:
        app = new_app(answers("127.0.0.1:9"), step=2)
        async with running(app) as pilot:
            await pilot.press("tab")
            await type_in(pilot, "99999")
            await pilot.press("tab")
            await pilot.pause()
            assert "✗ A number from 1 to 65535." in shown(app)
            await pilot.press("f2", "escape", "shift+tab")
            field(app, "port").input.focus()
            await pilot.press("end", *["backspace"] * 5)
            await pilot.pause()
            assert "443 unless your registry listens elsewhere." in shown(app)
            assert app.session.answers.registry.port == 9

    wizard_test(body())


def test_a_pasted_url_is_taken_apart() -> None:
    async def body() -> None:
        app = new_app(step=2)
        async with running(app) as pilot:
            await paste(pilot, " https://127.0.0.1:8443/eks-a ")
            await until(pilot, lambda: "Taken apart" in shown(app))
            assert "Taken apart: port 8443, namespace eks-a." in shown(app)
            assert app.session.answers.registry.address == "127.0.0.1:8443/eks-a"
            assert (field(app, "endpoint").value, field(app, "port").value) == ("127.0.0.1", "8443")

    wizard_test(body())


def test_spaces_and_a_slash_at_the_end_are_left_out_in_silence() -> None:
    async def body() -> None:
        app = new_app(answers("127.0.0.1:8443"), step=2)
        async with running(app) as pilot:
            await pilot.press("end")
            await type_in(pilot, "/ ")
            await pilot.press("tab")
            await pilot.pause()
            assert field(app, "endpoint").value == "127.0.0.1"
            assert "✗ Leave out" not in shown(app)
            assert app.session.answers.registry.address == "127.0.0.1:8443"

    wizard_test(body())


@pytest.mark.parametrize("size", [SMALL, LARGE])
def test_a_registry_is_recognised_and_the_next_step_opens(
    registry: DemoRegistry, size: tuple[int, int]
) -> None:
    async def body() -> None:
        app = new_app(answers(registry.address, ca_file=registry.ca_file), step=2)
        async with running(app, size) as pilot:
            board = app.session.boards[2]
            await until(pilot, lambda: board.ended is not None)
            await pilot.pause()
            assert board.rows["kind"].findings[0].seen.startswith("Docker registry")
            assert "Name (DNS)       ! warn     127.0.0.1 is this machine itself" in shown(app)
            folded = "6 checks         ✓ pass     Port (TCP), TLS" in shown(app)
            assert folded is (size == SMALL)
            assert "1 warning." in shown(app)
            await pilot.press("f8")
            await until(pilot, lambda: isinstance(app.screen, TrustScreen))
            await pilot.press("escape")
            await until(pilot, lambda: isinstance(app.screen, RegistryScreen))
            assert field(app, "endpoint").value == "127.0.0.1"

    wizard_test(body())


def test_in_basic_mode_brackets_stand_where_the_edge_was() -> None:
    async def body() -> None:
        app = new_app(step=2, look=Look(basic=True))
        async with running(app) as pilot:
            lines = app.screen._compositor.render_strips(app.size)
            texts = ["".join(s.text for s in line) for line in lines]
            endpoint = next(text for text in texts if "Endpoint" in text)
            port = next(text for text in texts if "Port  " in text)
            assert endpoint[16:20] == "> [ ", "the cursor's own cell is blank"
            assert endpoint[20:75] == "_" * 53 + "] "
            assert port[18:30] == "[" + "_" * 10 + "]"
            await type_in(pilot, "ab")
            assert "> [ab _" in shown(app)

    wizard_test(body())
