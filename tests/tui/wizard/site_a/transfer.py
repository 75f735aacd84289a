"""The sample site's import: running, ended with failures, and done."""

from collections.abc import Sequence
from dataclasses import replace

from core.checks.after_import import LookedAfter
from core.reference import Kind
from core.transfer.records import (
    ArtifactDetails,
    ArtifactRow,
    Event,
    Flight,
    LayerRow,
    Layers,
)
from core.transfer.standing import Stand, Standing
from core.transfer.states import ArtifactState, JobState, PlacementState
from core.transfer.troubles import troubles
from core.transfer.verified import counted
from core.transfer.view import Summary
from tui.follower import Sight

MIRROR = "harbor.site-a.example:443/eks-a"
_ENDED = 1_790_000_700.0
_STATES = ArtifactState
_NAMED: Sequence[tuple[str, str, int, ArtifactState, int]] = (
    ("bottlerocket-admin:v0.21.1", "image", 146, _STATES.DONE, 4),
    ("bottlerocket-control:v0.21.1", "image", 88, _STATES.PRESENT, 0),
    ("eks/cilium/cilium:v1.19.4-1", "image", 241, _STATES.DONE, 7),
    ("eks/cilium/cilium:1.19.4-1", "chart", 1, _STATES.DONE, 1),
    ("eks-anywhere/aws/upgrader:v1-33-30-eks-a-115", "image", 112, _STATES.DONE, 3),
    ("eks-anywhere-cli-tools:v0.26.0-eks-a-115", "image", 583, _STATES.SENDING, 0),
    ("eks-anywhere/envoyproxy/envoy:v1.22.2.0-prod-eks-a-115", "image", 96, _STATES.RETRYING, 0),
)


def _row(number: int, named: tuple[str, str, int, ArtifactState, int]) -> ArtifactRow:
    name, kind, megabytes, state, took = named
    retrying = state is _STATES.RETRYING
    return ArtifactRow(
        number=number,
        kind=kind,
        source=f"public.ecr.aws/{name}",
        destination=f"{MIRROR}/{name}",
        required=True,
        size=megabytes * 1_000_000,
        platforms="linux/amd64",
        state=state,
        digest=f"sha256:{number:064x}",
        verified=False,
        note="",
        attempts=1 if retrying else 0,
        started=0.0,
        ended=float(took),
        code="registry-broken" if retrying else "",
        status=504 if retrying else 0,
    )


def _rows() -> tuple[ArtifactRow, ...]:
    others = [
        (f"eks-distro/kubernetes/part-{number}:v1-33-{number}-eks-a-115", "image", 90, state, 2)
        for number, state in enumerate([_STATES.DONE] * 94 + [_STATES.WAITING] * 66)
    ]
    return tuple(_row(n, one) for n, one in enumerate((*_NAMED, *others), start=1))


ROWS = _rows()
_FLIGHTS = (
    Flight(0, "node:v1.33.13-eks-d-1-33-30-eks-a-115", 438_000_000, 312_000_000, 34e6),
    Flight(1, "eks-anywhere-cli-tools:v0.26.0-eks-a-115", 583_000_000, 128_000_000, 29e6, 6),
    Flight(2, "fluxcd/source-controller:v1.9.0-eks-a-115", 91_000_000, 80_000_000, 21e6),
    None,
)
_EVENTS = (
    Event(1, _ENDED - 60, "sent", 3, "241 MB in 7 s"),
    Event(2, _ENDED - 59, "present", None, "layer sha256:9c0abc9c5bd3 was there, not sent"),
    Event(3, _ENDED - 58, "retry", 7, "HTTP 504, next try in 8 s (2 of 5)"),
)


def _counts(rows: Sequence[ArtifactRow]) -> dict[ArtifactState, int]:
    states = [row.state for row in rows]
    return {state: states.count(state) for state in set(states)}


def _summary(state: JobState, rows: Sequence[ArtifactRow], **facts: float | str) -> Summary:
    told = {
        "mirror": MIRROR,
        "total_bytes": 24.6e9,
        "jobs": 4,
        "started": _ENDED - 372,
        "verification": "on",
        **facts,
    }
    return Summary(state, {name: str(value) for name, value in told.items()}, _counts(rows))


RUNNING = Sight(
    Standing(Stand.RUNNING, seconds=158.0),
    _summary(JobState.SENDING, ROWS, done_bytes=14.2e9, rate=92e6, state_since=1.0),
    slots=_FLIGHTS,
    layers={6: Layers(3, 9)},
    rows=ROWS,
    events=_EVENTS,
)

_LOST = {
    6: ("body-too-large", 413, "HTTP 413 to a layer of 312 MB."),
    20: ("body-too-large", 413, "HTTP 413 to a layer of 438 MB."),
    30: ("archive-damaged", 0, "Layer 3 does not match its checksum."),
}


def _ended() -> tuple[ArtifactRow, ...]:
    rows = [
        row if row.state.arrived else replace(row, state=_STATES.DONE, ended=2.0, code="", status=0)
        for row in ROWS
    ]
    for number, (code, status, message) in _LOST.items():
        rows[number - 1] = replace(
            rows[number - 1], state=_STATES.FAILED, code=code, status=status, message=message
        )
    return tuple(rows)


ENDED = _ended()
FAILED = Sight(
    Standing(Stand.FAILED, failed=3, seconds=291.0, ended=_ENDED),
    _summary(JobState.SOME_FAILED, ENDED, done_bytes=23.4e9, ended=_ENDED, retries=11),
    slots=(),
    rows=ENDED,
    events=_EVENTS,
    troubles=tuple(troubles([row for row in ENDED if row.code], "/mnt/usb/images.tar")),
)
DETAILS = ArtifactDetails(
    replace(
        ENDED[5],
        place="PATCH /v2/eks-a/eks-anywhere-cli-tools/blobs/uploads/",
        cause="A proxy before the registry takes no layer of this size.",
        mend="Raise the limit of the proxy, then try again.",
    ),
    (
        LayerRow("sha256:" + "a1" * 32, "", 9000, 0, PlacementState.SENT, 9000, is_layer=False),
        LayerRow(
            "sha256:" + "b2" * 32, "", 31_000_000, 0, PlacementState.MOUNTED, 0, is_layer=True
        ),
        LayerRow(
            "sha256:" + "c3" * 32, "", 312_000_000, 0, PlacementState.WAITING, 0, is_layer=True
        ),
    ),
    (Event(4, _ENDED - 30, "artifact-failed", 6, "HTTP 413 Request Entity Too Large"),),
)


def _done() -> LookedAfter:
    rows = [replace(row, state=_STATES.DONE, code="", status=0) for row in ENDED]
    bundle = replace(rows[-1], kind=Kind.PACKAGE_BUNDLE.value, source="packages/v1-36-latest:x")
    rows[-1] = replace(
        bundle,
        state=_STATES.FAILED,
        code="not-in-archive",
        message="It is not in the tarball.",
    )
    summary = _summary(
        JobState.SOME_FAILED, rows, done_bytes=24.6e9, sent_bytes=24.6e9, ended=_ENDED, retries=4
    )
    stand = Stand.FAILED
    return LookedAfter(summary, stand, counted(rows), asked=True, moment=_ENDED, seconds=31.0)


DONE = _done()
