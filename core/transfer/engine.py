"""Moving all that a plan holds: a task for each distinct blob, a manifest when its blobs are there.

An artifact that fails never stops the others. What failed at the registry is tried once more when
everything else is through.
"""

import logging
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from core.archive.model import Blob, StoredArtifact
from core.errors import (
    ArchiveError,
    Code,
    EksaMirrorError,
    Interrupted,
    JobError,
    RegistryError,
)
from core.reference import Reference
from core.registry.retry import timed_out
from core.registry.session import Session
from core.transfer.compression import Compression
from core.transfer.first_chunks import FirstChunks
from core.transfer.inspection import Found, Inspector
from core.transfer.journal import ArtifactRecord, Journal
from core.transfer.plan import Need, Plan, PlannedArtifact
from core.transfer.progress import Progress, Slot
from core.transfer.publisher import publish
from core.transfer.sender import BlobSender, cancel
from core.transfer.states import ArtifactState, PlacementState
from core.transfer.threads import Crew, run_in_threads

_LOG = logging.getLogger(__name__)
_LOGIN_LOST = frozenset({Code.LOGIN_REFUSED, Code.LOGIN_MISSING})


@dataclass(slots=True, eq=False)
class _Item:
    """An artifact that is to be moved.

    Attributes:
        number: in the journal.
        blobs: its distinct blobs.
        waiting: digests of the blobs that its repository does not hold yet.
        error: why it failed in this pass.
    """

    number: int
    stored: StoredArtifact
    blobs: tuple[Blob, ...]
    destination: Reference
    waiting: set[str] = field(default_factory=set)
    error: EksaMirrorError | None = None
    arrived: bool = False


@dataclass(slots=True)
class Totals:
    """Bytes as stored, each distinct blob counted once.

    Attributes:
        total: what is to be sent; falls where the registry turns out to hold a blob.
        done: what was sent.
        present: what the registry held already.
        mounted: what other repositories got without sending.
    """

    total: int = 0
    done: int = 0
    present: int = 0
    mounted: int = 0


