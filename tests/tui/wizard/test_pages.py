"""Help, preview, plain text and the file picker, over any step."""

import asyncio
from pathlib import Path

import pytest

from core.answers import Answers, RegistryAnswers
from core.demo.registry import DemoRegistry
from tests.tui.wizard.looking import LARGE, SMALL, new_app, running, shown, type_in, until
from tui.app import MirrorApp
from tui.help_texts import HELP
from tui.screens.file_picker import FilePicker, listing
from tui.screens.help import HelpPage, help_lines
from tui.screens.preview import PlainText, PreviewPage, broken
from tui.screens.registry import RegistryScreen
from tui.terminal import Look

SITE = Answers(registry=RegistryAnswers(endpoint="harbor.invalid", port=8443))


# --- help -------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", range(11))
@pytest.mark.parametrize("width", [35, 75])
def test_every_step_is_explained_in_lines_that_fit(step: int, width: int) -> None:
    lines = [str(line) for line in help_lines(step, "", width)]

    assert max(map(len, lines)) <= width
    assert HELP[step].purpose[0].split()[0] in lines[0]
    assert "Keys" in lines
    for _, label, _ in HELP[step].fields:
        assert label in lines


def test_the_field_with_the_focus_is_explained_first() -> None:
    async def play() -> None:
        app = new_app(SITE, step=2)
        async with running(app) as pilot:
            await pilot.press("tab", "f1")
            await until(pilot, lambda: isinstance(app.screen, HelpPage))
            text = shown(app)
            assert text.index("443 unless") < text.index("The address that this machine")
            await pilot.press("escape")
            await until(pilot, lambda: isinstance(app.screen, RegistryScreen))
            assert app.screen.query_one("#field-registry-port .field-input").has_focus

    asyncio.run(play())


def test_help_outlives_a_window_that_is_too_small_for_it() -> None:
    async def play() -> None:
        app = new_app(SITE, step=2)
        async with running(app) as pilot:
            await pilot.press("f1")
            await until(pilot, lambda: isinstance(app.screen, HelpPage))
            await pilot.resize_terminal(9, 3)
            await pilot.resize_terminal(*SMALL)
            await until(pilot, lambda: "The address that this machine" in shown(app))

    asyncio.run(play())


def test_help_is_a_panel_in_a_wide_window_and_a_page_in_a_narrow_one() -> None:
    async def play() -> None:
        app = new_app(SITE, step=2)
        async with running(app, LARGE) as pilot:
            await pilot.press("f1")
            await until(pilot, lambda: "Help: Registry" in shown(app))
            assert app.screen.query_one("#help-panel").region.x == 80
            assert "harbor.invalid" in shown(app)
            await pilot.resize_terminal(*SMALL)
            await until(pilot, lambda: app.screen.query_one("#help-panel").region.width == 80)
            assert "harbor.invalid" not in shown(app)
            assert "more lines" in shown(app)
            await pilot.press("end")
            await until(pilot, lambda: "F10 q" in shown(app))
            assert "more line" not in shown(app)

    asyncio.run(play())


def test_basic_help_is_ascii() -> None:
    async def play() -> None:
        app = new_app(SITE, step=2, look=Look(basic=True))
        async with running(app, LARGE) as pilot:
            await pilot.press("f1")
            await until(pilot, lambda: "Help: Registry" in shown(app))
            assert shown(app).isascii()
            await pilot.press("escape", "shift+tab", "question_mark")
            await until(pilot, lambda: isinstance(app.screen, HelpPage))

    asyncio.run(play())


# --- preview ----------------------------------------------------------------------------------


