"""One blob from upstream into another registry: in chunks, and on from where a connection broke.

Nothing lies on the disk between the two. What the destination has taken is asked for there, and
upstream is read on from that byte; whether it is the right content, the destination judges.
"""

import logging
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing

from core.errors import Code, Interrupted, RegistryError
from core.fetch.blobs import blocks_from
from core.fetch.upstreams import Upstreams
from core.oci import Descriptor
from core.reference import Reference
from core.registry.blobs import has_blob
from core.registry.retry import Attempts
from core.registry.session import Session
from core.registry.transport import Body
from core.registry.upload import Upload, UploadLostError
from core.transfer.chunk_size import ChunkSize
from core.transfer.manner import Manner

CHUNK = 8 * 1024 * 1024
"""Bytes of a chunk to begin with; a proxy's limit makes it smaller."""

_MAX_BEGINNINGS = 10
"""How often a blob is begun before it is given up: a registry may forget uploads for ever."""

_LOG = logging.getLogger(__name__)


class _AgainError(Exception):
    """The destination did not take a chunk; how far it is was asked."""


class Relay:
    """Sends blobs; for all threads.

    Args:
        upstreams: the source.
        session: the destination.
        throttle: takes a number of bytes and waits as long as they may take.
        chunk: bytes of a chunk to begin with.
    """

    def __init__(
        self,
        upstreams: Upstreams,
        session: Session,
        throttle: Callable[[int], object],
        chunk: int = CHUNK,
    ) -> None:
        self.upstreams = upstreams
        self.session = session
        self.throttle = throttle
        self.chunk = ChunkSize(chunk)
        self.manner = Manner()

    def send(
        self, source: Reference, repository: str, blob: Descriptor, upload: Upload | None
    ) -> None:
        """Bring a blob into a repository.

        Args:
            upload: a session of the destination that is open already.

        Raises:
            RegistryError: one side refuses, or is away for good.
            Interrupted: the copy is to stop.
        """
        _Sending(self, source, repository, blob).run(upload)


