"""The panes of a download in each of its states; its worker could have written these pictures."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from textual.pilot import Pilot

from core.errors import Code
from core.fetch.picture import Lost, Picture, fingerprint_of, names_beside
from core.fetch.preparation import Errand, Preparation, errand_for
from core.transfer.records import Event, Flight
from core.transfer.states import JobState
from tests.tui.wizard.looking import LARGE, SMALL, new_app, running, shown, until
from tests.tui.wizard.picture import colour_codes, output
from tui.app import MirrorApp
from tui.screens.prepare_progress import PrepareProgress
from tui.terminal import Look

_NAMES = tuple(f"public.ecr.aws/eks-anywhere/part-{n}:v1-33-{n}-eks-a-115" for n in range(40))
_LOST = Lost(
    source=_NAMES[39],
    code=Code.REGISTRY_NOT_FOUND.value,
    message="“part-39” is not there — HTTP 404…",
    cause="Upstream does not hold it.",
    mend="Leave it out with --allow-missing.",
)
_FLIGHT = Flight(0, _NAMES[20], 400_000_000, 120_000_000, 31e6, 21)
_TRIED = Flight(1, _NAMES[21], 9_000_000, 0, 0.0, 22, trouble="It hangs.")
_EVENTS = tuple(Event(n, 1000.0 + n, "arrived", None, name) for n, name in enumerate(_NAMES[:20]))


def picture(state: JobState, **more: object) -> Picture:
    """Half of it is here."""
    moment = time.time()
    values: dict[str, object] = {
        "state": state, "doing": "images.tar", "total": 4_000_000_000, "done": 2_000_000_000,
        "rate": 31e6, "artifacts": 40, "arrived": 20, "started": moment - 90,
        "since": moment - 60, "moved": moment, "flights": (_FLIGHT, _TRIED), "retries": 1,
        "names": fingerprint_of("\n".join(_NAMES)), "states": "d" * 20 + "w" * 20, "log": _EVENTS,
    }  # fmt: skip
    return Picture.model_validate(values | more)


def running_now() -> Picture:
    return picture(JobState.SENDING)


def failed_now() -> Picture:
    return picture(
        JobState.SOME_FAILED, flights=(), lost=(_LOST,), states="d" * 39 + "f", ended=time.time()
    )


def done_now() -> Picture:
    written = {"images.tar": 4_000_000_000, "eks-anywhere-downloads.tar.gz": 90_000}
    return picture(
        JobState.DONE, flights=(), done=4_000_000_000, arrived=40, states="d" * 40,
        ended=time.time(), written=written,
    )  # fmt: skip


@pytest.fixture
def errand(tmp_path: Path) -> Errand:
    made = errand_for(tmp_path)
    made.write(Preparation(folder=tmp_path))
    names_beside(made.picture).write_text("\n".join(_NAMES))
    return made


@pytest.fixture
def alive(errand: Errand) -> Iterator[ExitStack]:
    """A worker is at it, until this is closed."""
    with ExitStack() as held:
        held.enter_context(errand.job.lock())
        yield held


async def opened(pilot: Pilot[str], app: MirrorApp, errand: Errand, text: str) -> None:
    app.switch_screen(PrepareProgress(errand))
    await until(pilot, lambda: text in shown(app))


@pytest.mark.parametrize(
    ("now", "state", "wanted"),
    [
        (
            running_now,
            "* running",
            ("[1 Artifacts]", "* fetching", "120 of 400 MB   31 MB/s", "s Stop"),
        ),
        (
            failed_now,
            "x 1 failed",
            ("[3 x Errors (1)]", "Leave it out with l.", "x failed", "l Leave out"),
        ),
        (
            done_now,
            "+ done",
            ("Carry these across", "100 %", "y shows the command", "$ eksa-mirror import -i"),
        ),
    ],
    ids=["running", "failed", "done"],
)
def test_basic_mode_is_ascii_without_colours_and_complete_in_a_small_window(
    now: Callable[[], Picture],
    state: str,
    wanted: tuple[str, ...],
    errand: Errand,
    alive: ExitStack,
) -> None:
    seen = now()
    errand.picture.write_text(seen.model_dump_json())
    if seen.state.ended:
        alive.close()

    async def play() -> list[str]:
        app = new_app(look=Look(basic=True))
        seen_texts = []
        async with running(app, SMALL) as pilot:
            await opened(pilot, app, errand, state)
            for size in (SMALL, LARGE):
                await pilot.resize_terminal(*size)
                for key in ("3", "2", "1"):
                    await pilot.press(key)
                    await pilot.pause()
                    written = output(app)
                    assert written.isascii()
                    assert colour_codes(written) == []
                    assert max(map(len, shown(app).splitlines())) <= size[0]
                    seen_texts.append(shown(app))
        return seen_texts

    errors, log, artifacts, *_ = asyncio.run(play())

    assert "more line" not in artifacts or state == "+ done", artifacts
    assert "  arrived    public.ecr.aws/eks-anywhere/part-1" in log
    for text in wanted:
        assert text in errors + log + artifacts


def test_what_was_under_way_waits_once_its_worker_was_cut_off(
    errand: Errand, alive: ExitStack
) -> None:
    errand.picture.write_text(running_now().model_dump_json())

    async def play() -> None:
        app = new_app()
        async with running(app, LARGE) as pilot:
            await opened(pilot, app, errand, "◐ fetching")
            assert "↻ retrying" in shown(app)
            assert "Fetching now" in shown(app)
            alive.close()
            await until(pilot, lambda: "✗ cut off" in shown(app))
            text = shown(app)
            for past in ("◐ fetching", "↻ retrying", "B/s", "left", "Fetching now"):
                assert past not in text, text
            assert "○ waiting" in text

    asyncio.run(play())


def test_one_that_was_cut_off_early_asks_nobody(errand: Errand, alive: ExitStack) -> None:
    early = Picture(state=JobState.PLANNING, doing="images.tar", asked=3, to_ask=40, started=1.0)
    errand.picture.write_text(early.model_dump_json())

    async def play() -> None:
        app = new_app()
        async with running(app) as pilot:
            await opened(pilot, app, errand, "◐ running")
            alive.close()
            await until(pilot, lambda: "✗ cut off" in shown(app))
            assert "Nothing was fetched yet" in shown(app)

    asyncio.run(play())


def test_the_figures_follow_a_resize_before_the_next_look(
    errand: Errand, alive: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    errand.picture.write_text(running_now().model_dump_json())

    async def play() -> None:
        app = new_app()
        async with running(app, SMALL) as pilot:
            await opened(pilot, app, errand, "2.0 of 4.0 GB   31 MB/s")
            monkeypatch.setattr("tui.screens.prepare_progress.aside", lambda *_: None)
            await pilot.resize_terminal(*LARGE)
            await until(pilot, lambda: "2.0 of 4.0 GB     31 MB/s" in shown(app))

    asyncio.run(play())
