"""Where the bytes of a blob come from: read for one mirror alone, or for several at a time."""

from collections.abc import Iterator
from contextlib import contextmanager

from core.archive.model import Blob
from core.transfer.chunks import Outgoing, outgoing
from core.transfer.compression import Compression


class Source:
    """Reads for one mirror alone; see `core.transfer.broadcast` for the other."""

    @contextmanager
    def in_hand(self, blob: Blob) -> Iterator[None]:
        """Around all that is done to bring a blob there; blobs are taken in the plan's order."""
        del blob
        yield

    def read(self, blob: Blob, compression: Compression) -> Outgoing:
        """Read a blob; to be closed by whoever goes through it."""
        return outgoing(blob, compression)

    def pass_over(self, blob: Blob) -> None:
        """A blob that is in hand will not be read this way."""


ALONE = Source()
"""For an import of its own."""
