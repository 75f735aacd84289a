"""What the connected side of the sample site fetches: estimated, running, and done."""

from pathlib import Path

from core.fetch.gathering import Estimate
from core.fetch.picture import Lost, Picture
from core.fetch.preparation import Errand, Preparation
from core.transfer.records import Event, Flight
from core.transfer.standing import Stand
from core.transfer.states import JobState
from tui.screens.prepare_progress import PrepareProgress

_ENDED = 1_790_000_700.0
_WHOLE = 24_600_000_000
_MANIFESTS, _IMAGES = "eks-anywhere-downloads.tar.gz", "images.tar"

ESTIMATE = Estimate(
    release="v0.26.0",
    offered=("1.30", "1.31", "1.32", "1.33", "1.34", "1.35", "1.36"),
    artifacts=167,
    fetched=_WHOLE,
    files={_IMAGES: _WHOLE},
    failures=(),
    need=_WHOLE,
    free=212_000_000_000,
)
NAMES = tuple(f"eks-distro/kubernetes/part-{n}:v1-33-{n}-eks-a-115" for n in range(167))
_RUNNING = Picture(
    state=JobState.SENDING,
    doing=_IMAGES,
    total=_WHOLE,
    done=14_200_000_000,
    rate=92e6,
    artifacts=167,
    arrived=98,
    started=_ENDED - 372,
    since=1.0,
    moved=_ENDED,
    flights=(
        Flight(0, NAMES[98], 438_000_000, 312_000_000, 34e6, 99),
        Flight(1, NAMES[99], 583_000_000, 128_000_000, 29e6, 100),
        Flight(2, NAMES[100], 91_000_000, 80_000_000, 21e6, 101, trouble="HTTP 504"),
    ),
    written={_MANIFESTS: 400_000},
    names="known",
    states="d" * 98 + "w" * 69,
    log=(Event(1, _ENDED - 372, "begun", None, "manifests of 167 artifacts"),),
)
_DONE = _RUNNING.model_copy(
    update={
        "state": JobState.DONE,
        "doing": "",
        "done": _WHOLE,
        "arrived": 167,
        "ended": _ENDED,
        "flights": (),
        "written": {_MANIFESTS: 400_000, _IMAGES: _WHOLE},
        "states": "d" * 167,
    }
)
_FAILED = _DONE.model_copy(
    update={
        "state": JobState.SOME_FAILED,
        "arrived": 166,
        "states": "d" * 166 + "f",
        "written": {_MANIFESTS: 400_000},
        "lost": (
            Lost(
                source=NAMES[166],
                code="not-found",
                message="The registry does not have it.",
                cause="Upstream has taken it back, or never published it.",
                mend="Try another release, or go on without it with --allow-missing.",
            ),
        ),
    }
)
_LOOKS = {
    "running": (Stand.RUNNING, _RUNNING),
    "done": (Stand.DONE, _DONE),
    "failed": (Stand.FAILED, _FAILED),
}


def look_at(errand: Errand) -> tuple[Stand, Picture]:
    """How the download stands that the folder of the errand is named after."""
    return _LOOKS[errand.name]


def preparation(_: Errand) -> Preparation:
    """What it fetches."""
    return Preparation(folder=Path.home() / "stick")


def running() -> PrepareProgress:
    """The screen of one that goes on."""
    return PrepareProgress(Errand(Path("running")))


def done() -> PrepareProgress:
    """The screen of one that is whole."""
    return PrepareProgress(Errand(Path("done")))


def failed() -> PrepareProgress:
    """The screen of one that lacks an artifact."""
    return PrepareProgress(Errand(Path("failed")))
