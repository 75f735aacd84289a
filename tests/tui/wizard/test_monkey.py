"""Any keys in any order, at any pace, in any window: the wizard may not end as a defect."""

import asyncio
import random
from pathlib import Path

import pytest
from textual.events import Key

from core.answers import AdminMachineAnswers, Answers, ArtifactAnswers, RegistryAnswers
from core.demo.sample import Sample
from tests.tui.wizard.looking import HUGE, LARGE, SMALL, new_app, running, shown, until
from tui.screens.start import StartScreen
from tui.terminal import Look

NAMED = {
    "enter": 12, "f8": 10, "down": 8, "tab": 6, "escape": 5, "up": 5, "f1": 3, "f5": 3, "right": 3,
    "left": 3, "shift+tab": 3, "f2": 2, "f4": 2, "f6": 2, "f7": 2, "pageup": 1, "pagedown": 1,
    "home": 1, "end": 1, "backspace": 1,
}  # fmt: skip
LETTERS = " adnrvyuc1234/.?gxpfwo"
CRAMPED, TINY = (60, 15), (20, 6)
STROKES = 400


@pytest.mark.parametrize(
    "seed",
    [*range(4), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(4, 60))],
)
def test_no_keys_end_it_as_a_defect(
    seed: int, sample: Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    chance = random.Random(seed)  # noqa: S311 - no secret
    look = Look(basic=not seed % 3)
    answers = Answers(
        artifacts=ArtifactAnswers(archive=sample.archive, bundles=sample.bundles),
        registry=RegistryAnswers.model_validate({"address": "127.0.0.1:1/eks-a"}),
        admin_machine=AdminMachineAnswers(trust_ca=False),  # nothing is installed on this machine
    )

    def stroke() -> list[Key]:
        if chance.random() < 0.3:
            letter = chance.choice(LETTERS)
            keys = [Key("space" if letter == " " else letter, letter)]
        else:
            (name,) = chance.choices(list(NAMED), list(NAMED.values()))
            keys = [Key(name, None)]
        return keys * chance.choice((1, 1, 1, 2, 5))

    async def play() -> None:
        app = new_app(answers, step=chance.randint(1, 10), look=look)
        async with running(app, chance.choice((SMALL, LARGE))) as pilot:
            for _ in range(STROKES):
                at_start = isinstance(app.screen, StartScreen)  # Esc would leave the wizard
                for key in stroke() if not at_start else [Key("enter", None)]:
                    app.post_message(Key(key.key, key.character))
                await asyncio.sleep(chance.choice((0, 0, 0.01, 0.05)))
                if chance.random() < 0.02:
                    await pilot.resize_terminal(*chance.choice((TINY, CRAMPED, SMALL, LARGE, HUGE)))
                if app.return_code is not None:
                    break  # it was left by its keys
            else:
                all_heard = asyncio.Event()
                app.call_later(all_heard.set)
                await all_heard.wait()
                await pilot.pause()
                await until(pilot, lambda: shown(app).strip())
        assert app.crash is None

    asyncio.run(play())
