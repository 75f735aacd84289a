"""Step 10: what was verified, and what to type next."""

import asyncio
import json
import shutil
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from core.answers import Answers, CredentialAnswers, CredentialSource
from core.demo.registry import DemoRegistry
from core.demo.sample import Sample
from core.errors import ExitCode
from core.reference import Reference
from tests.core.transfer.running import Import, of
from tests.tui.wizard.looking import SMALL, new_app, running, shown, until
from tui.app import MirrorApp
from tui.screens.done import DoneScreen
from tui.terminal import Look

TALL = (120, 60)


def wizard_test(body: Coroutine[Any, Any, None]) -> None:
    asyncio.run(body)


@pytest.fixture
def imported(anonymous_registry: DemoRegistry, namespace: str, sample: Sample) -> Import:
    """An import that has ended well."""
    work = Import(anonymous_registry, of(sample), namespace)
    assert work.run() is ExitCode.DONE
    return work


def app_after(work: Import, **more: Any) -> MirrorApp:
    login = CredentialAnswers(
        source=CredentialSource.NONE, username="robot$eksa-mirror", authenticate=True
    )
    answers: Answers = work.answers.model_copy(update={"credentials": login})
    app = new_app(answers, step=10, **more)
    app.session.job = work.job
    return app


def done(app: MirrorApp) -> DoneScreen:
    assert isinstance(app.screen, DoneScreen), app.screen
    return app.screen


async def looked(pilot: Pilot[str], app: MirrorApp) -> None:
    await until(pilot, lambda: done(app).known and done(app).pulled and not done(app).verifying)
    await pilot.pause()


def test_a_complete_mirror_is_told_with_the_next_commands(imported: Import) -> None:
    async def body() -> None:
        app = app_after(imported)
        async with running(app, TALL) as pilot:
            await looked(pilot, app)
            seen = shown(app)
            assert "✓ verified" in seen
            assert "Your mirror holds all that the cluster asks for." in seen
            images = sum(row.kind == "image" for row in imported.rows)
            assert f"{images} of {images}, manifest and every layer" in seen
            assert "with the CA, login and path that nodes use" in seen
            assert "export REGISTRY_USERNAME='robot$eksa-mirror'" in seen
            assert "read -rs REGISTRY_PASSWORD && export REGISTRY_PASSWORD" in seen
            assert "eksctl anywhere create cluster -f cluster.yaml" in seen
            assert "eks-anywhere-downloads/bundle-release.yaml" in seen
            assert "report.json" in seen
            assert "OS images, HookOS and curated packages." in seen
            await pilot.press("f8")
            await pilot.pause()
        assert app.return_value
        assert str(imported.job.report("html")) in app.return_value
        assert "export REGISTRY_USERNAME" in app.return_value

    wizard_test(body())


def test_verifying_again_finds_what_was_taken_away_since(
    imported: Import, anonymous_registry: DemoRegistry
) -> None:
    async def body() -> None:
        app = app_after(imported)
        async with running(app, TALL) as pilot:
            await looked(pilot, app)
            row = next(row for row in imported.rows if row.kind == "image")
            _remove(anonymous_registry.storage, row.destination)
            await pilot.press("f5")
            await until(pilot, lambda: "1 missing" in shown(app))
            await looked(pilot, app)
            seen = shown(app)
            assert "1 image is missing. The cluster would not start." in seen
            assert "✗ fail" in seen
            assert "Import again ›" in seen
            assert "eksctl anywhere create cluster" not in seen
            await pilot.press("f8")
            await until(pilot, lambda: "✓ verified" in shown(app), seconds=60)
            await looked(pilot, app)
            assert "Your mirror holds all that the cluster asks for." in shown(app)

    wizard_test(body())


def test_a_registry_that_is_gone_leaves_the_result_of_the_import(
    fresh_registry: Any, namespace: str, sample: Sample
) -> None:
    registry = fresh_registry()
    work = Import(registry, of(sample), namespace)
    assert work.run() is ExitCode.DONE
    registry.stop()

    async def body() -> None:
        app = app_after(work)
        async with running(app, TALL) as pilot:
            await looked(pilot, app)
            assert "✓ verified" in shown(app)
            await pilot.press("f5")
            await until(pilot, lambda: "not verified" in shown(app))
            await looked(pilot, app)
            assert "the registry does not answer" in shown(app)
            assert "0 failed." in shown(app)

    wizard_test(body())


def test_small_and_basic(imported: Import) -> None:
    async def body() -> None:
        app = app_after(imported, look=Look(basic=True))
        async with running(app, SMALL) as pilot:
            await looked(pilot, app)
            assert "10  Done   + verified" in shown(app)
            assert shown(app).isascii()
            assert "Nothing is running any more." in shown(app)
            await pilot.press("tab", "tab", "pagedown")
            await pilot.pause()
            assert "Keep in mind" in shown(app) or "more line" in shown(app)

    wizard_test(body())


def test_without_an_import_it_leads_to_one() -> None:
    async def body() -> None:
        app = new_app(Answers(), step=10)
        async with running(app, SMALL):
            assert "Nothing was imported yet." in shown(app)
            assert "Go to the import ›" in shown(app)

    wizard_test(body())


def test_the_report_names_the_same_next_commands(imported: Import) -> None:
    document = json.loads(imported.job.report("json").read_text())
    command = document["next"][-1]["commands"][-1]
    assert "--bundles-override eks-anywhere-downloads/bundle-release.yaml" in command
    assert command in imported.job.report("md").read_text()


def _remove(storage: Path, destination: str) -> None:
    """Take a tag out of the registry, as a clean-up of it would."""
    reference = Reference.parse(destination)
    repositories = storage / "docker/registry/v2/repositories"
    shutil.rmtree(repositories / reference.repository / "_manifests/tags" / reference.tag)
