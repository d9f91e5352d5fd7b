"""The errors of errors.log in groups, in SQLite: folded in, each piece with its place in one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from ..core.clock import rfc3339
from ..core.database import Database
from ..core.poll import mark_of
from .follow import Follower, Read
from .generations import Place, generations, place_of
from .groups import Group, grouped
from .presets import restored

MOST_GROUPS = 10_000

_SCHEMA = """
create table place (one integer primary key check (one = 1), place text not null, is_past integer not null);
-- told: whether the alerts page knows of it, or need not
create table grp (
    fingerprint text primary key, type text not null, logger text not null, message text not null,
    level text not null, first_seen text not null, last_seen text not null, count integer not null,
    example text not null, told integer not null
) without rowid;
create index grp_by_last_seen on grp (last_seen);  -- for the newest, and for trimming
create index grp_untold on grp (fingerprint) where told = 0;  -- for what is to be told
"""
_FIND = "select * from grp where fingerprint = ?"
_PUT = "insert or replace into grp values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_TRIM = """
delete from grp where fingerprint in (select fingerprint from grp order by last_seen desc limit -1 offset ?)
"""
# Because LIKE has wildcards, and only ASCII letters in either case.
_LIST = """
select * from grp where last_seen >= :since and (:q = '' or instr(lower(type || ' ' || logger || ' ' ||
    message || ' ' || example), :q) > 0) order by last_seen desc, fingerprint limit :limit
"""


@dataclass(frozen=True, slots=True)
class _Progress:
    place: Place | None
    is_past: bool
    """Whether everything that was there at the beginning has been read."""


class ErrorIndex:
    """What stands in errors.log and its archives, by kind; any process may fold and read."""

    def __init__(self, live: Path, path: Path) -> None:
        self._live = live
        self._database = Database(path, (_SCHEMA,))

    def fold(self) -> int:
        """Take in what is new; the number of lines.

        What was in the files before the index began counts, but is not new to anybody.
        """
        progress = self._progress()
        lines = 0
        with closing(Follower(self._live, progress.place or _beginning(self._live))) as follower:
            while reads := follower.read():
                after = _Progress(follower.place, progress.is_past)
                if not self._apply(reads, progress, after):
                    return lines  # Because another process is folding, which goes on from there.
                progress, lines = after, lines + len(reads)
            if not progress.is_past:
                self._apply([], progress, _Progress(follower.place, is_past=True))
        return lines

    def look(self) -> object:
        """What differs after everything that is new here or in the log."""
        return mark_of(self._live), self._database.look()

    def newest(self, limit: int, since: datetime | None, q: str | None) -> list[Group]:
        """Groups that were seen since then, those seen last first; `q` stands anywhere in them."""
        asked = {"since": rfc3339(since) if since else "", "q": (q or "").lower(), "limit": limit}
        with self._database.read() as connection:
            return [_group(row) for row in connection.execute(_LIST, asked)]

    def count(self) -> int:
        """How many groups there are."""
        with self._database.read() as connection:
            return int(connection.execute("select count(*) from grp").fetchone()[0])

    def untold(self, limit: int) -> list[Group]:
        """Groups that nobody has been told of."""
        with self._database.read() as connection:
            rows = connection.execute("select * from grp where told = 0 limit ?", (limit,))
            return [_group(row) for row in rows]

    def tell(self, groups: Iterable[Group]) -> None:
        """Note that they have been told of."""
        with self._database.write() as connection:
            connection.executemany(
                "update grp set told = 1 where fingerprint = ?", [(one.fingerprint,) for one in groups]
            )

    def close(self) -> None:
        self._database.close()

    def _progress(self) -> _Progress:
        with self._database.read() as connection:
            return _progress(connection)

    def _apply(self, reads: list[Read], before: _Progress, after: _Progress) -> bool:
        """Count lines, unless another process has counted them; whether it was done."""
        with self._database.write() as connection:
            if _progress(connection) != before:
                return False
            for group in grouped(_records(reads)).values():
                _merge(connection, group, told=not before.is_past)
            connection.execute(
                "insert or replace into place values (1, ?, ?)", (str(after.place), after.is_past)
            )
            connection.execute(_TRIM, (MOST_GROUPS,))
        return True


def _beginning(live: Path) -> Place:
    return Place(generations(live)[0].number, 0)


def _progress(connection: sqlite3.Connection) -> _Progress:
    row = connection.execute("select place, is_past from place").fetchone()
    return _Progress(place_of(row["place"]), bool(row["is_past"])) if row else _Progress(None, is_past=False)


def _records(reads: Iterable[Read]) -> Iterator[dict[str, Any]]:
    for read in reads:
        try:
            yield restored(msgspec.json.decode(read.line, type=dict[str, Any]))
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue  # Because a torn line tells nothing; `logs verify` counts it.


def _merge(connection: sqlite3.Connection, group: Group, *, told: bool) -> None:
    row = connection.execute(_FIND, (group.fingerprint,)).fetchone()
    if row is not None:
        known = _group(row)
        known.merge(group)
        group, told = known, bool(row["told"])
    example = msgspec.json.encode(group.example).decode("utf-8", "replace")
    values = (group.fingerprint, group.type, group.logger, group.message, group.level)
    connection.execute(_PUT, (*values, group.first_seen, group.last_seen, group.count, example, told))


def _group(row: sqlite3.Row) -> Group:
    values = {name: row[name] for name in row.keys() if name != "told"}  # noqa: SIM118 because a Row is no mapping
    return Group(**{**values, "example": msgspec.json.decode(values["example"])})
