"""`demo` shows all of it, and leaves nothing behind, however it ends."""

import os
import signal
import time
from pathlib import Path

import pytest

from tests.integration.program import begin, run


def left_behind(folder: Path) -> list[str]:
    """Folders of the demo, and processes that still work in one."""
    working = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            place = str((process / "cwd").readlink())
        except OSError:  # it has ended, or is the kernel's
            continue
        if place.startswith(str(folder)):
            working.append((process / "cmdline").read_bytes().decode(errors="replace"))
    return [*map(str, folder.glob("eksa-mirror-demo-*")), *working]


def test_the_demo_ends_with_everything_verified(tmp_path: Path) -> None:
    result = run("demo", TMPDIR=str(tmp_path))

    assert result.code == 0, result.err
    assert "16 of 16 artifacts are as they should be" in result.err
    assert "Everything that was asked for is in the registry." in result.out
    assert left_behind(tmp_path) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_demo_that_is_cut_off_cleans_up(
    number: signal.Signals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with begin("demo") as process:
        give_up = time.monotonic() + 60
        while not any(path.name == "registry.log" for path in tmp_path.rglob("registry.log")):
            assert time.monotonic() < give_up, "it does not begin"
            time.sleep(0.02)
        os.kill(process.pid, number)
        process.communicate(timeout=60)

    assert process.returncode != 0
    assert left_behind(tmp_path) == []
