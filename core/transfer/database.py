"""The file of a journal: SQLite, set up so that what was committed survives whatever happens."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from core.errors import Code, JobError
from core.files import sync_folder

_FULL = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR})
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR})
"""SQLITE_ERROR stands for tables or columns that are not there: the file is somebody else's."""


class Database:
    """One connection, shared by the threads of a process, one of which uses it at a time.

    WAL mode: readers in other processes never wait and are never waited for. A commit survives the
    end of this process; a durable one is on the disk when it returns, and all before it are, too.

    Args:
        path: the file; made with mode 0600 where it is missing.
        schema: statements that make the tables where they are missing.

    Raises:
        JobError: `journal-damaged` where it is no usable database, `disk-full`,
            `job-folder-unsafe`.
    """

    def __init__(self, path: Path, schema: str) -> None:
        self._path = path
        self._lock = threading.RLock()
        with troubles(path):
            self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        try:
            self._set_up(schema)
        except BaseException:
            self._db.close()
            raise

    def close(self) -> None:
        """Close the file; only then is its write-ahead log folded into it and removed."""
        with self._lock:
            self._db.close()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Read alone.

        Raises:
            JobError: `journal-damaged`.
        """
        with self._lock, troubles(self._path):
            yield self._db

    @contextmanager
    def writing(self, *, durable: bool = True) -> Iterator[sqlite3.Connection]:
        """Write alone, all or nothing. A block within another is part of that one.

        Args:
            durable: wait for the disk; else a power cut may undo the last few commits.

        Raises:
            JobError: `disk-full`, `job-folder-unsafe`, `journal-damaged`.
        """
        with self._lock, troubles(self._path):
            if self._is_writing():
                yield self._db
                return
            self._db.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                if self._is_writing():
                    self._db.execute("ROLLBACK")
                raise

    def _is_writing(self) -> bool:
        """Only whoever holds the lock may ask: the transaction is its own then."""
        return self._db.in_transaction

    def _set_up(self, schema: str) -> None:
        with troubles(self._path):
            # Before there is a log beside it, which takes over its rights.
            self._path.chmod(0o600)
            self._db.execute("PRAGMA journal_mode = WAL")
            _check(self._db)
            self._db.executescript(f"BEGIN;{schema};COMMIT;")
            sync_folder(self._path.parent)


def check_closed(path: Path) -> None:
    """Read a file back that nobody has open; its log is folded into it.

    Raises:
        JobError: `journal-damaged`, also where it is not there any more.
    """
    if not path.exists():
        raise JobError(Code.JOURNAL_DAMAGED, "The journal was removed.", where=str(path))
    with troubles(path):
        # Immutable: no log and no index are made beside it just to look.
        where = f"{path.resolve().as_uri()}?mode=ro&immutable=1"
        with closing(sqlite3.connect(where, uri=True)) as db:
            _check(db)


def _check(db: sqlite3.Connection) -> None:
    problem = db.execute("PRAGMA quick_check(1)").fetchone()[0]
    if problem != "ok":
        raise sqlite3.DatabaseError(problem)


@contextmanager
def troubles(path: Path) -> Iterator[None]:
    """Say in our words what SQLite, or the system, finds wrong."""
    try:
        yield
    except sqlite3.Error as error:
        raise _trouble(error, path) from None
    except OSError as error:
        raise JobError(
            Code.JOB_FOLDER_UNSAFE,
            f"The journal cannot be used: {error.strerror}.",
            where=str(path),
        ) from None


def _trouble(error: sqlite3.Error, path: Path) -> JobError:
    kind = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
    if kind in _DAMAGED:
        return JobError(
            Code.JOURNAL_DAMAGED, f"The journal cannot be read: {error}.", where=str(path)
        )
    return JobError(
        Code.DISK_FULL if kind in _FULL else Code.JOB_FOLDER_UNSAFE,
        f"The journal cannot be written: {error}.",
        where=str(path),
        cause="The disk gives errors, or is full." if kind == sqlite3.SQLITE_IOERR else "",
    )
