"""Bars, lines and JSON of a running import."""

import json
import time

import pytest
from rich.cells import cell_len

from core.transfer.journal import Flight
from core.transfer.states import ArtifactState, JobState
from core.transfer.view import Event, Summary
from tui.displays import (
    JsonDisplay,
    LineDisplay,
    flight_bar,
    progress_words,
    total_bar,
)

LONG = "harbor.example:443/eks-a/eks-distro/kind/node:v1.33.13-eks-d-1-33-30-eks-a-115"


def summary(state: JobState = JobState.SENDING, **facts: float) -> Summary:
    known = {"state_since": str(time.time() - 60)} | {k: str(v) for k, v in facts.items()}
    return Summary(state, known, {ArtifactState.DONE: 98, ArtifactState.WAITING: 69})


def test_the_words_tell_bytes_rate_time_left_and_counts() -> None:
    words = progress_words(summary(total_bytes=24.6e9, done_bytes=14.2e9, rate=92e6))

    assert words == "14.2 of 24.6 GB   92 MB/s   about 2 min left   98 of 167 artifacts"


def test_failures_are_counted_in_the_words() -> None:
    one = Summary(JobState.VERIFYING, {}, {ArtifactState.DONE: 3, ArtifactState.FAILED: 2})

    assert progress_words(one) == "3 of 5 artifacts   2 failed"


@pytest.mark.parametrize("width", [80, 100, 120])
@pytest.mark.parametrize("done", [0, 1, 10**8, 438 * 10**6])
def test_bars_fit_the_terminal(width: int, done: int) -> None:
    flight = Flight(0, LONG, 438 * 10**6, done, 34e6)
    now = summary(total_bytes=24.6e9, done_bytes=done)

    assert cell_len(flight_bar(flight, width).plain) <= width
    assert cell_len(total_bar(now, width).plain) <= width


def test_lines_come_only_every_few_seconds_or_with_a_new_state(
    capsys: pytest.CaptureFixture[str],
) -> None:
    display = LineDisplay()
    for _ in range(5):
        display.update(summary(total_bytes=10, done_bytes=5), [])
    display.update(summary(JobState.VERIFYING), [])

    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["sending", "verifying"]


def test_json_tells_events_with_the_artifact(capsys: pytest.CaptureFixture[str]) -> None:
    JsonDisplay().event(Event(1, 0.0, "artifact-failed", 7, "no \x1b[31m right"), "a/b:c")

    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line) == {
        "event": "artifact-failed",
        "at": "1970-01-01T00:00:00+00:00",
        "artifact": "a/b:c",
        "text": "no \x1b[31m right",
    }
