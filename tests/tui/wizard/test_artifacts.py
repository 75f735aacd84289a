"""Step 1: the files, the versions, and the table that follows them."""

import asyncio
from collections.abc import Coroutine
from pathlib import Path

import pytest

from core.answers import Answers, ArtifactAnswers
from core.demo.sample import Sample
from tests.tui.wizard.looking import LARGE, SMALL, new_app, running, shown, type_in, until
from tui.terminal import Look


def play(coroutine: Coroutine[object, object, None]) -> None:
    asyncio.run(coroutine)


def with_sample(sample: Sample) -> Answers:
    return Answers(artifacts=ArtifactAnswers(archive=sample.archive, bundles=sample.bundles))


def test_the_table_follows_the_ticks(sample: Sample) -> None:
    async def walk() -> None:
        app = new_app(with_sample(sample), step=1)

        def chosen() -> int:
            return len(app.session.answers.artifacts.kube_versions)

        async with running(app, LARGE) as pilot:
            await until(pilot, lambda: "To import" in shown(app))
            before = shown(app)
            await pilot.press("tab", "tab", "space")
            await until(pilot, lambda: shown(app) != before)
            assert chosen() == 1
            await pilot.press("minus")
            await until(pilot, lambda: "Tick at least one." in shown(app))
            await pilot.press("f8")
            assert "Fix 1 field to go on." in shown(app)
            assert app.session.setup.step == 1
            await pilot.press("plus")
            assert chosen() == 0
            assert "Tick at least one." not in shown(app)

    play(walk())


def test_the_manifest_beside_the_tarball_is_proposed(sample: Sample) -> None:
    async def walk() -> None:
        app = new_app(Answers(), step=1)
        async with running(app) as pilot:
            await type_in(pilot, str(sample.archive))
            await pilot.press("tab")
            await until(pilot, lambda: "Found beside the tarball." in shown(app))
            await until(pilot, lambda: "To import" in shown(app))
            assert app.session.answers.artifacts.bundles is not None

    play(walk())


def test_a_wrong_file_is_told_where_its_help_line_stood(sample: Sample, tmp_path: Path) -> None:
    wrong = tmp_path / "manifest.yaml"
    wrong.write_text("apiVersion: anywhere.eks.amazonaws.com/v1alpha1\nkind: Release\n")

    async def walk() -> None:
        app = new_app(
            Answers(artifacts=ArtifactAnswers(archive=sample.archive, bundles=wrong)), step=1
        )
        async with running(app) as pilot:
            await until(pilot, lambda: "This is kind Release." in shown(app))
            await pilot.press("end", "x", "tab", "f8")
            await until(pilot, lambda: "No such file." in shown(app))
            assert app.session.setup.step == 1
            await pilot.press("escape")
            await until(pilot, lambda: "Start a new set-up" in shown(app))

    play(walk())


@pytest.mark.parametrize("size", [SMALL, LARGE])
def test_basic_mode_is_plain_ascii(sample: Sample, size: tuple[int, int]) -> None:
    async def walk() -> None:
        app = new_app(with_sample(sample), step=1, look=Look(basic=True))
        async with running(app, size) as pilot:
            await until(pilot, lambda: "To import" in shown(app) and "[x]" in shown(app))
            assert shown(app).isascii()

    play(walk())
