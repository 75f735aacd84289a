"""Step 9 against a real registry: start, watch, pause, stop, kill, repair."""

import asyncio
import os
import signal
import zlib
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from time import monotonic

import pytest
from textual.pilot import Pilot

from core.answers import (
    Answers,
    ArtifactAnswers,
    CredentialAnswers,
    RegistryAnswers,
    TransferAnswers,
)
from core.demo.registry import DemoRegistry
from core.demo.sample import Sample
from core.transfer.job import Job, existing_jobs
from core.transfer.standing import Stand
from tests.fixtures.proxy import Answer, Exchange, Handler
from tests.fixtures.registries import ProxyFactory
from tests.integration.program import run
from tests.tui.wizard.looking import LARGE, SMALL, new_app, running, shown, type_in, until
from tui.app import MirrorApp
from tui.screens.artifact import ArtifactPage
from tui.screens.dialogs import Dialog
from tui.screens.transfer import ImportScreen
from tui.screens.workers import WorkersDialog
from tui.terminal import Look
from tui.widgets.button import FlatButton

pytestmark = pytest.mark.integration

Start = Callable[..., MirrorApp]

SLOW = 15_000
"""Bytes a second: the sample takes about ten seconds, and each test ends it before."""

CUT_OFF = "The import was cut off; the next start goes on."


@pytest.fixture
def at_import(
    sample: Sample,
    registry: DemoRegistry,
    namespace: str,
    monkeypatch: pytest.MonkeyPatch,
) -> Start:
    """`at_import(address=…, rate=…, look=…)`: the wizard at step 9 with everything filled in."""
    monkeypatch.setenv("REGISTRY_USERNAME", registry.username)
    monkeypatch.setenv("REGISTRY_PASSWORD", registry.password.get_secret_value())

    short = f"n{zlib.crc32(namespace.encode()):x}"

    def start(*, address: str = "", rate: int = 0, look: Look | None = None) -> MirrorApp:
        return new_app(
            Answers(
                artifacts=ArtifactAnswers(archive=sample.archive, bundles=sample.bundles),
                registry=RegistryAnswers(
                    address=f"{address or registry.address}/{short}",
                    ca_file=registry.ca_file,
                ),
                credentials=CredentialAnswers(username=registry.username, authenticate=True),
                transfer=TransferAnswers(limit_rate=rate, chunk_size=64 * 1024),
            ),
            step=9,
            look=look,
        )

    return start


class Refuses(Handler):
    """A proxy before the registry that takes no layer of these images."""

    def __init__(self, status: int, said: str) -> None:
        self.refusing = True
        self._answer = Answer(status, {}, said.encode())

    def request(self, exchange: Exchange) -> Answer | None:
        sends = exchange.method in ("PATCH", "PUT") and "/cilium/" in exchange.path
        return self._answer if self.refusing and sends and "/blobs/" in exchange.path else None


def stands(app: MirrorApp, *stand: Stand) -> bool:
    sight = app.import_sight
    return bool(sight and sight.standing.stand in stand)


def play(coroutine: Coroutine[object, object, None]) -> None:
    asyncio.run(coroutine)


async def begin(pilot: Pilot[str], app: MirrorApp) -> None:
    """Press the button once the checks before the start have passed."""
    await until(pilot, lambda: "may write to" in shown(app))
    await pilot.press("n")


@asynccontextmanager
async def sending(app: MirrorApp) -> AsyncIterator[Pilot[str]]:
    """An import that goes on, slowly."""
    async with running(app) as pilot:
        await begin(pilot, app)
        await until(pilot, lambda: stands(app, Stand.RUNNING) and "B/s" in shown(app))
        yield pilot


async def stop(pilot: Pilot[str], app: MirrorApp) -> None:
    """Stop it, and say so in the dialog."""
    await pilot.press("s")
    await until(pilot, lambda: isinstance(app.screen, Dialog))
    await pilot.press("right", "enter")
    await until(pilot, lambda: stands(app, Stand.STOPPED))


async def resume(pilot: Pilot[str], app: MirrorApp) -> None:
    """Go on at full speed, to the end."""
    app.session.put("transfer", "limit_rate", 0)
    await pilot.press("n")
    await until(pilot, lambda: stands(app, Stand.DONE))


def test_what_will_be_sent_is_told_and_checked_before_the_start(at_import: Start) -> None:
    async def walk() -> None:
        app = at_import()
        async with running(app) as pilot:
            await until(pilot, lambda: "to send" in shown(app) and "writable" in shown(app))
            await until(pilot, lambda: "may write to" in shown(app))
            text = shown(app)
            assert "a process of its own; closing the terminal is fine" in text
            assert "Start the import ›" in text
            assert not existing_jobs() or not existing_jobs()[0].journal.exists()

    play(walk())


def test_an_import_runs_to_its_end_and_opens_done(at_import: Start) -> None:
    async def walk() -> None:
        app = at_import()
        async with running(app, LARGE) as pilot:
            await begin(pilot, app)
            await until(pilot, lambda: stands(app, Stand.DONE))
            await until(pilot, lambda: app.session.setup.step == 10)

    play(walk())


