"""A consistent copy of an SQLite file that others go on writing to."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from .errors import Unavailable
from .files import open_private

VERSION = sqlite3.sqlite_version
_BUSY_SECONDS = 10.0
_PAGES = 512
_PAUSE_SECONDS = 0.002
_TABLES = "select name from sqlite_master where type = 'table' and name not like 'sqlite\\_%' escape '\\'"
_THINGS = """
select case type when 'index' then 'indexes' else type || 's' end, count(*) from sqlite_master
where type in ('index', 'trigger', 'view') group by type
"""

Counts = dict[str, int]
"""Rows by table, or other things by their kind."""


def copy_database(source: Path, copy: Path, on_share: Callable[[float], None]) -> Counts:
    """Copy one moment of `source` into the new, private file `copy`; returns the rows of that moment.

    With WAL, writers go on meanwhile, and the copy is made in small steps with pauses. With another
    journal it is made in one go, because writers wait for its end. Unavailable when it cannot be read.
    """
    with _told(source), closing(_connect(source)) as here:
        # Because the first read fixes the moment: without it each write would begin the copy again.
        here.execute("begin")
        (mode,) = here.execute("pragma journal_mode").fetchone()
        tables = [name for (name,) in here.execute(_TABLES)]
        os.close(open_private(copy, os.O_RDWR | os.O_CREAT | os.O_EXCL))
        with closing(sqlite3.connect(copy)) as there:
            here.backup(
                there,
                pages=_PAGES if mode == "wal" else -1,
                progress=lambda _, left, total: on_share(1 - left / max(total, 1)),
                sleep=_PAUSE_SECONDS,
            )
        return _counts(here, tables)


def examine(path: Path) -> Counts:
    """The rows of a file whose every page and index is sound; Unavailable tells what is not."""
    with _told(path), closing(_connect(path)) as connection:
        complaints = [told for (told,) in connection.execute("pragma integrity_check(3)")]
        if complaints != ["ok"]:
            raise Unavailable(f"it is damaged inside: {'; '.join(complaints)}", "Look at the original file.")
        return _counts(connection, [name for (name,) in connection.execute(_TABLES)])


def things(path: Path) -> Counts:
    """How many indexes, triggers and views a file has, and foreign keys that lead nowhere; Unavailable."""
    with _told(path), closing(_connect(path)) as connection:
        found = dict.fromkeys(("indexes", "triggers", "views"), 0)
        found |= dict(connection.execute(_THINGS))
        broken = sum(1 for _ in connection.execute("pragma foreign_key_check"))
    return found | {"broken foreign keys": broken}


def _connect(path: Path) -> sqlite3.Connection:
    # Because a file in WAL can only be read by who may write beside it; mode=rw never makes a new file.
    address = f"file:{quote(str(path))}?mode=rw"
    return sqlite3.connect(address, uri=True, timeout=_BUSY_SECONDS, isolation_level=None)


def _counts(connection: sqlite3.Connection, tables: list[str]) -> Counts:
    found = {}
    for name in tables:
        quoted = name.replace('"', '""')
        (found[name],) = connection.execute(f'select count(*) from "{quoted}"').fetchone()  # noqa: S608
    return found


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise Unavailable(
            f"the SQLite file {path} cannot be read: {error}", "Check its path, and who may read it."
        ) from error
