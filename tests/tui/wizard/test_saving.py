"""Answers are saved while one works, and a disk that is slow or full holds nobody up."""

import asyncio
import errno
import threading
from collections.abc import Iterator

import pytest

from core.answers import Answers, RegistryAnswers
from core.answers.setups import Snapshot, saved_setups, setups_folder
from core.transfer.job import jobs_folder
from tests.tui.wizard.looking import LARGE, new_app, running, shown, until
from tui.screens.registry import RegistryScreen
from tui.screens.start import StartScreen

SITE = Answers(registry=RegistryAnswers(endpoint="harbor.invalid"))


@pytest.fixture
def slow_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Nothing is written before it is set."""
    write, answered = Snapshot.write, threading.Event()

    def late(snapshot: Snapshot) -> None:
        answered.wait(60)
        write(snapshot)

    monkeypatch.setattr(Snapshot, "write", late)
    yield answered
    answered.set()


def test_a_slow_disk_holds_up_no_key(slow_disk: threading.Event) -> None:
    async def play() -> None:
        app = new_app(SITE, step=3)
        async with running(app, LARGE) as pilot:
            await pilot.press("escape")
            await until(pilot, lambda: isinstance(app.screen, RegistryScreen))
            assert "saving" in shown(app).splitlines()[0]
            slow_disk.set()
            await until(pilot, lambda: "answers saved" in shown(app).splitlines()[0])

    asyncio.run(play())
    (kept,) = saved_setups(setups_folder(jobs_folder()))
    assert (kept.name, kept.step) == ("harbor.invalid", 2)


def test_start_waits_for_what_was_just_left(slow_disk: threading.Event) -> None:
    async def play() -> None:
        app = new_app(SITE, step=1)
        async with running(app, LARGE) as pilot:
            await pilot.press("escape")
            await until(pilot, lambda: isinstance(app.screen, StartScreen))
            assert "Continue" not in shown(app)
            slow_disk.set()
            await until(pilot, lambda: "Continue “harbor.invalid”" in shown(app))

    asyncio.run(play())


def test_who_leaves_is_told_that_the_disk_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: Snapshot) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    async def play() -> str | None:
        app = new_app(SITE, step=2)
        async with running(app, LARGE) as pilot:
            await until(pilot, lambda: "answers saved" in shown(app).splitlines()[0])
            monkeypatch.setattr(Snapshot, "write", full)
            await pilot.press("f8")
            await until(pilot, lambda: "not saved: no space left" in shown(app).splitlines()[0])
            await pilot.press("f10")
            await pilot.pause()
        return app.return_value

    assert asyncio.run(play()) == "Answers not saved: no space left on device."