def test_the_fragment_is_shown_with_its_certificate_folded(registry: DemoRegistry) -> None:
    answers = Answers(registry=RegistryAnswers(address=registry.address, ca_file=registry.ca_file))

    async def play() -> None:
        app = new_app(answers, step=2)
        async with running(app) as pilot:
            await pilot.press("f6")
            await until(pilot, lambda: "registryMirrorConfiguration:" in shown(app))
            assert "1 certificate" in shown(app)
            assert "BEGIN CERTIFICATE" not in shown(app)
            await pilot.press("enter")
            await until(pilot, lambda: "BEGIN CERTIFICATE" in shown(app))
            await pilot.press("f7")
            await until(pilot, lambda: "Copied, if" in shown(app))
            assert "-----END CERTIFICATE-----" in app.clipboard
            assert app.clipboard.startswith("spec:")
            await pilot.press("f6")
            await until(pilot, lambda: isinstance(app.screen, RegistryScreen))

    asyncio.run(play())


def test_what_is_missing_in_the_fragment_is_said(tmp_path: Path) -> None:
    async def play(answers: Answers | None, *told: str) -> None:
        app = new_app(answers, step=2)
        async with running(app) as pilot:
            await pilot.press("f6")
            await until(pilot, lambda: all(one in shown(app) for one in told))
            assert "registryMirrorConfiguration" not in shown(app)
            assert "Copy" not in shown(app)
            await pilot.press("escape")
            await until(pilot, lambda: isinstance(app.screen, RegistryScreen))

    broken_ca = tmp_path / "ca.crt"
    broken_ca.write_text("-----BEGIN PRIVATE KEY-----\n")
    bad = SITE.model_copy(
        update={"registry": SITE.registry.model_copy(update={"ca_file": broken_ca})}
    )
    asyncio.run(play(None, "! Step 2: endpoint is not right or empty."))
    asyncio.run(play(bad, "! ", "private key"))


def test_a_text_stands_alone_and_breaks_at_the_edge_only() -> None:
    text = "$ eksa-mirror import " + "x" * 100 + "\nsecond [bold]line[/]"

    async def play(app: MirrorApp) -> None:
        async with running(app) as pilot:
            app.push_screen(PlainText(text))
            await until(pilot, lambda: "second [bold]line[/]" in shown(app))
            rows = shown(app).splitlines()
            assert rows[0] + rows[1] == text.partition("\n")[0]
            assert rows[2] == "second [bold]line[/]"
            assert not "".join(rows[3:-1])
            await pilot.press("escape")
            await until(pilot, lambda: not isinstance(app.screen, PlainText))

    asyncio.run(play(new_app(SITE, step=2, look=Look(basic=True))))


def test_basic_copies_by_showing_the_text() -> None:
    async def play() -> None:
        app = new_app(SITE, step=2, look=Look(basic=True))
        async with running(app) as pilot:
            await pilot.press("f6")
            await until(pilot, lambda: isinstance(app.screen, PreviewPage))
            await until(pilot, lambda: 'port: "8443"' in shown(app))
            await pilot.press("y")
            await until(pilot, lambda: isinstance(app.screen, PlainText))
            assert shown(app).startswith("spec:\n")

    asyncio.run(play())


def test_control_characters_do_not_reach_the_terminal() -> None:
    assert broken("a\x1b[2Jb\n\n" + "c" * 5, 4) == ["a [2", "Jb", "", "cccc", "c"]


# --- the file picker --------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two folders, two files, hidden ones of both."""
    for name in ("alpha", "beta", ".hidden"):
        (tmp_path / name).mkdir()
    for name in ("alpha/deep.crt", "root.crt", "zz [b].pem", ".secret.crt"):
        (tmp_path / name).write_text("x" * 1500)
    return tmp_path


async def picker(
    app: MirrorApp, path: str, *keys: str, typed: str = "", size: tuple[int, int] = SMALL
) -> tuple[Path | None, str]:
    """Press keys in a picker, and say what came of it and what was on its screen."""
    picked: list[Path | None] = []
    async with running(app, size) as pilot:
        app.push_screen(FilePicker(path), picked.append)
        await until(pilot, lambda: "../" in shown(app))
        for key in keys:
            before = shown(app)
            await pilot.press(key)
            await until(pilot, lambda old=before: picked or shown(app) != old)  # type: ignore[misc]
        if typed:
            await type_in(pilot, typed)
            await pilot.press("enter")
        text = shown(app)
        if typed:
            await until(pilot, lambda: picked or "✗" in shown(app))
            text = shown(app)
    return (picked[0] if picked else None), text


