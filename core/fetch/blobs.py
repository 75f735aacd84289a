"""Fetching one blob to its place in the archive, from where the last attempt stopped."""

import hashlib
import re
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass

from core.errors import Code, Interrupted, RegistryError
from core.fetch.partial import Partial
from core.fetch.upstreams import Upstreams
from core.reference import Artifact
from core.registry.auth import pull
from core.registry.retry import Attempts
from core.registry.session import Session
from core.registry.transport import read_stream

_NOTE_BYTES = 512 * 1024
"""After so many bytes the record is brought up to date."""
_BLOCK = 256 * 1024
_RANGE = re.compile(r"bytes (\d+)-")


@dataclass(frozen=True, slots=True)
class Source:
    """Where a blob comes from: an artifact that holds it."""

    digest: str
    artifact: Artifact


class BlobFetcher:
    """Fetches blobs; for all threads.

    Args:
        upstreams: whom to ask.
        partial: where blobs are written.
        on_bytes: told of bytes as they come in, of those found on the disk, and negative ones
            where what was counted has to be fetched again.
        throttle: takes a number of bytes and waits as long as they may take.
    """

    def __init__(
        self,
        upstreams: Upstreams,
        partial: Partial,
        on_bytes: Callable[[int], None],
        throttle: Callable[[int], object],
    ) -> None:
        self._upstreams = upstreams
        self._partial = partial
        self._on_bytes = on_bytes
        self._throttle = throttle

    def fetch(self, source: Source) -> None:
        """Have the blob in all its places, its digest checked.

        Raises:
            RegistryError: upstream does not hold it, or gives other bytes.
            Interrupted: the download is to stop; what is there is recorded.
            JobError: the disk is full.
        """
        _Fetch(self._upstreams, self._partial, self._on_bytes, self._throttle, source).run()


class _Fetch:
    """One blob under way."""

    def __init__(
        self,
        upstreams: Upstreams,
        partial: Partial,
        on_bytes: Callable[[int], None],
        throttle: Callable[[int], object],
        source: Source,
    ) -> None:
        self._upstreams = upstreams
        self._partial = partial
        self._on_bytes = on_bytes
        self._throttle = throttle
        self._source = source
        self._digest = source.digest
        self._size = partial.shape.sizes[source.digest]
        self._hasher = hashlib.sha256()
        self._done = 0
        self._noted = 0

    def run(self) -> None:
        resumed = self._take_up()
        if self._done < self._size or not self._is_right():
            if self._done == self._size:
                resumed = False
                self._start_over()
            self._load()
            if resumed and not self._is_right():
                # What an earlier run left was damaged; from upstream alone it must be right.
                self._start_over()
                self._load()
        if not self._is_right():
            raise RegistryError(
                Code.MIRROR_DIFFERS,
                "Upstream gives other bytes than the manifest says.",
                where=f"{self._source.artifact}: {self._digest}",
                cause="Something on the way alters downloads, or the blob is damaged there.",
                mend="Try again; if it stays, reach upstream without the proxy.",
            )
        self._partial.copy_around(self._digest)
        self._partial.note(self._digest, self._size)

    def _is_right(self) -> bool:
        return f"sha256:{self._hasher.hexdigest()}" == self._digest

    def _take_up(self) -> bool:
        """Read back what an earlier run recorded; True where there is any."""
        recorded = self._partial.recorded(self._digest)
        for block in self._partial.read(self._digest, recorded):
            self._check_stop()
            self._hasher.update(block)
            self._count(len(block))
        return recorded > 0

    def _start_over(self) -> None:
        self._on_bytes(-self._done)
        self._hasher, self._done, self._noted = hashlib.sha256(), 0, 0
        self._partial.note(self._digest, 0)

    def _load(self) -> None:
        session, repository = self._upstreams.registry(self._source.artifact.reference)
        attempts = Attempts(session.policy, session.waiter, session.on_retry)
        self._noted = self._done
        try:
            while self._done < self._size:
                before = self._done
                try:
                    self._read_on(session, repository)
                except RegistryError as error:
                    if self._done > before:
                        attempts.succeeded()
                    attempts.failed(error)
        finally:
            self._partial.note(self._digest, self._done)

    def _read_on(self, session: Session, repository: str) -> None:
        blocks = blocks_from(session, repository, self._digest, self._done, _BLOCK)
        with closing(blocks):
            for block in blocks:
                self._take(block)
        if self._done < self._size:
            raise RegistryError(
                Code.REGISTRY_UNREACHABLE,
                f"The answer ended after {self._done} of {self._size} bytes.",
                where=f"{self._source.artifact}: {self._digest}",
                temporary=True,
            )

    def _take(self, block: bytes) -> None:
        self._check_stop()
        if self._done + len(block) > self._size:
            raise RegistryError(
                Code.MIRROR_DIFFERS,
                f"The blob is longer than the {self._size} bytes of its descriptor.",
                where=f"{self._source.artifact}: {self._digest}",
            )
        self._throttle(len(block))
        self._partial.write(self._digest, self._done, block)
        self._hasher.update(block)
        self._count(len(block))
        if self._done - self._noted >= _NOTE_BYTES:
            self._partial.note(self._digest, self._done)
            self._noted = self._done

    def _count(self, count: int) -> None:
        self._done += count
        self._on_bytes(count)

    def _check_stop(self) -> None:
        if self._upstreams.waiter.stop.is_set():
            raise Interrupted("The download was stopped.")


def blocks_from(
    session: Session, repository: str, digest: str, start: int, block: int
) -> Generator[bytes]:
    """A blob from a byte on, also where the server can only send all of it; close it after use.

    Raises:
        RegistryError: it is not there, or the connection broke.
    """
    path = f"/v2/{repository}/blobs/{digest}"
    with session.open(path, (pull(repository),), start=start) as answer:
        skip = start - _first_byte(answer.status, answer.headers.get("Content-Range"))
        for content in read_stream(answer, session.absolute(path), block):
            fresh, skip = content[skip:], max(0, skip - len(content))
            if fresh:
                yield fresh


def _first_byte(status: int, content_range: str | None) -> int:
    """Where the answer begins: a server may send all although it was asked for the rest."""
    found = _RANGE.match(content_range or "") if status == 206 else None
    return int(found[1]) if found else 0
