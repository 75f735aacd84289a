"""The first glance at this machine."""

import shutil
from pathlib import Path

import pytest

from core.checks import glance
from core.checks.finding import State
from core.checks.glance import glance_at_disk, glance_at_docker


def test_the_disk_of_a_folder_that_is_not_there_yet_is_told(tmp_path: Path) -> None:
    free = shutil.disk_usage(tmp_path).free

    found = glance_at_disk(tmp_path / "not" / "yet")

    assert found.state is (State.PASS if free >= glance.ENOUGH else State.WARN)
    assert " GB" in found.seen or " MB" in found.seen


def test_a_disk_that_is_nearly_full_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(glance, "ENOUGH", 2**80)

    found = glance_at_disk(tmp_path)

    assert found.state is State.WARN
    assert found.mend == f"Make room in {tmp_path}."


def test_a_docker_that_is_not_there_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")

    found = glance_at_docker()

    assert (found.state, found.seen) == (State.FAIL, "docker does not answer")