class Engine:
    """Moves a plan into a mirror: `register`, `survey`, `send`, in this order."""

    def __init__(
        self,
        plan: Plan,
        *,
        session: Session,
        journal: Journal,
        sender: BlobSender,
        compression: Compression,
        progress: Progress,
    ) -> None:
        self._plan = plan
        self._session = session
        self._journal = journal
        self._sender = sender
        self._compression = compression
        self._progress = progress
        self._lock = threading.Lock()
        self._items: list[_Item] = []
        self._counted: set[str] = set()
        self._by_placement: dict[tuple[str, str], list[_Item]] = defaultdict(list)
        self._in_vain = 0
        self.totals = Totals()

    def register(self) -> None:
        """Note the plan in the journal; what cannot be moved is settled at once."""
        numbers = self._journal.register(_record(one) for one in self._plan.artifacts)
        self._journal.note_blobs(need.blob for need in self._plan.needs())
        for number, artifact in zip(numbers, self._plan.artifacts, strict=True):
            if artifact.problem:
                self._journal.set_failed(number, artifact.problem, final=True)
            elif artifact.skipped:
                self._journal.set_artifact(number, ArtifactState.SKIPPED, note=artifact.skipped)
            elif artifact.stored and artifact.destination:
                blobs = tuple(artifact.blobs())
                self._items.append(_Item(number, artifact.stored, blobs, artifact.destination))

    def survey(self) -> None:
        """Ask the mirror what is there already; that is not sent.

        Raises:
            GivenUpError: it does not answer, or takes the login no more.
            Interrupted: the job is to stop.
        """
        inspector = Inspector(self._session)

        def look(number: int, item: _Item) -> None:
            self._progress.pause(self._progress.take_slot(number))
            try:
                found = inspector.find(item.destination, item.stored.content)
            except RegistryError as error:
                self._end_if_in_vain(error)
                # No right to look, perhaps; sending will tell more.
                _LOG.info("%s: %s", item.destination, error)
                return
            with self._journal.together(durable=False):
                self._note(item, found)

        run_in_threads(self._crew, self._items, look, self._stop)

    def send(self) -> None:
        """Move what is not there, in two passes.

        Raises:
            GivenUpError: it does not answer, or takes the login no more.
            Interrupted: the job is to stop.
            JobError: the journal cannot be written.
        """
        self._pass([item for item in self._items if not item.arrived], final=False)
        again = [item for item in self._items if isinstance(item.error, RegistryError)]
        if again:
            self._pass(again, final=True)
        self._cancel_leftovers()

    @property
    def _stop(self) -> threading.Event:
        return self._session.waiter.stop

    @property
    def _crew(self) -> Crew:
        return self._progress.crew

    # What is there

    def _note(self, item: _Item, found: Found) -> None:
        stored = {blob.digest: blob for blob in item.blobs}
        for digest, sent in found.layers.items():
            # Others may have compressed it in a way that manifests of ours would not tell.
            if self._compression.makes(sent.media_type):
                self._journal.set_known(stored[digest], sent.digest, sent.size)
        if found.complete:
            item.arrived = True
            usable = [blob for blob in item.blobs if self._journal.known_as(blob)]
            self._journal.set_placements(
                usable, item.destination.repository, PlacementState.PRESENT
            )
            self._count_present(item.blobs)
            self._journal.set_artifact(item.number, ArtifactState.PRESENT, digest=found.digest)
            self._journal.set_verified(item.number, True)
        elif found.missing or self._journal.was_done(item.number):
            # The registry lost something: what the journal says of this repository is void.
            self._journal.forget_placements(item.destination.repository, stored)

    def _count_present(self, blobs: Iterable[Blob]) -> None:
        with self._lock:
            for blob in blobs:
                if blob.digest not in self._counted:
                    self._counted.add(blob.digest)
                    self.totals.present += blob.size

    # Sending

    def _pass(self, items: Sequence[_Item], *, final: bool) -> None:
        self._prepare(items)
        needs = self._needs()
        if not final:
            new = (need.blob for need in needs if need.blob.digest not in self._counted)
            self.totals.total = sum(blob.size for blob in new)
        for item in items:
            if not item.waiting:
                self._publish(item, final=final)

        def work(number: int, need: Need) -> None:
            slot = self._progress.take_slot(number)
            self._progress.pause(slot)
            self._bring(need, slot, final=final)

        if self._sender.tuning.is_open:
            needs = self._timed(needs, work)
        run_in_threads(self._crew, needs, work, self._stop)

    def _timed(self, needs: Sequence[Need], work: Callable[[int, Need], None]) -> list[Need]:
        """Send some blobs to learn how fast the link is, choose by that, and say what is left."""
        tuning = self._sender.tuning
        brought: set[int] = set()

        def some(number: int, need: Need) -> None:
            if not tuning.knows_enough:
                brought.add(id(need))
                work(number, need)

        run_in_threads(self._crew, tuning.timed_whole(needs), some, self._stop)
        if not tuning.knows_enough:
            self._time_beginnings(tuning.timed_in_part(needs))
        self._sender.choose_compression()
        return [need for need in needs if id(need) not in brought]

    def _time_beginnings(self, needs: Sequence[Need]) -> None:
        first = FirstChunks(self._session, self._journal, self._sender.tuning, self._progress)

        def some(number: int, need: Need) -> None:
            slot = self._progress.take_slot(number)
            if first.is_wanted(need):
                items = self._by_placement[need.blob.digest, need.repositories[0]]
                self._begin(items, slot, need)
                try:
                    first.send(need, slot)
                finally:
                    slot.end()

        run_in_threads(self._crew, needs, some, self._stop)

    def _prepare(self, items: Iterable[_Item]) -> None:
        self._by_placement.clear()
        for item in items:
            item.error = None
            repository = item.destination.repository
            for blob in item.blobs:
                item.waiting.add(blob.digest)
                self._by_placement[blob.digest, repository].append(item)

    def _needs(self) -> list[Need]:
        needs = []
        for need in self._plan.needs():
            wanted = [r for r in need.repositories if (need.blob.digest, r) in self._by_placement]
            if wanted:
                needs.append(Need(need.blob, tuple(wanted)))
        return needs

    def _bring(self, need: Need, slot: Slot, *, final: bool) -> None:
        """One blob into every repository that needs it."""
        holders: list[str] = []
        for repository in need.repositories:
            items = self._by_placement[need.blob.digest, repository]
            if all(isinstance(item.error, ArchiveError) for item in items):
                continue  # another blob of each is damaged: they will not be published
            self._begin(items, slot, need)
            try:
                state = self._sender.place(need.blob, repository, holders, slot)
                self._count(need, state)
            except (Interrupted, JobError):
                raise
            except EksaMirrorError as error:
                self._fail(items, error, final=final)
                continue
            finally:
                slot.end()
            holders.append(repository)
            self._settle(items, need.blob.digest, final=final)

    def _begin(self, items: Sequence[_Item], slot: Slot, need: Need) -> None:
        """Show the blob under the name of the first artifact that waits for it."""
        one = items[0]
        slot.begin(str(one.destination), need.blob.size, one.number, need.blob.digest)
        with self._lock:  # else it could be written over that another blob has just failed
            if one.error is None:
                self._journal.set_artifact(one.number, ArtifactState.SENDING)

    def _count(self, need: Need, state: PlacementState) -> None:
        size = need.blob.size
        with self._lock:
            if need.blob.digest in self._counted:
                self.totals.mounted += size if state is PlacementState.MOUNTED else 0
                return
            self._counted.add(need.blob.digest)
            if state is PlacementState.SENT:
                self._in_vain = 0
                self.totals.done += size
                return
            self.totals.total -= size
            if state is PlacementState.PRESENT:
                self.totals.present += size
            else:
                self.totals.mounted += size

    def _settle(self, items: Sequence[_Item], digest: str, *, final: bool) -> None:
        """Publish the artifacts whose last blob this was."""
        with self._lock:
            for item in items:
                item.waiting.discard(digest)
            ready = [item for item in items if not item.waiting and item.error is None]
        for item in ready:
            self._publish(item, final=final)

    def _publish(self, item: _Item, *, final: bool) -> None:
        try:
            digest = publish(
                self._session, self._journal, self._compression, item.stored, item.destination
            )
        except RegistryError as error:
            if error.code is Code.MIRROR_DIFFERS:
                digests = [blob.digest for blob in item.blobs]
                self._journal.forget_placements(item.destination.repository, digests)
            self._fail([item], error, final=final)
            return
        item.arrived = True
        self._journal.set_artifact(item.number, ArtifactState.DONE, digest=digest)

    def _fail(self, items: Sequence[_Item], error: EksaMirrorError, *, final: bool) -> None:
        last = final or not isinstance(error, RegistryError)
        with self._lock:
            for item in items:
                if item.error is None:
                    item.error = error
                    self._journal.set_failed(item.number, error, final=last)
        if isinstance(error, RegistryError):
            self._end_if_in_vain(error)

    def _cancel_leftovers(self) -> None:
        """Give up the uploads that no later run would go on with, so that they fill no disk."""
        awaited = {
            (blob.digest, item.destination.repository)
            for item in self._items
            if not item.arrived
            for blob in item.blobs
        }
        for one in self._journal.open_uploads():
            useless = one.abandoned or (one.digest, one.repository) not in awaited
            if useless and cancel(self._session, one):
                self._journal.forget_upload(one)

    def _end_if_in_vain(self, error: RegistryError) -> None:
        """End where every further request would fail the same way.

        A registry that was waited for in vain is not waited for again with every blob. A login
        that ended on the way is not tried again and again: many registries lock the account.

        Raises:
            GivenUpError: the registry still does not answer, or refuses the login.
        """
        if error.code in _LOGIN_LOST:
            raise GivenUpError(error)
        if not error.temporary:
            return
        try:
            self._session.ping()
        except RegistryError:
            raise GivenUpError(error) from None
        if timed_out(error):
            # It answers, but nothing gets through: each blob more would take as long in vain.
            self._in_vain += 1
            if self._in_vain >= 2 * self._crew.size:
                raise GivenUpError(error)


class GivenUpError(Exception):
    """Nothing more can be sent in this run."""

    def __init__(self, reason: RegistryError) -> None:
        super().__init__(str(reason))
        self.reason = reason


def _record(artifact: PlannedArtifact) -> ArtifactRecord:
    return ArtifactRecord(
        kind=artifact.kind.value,
        source=artifact.source,
        destination=str(artifact.destination or ""),
        required=artifact.required,
        size=artifact.size,
        platforms=", ".join(str(p) for p in artifact.stored.platforms) if artifact.stored else "",
        blobs=[blob.digest for blob in artifact.blobs()],
    )
