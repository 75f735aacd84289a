"""Bringing one blob into one repository: there already, mounted, or sent in chunks.

Whatever the registry has accepted is in the journal before the next chunk goes out. A kill between
the two costs nothing: on the next start the registry is asked how far it came.
"""

import logging
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from core.archive.model import Blob
from core.errors import ArchiveError, Code, Interrupted, JobError, RegistryError
from core.registry.blobs import has_blob, mount_blob
from core.registry.retry import Attempts, timed_out
from core.registry.session import Session
from core.registry.transport import Body
from core.registry.upload import Upload, UploadLostError
from core.transfer.chunk_size import ChunkSize
from core.transfer.chunks import Chunk, cut
from core.transfer.compression import Compression
from core.transfer.journal import Journal, OpenUpload, Placement
from core.transfer.lookahead import LookAhead
from core.transfer.manner import Manner, WholeBlob
from core.transfer.progress import Progress, Slot
from core.transfer.source import ALONE, Source
from core.transfer.states import PlacementState
from core.transfer.tuning import Tuning
from core.transfer.view import JournalView

_MAX_BEGINNINGS = 10
"""How often a blob is begun before it is given up: a registry may forget uploads for ever."""

_MAX_HOLDERS_ASKED = 3
"""Repositories that are asked for a blob before it is sent: each costs a request."""

_LOG = logging.getLogger(__name__)


class _RewoundError(Exception):
    """The registry holds less of an upload than it said before."""


@dataclass(frozen=True, slots=True)
class _Delivery:
    """One blob on its way to one repository."""

    blob: Blob
    repository: str
    slot: Slot
    manner: Manner


