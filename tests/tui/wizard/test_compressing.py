"""Step 8's offer on a slow link: from what a check has measured to what the answers hold."""

import asyncio
import time
from pathlib import Path

import pytest
from textual.pilot import Pilot

from core.answers import (
    Answers,
    ArtifactAnswers,
    CredentialAnswers,
    CredentialSource,
    RegistryAnswers,
    load_answers,
)
from core.checks import body_size
from core.demo.registry import DemoRegistry
from core.demo.sample import Sample
from core.transfer.job import job_for
from tests.fixtures.proxy import Exchange, Handler, Proxy
from tests.tui.wizard.looking import LARGE, SMALL, new_app, running, shown, until
from tui.app import MirrorApp
from tui.screens.dialogs import Dialog
from tui.screens.review import ReviewScreen
from tui.terminal import Look

OFFER = "Slow link: c offers more compression."


class Slow(Handler):
    """A link of 4 MB/s; it is timed by one body of 1 MiB."""

    def upload(self, exchange: Exchange, block: bytes) -> bytes:
        time.sleep(len(block) / 4e6)
        return block


@pytest.fixture
def answers(
    sample: Sample,
    registry: DemoRegistry,
    counting_proxy: Proxy,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Answers:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")
    monkeypatch.setenv("REGISTRY_USERNAME", registry.username)
    monkeypatch.setenv("REGISTRY_PASSWORD", registry.password.get_secret_value())
    monkeypatch.setattr(body_size, "LARGEST", body_size.MIB)
    monkeypatch.setattr(body_size, "_TELLING_SECONDS", 0.2)
    address = {"address": f"{counting_proxy.address}/eks-a", "ca_file": registry.ca_file}
    return Answers(
        artifacts=ArtifactAnswers(archive=sample.archive, bundles=sample.bundles),
        registry=RegistryAnswers.model_validate(address),
        credentials=CredentialAnswers(source=CredentialSource.ENVIRONMENT),
    )


def review(app: MirrorApp) -> ReviewScreen:
    assert isinstance(app.screen, ReviewScreen), app.screen
    return app.screen


def at_review(answers: Answers, look: Look | None = None) -> MirrorApp:
    """The wizard on Review, where of all checks only that of the upload size is run."""
    app = new_app(answers, step=8, look=look)
    for step, board in app.session.boards.items():
        if step < 8:
            board.began = board.ended = time.monotonic()
            board._looked_at = board._asked_about()
    return app


async def ready(pilot: Pilot[str], app: MirrorApp) -> None:
    """The link was measured, the tarball read, and the offer thought over."""
    board = app.session.boards[5]
    board.start(["body-size"])
    await until(pilot, lambda: board.ended)
    assert board.rows["body-size"].state == "pass", board.rows["body-size"].findings
    await until(pilot, lambda: app.session.notes.get("outlook") and review(app).site)
    screen = review(app)
    await until(pilot, lambda: screen.looked_at and screen.looked_at == screen.answered_for)
    await pilot.pause()


async def offered(pilot: Pilot[str], app: MirrorApp) -> None:
    await ready(pilot, app)
    assert review(app).offer


def test_on_a_slow_link_it_is_offered_chosen_written_and_taken_back(
    answers: Answers, counting_proxy: Proxy
) -> None:
    counting_proxy.handler = Slow()

    async def body() -> None:
        app = at_review(answers)
        async with running(app, LARGE) as pilot:
            await offered(pilot, app)
            assert OFFER in shown(app)
            assert "c Compression" in shown(app)
            await pilot.press("c")
            asked = shown(app)
            for words in ("About 11 % less, by gzip:6", "About 20 % less, by zstd:6", "Docker 23"):
                assert words in asked
            await pilot.press("escape")
            assert app.session.answers.transfer.compression == "gzip:1"
            assert OFFER not in shown(app)
            assert "Nothing has been written yet." in shown(app)
            await pilot.press("c", "tab", "tab", "enter")
            assert app.session.answers.transfer.compression == "zstd:auto"
            await until(pilot, lambda: review(app).site)
            await pilot.press("f8")
            await pilot.pause()
            if isinstance(app.screen, Dialog):
                await pilot.press("tab", "enter")
            await until(pilot, lambda: app.session.setup.written)
            assert load_answers(Path("answers.yaml")).transfer.compression == "zstd:auto"
            await until(pilot, lambda: review(app).offer)
            await pilot.press("c", "tab", "enter")
            assert app.session.answers.transfer.compression == "gzip:1"
            await until(pilot, lambda: "Write 1 file" in shown(app))

    asyncio.run(body())


def test_in_a_small_window_it_stands_with_the_open_points_and_is_ascii_in_basic_mode(
    answers: Answers, counting_proxy: Proxy
) -> None:
    counting_proxy.handler = Slow()

    async def body() -> None:
        app = at_review(answers, Look(basic=True))
        async with running(app, SMALL) as pilot:
            await offered(pilot, app)
            assert OFFER in shown(app)
            await pilot.press("3")
            await until(pilot, lambda: "Codec: gzip:1 (c changes)" in shown(app))
            await pilot.press("c")
            assert "Keep gzip:1" in shown(app)
            assert shown(app).isascii()
            await pilot.press("escape")
            app.session.put("registry", "endpoint", "another.example")
            review(app).refresh_frame()
            await until(pilot, lambda: review(app).offer is None)

    asyncio.run(body())


def test_where_an_import_has_begun_or_the_link_is_fast_nothing_is_offered(
    answers: Answers, counting_proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def look(app: MirrorApp) -> bool:
        async with running(app, LARGE) as pilot:
            await ready(pilot, app)
            await pilot.press("c")
            await pilot.pause()
            assert "Compression" not in shown(app)
            return review(app).offer is None

    counting_proxy.handler = Slow()
    job_for(answers).journal.touch()
    assert asyncio.run(look(at_review(answers)))
    job_for(answers).journal.unlink()
    monkeypatch.setattr("core.transfer.compression._BY_RATE", {"gzip": (), "zstd": ()})
    assert asyncio.run(look(at_review(answers)))
