"""The panes of an import: what they show is true, and they do not keep the keys waiting."""

import asyncio
import re
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual._compositor import Compositor

from core.answers import Answers, RegistryAnswers
from core.transfer.job import Job
from core.transfer.standing import Stand, Standing
from core.transfer.states import ArtifactState, JobState
from tests.tui.wizard.looking import LARGE, SMALL, new_app, running, shown, until
from tests.tui.wizard.site_a.transfer import ROWS, RUNNING
from tui.app import MirrorApp
from tui.follower import Follower, Sight
from tui.screens.dialogs import Dialog
from tui.widgets.artifact_list import FILTERS, ArtifactList

_STATES = ArtifactState
_UNDER_WAY = (_STATES.SENDING, _STATES.RETRYING)


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> deque[Sight]:
    """What the next looks at the job see; the last of it again and again."""
    seen = deque([RUNNING])

    def look(_: Follower) -> Sight:
        now = seen.popleft() if len(seen) > 1 else seen[0]
        if len(seen) == 1 and seen[0] is now:
            seen[0] = replace(now, rows=(), events=())
        return now

    monkeypatch.setattr(Follower, "_look", look)
    return seen


@pytest.fixture
def layouts(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """One entry for each time that the whole screen was laid out."""
    counted: list[object] = []
    reflow: Callable[..., object] = Compositor.reflow

    def counting(compositor: Compositor, *given: object) -> object:
        counted.append(given)
        return reflow(compositor, *given)

    monkeypatch.setattr(Compositor, "reflow", counting)
    return counted


def watching(folder: Path) -> MirrorApp:
    """The wizard at an import."""
    app = new_app(Answers(registry=RegistryAnswers(address="r.example/eks-a")), step=9)
    app.session.job = Job(folder)
    return app


def further(gigabytes: float, stand: Stand = Stand.RUNNING) -> Sight:
    """So much of it is done; other figures, in as many lines."""
    assert RUNNING.summary
    facts = RUNNING.summary.facts | {"done_bytes": str(gigabytes * 1e9)}
    slots = [one and replace(one, done=one.done + 1_000_000) for one in RUNNING.slots]
    return replace(
        RUNNING,
        standing=Standing(stand, seconds=gigabytes * 10),
        summary=replace(RUNNING.summary, facts=facts),
        slots=tuple(slots),
        rows=(replace(ROWS[-1], state=_STATES.SENDING),),
        events=(),
    )


def test_a_look_draws_figures_and_lays_nothing_out(
    tmp_path: Path, looks: deque[Sight], layouts: list[object]
) -> None:
    async def play() -> None:
        app = watching(tmp_path)
        async with running(app, LARGE) as pilot:
            await until(pilot, lambda: "14.2 of 24.6 GB" in shown(app))
            await pilot.pause(0.1)
            layouts.clear()
            looks.append(further(15.5))
            await until(pilot, lambda: "15.5 of 24.6 GB" in shown(app))
            assert "00:02:35" in shown(app)
            assert layouts == []

    asyncio.run(play())


@pytest.mark.parametrize("stand", [Stand.CUT_OFF, Stand.STOPPED], ids=str)
def test_where_nobody_is_at_it_nothing_is_under_way(
    tmp_path: Path, looks: deque[Sight], stand: Stand
) -> None:
    async def play() -> None:
        app = watching(tmp_path)
        async with running(app, LARGE) as pilot:
            await until(pilot, lambda: "312 of 438 MB" in shown(app))
            await pilot.press("home")
            assert "layer 4 of 9" in shown(app)
            assert "Retrying 1   Sending 1   Waiting 66" in shown(app)
            assert "92 MB/s" in shown(app)
            looks.append(replace(further(15.5, stand), rows=()))
            await until(pilot, lambda: "15.5 of 24.6 GB" in shown(app))
            text = shown(app)
            assert "Retrying 0   Sending 0   Waiting 68" in text
            for past in ("◐ sending", "↻ retrying", "layer 4", "MB/s", "left", "Sending now"):
                assert past not in text, text
            looks.append(replace(further(15.6), rows=()))
            await until(pilot, lambda: "layer 4 of 9" in shown(app))
            assert "Sending 1" in shown(app)

    asyncio.run(play())


def test_a_new_run_that_has_not_come_so_far_sends_nothing(
    tmp_path: Path, looks: deque[Sight]
) -> None:
    """Until it knows the plan anew, the journal still speaks of the run that was cut off."""

    async def play() -> None:
        app = watching(tmp_path)
        begun = further(0.0)
        assert begun.summary
        looks.append(replace(begun, summary=replace(begun.summary, state=JobState.STARTING)))
        async with running(app, LARGE) as pilot:
            await until(pilot, lambda: "Sending 0   Waiting 68" in shown(app))
            assert "B/s" not in shown(app).partition("Sending now")[0]

    asyncio.run(play())


def test_other_steps_tell_how_far_it_is(tmp_path: Path, looks: deque[Sight]) -> None:
    async def play() -> None:
        app = watching(tmp_path)
        async with running(app, LARGE) as pilot:
            app.open_step(2)
            await until(pilot, lambda: "import 57 %" in shown(app))
            looks.append(further(15.5))
            await until(pilot, lambda: "import 63 %" in shown(app))
            looks.append(further(15.6, Stand.STOPPED))
            await until(pilot, lambda: "import 6" not in shown(app))

    asyncio.run(play())


rows_of_looks = st.lists(
    st.lists(st.tuples(st.integers(1, 12), st.sampled_from(list(_STATES))), max_size=8), max_size=8
)


@given(rows_of_looks, st.lists(st.integers(1, 12), max_size=4), st.booleans())
def test_what_a_look_changes_is_counted_as_if_all_were_counted_anew(
    told: list[list[tuple[int, ArtifactState]]], gone: list[int], moving: bool
) -> None:
    shown_rows, known = ArtifactList(), dict[int, ArtifactState]()
    for look in told:
        rows = [replace(ROWS[number], number=number, state=state) for number, state in look]
        shown_rows.take(rows, gone, moving=moving)
        for number in gone:
            known.pop(number, None)
        known.update(look)
    listed = {number: state for number, state in known.items() if state is not _STATES.SKIPPED}
    resting = {
        number: _STATES.WAITING if state in _UNDER_WAY and not moving else state
        for number, state in listed.items()
    }

    for chosen, (_, states) in enumerate(FILTERS):
        wanted = [number for number, state in resting.items() if state in states]
        assert shown_rows.counts()[chosen] == len(wanted)
        shown_rows.chosen = chosen
        shown_rows.sift()
        assert set(shown_rows.keys) == set(wanted)


@pytest.mark.parametrize("step", [8, 9])
def test_a_window_that_grows_below_a_dialog_is_drawn_for_its_new_size(
    step: int, tmp_path: Path, looks: deque[Sight]
) -> None:
    async def play() -> tuple[str, str]:
        app = watching(tmp_path)
        async with running(app, SMALL) as pilot:
            first = app.screen
            app.open_step(step)
            await until(pilot, lambda: app.screen is not first)
            app.push_screen(Dialog("Meanwhile", "The window is dragged.", ("Go on",)))
            await until(pilot, lambda: "Meanwhile" in shown(app))
            await pilot.resize_terminal(*LARGE)
            await pilot.press("enter")
            await until(pilot, lambda: "Meanwhile" not in shown(app))
            await pilot.pause(0.1)
            below = shown(app)
            await pilot.resize_terminal(*SMALL)
            await pilot.resize_terminal(*LARGE)
            await pilot.pause(0.1)
            return below, shown(app)

    below, alone = (re.sub(r"checked \d+ s ago", "", one) for one in asyncio.run(play()))

    assert below == alone
