"""How a registry wants its uploads, where it does not take them as the specification has it."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace

from core.archive.model import Blob
from core.errors import Interrupted
from core.transfer.chunks import Chunk, chunks
from core.transfer.compression import Compression

_BLOCK = 1024 * 1024

_NO_CHUNKS = frozenset({400, 405, 415, 501})
"""Answers to a first chunk that may mean: no chunks at all."""


@dataclass(slots=True)
class Manner:
    """What was found out about a registry, the same for all threads.

    One refusal proves nothing: it may come from a proxy that is being reloaded. What it makes us
    suppose holds for one blob, and for all others only when that blob has arrived.

    Attributes:
        takes_chunks: False where a blob must come in one PUT, as Google's registry wants it.
        takes_put: False where a PUT finds only what a PATCH has brought, as in some Artifactory.
    """

    takes_chunks: bool = True
    takes_put: bool = True

    def supposed(self) -> "Manner":
        """What to suppose for one blob, to begin with."""
        return replace(self)

    def prove(self, supposed: "Manner") -> None:
        """A blob has arrived by what was supposed for it."""
        self.takes_chunks &= supposed.takes_chunks
        self.takes_put &= supposed.takes_put

    def refuses_chunks(self, status: int) -> bool:
        """Whether this answer to a first chunk may mean that there are to be none."""
        if status not in _NO_CHUNKS:
            return False
        self.takes_chunks = False
        return True

    def lost_at_once(self, method: str) -> None:
        """A fresh session was forgotten by its first request, more than once."""
        if method == "PATCH":
            self.takes_chunks = False
        elif method == "PUT":
            self.takes_put = False


class WholeBlob:
    """All that a blob becomes, in one piece; read anew each time, so that memory stays small.

    What is compressed on the way is made twice: the length must be told beforehand, and a body of
    unknown length (`Transfer-Encoding: chunked`) is what proxies before such registries refuse.

    Attributes:
        digest: of what is sent.
        length: of what is sent, bytes.

    Raises:
        ArchiveError: the archive does not hold what it says.
        Interrupted: the job is to stop.
    """

    def __init__(self, blob: Blob, compression: Compression, stop: threading.Event) -> None:
        self._blob = blob
        self._compression = compression
        self._stop = stop
        self.digest, self.length = blob.digest, blob.size
        if blob.compressible:
            for chunk in self._chunks():
                self.digest, self.length = chunk.digest, chunk.total

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks():
            yield from chunk.pieces

    def _chunks(self) -> Iterator[Chunk]:
        for chunk in chunks(self._blob, self._compression, lambda: _BLOCK):
            if self._stop.is_set():
                raise Interrupted
            yield chunk
