"""How large a body may be: uploads of growing size, until the registry or a proxy refuses one.

An upload that breaks off in the middle of a body stays behind in registries for days. So no body is
begun that would take long, and one that is under way is sent to its end before the upload is
cancelled.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from core.checks.access import NOTHING_NAMED
from core.checks.context import Context
from core.checks.finding import Finding, failed, from_error, passed, skipped, warned
from core.checks.product import Kind, product
from core.checks.wanted import ProjectNeed, project_needs
from core.errors import Code, RegistryError
from core.registry.retry import ONCE
from core.registry.session import Session
from core.registry.transport import Body
from core.registry.upload import Upload, UploadLostError
from core.units import size

KIB = 1024
MIB = 1024 * KIB
SMALLEST = 64 * KIB
"""What the import's smallest piece is."""

LARGEST = 64 * MIB
_FIRST = MIB
_ECR_FLOOR = 5 * MIB
"""Amazon ECR refuses smaller pieces but for the last one."""

_LONGEST_BODY_SECONDS = 8.0
_STALL_SECONDS = 20.0
"""A proxy that takes the whole body first is silent while it hands it on."""

_TELLING_SECONDS = 1.0
_TELLING_LENGTH = 16 * MIB
"""A body that takes so long, or is so large, tells how fast the link is: what proxies hold back,
and the way there and back, are little beside it."""

_BLOCK = bytes(64 * KIB)


@dataclass(slots=True)
class _Findings:
    """What was learnt so far; sizes in bytes.

    Attributes:
        passes: the largest body that was taken.
        fails: the smallest that was refused; 0 where none was.
        refusal: the answer to it.
        slow: seconds that the next size would have taken; 0 where the line is fast enough.
        rate: bytes a second of the last body that tells it; 0 before.
        notes: lines for the details.
    """

    passes: int = 0
    fails: int = 0
    refusal: RegistryError | None = None
    slow: float = 0.0
    rate: float = 0.0
    notes: list[str] = field(default_factory=list)


def check_body_size(context: Context) -> Finding:
    """Up to which size one request may be; the chunk size that follows from it."""
    needs = project_needs(context)
    if not needs:
        return skipped(NOTHING_NAMED)
    kind = product(context).kind
    need = next((one for one in needs if one.is_real), needs[0])
    if kind is Kind.QUAY and not need.is_real:
        return skipped("Quay would make a repository of it; name the artifacts first")
    try:
        found = _search(context, need, _ECR_FLOOR if kind is Kind.ECR else 0)
    except RegistryError as error:
        return from_error(error)
    return replace(_judged(context, found), rate=found.rate)


def _search(context: Context, need: ProjectNeed, floor: int) -> _Findings:
    with _Probe(context, need) as probe:
        found = probe.found
        body = max(_FIRST, floor, probe.floor)
        while body <= LARGEST and not found.fails and not found.slow:
            probe.send(body)
            body *= 2
        while found.fails - max(found.passes, floor) > _step(found) and not found.slow:
            probe.send(_between(found, floor))
        return found


