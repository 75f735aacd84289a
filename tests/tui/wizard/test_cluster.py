"""Step 6: what the cluster file says goes before what was chosen."""

import asyncio
import os
import threading
from collections.abc import Coroutine
from pathlib import Path

import pytest

from core.answers import Answers, OsFamily, Provider, RegistryAnswers
from core.checks.finding import State
from core.mirror.cluster_file import ClusterFile
from tests.core.checks.test_cluster import CLUSTER_FILE
from tests.tui.wizard.looking import LARGE, SMALL, new_app, running, shown, type_in, until
from tui.terminal import Look

ANSWERS = Answers(registry=RegistryAnswers.model_validate({"address": "harbor.example/eks-a"}))


def play(coroutine: Coroutine[object, object, None]) -> None:
    asyncio.run(coroutine)


def test_the_file_fixes_provider_and_system(tmp_path: Path) -> None:
    file = tmp_path / "cluster.yaml"
    file.write_text(CLUSTER_FILE)

    async def walk() -> None:
        app = new_app(ANSWERS, step=6)
        async with running(app) as pilot:
            await type_in(pilot, str(file))
            await pilot.press("tab")
            await until(pilot, lambda: "vSphere with Ubuntu" in shown(app))
            await until(pilot, lambda: "external etcd" in shown(app))
            assert shown(app).count("Read from the cluster file.") == 2

    play(walk())


def test_checks_that_do_not_apply_are_not_said_to_pass() -> None:
    async def walk() -> None:
        app = new_app(ANSWERS, step=6)
        async with running(app, LARGE) as pilot:
            await until(pilot, lambda: app.session.boards[6].ended is not None)
            found = app.session.findings(6)
            assert any(one.state is State.SKIPPED for one in found)
            await until(pilot, lambda: "the others do not apply." in shown(app))
            assert "All checks pass." not in shown(app)

    play(walk())


def test_a_provider_offers_only_its_own_systems() -> None:
    async def walk() -> None:
        app = new_app(ANSWERS, step=6)
        async with running(app, LARGE) as pilot:
            await pilot.press("tab", "C")
            assert app.session.answers.cluster.provider is Provider.CLOUDSTACK
            await until(pilot, lambda: "CloudStack" in shown(app))
            await pilot.press("tab", "right")
            await until(pilot, lambda: app.session.answers.cluster.os_family is OsFamily.RHEL)

    play(walk())


def test_a_file_without_a_cluster_is_told_at_its_field(tmp_path: Path) -> None:
    file = tmp_path / "other.yaml"
    file.write_text("kind: Pod\napiVersion: v1\n")

    async def walk() -> None:
        app = new_app(ANSWERS, step=6)
        async with running(app) as pilot:
            await type_in(pilot, str(file))
            await pilot.press("tab")
            await until(pilot, lambda: "There is no document of kind Cluster in it." in shown(app))
            await pilot.press("escape")
            await until(pilot, lambda: app.session.setup.step == 5)

    play(walk())


def test_a_file_that_may_not_be_written_is_told_and_read_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "cluster.yaml"
    file.write_text(CLUSTER_FILE)
    access = os.access

    def may(path: Path, mode: int, **options: bool) -> bool:
        return not (path == file and mode == os.W_OK) and access(path, mode, **options)

    monkeypatch.setattr(os, "access", may)  # root may write everything

    async def walk() -> None:
        app = new_app(ANSWERS, step=6)
        async with running(app) as pilot:
            await type_in(pilot, str(file))
            await pilot.press("tab")
            await until(pilot, lambda: "✗ This account may not write it." in shown(app))
            assert "vSphere with Ubuntu" in shown(app)
            monkeypatch.setattr(os, "access", access)
            await pilot.press("shift+tab", "tab")
            await until(pilot, lambda: "may not write" not in shown(app))

    play(walk())


def test_a_slow_disk_does_not_hold_the_screen_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "cluster.yaml"
    file.write_text(CLUSTER_FILE)
    read, go_on = ClusterFile.read, threading.Event()

    def slow(path: Path) -> ClusterFile:
        assert go_on.wait(20)
        return read(path)

    monkeypatch.setattr("tui.screens.cluster.ClusterFile.read", slow)

    async def walk() -> None:
        app = new_app(ANSWERS, step=6)
        async with running(app) as pilot:
            await type_in(pilot, str(file))
            await pilot.press("tab")
            assert "not chosen" in shown(app)
            await pilot.press("f1")
            await until(pilot, lambda: "Help: Cluster" in shown(app))
            await pilot.press("escape")
            go_on.set()
            await until(pilot, lambda: "vSphere with Ubuntu" in shown(app))

    play(walk())


@pytest.mark.parametrize("size", [SMALL, LARGE])
def test_basic_mode_is_plain_ascii(size: tuple[int, int]) -> None:
    async def walk() -> None:
        app = new_app(ANSWERS, step=6, look=Look(basic=True))
        async with running(app, size) as pilot:
            await until(pilot, lambda: "Mappings" in shown(app))
            assert shown(app).isascii()

    play(walk())
