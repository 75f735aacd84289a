"""What imports share that run in one process: the tarball, and what is read of it."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from core.archive.archive import Archive
from core.transfer.broadcast import Member

_LOOK = 0.1

Told = Callable[[int, int], None]
"""Called with bytes done and bytes in all of a gzip-ed file; may raise to give up."""


class SharedArchive:
    """The tarball, opened by the first that needs it: a gzip-ed one is unzipped once."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._archive: Archive | None = None
        self._opening = False
        self._unzipped = (0, 0)

    def get(self, opening: Callable[[Told], Archive], tell: Told) -> Archive:
        """The open archive; it stays open until `close`.

        Args:
            opening: opens it. Where that fails the next one that waits tries in its turn.
            tell: how far unzipping is, whoever does it.

        Raises:
            EksaMirrorError: it cannot be opened.
            Interrupted: `tell` gives up.
        """
        with self._changed:
            while self._opening:
                self._changed.wait(_LOOK)
                if self._opening and self._unzipped[1]:
                    tell(*self._unzipped)
            if self._archive is not None:
                return self._archive
            self._opening = True
        try:
            archive = opening(self._noting(tell))
        except BaseException:
            self._done(None)
            raise
        self._done(archive)
        return archive

    def close(self) -> None:
        """Nobody reads it any more."""
        with self._changed:
            if self._archive is not None:
                self._archive.close()
            self._archive = None

    def _noting(self, tell: Told) -> Told:
        def note(done: int, total: int) -> None:
            self._unzipped = (done, total)
            tell(done, total)

        return note

    def _done(self, archive: Archive | None) -> None:
        with self._changed:
            self._archive, self._opening = archive, False
            self._changed.notify_all()


@dataclass(frozen=True, slots=True)
class Together:
    """What one import among several has of the others.

    Attributes:
        member: reads blobs with them.
        archive: the tarball, the same for all.
    """

    member: Member
    archive: SharedArchive = field(repr=False)