def _between(found: _Findings, floor: int) -> int:
    """Half way, or half of what fails where nothing passes yet; whole steps of 64 KiB."""
    low = max(found.passes, floor)
    middle = (low + found.fails) // 2 if low else found.fails // 2
    return max(SMALLEST, middle // SMALLEST * SMALLEST)


def _step(found: _Findings) -> int:
    """How exactly the limit is looked for: an eighth of it, 64 KiB at the least."""
    return max(SMALLEST, found.fails // 8)


class _Probe:
    """One upload after another, each cancelled; bodies are only begun where time is left."""

    def __init__(self, context: Context, need: ProjectNeed) -> None:
        self._context = context
        self._need = need
        self._rate = 0.0
        self._session = context.keep_open(
            Session(context.connection, context.credentials, policy=ONCE, stall=_STALL_SECONDS)
        )
        self._upload = Upload.start(self._session, need.repository)
        self.floor = self._upload.smallest_chunk
        self.found = _Findings()

    def __enter__(self) -> "_Probe":
        return self

    def __exit__(self, *_: object) -> None:
        self._cancel()

    def send(self, length: int) -> None:
        """Send one body and note what became of it.

        Raises:
            RegistryError: it failed for another reason than its size.
            Interrupted: the check is to end; nothing is under way.
        """
        self._context.go_on()
        if self._rate and length / self._rate > _LONGEST_BODY_SECONDS:
            self.found.slow = length / self._rate
            return
        began = time.monotonic()
        try:
            self._upload.send(Body(length, _pieces(length)))
        except (RegistryError, UploadLostError) as trouble:
            self._note_failure(length, trouble)
            return
        seconds = max(0.001, time.monotonic() - began)
        self._rate = length / seconds
        if seconds >= _TELLING_SECONDS or length >= _TELLING_LENGTH:
            self.found.rate = self._rate
        self.found.passes = max(self.found.passes, length)
        self.found.notes.append(f"{_shown(length)}: taken, {size(self._rate)}/s")

    def _note_failure(self, length: int, trouble: RegistryError | UploadLostError) -> None:
        if not _is_about_size(trouble):
            raise trouble
        said = trouble.message if isinstance(trouble, RegistryError) else "the upload was lost"
        self.found.notes.append(f"{_shown(length)}: {said}")
        self.found.fails = length
        if isinstance(trouble, RegistryError):
            self.found.refusal = trouble
        self._cancel()
        self._upload = Upload.start(self._session, self._need.repository)

    def _cancel(self) -> None:
        try:
            self._upload.cancel()
        except RegistryError as error:
            self.found.notes.append(f"an upload could not be cancelled: {error.message}")


def _is_about_size(trouble: RegistryError | UploadLostError) -> bool:
    """413 says so; others hang up in the middle, lose the upload, or answer 416 (GHCR)."""
    if isinstance(trouble, UploadLostError):
        return True
    return trouble.code is Code.BODY_TOO_LARGE or trouble.status in (0, 408, 416, 502, 504, 524)


def _pieces(length: int) -> Iterator[bytes]:
    for start in range(0, length, len(_BLOCK)):
        yield _BLOCK[: min(len(_BLOCK), length - start)]


def _judged(context: Context, found: _Findings) -> Finding:
    chunk = context.answers.transfer.chunk_size
    if not found.passes:
        said = found.refusal
        return failed(
            f"not even {_shown(found.fails or SMALLEST)} may be sent in one request",
            cause="A proxy before the registry refuses or cuts uploads.",
            mend=_PROXY,
            details=found.notes,
            code=said.code if said else Code.BODY_TOO_LARGE,
        )
    if not found.fails:
        sent = f"the import sends {_shown(chunk)} at a time"
        rest = "; larger ones take too long here to be tried" if found.slow else f"; {sent}"
        return passed(f"requests of {_shown(found.passes)} pass{rest}", details=found.notes)
    if chunk <= found.passes:
        return passed(
            f"requests of {_shown(chunk)} pass, over {_shown(found.passes)} they are refused",
            details=found.notes,
        )
    advice = min(chunk, _round_down(found.passes))
    return warned(
        f"requests over {_shown(found.passes)} are refused{_status(found)}",
        cause="A proxy before the registry limits them.",
        effect=f"The import sends {_shown(advice)} at a time in place of {_shown(chunk)}; "
        "docker push fails with larger layers.",
        mend=f"{_PROXY} Or begin with small pieces: --chunk-size {_flag(advice)}",
        details=found.notes,
        code=Code.BODY_TOO_LARGE,
    )


_PROXY = "In nginx: client_max_body_size 0; then reload it."


def _status(found: _Findings) -> str:
    return f" (HTTP {found.refusal.status})" if found.refusal and found.refusal.status else ""


def _round_down(length: int) -> int:
    """To a whole number that reads well: MiB, else 64 KiB."""
    unit = MIB if length >= MIB else SMALLEST
    return length // unit * unit


def _shown(length: int) -> str:
    """Limits of proxies are powers of two, so these are shown as such: `1 MiB`, `512 KiB`."""
    if length >= MIB and length % MIB == 0:
        return f"{length // MIB} MiB"
    return f"{length / MIB:.1f} MiB" if length >= MIB else f"{length // KIB} KiB"


def _flag(length: int) -> str:
    """The same as `--chunk-size` takes it: `1Mi`, `512Ki`."""
    return _shown(length).replace(" ", "").removesuffix("B")
