"""How every screen looks: kept as text, in both themes, two sizes, and basic mode.

`pytest tests/tui/wizard/test_pictures.py --snapshot-update` draws the pictures anew; look at what
changed with `git diff`, as nothing else judges it.
"""

import asyncio
import difflib
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.containers import VerticalScroll
from textual.pilot import Pilot

from core.demo.sample import Sample
from tests.tui.wizard.looking import HUGE, LARGE, SMALL, new_app, running, shown, until
from tests.tui.wizard.picture import (
    LINE,
    MIXED,
    Rows,
    colour_codes,
    drawn,
    hard_to_read,
    output,
    rows_of,
    text_of,
)
from tests.tui.wizard.scenes import SCENES, Scene
from tests.tui.wizard.site_a.ground import Ground, standing_on_site_a
from tests.tui.wizard.soundness import flaws
from tui.app import MirrorApp
from tui.terminal import Look

KEPT = Path(__file__).with_name("pictures")
THEMES = ("site-dark", "site-light")
SIZES = {"80x24": SMALL, "120x36": LARGE}
_LOOKS = [
    (size, theme)
    for size, themes in zip(SIZES, (THEMES, THEMES[::-1]), strict=True)
    for theme in themes
]
"""Another theme costs more than another size."""

each_scene = pytest.mark.parametrize("scene", SCENES, ids=[one.name for one in SCENES])


@pytest.fixture
def ground(tmp_path: Path, sample: Sample, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ground]:
    with monkeypatch.context() as patch, standing_on_site_a(tmp_path, sample, patch) as made:
        yield made


@each_scene
def test_a_screen_looks_as_it_did_and_can_be_read(
    scene: Scene, ground: Ground, request: pytest.FixtureRequest
) -> None:
    async def look() -> dict[tuple[str, str], Rows]:
        seen = {}
        app = _app(scene, ground, Look())
        async with running(app, SMALL) as pilot:
            await _come_to(pilot, scene)
            for size, theme in _LOOKS:
                app.theme = theme
                await pilot.resize_terminal(*SIZES[size])
                seen[size, theme] = await _calm(pilot)
                assert flaws(app) == [], size
        return seen

    seen = asyncio.run(look())

    for size in SIZES:
        dark, light = (drawn(seen[size, theme], theme) for theme in THEMES)
        assert _difference(dark, light, "dark", "light") == ""
        _hold_to(f"{scene.name}.{size}.txt", dark, request)
        assert (MIXED in dark) == scene.shines_through
        for theme in THEMES:
            assert list(hard_to_read(seen[size, theme], theme)) == [], (size, theme)


@each_scene
def test_basic_mode_is_ascii_without_colours(
    scene: Scene, ground: Ground, request: pytest.FixtureRequest
) -> None:
    async def look() -> list[tuple[Rows, str]]:
        app, seen = _app(scene, ground, Look(basic=True)), []
        async with running(app, SMALL) as pilot:
            await _come_to(pilot, scene)
            for size in (SMALL, HUGE):
                await pilot.resize_terminal(*size)
                seen.append((await _calm(pilot), output(app)))
                assert flaws(app) == [], size
            if not scene.keys:
                await _tell_the_focus(pilot, app)
        return seen

    seen = asyncio.run(look())

    written = "".join(text for _, text in seen)
    assert written.isascii()
    assert colour_codes(written) == []
    _hold_to(f"{scene.name}.basic.80x24.txt", drawn(seen[0][0], "basic"), request)


@pytest.mark.slow
@pytest.mark.parametrize("step", range(11))
def test_a_screen_is_the_same_however_its_window_came_to_its_size(
    step: int, ground: Ground
) -> None:
    (scene, *_) = [one for one in SCENES if one.step == step and not one.keys]

    async def look() -> None:
        app = _app(scene, ground, Look())
        async with running(app, LARGE) as pilot:
            await _come_to(pilot, scene)
            for name in ("120x36", "80x24", "60x15", "200x50", "120x36", "80x24"):
                await pilot.resize_terminal(*map(int, name.split("x")))
                await _calm(pilot)
                kept = KEPT / f"{scene.name}.{name}.txt"
                if kept.exists():
                    wanted = kept.read_text().partition(f"\n{LINE}")[0]
                    await until(pilot, lambda text=wanted: text_of(rows_of(app)) == text)  # type: ignore[misc]

    asyncio.run(look())


def test_no_picture_is_left_of_a_scene_that_is_no_more() -> None:
    sizes = (*SIZES, "basic.80x24")
    wanted = {f"{scene.name}.{size}.txt" for scene in SCENES for size in sizes}

    assert {one.name for one in KEPT.iterdir()} == wanted


def _app(scene: Scene, ground: Ground, look: Look) -> MirrorApp:
    if scene.sight:
        ground.show_import(scene.sight)
    return ground.app(new_app(scene.answers(ground.answers), step=scene.step, look=look))


async def _come_to(pilot: Pilot[str], scene: Scene) -> None:
    app = pilot.app
    assert isinstance(app, MirrorApp)
    if scene.opens:
        await app.switch_screen(scene.opens())
    boards = app.session.boards
    for step in scene.checked:
        boards[step].start()
    await until(pilot, lambda: all(boards[n].ended for n in scene.checked))
    own = None if scene.sight else boards.get(scene.step)
    await until(pilot, lambda: own is None or own.ended)
    await until(pilot, lambda: all(text in shown(app) for text in scene.wait))
    for key in scene.keys:
        await pilot.press(key)
    await until(pilot, lambda: scene.then in shown(app))
    await until(pilot, lambda: "saving" not in shown(app))


async def _calm(pilot: Pilot[str]) -> Rows:
    """The screen once it is drawn alike three times."""
    app = pilot.app
    assert isinstance(app, MirrorApp)
    same, rows = 0, rows_of(app)
    while same < 2:
        await pilot.pause()
        before, rows = rows, rows_of(app)
        same = same + 1 if rows == before else 0
    return rows


async def _tell_the_focus(pilot: Pilot[str], app: MirrorApp) -> None:
    """Without colours, too, each stop of Tab looks like no other; the footer does not count.

    A text that can only be scrolled has no mark.
    """
    stops = [one for one in app.screen.focus_chain if not isinstance(one, VerticalScroll)]
    looks = []
    for stop in stops:
        app.screen.set_focus(stop)
        await pilot.pause()
        looks.append(drawn(rows_of(app)[:-1], "basic"))
    assert len(set(looks)) == len(stops), stops


def _hold_to(name: str, picture: str, request: pytest.FixtureRequest) -> None:
    """Compare a picture with the kept one, or keep it where that was asked for."""
    kept = KEPT / name
    if request.config.getoption("update_snapshots"):
        KEPT.mkdir(exist_ok=True)
        kept.write_text(picture)
    before = kept.read_text() if kept.exists() else ""
    assert _difference(before, picture, f"kept {name}", "now") == ""


def _difference(before: str, after: str, old: str, new: str) -> str:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), old, new, "", "", 1, "")
    return "\n".join(lines)
