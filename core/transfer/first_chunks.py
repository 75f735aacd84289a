"""The first chunks of large layers, sent to learn how fast the link is before one is sent whole.

Where nothing small can be timed, gigabytes would go out before a compression is chosen. So as much
of the large layers goes out as must be timed, in uploads that the journal knows: where the choice
changes nothing they are gone on with, else they are given up.
"""

import logging
from contextlib import suppress

from core.errors import ArchiveError, Code, Interrupted, RegistryError
from core.registry.session import Session
from core.registry.transport import Body
from core.registry.upload import Upload, UploadLostError
from core.transfer.chunk_size import ChunkSize
from core.transfer.chunks import chunks
from core.transfer.journal import Journal
from core.transfer.lookahead import LookAhead
from core.transfer.plan import Need
from core.transfer.progress import Progress, Slot
from core.transfer.states import PlacementState
from core.transfer.tuning import Tuning

_LOG = logging.getLogger(__name__)


class FirstChunks:
    """Sends beginnings of layers until enough was timed; used by all threads of a worker.

    What goes wrong here is told when the layer itself is sent. A registry that does not answer is
    not waited for twice: nothing more is begun then, and the choice stays open.
    """

    def __init__(
        self, session: Session, journal: Journal, tuning: Tuning, progress: Progress
    ) -> None:
        self._session = session
        self._journal = journal
        self._tuning = tuning
        self._progress = progress
        self._sizes = ChunkSize(max(1, tuning.enough // progress.crew.size))
        self._in_vain = False

    def is_wanted(self, need: Need) -> bool:
        """Whether more is to be timed; a layer that was sent before is likely to be there."""
        known = self._journal.known_as(need.blob)
        return known is None and not (self._tuning.knows_enough or self._in_vain)

    def send(self, need: Need, slot: Slot) -> None:
        """The beginning of one layer, as long as more is to be timed.

        Raises:
            Interrupted: the job is to stop; what was accepted is recorded.
            JobError: the journal cannot be written.
        """
        while self.is_wanted(need):
            try:
                self._stream(need, slot)
            except (ArchiveError, UploadLostError) as error:
                _LOG.info("%s: not timed: %s", need.blob.entry, error)
            except RegistryError as error:
                if self._takes_less(error):
                    continue
                _LOG.info("%s: not timed: %s", need.blob.entry, error)
                self._in_vain |= error.temporary
            return

    def _stream(self, need: Need, slot: Slot) -> None:
        upload = self._upload(need)
        self._sizes.raise_to(upload.smallest_chunk)
        made = chunks(need.blob, self._tuning.compression, lambda: self._sizes.value, upload.offset)
        with LookAhead(made) as stream:
            for chunk in stream:
                # The end of a layer is the sender's: it knows all ways in which a blob arrives.
                if chunk.is_last or self._tuning.knows_enough:
                    return
                if self._session.waiter.stop.is_set():
                    raise Interrupted
                self._progress.pause(slot)
                body = Body(chunk.length, chunk.pieces)
                watched = self._progress.watched(body, slot, chunk.begin, chunk.end)
                with self._tuning.meter.timing(chunk.length):
                    upload.send(watched)
                self._record(need, upload)

    def _upload(self, need: Need) -> Upload:
        """One that was begun before is gone on with, where the registry still knows it."""
        repository = need.repositories[0]
        before = self._journal.placement(need.blob, repository)
        if before.location:
            upload = Upload(self._session, repository, before.location, before.position)
            with suppress(UploadLostError):
                upload.ask_offset()
                return upload
        upload = Upload.start(self._session, repository)
        self._record(need, upload)
        return upload

    def _takes_less(self, error: RegistryError) -> bool:
        """Whether chunks were too large for a proxy, and may become smaller."""
        return error.code is Code.BODY_TOO_LARGE and self._sizes.shrink_below(self._sizes.value)

    def _record(self, need: Need, upload: Upload) -> None:
        self._journal.set_placement(
            need.blob, upload.repository, PlacementState.SENDING, upload.location, upload.offset
        )
