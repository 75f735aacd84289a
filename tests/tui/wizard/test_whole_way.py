"""The whole way from Start to Done and back, by either kind of keys; each error, mended on it."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from core.answers import Answers, CredentialAnswers, CredentialSource, RegistryAnswers
from core.demo.certificates import Authority
from core.demo.registry import DemoRegistry, Login
from core.demo.sample import Sample
from core.transfer.job import existing_jobs
from tests.fixtures.registries import RegistryFactory
from tests.tui.wizard.looking import LARGE, SMALL, new_app, running, shown, type_in, until
from tui.app import MirrorApp
from tui.screens.dialogs import Dialog
from tui.screens.help import HelpPage
from tui.screens.preview import PreviewPage
from tui.terminal import Look
from tui.widgets.field import Field

pytestmark = pytest.mark.integration


@dataclass(frozen=True, slots=True)
class Hand:
    """Presses keys of one kind; what has neither kind goes with arrows, Tab, Enter and Esc.

    Attributes:
        name: of the namespace, too.
        look: in basic mode the footer names the letters.
        goes_back: whether the way back is gone as well.
        keys: of the wizard, by what the footer says of them.
    """

    name: str
    look: Look
    goes_back: bool
    keys: dict[str, str]

    async def press(self, pilot: Pilot[str], does: str) -> None:
        """A key that the footer names, outside of text fields where it is a letter."""
        key = self.keys[does]
        if len(key) == 1:
            await out_of_fields(pilot)
        app = pilot.app
        assert isinstance(app, MirrorApp)
        footer = f"{key.upper() if len(key) > 1 else key} {does}"
        await until(pilot, lambda: footer in shown(app).splitlines()[-1])
        await pilot.press(_NAMED.get(key, key))


_NAMED = {"?": "question_mark"}
FUNCTION_KEYS = Hand(
    "function-keys",
    Look(),
    goes_back=False,
    keys={
        "Continue": "f8", "Write": "f8", "Import": "f8", "Start": "f8", "Finish": "f8",
        "Help": "f1", "Steps": "f2", "Try again": "f5", "Preview": "f6",
    },
)  # fmt: skip
LETTERS = Hand(
    "letters",
    Look(basic=True),
    goes_back=True,
    keys={
        "Continue": "n", "Write": "n", "Import": "n", "Start": "n", "Finish": "n",
        "Help": "?", "Steps": "g", "Try again": "r", "Preview": "v",
    },
)  # fmt: skip


async def out_of_fields(pilot: Pilot[str]) -> None:
    """On with Tab until letters are keys."""
    for _ in range(10):
        if not isinstance(pilot.app.focused, Input):
            return
        await pilot.press("tab")
    pytest.fail("Tab never led out of the fields")


def play(coroutine: Coroutine[Any, Any, None]) -> None:
    asyncio.run(coroutine)


@pytest.fixture
def work(
    tmp_path: Path, sample: Sample, registry: DemoRegistry, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """The folder that the operator works in: short paths, and the login in the environment."""
    monkeypatch.setenv("REGISTRY_USERNAME", registry.username)
    monkeypatch.setenv("REGISTRY_PASSWORD", registry.password.get_secret_value())
    monkeypatch.chdir(tmp_path)
    Path("s").symlink_to(sample.folder)
    Path("own.crt").symlink_to(registry.ca_file)
    return tmp_path


async def fill(pilot: Pilot[str], name: str, text: str) -> None:
    """Go to a field with Tab, empty it, and type."""
    field = pilot.app.screen.query_one(f"#field-{name}", Field)
    for _ in range(30):
        if field.input.has_focus:
            break
        await pilot.press("tab")
    assert field.input.has_focus, f"Tab never came to {name}"
    if not field.value.endswith(text):  # a manifest beside the tarball is proposed
        await pilot.press("end", *["backspace"] * len(field.value))
        await type_in(pilot, text)


async def at_step(pilot: Pilot[str], step: int) -> None:
    app = pilot.app
    assert isinstance(app, MirrorApp)
    await until(pilot, lambda: app.session.setup.step == step and f"{step} of 10" in shown(app))


def value(app: MirrorApp, name: str) -> str:
    return app.screen.query_one(f"#field-{name}", Field).value


Typed = dict[int, dict[str, str]]
"""What is typed: by step, by field."""


async def forward(pilot: Pilot[str], app: MirrorApp, hand: Hand, typed: Typed) -> None:
    """From Start to step 8."""
    await until(pilot, lambda: "Start a new set-up" in shown(app))
    await pilot.press("enter")
    for step, fields in typed.items():
        await at_step(pilot, step)
        for name, text in fields.items():
            await fill(pilot, name, text)
        if step == 4:
            await until(pilot, lambda: "accepted as" in shown(app))
            await hand.press(pilot, "Try again")
            await until(pilot, lambda: "accepted as" in shown(app))
        await hand.press(pilot, "Continue")
    await at_step(pilot, 7)
    await pilot.press("space", "tab", "space")  # nothing of this machine is touched
    await look_aside(pilot, app, hand)
    await hand.press(pilot, "Continue")
    await at_step(pilot, 8)


async def look_aside(pilot: Pilot[str], app: MirrorApp, hand: Hand) -> None:
    """To help and preview and back, which lie over the step."""
    for does, page in (("Help", HelpPage), ("Preview", PreviewPage)):
        await hand.press(pilot, does)
        await until(pilot, lambda page=page: isinstance(app.screen, page))  # type: ignore[misc]
        await pilot.press("escape")
        await until(pilot, lambda page=page: not isinstance(app.screen, page))  # type: ignore[misc]


async def write_and_import(pilot: Pilot[str], app: MirrorApp, hand: Hand) -> None:
    """From step 8 to the end."""
    await until(pilot, lambda: "Write 2 files" in shown(app))
    await hand.press(pilot, "Write")
    await until(pilot, lambda: isinstance(app.screen, Dialog) or "Go to the" in shown(app))
    if isinstance(app.screen, Dialog):  # this machine may have no docker
        await pilot.press("right", "enter")
    await until(pilot, lambda: "Go to the import" in shown(app))
    await hand.press(pilot, "Import")
    await at_step(pilot, 9)
    await until(pilot, lambda: "may write to" in shown(app))
    await hand.press(pilot, "Start")
    await at_step(pilot, 10)


async def backward(pilot: Pilot[str], app: MirrorApp, hand: Hand, typed: Typed) -> None:
    """From the end to Start, with every value in its place, and to the end again."""
    for step in range(9, 0, -1):
        await pilot.press("escape")
        await at_step(pilot, step)
        for name, text in typed.get(step, {}).items():
            assert value(app, name).endswith(text)
    await pilot.press("escape")
    await until(pilot, lambda: "127.0.0.1" in shown(app) and "Continue" in shown(app))
    await pilot.press("enter")
    await at_step(pilot, 1)
    await hand.press(pilot, "Steps")
    await pilot.press("end", "enter")
    await at_step(pilot, 10)


@pytest.mark.parametrize(
    "hand",
    [
        # The installed program is walked through by these keys in test_wizard, too.
        pytest.param(FUNCTION_KEYS, id="function-keys", marks=pytest.mark.slow),
        pytest.param(LETTERS, id="letters"),
    ],
)
def test_from_start_to_done_and_back_by_keys_alone(
    hand: Hand, work: Path, sample: Sample, registry: DemoRegistry
) -> None:
    typed: Typed = {
        1: {
            "artifacts-archive": f"s/{sample.archive.relative_to(sample.folder)}",
            "artifacts-bundles": f"s/{sample.bundles.relative_to(sample.folder)}",
        },
        2: {"registry-endpoint": "127.0.0.1", "registry-port": registry.address.split(":")[1]},
        3: {"registry-ca_file": "own.crt"},
        4: {},
        5: {"mapping-namespace": f"whole-way-by-{hand.name}"},
        6: {},
    }

    async def walk() -> None:
        app = new_app(look=hand.look)
        async with running(app, SMALL) as pilot:
            await forward(pilot, app, hand, typed)
            await write_and_import(pilot, app, hand)
            if hand.goes_back:
                await backward(pilot, app, hand, typed)
            await hand.press(pilot, "Finish")
        (job,) = existing_jobs()
        assert str(job.report("html")) in (app.return_value or "")
        assert (work / "registry-mirror.yaml").read_text().count("ociNamespaces") == 1

    play(walk())


# --- errors, and that trying again finds them mended --------------------------------------------


def at(step: int, address: str, user: str = "", **registry: object) -> MirrorApp:
    credentials = CredentialAnswers(
        username=user,
        authenticate=bool(user),
        source=CredentialSource.ENVIRONMENT if user else CredentialSource.AUTO,
    )
    given = RegistryAnswers.model_validate({"address": address, **registry})
    return new_app(Answers(registry=given, credentials=credentials), step=step)


async def mended(
    app: MirrorApp, wrong: str, told: str, mend: Callable[[Pilot[str]], Any], right: str
) -> None:
    """What is wrong is told with its mend; once that is done, F5 finds it right."""
    async with running(app, LARGE) as pilot:
        await until(pilot, lambda: wrong in shown(app))
        await until(pilot, lambda: told in shown(app))
        assert "Try again  F5" in shown(app)
        await mend(pilot)
        await pilot.press("f5")
        await until(pilot, lambda: right in shown(app))
        assert wrong not in shown(app)


def test_a_registry_that_is_unplugged_and_plugged_in_again(
    fresh_registry: RegistryFactory,
) -> None:
    registry = fresh_registry(auth=Login())

    async def plug_in(_: Pilot[str]) -> None:
        registry.start()

    registry.stop()
    app = at(2, registry.address, ca_file=registry.ca_file)
    play(mended(app, "nothing listens on port", "ss -ltn", plug_in, "is open, answered in"))


def test_a_port_that_speaks_plain_http(
    fresh_registry: RegistryFactory, registry: DemoRegistry
) -> None:
    plain = fresh_registry(tls=False)

    async def take_the_right_port(pilot: Pilot[str]) -> None:
        await fill(pilot, "registry-port", registry.address.rpartition(":")[2])
        await pilot.press("tab", "tab")

    app = at(2, plain.address.removeprefix("http://"), ca_file=registry.ca_file)
    play(
        mended(
            app,
            "speaks plain HTTP",
            "Give the registry a certificate",
            take_the_right_port,
            "/v2/ answers",
        )
    )


@pytest.mark.usefixtures("work")
def test_a_ca_of_another_site(registry: DemoRegistry, tmp_path: Path) -> None:
    other = Authority(tmp_path / "other")

    async def take_the_right_one(pilot: Pilot[str]) -> None:
        await fill(pilot, "registry-ca_file", "own.crt")
        await pilot.press("tab")

    app = at(3, registry.address, ca_file=other.ca_file)
    wrong = "This CA did not sign the registry's certificate."
    told = "take the CA file that belongs to it"
    play(mended(app, wrong, told, take_the_right_one, "Trust on nodes   ✓ pass"))


def test_a_wrong_password(registry: DemoRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGISTRY_USERNAME", registry.username)
    monkeypatch.setenv("REGISTRY_PASSWORD", "wrong")

    async def correct_it(_: Pilot[str]) -> None:
        monkeypatch.setenv("REGISTRY_PASSWORD", registry.password.get_secret_value())

    app = at(4, f"{registry.address}/eks-a", registry.username, ca_file=registry.ca_file)
    play(
        mended(
            app,
            "refused (HTTP 401)",
            "The user name or the password is wrong",
            correct_it,
            "accepted as",
        )
    )