def test_pause_workers_find_details_stop_and_resume(at_import: Start) -> None:
    async def walk() -> None:
        app = at_import(rate=SLOW)
        async with sending(app) as pilot:
            await pilot.press("p")
            await until(pilot, lambda: stands(app, Stand.PAUSED))
            assert "paused" in shown(app)
            assert "Go on" in shown(app)
            await pilot.resize_terminal(24, 8)
            await until(pilot, lambda: "paused" not in shown(app))
            await pilot.resize_terminal(*LARGE)
            await until(pilot, lambda: "paused" in shown(app))
            await pilot.press("w")
            await until(pilot, lambda: isinstance(app.screen, WorkersDialog))
            await pilot.press("backspace", "7", "enter", "enter")
            assert isinstance(app.focused, FlatButton)
            assert app.focused.label == "Change", "Enter in the last field is not Cancel"
            await pilot.press("enter")
            await until(pilot, lambda: app.import_sight.summary.jobs == 7)  # type: ignore[union-attr]
            await pilot.press("slash")
            await type_in(pilot, "cilium")
            await pilot.press("enter")
            assert "cilium" in shown(app)
            assert "upgrader" not in shown(app)
            await pilot.press("enter")
            await until(pilot, lambda: isinstance(app.screen, ArtifactPage))
            assert "In your registry" in shown(app)
            await pilot.press("escape", "escape")
            await pilot.press("s")
            await until(pilot, lambda: isinstance(app.screen, Dialog))
            assert "What has been sent stays in the registry" in shown(app)
            await pilot.press("escape")
            await until(pilot, lambda: isinstance(app.screen, ImportScreen))
            assert stands(app, Stand.PAUSED), "Esc is the safe answer"
            await stop(pilot, app)
            assert "Resume" in shown(app)
            assert "sending" not in shown(app)
            await resume(pilot, app)

    play(walk())


def test_a_killed_worker_is_noticed_within_two_seconds_told_truly_and_resumed(
    at_import: Start,
) -> None:
    async def walk() -> None:
        app = at_import(rate=SLOW)
        async with sending(app) as pilot:
            await until(pilot, lambda: "◐ sending" in shown(app))
            job = app.session.job
            assert job
            pid = job.worker_pid()
            assert pid
            os.kill(pid, signal.SIGKILL)
            killed = monotonic()
            await until(pilot, lambda: "cut off at" in shown(app))
            assert monotonic() - killed < 2.0
            text = shown(app)
            assert "Nothing is lost." in text
            for past in ("◐ sending", "B/s", "left", "layer "):
                assert past not in text, text
            assert "Sending 0" in text
            await pilot.press("f", "f", "f", "f", "home", "enter")
            await until(pilot, lambda: isinstance(app.screen, ArtifactPage))
            await until(pilot, lambda: "State            ○ waiting" in shown(app))
            assert "◐" not in shown(app)
            await pilot.press("escape")
            app.open_step(10)
            await until(pilot, lambda: "It was cut off. Nothing is lost." in shown(app))
            assert " so far. 0 were there before" in shown(app)
            _told_by_the_commands(job)
            await pilot.press("f8")
            await until(pilot, lambda: isinstance(app.screen, ImportScreen))
            await resume(pilot, app)

    play(walk())


def _told_by_the_commands(job: Job) -> None:
    """`status` and the report say how it ended."""
    told = run("status", "--json").json[0]
    assert (told["state"], told["verdict"]) == ("cut-off", CUT_OFF)
    report = run("report", job.name, "--format", "json").json
    assert report["verdict"] == CUT_OFF
    assert {one["state"] for one in report["artifacts"]} == {"waiting", "skipped by filter"}


def test_leaving_the_wizard_leaves_the_import_and_the_next_one_shows_it(at_import: Start) -> None:
    async def walk() -> None:
        app = at_import(rate=SLOW)
        async with sending(app) as pilot:
            await pilot.press("q")
        assert "The import goes on" in (app.return_value or "")
        (job,) = existing_jobs()
        assert job.is_running()
        again = at_import(rate=SLOW)
        async with running(again) as pilot:
            await until(pilot, lambda: stands(again, Stand.RUNNING) and "B/s" in shown(again))
            assert "It goes on when you close this terminal." in shown(again)
            await pilot.press("w")
            await until(pilot, lambda: isinstance(again.screen, WorkersDialog))
            await pilot.press("backspace", "5", "enter", "enter", "enter")
            await until(pilot, lambda: again.import_sight.summary.jobs == 5)  # type: ignore[union-attr]
            await pilot.press("p")
            await until(pilot, lambda: stands(again, Stand.PAUSED))
            await stop(pilot, again)

    play(walk())


@pytest.mark.parametrize(
    ("status", "said", "title", "mend"),
    [
        (413, "413 Request Entity Too Large", "refuses large uploads", "client_max_body_size 0;"),
        (403, "requested access is denied", "No right to push", "Create the project (step 5)"),
        (507, "no space left on device", "full", "$ df -h"),
    ],
    ids=["413", "403", "507"],
)
def test_failures_are_grouped_by_cause_and_only_they_are_sent_again(
    at_import: Start,
    registry: DemoRegistry,
    proxy_for: ProxyFactory,
    status: int,
    said: str,
    title: str,
    mend: str,
) -> None:
    handler = Refuses(status, said)
    proxy = proxy_for(registry, handler)

    async def walk() -> None:
        app = at_import(address=proxy.address)
        async with running(app, LARGE) as pilot:
            await until(pilot, lambda: "to send" in shown(app))
            await begin(pilot, app)
            await until(pilot, lambda: stands(app, Stand.FAILED), seconds=60)
            await until(pilot, lambda: mend in shown(app))
            assert title in shown(app)
            assert "Cause" in shown(app)
            assert "again ›" in shown(app)
            handler.refusing = False
            await pilot.press("r")
            await until(pilot, lambda: stands(app, Stand.DONE))

    play(walk())


@pytest.mark.parametrize("size", [SMALL, LARGE])
def test_basic_mode_is_plain_ascii(at_import: Start, size: tuple[int, int]) -> None:
    async def walk() -> None:
        app = at_import(look=Look(basic=True))
        async with running(app, size) as pilot:
            await begin(pilot, app)
            await until(pilot, lambda: stands(app, Stand.DONE))
            assert shown(app).isascii()

    play(walk())