def test_folders_stand_first_and_hidden_names_are_left_out(folder: Path) -> None:
    _, text = asyncio.run(picker(new_app(SITE, step=2), str(folder)))

    rows = [row.split()[0] for row in text.splitlines() if row.startswith("    ")]
    assert rows[:5] == ["../", "alpha/", "beta/", "root.crt", "zz"]
    assert "zz [b].pem" in text
    assert "2 kB" in text
    assert "2 more names hidden" in text
    assert ".secret" not in text


def test_the_file_that_is_named_is_selected_and_taken_with_enter(folder: Path) -> None:
    found, _ = asyncio.run(picker(new_app(SITE, step=2), str(folder / "root.crt"), "enter"))

    assert found == folder / "root.crt"


def test_folders_are_entered_and_left(folder: Path) -> None:
    app = new_app(SITE, step=2)
    found, _ = asyncio.run(picker(app, str(folder), "enter", "left", "enter", "enter"))

    assert found == folder / "alpha" / "deep.crt"


def test_a_path_that_is_not_there_begins_in_its_nearest_folder(folder: Path) -> None:
    _, text = asyncio.run(picker(new_app(SITE, step=2), str(folder / "no" / "such.crt")))

    assert "root.crt" in text


def test_the_dot_shows_hidden_names(folder: Path) -> None:
    _, text = asyncio.run(picker(new_app(SITE, step=2), str(folder), "full_stop"))

    assert ".hidden/" in text
    assert ".secret.crt" in text


def test_sizes_stand_at_the_right_of_a_window_that_was_widened(folder: Path) -> None:
    async def play() -> None:
        app = new_app(SITE, step=2)
        async with running(app, SMALL) as pilot:
            app.push_screen(FilePicker(str(folder / "root.crt")))
            await until(pilot, lambda: "root.crt" in shown(app))
            await pilot.resize_terminal(*LARGE)
            await until(pilot, lambda: max(map(len, shown(app).splitlines())) > SMALL[0])
            row = next(one for one in shown(app).splitlines() if "root.crt" in one)
            assert len(row) > SMALL[0]
            await pilot.press("enter")  # the pointer is still on it
            await until(pilot, lambda: isinstance(app.screen, RegistryScreen))

    asyncio.run(play())


def test_esc_takes_nothing(folder: Path) -> None:
    found, _ = asyncio.run(picker(new_app(SITE, step=2), str(folder), "escape"))

    assert found is None


def test_a_path_can_be_typed(folder: Path) -> None:
    typed, _ = asyncio.run(
        picker(new_app(SITE, step=2), str(folder), "slash", typed="alpha/deep.crt")
    )
    wrong, text = asyncio.run(picker(new_app(SITE, step=2), str(folder), "slash", typed="none"))

    assert typed == folder / "alpha" / "deep.crt"
    assert wrong is None
    assert "No such file." in text


@pytest.mark.parametrize("size", [SMALL, LARGE])
def test_basic_is_ascii_and_tells_its_keys(folder: Path, size: tuple[int, int]) -> None:
    app = new_app(SITE, step=2, look=Look(basic=True))
    _, text = asyncio.run(picker(app, str(folder), size=size))

    assert text.isascii()
    assert "Esc Close" in text.splitlines()[-1]


def test_a_folder_that_cannot_be_read_is_told(folder: Path) -> None:
    with pytest.raises(NotADirectoryError):
        listing(folder / "root.crt")
    (folder / "lost").symlink_to("nowhere")

    assert "lost" in [one.name for one in listing(folder)]
