"""Pictures of every step of the wizard, from the real app before a real registry."""

import asyncio
import os
from collections.abc import Callable

from textual.pilot import Pilot

from core.answers import (
    Answers,
    ArtifactAnswers,
    ClusterAnswers,
    CredentialAnswers,
    RegistryAnswers,
    TransferAnswers,
)
from core.demo.registry import DemoRegistry
from core.demo.sample import Sample
from core.transfer.standing import Stand
from tests.tui.wizard.looking import LARGE, new_app, running, shown, until
from tui.app import MirrorApp

Save = Callable[[str, str], None]
"""Takes the name of a picture and its SVG."""

_NAMES = (
    "artifacts", "registry", "trust", "credentials", "namespaces", "cluster", "admin-machine",
    "review",
)  # fmt: skip
_RATE = 8_000_000


def draw_wizard(sample: Sample, registry: DemoRegistry, save: Save) -> None:
    """Draw steps 1 to 10, the import while it runs."""
    os.environ["REGISTRY_USERNAME"] = registry.username
    os.environ["REGISTRY_PASSWORD"] = registry.password.get_secret_value()
    asyncio.run(_walk(_answers(sample, registry), save))


def _answers(sample: Sample, registry: DemoRegistry) -> Answers:
    return Answers(
        artifacts=ArtifactAnswers(archive=sample.archive, bundles=sample.bundles),
        registry=RegistryAnswers.model_validate(
            {"address": f"{registry.address}/wizard", "ca_file": registry.ca_file}
        ),
        credentials=CredentialAnswers(username=registry.username, authenticate=True),
        cluster=ClusterAnswers.model_validate({"provider": "vSphere", "os_family": "ubuntu"}),
        transfer=TransferAnswers(limit_rate=_RATE),
    )


async def _walk(answers: Answers, save: Save) -> None:
    app = new_app(answers, step=1)
    async with running(app, LARGE) as pilot:
        for number, name in enumerate(_NAMES, start=1):
            await until(pilot, lambda: _is_calm(app), seconds=60)
            await pilot.pause(0.5)
            save(f"wizard-{number}-{name}", app.export_screenshot(title="eksa-mirror"))
            app.open_step(number + 1)
            await pilot.pause()
        await _import(pilot, app, save)


async def _import(pilot: Pilot[str], app: MirrorApp, save: Save) -> None:
    await until(pilot, lambda: "may write to" in shown(app), seconds=60)
    await pilot.press("n")
    await until(pilot, lambda: _half_sent(app), seconds=120)
    save("wizard-9-import", app.export_screenshot(title="eksa-mirror"))
    await until(pilot, lambda: app.session.setup.step == 10, seconds=120)
    await until(pilot, lambda: "Next, on this machine" in shown(app), seconds=60)
    await pilot.pause(1.0)
    save("wizard-10-done", app.export_screenshot(title="eksa-mirror"))


def _is_calm(app: MirrorApp) -> bool:
    """The checks of the step have ended, and nothing is read any more."""
    step = app.session.setup.step
    board = app.session.boards.get(step)
    text = shown(app)
    return (board is None or board.ended is not None) and not any(
        word in text for word in ("reading", "running,", "checking")
    )


def _half_sent(app: MirrorApp) -> bool:
    sight = app.import_sight
    if not sight or not sight.summary or sight.standing.stand is not Stand.RUNNING:
        return False
    total = sight.summary.number("total_bytes")
    return bool(total) and sight.summary.number("done_bytes") > total * 0.55