class _Sending:
    """One blob under way."""

    def __init__(self, relay: Relay, source: Reference, repository: str, blob: Descriptor) -> None:
        self._relay = relay
        self._session = relay.session
        self._source, self._repository, self._blob = source, repository, blob
        self._manner = relay.manner.supposed()
        session = relay.session
        self._attempts = Attempts(session.policy, session.waiter, session.on_retry)
        self._lost_at_once: Counter[str] = Counter()

    def run(self, upload: Upload | None) -> None:
        for _ in range(_MAX_BEGINNINGS):
            upload = upload or Upload.start(self._session, self._repository)
            self._relay.chunk.raise_to(upload.smallest_chunk)
            try:
                self._stream(upload)
            except UploadLostError as lost:
                if self._has_arrived():
                    return
                self._note_loss(lost, upload)
                upload = None
            except RegistryError:
                self._give_up(upload)
                raise
            else:
                self._relay.manner.prove(self._manner)
                return
        raise RegistryError(
            Code.REGISTRY_FAULT,
            f"The registry lost the upload {_MAX_BEGINNINGS} times before it was complete.",
            where=f"{self._repository}@{self._blob.digest}",
        )

    def _stream(self, upload: Upload) -> None:
        """Send from the session's offset to the end.

        Raises:
            UploadLostError: the destination does not know the session.
        """
        if not self._manner.takes_chunks and not upload.offset:
            self._send_whole(upload)
            return
        while True:
            try:
                with closing(self._parts(upload.offset)) as parts:
                    for part in parts:
                        self._send_part(upload, part)
            except _AgainError:
                continue
            except RegistryError as error:
                self._attempts.failed(error)
            else:
                return

    def _parts(self, start: int) -> Generator[list[bytes]]:
        """What upstream holds from a byte on, in chunks; the last one ends with the blob."""
        held: list[bytes] = []
        length, left = 0, self._blob.size - start
        with closing(self._blocks(start)) as blocks:
            for block in blocks:
                held.append(block)
                length, left = length + len(block), left - len(block)
                if length >= self._relay.chunk.value and left:
                    yield held
                    held, length = [], 0
        yield held

    def _blocks(self, start: int) -> Generator[bytes]:
        session, repository = self._relay.upstreams.registry(self._source)
        left = self._blob.size - start
        size = min(self._relay.chunk.value, 256 * 1024)
        with closing(blocks_from(session, repository, self._blob.digest, start, size)) as blocks:
            for block in blocks if left else ():
                if self._session.waiter.stop.is_set():
                    raise Interrupted("The copy was stopped.")
                left -= len(block)
                if left < 0:
                    break
                self._relay.throttle(len(block))
                yield block
        if left:
            raise RegistryError(
                Code.MIRROR_DIFFERS if left < 0 else Code.REGISTRY_UNREACHABLE,
                f"Upstream does not give the {self._blob.size} bytes of the descriptor.",
                where=f"{self._source}: {self._blob.digest}",
                temporary=left > 0,
            )

    def _send_part(self, upload: Upload, part: list[bytes]) -> None:
        """Send a chunk.

        Raises:
            _AgainError: it was not taken, or not all of it.
            UploadLostError: the destination does not know the session.
        """
        body = Body(sum(map(len, part)), part)
        is_first, is_last = not upload.offset, upload.offset + body.length >= self._blob.size
        try:
            if is_last and (self._manner.takes_put or not body.length):
                upload.finish(self._blob.digest, body)
            else:
                upload.send(body)
                if is_last:
                    upload.finish(self._blob.digest)
        except RegistryError as error:
            if is_first and not is_last and self._manner.refuses_chunks(error.status):
                raise UploadLostError from None
            self._before_next_attempt(error, body.length)
            if is_last and self._has_arrived():
                return
            before = upload.offset
            if not before <= upload.ask_offset() <= self._blob.size:
                raise UploadLostError from None
            if upload.offset > before:
                self._attempts.succeeded()
            raise _AgainError from None
        self._attempts.succeeded()

    def _send_whole(self, upload: Upload) -> None:
        """Send all of it in one PUT, for a registry that takes no chunks; what breaks off is lost.

        Raises:
            UploadLostError: it broke off.
        """
        with closing(_Whole(self._blocks)) as whole:
            try:
                upload.finish(self._blob.digest, Body(self._blob.size, whole))
            except RegistryError as error:
                self._attempts.failed(error)
                raise UploadLostError from None

    def _before_next_attempt(self, error: RegistryError, sent: int) -> None:
        """Wait, or make chunks smaller where a proxy refuses their size."""
        if error.code is not Code.BODY_TOO_LARGE:
            self._attempts.failed(error)
        elif not self._relay.chunk.shrink_below(sent):
            raise error

    def _note_loss(self, lost: UploadLostError, upload: Upload) -> None:
        """Take note of a session that was gone before it took a byte; twice is a manner."""
        self._lost_at_once[lost.method] += not upload.offset
        if self._lost_at_once[lost.method] > 1:
            self._manner.lost_at_once(lost.method)

    def _has_arrived(self) -> bool:
        return has_blob(self._session, self._repository, self._blob.digest, self._blob.size)

    def _give_up(self, upload: Upload) -> None:
        """Cancel an upload, so that it does not fill the registry's disk."""
        try:
            upload.cancel()
        except RegistryError as error:
            _LOG.warning("an upload could not be cancelled, the registry purges it: %s", error)


class _Whole:
    """A blob of upstream, read anew each time it is gone through; close it after use."""

    def __init__(self, blocks: Callable[[int], Generator[bytes]]) -> None:
        self._blocks = blocks
        self._open = ExitStack()

    def __iter__(self) -> Iterator[bytes]:
        self.close()
        return self._open.enter_context(closing(self._blocks(0)))

    def close(self) -> None:
        """Let go of upstream's connection, also where not all was read."""
        self._open.close()