class BlobSender:
    """Brings blobs into repositories of the mirror; used by all threads of a worker.

    Args:
        source: gives the bytes.

    Attributes:
        tuning: with which compression.
    """

    def __init__(
        self,
        session: Session,
        journal: Journal,
        compression: Compression,
        chunk_size: ChunkSize,
        progress: Progress,
        *,
        source: Source = ALONE,
    ) -> None:
        self._session = session
        self._journal = journal
        self.tuning = Tuning(compression, journal)
        self._chunk_size = chunk_size
        self._progress = progress
        self._source = source
        self._manner = Manner()

    def place(
        self, blob: Blob, repository: str, holders: Sequence[str], slot: Slot
    ) -> PlacementState:
        """Make sure that `repository` holds the blob.

        Args:
            holders: repositories of the mirror that hold it for sure; where none is given, those
                that the journal knows are asked.
            slot: shows what is under way.

        Returns:
            How it came there.

        Raises:
            RegistryError: it could not be brought there.
            ArchiveError: the archive does not hold what it says.
            Interrupted: the job is to stop; what was accepted is recorded.
        """
        placement = self._journal.placement(blob, repository)
        if placement.state.is_there:
            return placement.state
        with self._source.in_hand(blob):
            delivery = _Delivery(blob, repository, slot, self._manner.supposed())
            return self._place(delivery, placement, holders)

    def _place(
        self, delivery: _Delivery, placement: Placement, holders: Sequence[str]
    ) -> PlacementState:
        """See `place`; nothing says yet that the blob is there."""
        blob, repository = delivery.blob, delivery.repository
        upload = self._resume(delivery, placement)
        known = self._journal.known_as(blob)
        # Where this run has put it elsewhere a mount saves the question: it says yes as well where
        # the blob is there already.
        if known and holders and upload is None:
            upload = mount_blob(self._session, repository, known[0], holders[0])
            if upload is None:
                return self._arrived(delivery, PlacementState.MOUNTED)
            self._record(delivery, upload)
        if known and self._holds(repository, known):
            self._give_up(delivery, upload)
            return self._arrived(delivery, PlacementState.PRESENT)
        if known and upload is None and (source := self._other_holder(delivery, known)):
            upload = mount_blob(self._session, repository, known[0], source)
            if upload is None:
                return self._arrived(delivery, PlacementState.MOUNTED)
        self._send(delivery, upload)
        return self._arrived(delivery, PlacementState.SENT)

    def choose_compression(self) -> None:
        """Make the choice that is still open, while nothing is under way."""
        if self.tuning.choose():
            for one in self._journal.open_uploads():  # other bytes would be added to them
                self._discard(one)

    def _other_holder(self, delivery: _Delivery, known: tuple[str, int]) -> str | None:
        """A repository that the blob can be mounted from, of those that the journal knows."""
        others = [one for one in self._journal.holders(delivery.blob) if one != delivery.repository]
        for repository in others[:_MAX_HOLDERS_ASKED]:
            try:
                if self._holds(repository, known):
                    return repository
            except RegistryError as error:
                if error.temporary:
                    raise
                _LOG.info("%s cannot be asked for a blob: %s", repository, error)
        return None

    def _arrived(self, delivery: _Delivery, state: PlacementState) -> PlacementState:
        self._journal.set_placement(delivery.blob, delivery.repository, state)
        return state

    def _resume(self, delivery: _Delivery, placement: Placement) -> Upload | None:
        """The upload session of an earlier run, where the registry still knows it."""
        if not placement.location:
            return None
        upload = Upload(self._session, delivery.repository, placement.location, placement.position)
        try:
            upload.ask_offset()
        except UploadLostError:
            pass
        except RegistryError as error:
            # A session that only makes trouble must not be asked for by every run to come.
            if error.temporary and error.status != 500:
                raise
            _LOG.warning("an upload cannot be gone on with, it begins anew: %s", error)
        else:
            return upload
        self._give_up(delivery, upload)
        return None

    def _send(self, delivery: _Delivery, upload: Upload | None) -> None:
        """Send all of it, beginning anew where the registry forgets the session."""
        attempts = Attempts(
            self._session.policy,
            self._session.waiter,
            lambda error: self._progress.note_retry(self._journal, delivery.slot, error),
        )
        refused = False
        at_once: Counter[str] = Counter()
        for _ in range(_MAX_BEGINNINGS):
            try:
                if upload is None:
                    upload = Upload.start(self._session, delivery.repository)
                self._chunk_size.raise_to(upload.smallest_chunk)
                self._record(delivery, upload)
                self._stream(delivery, upload, attempts)
            except UploadLostError as lost:
                self._give_up(delivery, upload)
                if self._has_arrived(delivery):
                    return
                self._note_loss(delivery, lost, upload, at_once)
                upload = None
            except _RewoundError:
                pass
            except (RegistryError, ArchiveError) as error:
                if not (isinstance(error, RegistryError) and error.temporary):
                    self._give_up(delivery, upload)
                # What an earlier run left in the session may be other bytes: begin anew, once.
                if error.code is not Code.DIGEST_REFUSED or refused:
                    raise
                upload, refused = None, True
            else:
                self._manner.prove(delivery.manner)
                return
            self._progress.count_retry()
        self._give_up(delivery, upload)
        raise RegistryError(
            Code.REGISTRY_FAULT,
            f"The registry lost the upload {_MAX_BEGINNINGS} times before it was complete.",
            where=f"{delivery.repository}: {delivery.blob.entry}",
        )

    def _stream(self, delivery: _Delivery, upload: Upload, attempts: Attempts) -> None:
        """Send from the session's offset to the end, the next chunk made while one is sent.

        Raises:
            UploadLostError: the registry does not know the session, or holds what is not ours.
            _RewoundError: it holds less than it said before.
        """
        if not delivery.manner.takes_chunks and not upload.offset:
            self._send_whole(delivery, upload, attempts)
            return
        blob = delivery.blob
        outgoing = self._source.read(blob, self.tuning.compression)
        made = cut(outgoing, blob.size, lambda: self._chunk_size.value, upload.offset)
        # Closed first, as it may wait for others, and the thread that looks ahead with it.
        with LookAhead(made) as stream, closing(outgoing):
            for chunk in stream:
                if chunk.offset != upload.offset:
                    raise UploadLostError
                if chunk.is_last and blob.compressible:
                    self._journal.set_known(blob, chunk.digest, chunk.total)
                self._send_chunk(delivery, upload, chunk, attempts)

    def _send_chunk(
        self, delivery: _Delivery, upload: Upload, chunk: Chunk, attempts: Attempts
    ) -> None:
        """Send a chunk until the registry has all of it, in parts where it must be."""
        while chunk.is_last or upload.offset < chunk.total:
            if self._session.waiter.stop.is_set():
                raise Interrupted
            self._progress.pause(delivery.slot)
            part = chunk.part(upload.offset, self._chunk_size.value)
            try:
                with self.tuning.meter.timing(part.length):
                    self._send_part(delivery, upload, part)
            except RegistryError as error:
                if self._refuses_chunks(delivery, error, upload, part):
                    raise UploadLostError from None
                self._before_next_attempt(error, part, attempts)
                if part.is_last and self._has_arrived(delivery):
                    self._give_up(delivery, upload)  # perhaps it was somebody else's that arrived
                    return
                if not chunk.offset <= upload.ask_offset() <= chunk.total:
                    raise _RewoundError from None
                self._judge_offset(error, upload, part, attempts)
                self._record(delivery, upload)
            else:
                attempts.succeeded()
                if part.is_last:
                    return

    def _send_part(self, delivery: _Delivery, upload: Upload, part: Chunk) -> None:
        body = Body(part.length, part.pieces)
        watched = self._progress.watched(body, delivery.slot, part.begin, part.end)
        if part.is_last and (delivery.manner.takes_put or not part.length):
            upload.finish(part.digest, watched)
        elif part.is_last:
            upload.send(watched)
            self._record(delivery, upload)
            upload.finish(part.digest)
        else:
            upload.send(watched)
            self._record(delivery, upload)

    def _send_whole(self, delivery: _Delivery, upload: Upload, attempts: Attempts) -> None:
        """Send a blob in one PUT; what breaks off begins anew.

        Raises:
            UploadLostError: it broke off.
        """
        blob = delivery.blob
        self._source.pass_over(blob)
        whole = WholeBlob(blob, self.tuning.compression, self._session.waiter.stop)
        if blob.compressible:
            self._journal.set_known(blob, whole.digest, whole.length)
        self._progress.pause(delivery.slot)
        body = Body(whole.length, whole)
        watched = self._progress.watched(body, delivery.slot, 0, blob.size)
        try:
            with self.tuning.meter.timing(whole.length):
                upload.finish(whole.digest, watched)
        except RegistryError as error:
            attempts.failed(error)
            self._progress.count_retry()
            raise UploadLostError from None

    def _judge_offset(
        self, error: RegistryError, upload: Upload, part: Chunk, attempts: Attempts
    ) -> None:
        """What it means how far the registry came with a part that failed."""
        if upload.offset > part.offset:
            attempts.succeeded()
        elif error.status == 416 and upload.offset == part.offset:
            self._chunk_size.shrink_below(part.length)  # its place is right, so it is its size
        elif timed_out(error) and attempts.in_vain > 1:
            self._chunk_size.shrink_below(part.length)  # less takes less time

    def _refuses_chunks(
        self, delivery: _Delivery, error: RegistryError, upload: Upload, part: Chunk
    ) -> bool:
        """Whether a first chunk may have been refused for being one."""
        first = not part.is_last and not upload.offset
        return first and delivery.manner.refuses_chunks(error.status)

    def _note_loss(
        self,
        delivery: _Delivery,
        lost: UploadLostError,
        upload: Upload | None,
        at_once: Counter[str],
    ) -> None:
        """Take note of a session that was gone before it took a byte; twice is a manner."""
        at_once[lost.method] += upload is not None and not upload.offset
        if at_once[lost.method] > 1:
            delivery.manner.lost_at_once(lost.method)

    def _before_next_attempt(self, error: RegistryError, part: Chunk, attempts: Attempts) -> None:
        """Wait, or make chunks smaller where a proxy refuses their size."""
        if error.code is Code.BODY_TOO_LARGE:
            if not self._chunk_size.shrink_below(part.length):
                raise error
        else:
            attempts.failed(error)
        self._progress.count_retry()

    def _has_arrived(self, delivery: _Delivery) -> bool:
        """Whether the end of the blob was accepted although no answer came."""
        known = self._journal.known_as(delivery.blob)
        return known is not None and self._holds(delivery.repository, known)

    def _holds(self, repository: str, known: tuple[str, int]) -> bool:
        """Whether a repository holds a blob; one that it cannot even be asked for is sent again.

        docker-registry 2 answers 500 for ever where its disk was full when it noted a blob.
        """
        try:
            return has_blob(self._session, repository, *known)
        except RegistryError as error:
            if error.status != 500:
                raise
            _LOG.warning("%s cannot tell of a blob, it is sent: %s", repository, error)
            return False

    def _record(self, delivery: _Delivery, upload: Upload) -> None:
        self._journal.set_placement(
            delivery.blob,
            delivery.repository,
            PlacementState.SENDING,
            upload.location,
            upload.offset,
        )

    def _give_up(self, delivery: _Delivery, upload: Upload | None) -> None:
        """Cancel an upload, so that it does not fill the registry's disk."""
        if upload is None:
            return
        self._discard(OpenUpload(delivery.blob.digest, upload.repository, upload.location))

    def _discard(self, left: OpenUpload) -> None:
        self._journal.abandon(left)  # where it cannot be cancelled now, the end of the job tries
        if cancel(self._session, left):
            self._journal.forget_upload(left)


def cancel(session: Session, left: OpenUpload) -> bool:
    """Give up an upload that nobody will finish; False where the registry is left to purge it."""
    try:
        Upload(session, left.repository, left.location).cancel()
    except RegistryError as error:
        _LOG.warning("an upload could not be cancelled, the registry will purge it: %s", error)
        return False
    return True


def cancel_uploads(session: Session, journal: Path) -> None:
    """Give up the uploads that a journal knows which was set aside."""
    try:
        with JournalView(journal) as view:
            left = view.open_uploads()
    except JobError as error:
        _LOG.info("its uploads are left to the registry: %s", error)
        return
    for one in left:
        cancel(session, one)
