"""SQLite files of our own: WAL, private, safe with several processes, made again when deleted."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from .files import open_private, private_folder
from .journal import Chunk, read_new

_BUSY_SECONDS = 10.0
_CORRUPT = ("malformed", "not a database", "disk image")


class Database:
    """One SQLite file with its schema.

    `migrations` are scripts, applied in order and once each (their number is PRAGMA user_version).
    `durable` chooses synchronous FULL (a commit survives the machine) over NORMAL.
    Every thread may call read() and write(); connections are pooled.
    """

    def __init__(self, path: Path, migrations: Sequence[str], *, durable: bool = False) -> None:
        self.path, self._name = path, str(path)
        self._migrations = tuple(migrations)
        self._durable = durable
        self._idle: deque[sqlite3.Connection] = deque()
        self._watcher: sqlite3.Connection | None = None
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._inode = 0
        self._pid = os.getpid()

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """A connection within one consistent snapshot."""
        self._begin_process()
        connection, inode = self._borrow()
        try:
            connection.execute("BEGIN")
            yield connection
        finally:
            connection.rollback()
            self._give_back(connection, inode)

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """A connection within one transaction: committed at the end, rolled back on an exception.

        Threads of one process take turns, because SQLite's own waiting is a lottery: in a storm one
        thread lost it to others for seconds.
        """
        self._begin_process()
        with self._writing:
            connection, inode = self._borrow()
            try:
                connection.execute("BEGIN IMMEDIATE")
                yield connection
                connection.commit()
            except BaseException:
                connection.rollback()
                raise
            finally:
                self._give_back(connection, inode)

    def look(self) -> object:
        """What differs as soon as a commit can be read, by any process; see Poll."""
        self._begin_process()
        with self._lock:
            self._notice_changes()
            if self._watcher is None:
                self._watcher = self._connect()
            # Because the files change before that: for as long as a commit waits for the disk.
            (version,) = self._watcher.execute("PRAGMA data_version").fetchone()
            return self._inode, version

    def close(self) -> None:
        """Close every idle connection; the next use opens new ones."""
        with self._lock:
            self._close_idle()

    def _borrow(self) -> tuple[sqlite3.Connection, int]:
        """A connection that nobody else uses, and the file that it is to."""
        with self._lock:
            self._notice_changes()
            return (self._idle.pop() if self._idle else self._connect()), self._inode

    def _give_back(self, connection: sqlite3.Connection, inode: int) -> None:
        with self._lock:
            if inode == self._inode:
                self._idle.append(connection)
            else:
                connection.close()

    def _begin_process(self) -> None:
        # Because a forked child must neither use its parent's connections nor inherit a held lock.
        if self._pid != os.getpid():
            self._lock, self._writing = threading.Lock(), threading.Lock()
            self._idle, self._watcher = deque(), None
            self._pid, self._inode = os.getpid(), 0

    def _notice_changes(self) -> None:
        """Start anew when the file is gone: deleting a folder resets its service."""
        if self._inode and _inode(self._name) == self._inode:
            return
        self._close_idle()
        self._prepare()

    def _prepare(self) -> None:
        private_folder(self.path.parent)
        # Because two processes that switch a new file to WAL at once fail with "database is locked".
        lock = open_private(self.path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            os.close(open_private(self.path, os.O_RDWR | os.O_CREAT))
            try:
                self._migrate()
            except sqlite3.DatabaseError as error:
                if not any(word in str(error) for word in _CORRUPT):
                    raise
                self._set_aside()
                self._migrate()
            self._inode = _inode(self._name)
        finally:
            os.close(lock)

    def _migrate(self) -> None:
        connection = self._connect()
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            for number, script in enumerate(self._migrations[version:], start=version + 1):
                connection.executescript(f"BEGIN; {script}; PRAGMA user_version = {number}; COMMIT;")
        finally:
            connection.close()

    def _set_aside(self) -> None:
        """Keep an unreadable file under another name, because it may still help a person."""
        for suffix in ("-wal", "-shm"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
        self.path.replace(self.path.with_suffix(".corrupt"))
        os.close(open_private(self.path, os.O_RDWR | os.O_CREAT))

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        connection.row_factory = sqlite3.Row
        connection.execute(f"PRAGMA synchronous = {'FULL' if self._durable else 'NORMAL'}")
        connection.execute("PRAGMA foreign_keys = ON")
        return connection

    def _close_idle(self) -> None:
        if self._watcher is not None:
            self._watcher.close()
            self._watcher = None
        while self._idle:
            self._idle.pop().close()


OFFSETS = "create table journal_offset (file text primary key, offset integer not null) without rowid;"
"""The table that `fold` needs; a store puts it into its first migration."""


def fold(database: Database, folder: Path, apply: Callable[[sqlite3.Connection, list[bytes]], None]) -> int:
    """Apply what is new in a journal folder, each chunk in one transaction with its offset.

    Returns the number of lines. Several processes may fold the same folder: each line counts once.
    """
    with database.read() as connection:
        offsets = _offsets(connection)
    return sum(_fold_chunk(database, chunk, offsets, apply) for chunk in read_new(folder, offsets))


def _fold_chunk(
    database: Database,
    chunk: Chunk,
    offsets: dict[str, int],
    apply: Callable[[sqlite3.Connection, list[bytes]], None],
) -> int:
    with database.write() as connection:
        if _offsets(connection).get(chunk.file, 0) != offsets.get(chunk.file, 0):
            return 0  # Because another process has folded this file since; the next call goes on there.
        apply(connection, chunk.lines)
        connection.execute(
            "insert into journal_offset values (?, ?)"
            " on conflict (file) do update set offset = excluded.offset",
            (chunk.file, chunk.end),
        )
    offsets[chunk.file] = chunk.end
    return len(chunk.lines)


def _offsets(connection: sqlite3.Connection) -> dict[str, int]:
    return {row["file"]: row["offset"] for row in connection.execute("select * from journal_offset")}


def _inode(path: str) -> int:
    try:
        return os.stat(path).st_ino  # noqa: PTH116 because Path.stat() takes three times as long
    except FileNotFoundError:
        return 0
