"""One SQLite file, several threads, several processes: connections, transactions, errors, copies.

Connections come from a pool, so that no two threads ever share one at the same time. Write-ahead log with
synchronous=FULL: a commit that returned survives a killed process and a power cut. Writers queue with BEGIN
IMMEDIATE; readers never wait.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

from sqlalchemy import Connection, create_engine, event, exc
from sqlalchemy.pool import QueuePool

from zhiyin.errors import BrokenStore, InvalidData, NotFound, StoreBusy, StoreUnwritable, ZhiyinError
from zhiyin.files import flush

_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_BROKEN = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_UNWRITABLE = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN)
_SETTINGS = (
    "synchronous=FULL",
    "secure_delete=ON",
    "cache_size=-64000",  # KiB
    "wal_autocheckpoint=8000",  # pages: single appends are 1.5 times as fast as with the usual 1000
    "journal_size_limit=67108864",  # bytes of the log beside the file that stay after an import
)
_BULK_SETTINGS = (  # an import touches pages of the indexes all over the file, the same ones again and again
    "cache_size=-256000",
    "wal_autocheckpoint=100000",  # 400 MB: each page is copied into the file once, not once a transaction
)
_IDLE = 16  # connections kept open


class Database:
    """Transactions on the file at `path`, which is made if its folder exists.

    `timeout`: seconds to wait for another writer, then StoreBusy is raised and nothing was written.
    """

    def __init__(self, path: Path, *, timeout: float) -> None:
        if not path.parent.is_dir():
            raise NotFound(f"no folder {path.parent} for the database {path.name}: make it first")
        self.path = path
        self._timeout = timeout
        self._closed = False
        self._engine = create_engine(
            "sqlite://",
            creator=self._connect,
            poolclass=QueuePool,
            pool_size=_IDLE,
            max_overflow=-1,
            pool_use_lifo=True,
        )
        self._writes = self._engine.execution_options(begin="BEGIN IMMEDIATE")
        event.listen(self._engine, "begin", _begin)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A snapshot: what others commit meanwhile is not seen."""
        with told(self.path), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """All or nothing, durable on leaving."""
        with told(self.path), self._writes.begin() as connection:
            yield connection

    @contextmanager
    def driver(self) -> Iterator[sqlite3.Connection]:
        """The driver's own connection for hot reads: every statement sees its own moment."""
        with told(self.path):
            pooled = self._engine.raw_connection()
            try:
                yield pooled.driver_connection  # type: ignore[misc]  # the pool does not know its driver
            finally:
                pooled.close()

    @contextmanager
    def driver_write(self, *, bulk: bool = False) -> Iterator[sqlite3.Connection]:
        """`write` on the driver's own connection, for what is hot. The pool rolls back what failed.

        `bulk`: the connection may take 256 MB, from now on.
        """
        with self.driver() as connection:
            for setting in _BULK_SETTINGS if bulk else ():
                connection.execute(f"PRAGMA {setting}")
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")

    def close(self) -> None:
        self._closed = True
        self._engine.dispose()

    def _connect(self) -> sqlite3.Connection:
        if self._closed:
            raise ZhiyinError(f"the store {self.path} is closed: open it again")
        connection = sqlite3.connect(
            self.path, timeout=self._timeout, isolation_level=None, check_same_thread=False
        )
        try:
            _use_write_ahead_log(connection, until=monotonic() + self._timeout)
            for setting in _SETTINGS:
                connection.execute(f"PRAGMA {setting}")
        except sqlite3.Error:
            connection.close()
            raise
        return connection


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """A name to write to that becomes `path` when all went well, flushed to the disk.

    Raises InvalidData if `path` exists, NotFound if its folder does not.
    """
    try:
        path.touch(exist_ok=False)  # nobody else takes the name meanwhile
    except FileExistsError as error:
        raise InvalidData(f"{path} exists and is not overwritten: choose a new name") from error
    except FileNotFoundError as error:
        raise NotFound(f"no folder {path.parent} to write {path.name} into: make it first") from error
    part = path.with_name(path.name + ".part")
    try:
        yield part
        flush(part)
        part.replace(path)
        flush(path.parent)
    except BaseException:
        for leftover in (part, path):
            leftover.unlink(missing_ok=True)
        raise


@contextmanager
def looking_at(path: Path) -> Iterator[sqlite3.Connection]:
    """An existing file, to read only. Not "mode=ro": that leaves -wal and -shm files behind."""
    if not path.is_file():
        raise NotFound(f"no database at {path}")
    with told(path):
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True)
        try:
            connection.execute("PRAGMA query_only=ON")
            yield connection
        finally:
            connection.close()


def _use_write_ahead_log(connection: sqlite3.Connection, *, until: float) -> None:
    """The switch, made once in the life of a file, needs it alone and does not queue for it by itself."""
    while connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if _code(error) not in _BUSY or monotonic() > until:
                raise
            sleep(0.005)


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))


@contextmanager
def told(path: Path) -> Iterator[None]:
    """The driver's errors in our words, about this file."""
    try:
        yield
    except exc.DBAPIError as error:
        if not isinstance(error.orig, sqlite3.Error):
            raise
        raise _in_words(error.orig, path) from error
    except sqlite3.Error as error:
        raise _in_words(error, path) from error


def _in_words(error: sqlite3.Error, path: Path) -> Exception:
    if _code(error) in _BUSY:
        return StoreBusy(f"{path} is being written by somebody else for too long; nothing was written, try again")
    if _code(error) in _BROKEN:
        return BrokenStore(f"{path} is damaged or no database ({error}): restore a backup")
    if _code(error) in _UNWRITABLE:
        return StoreUnwritable(
            f"{path} cannot be written ({error}), what was stored stays: make room on its disk, or mend who may "
            "write there"
        )
    return error


def _code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF  # the upper bits say more than is needed
