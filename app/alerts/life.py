"""Whether somebody was on watch: when this process began to lead, its last heartbeat, how it ended."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime

from ..core.clock import Clock, rfc3339
from ..core.database import Database
from .lease import is_alive, owner_name


@dataclass(frozen=True, slots=True)
class Downtime:
    """A time in which nobody was on watch, after a process that ended without a word."""

    since: datetime
    until: datetime


class Life:
    """The life of the leading process, in one row; those of its predecessors are read once."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._born = clock.now()
        self._has_begun = False

    @property
    def has_begun(self) -> bool:
        """Whether this process is on watch."""
        return self._has_begun

    def beat(self) -> Downtime | None:
        """Say that this process is on watch; the first time, answer when nobody was who should have been."""
        now = rfc3339(self._clock.now())
        with self._database.write() as connection:
            found = None
            if not self._has_begun:
                found = self._downtime(connection)
                connection.execute("delete from life")
                row = (owner_name(), rfc3339(self._born), now)
                connection.execute("insert into life values (?, ?, ?, null)", row)
            connection.execute("update life set heartbeat_at = ? where owner = ?", (now, owner_name()))
        self._has_begun = True
        return found

    def end(self) -> None:
        """Say that this process goes."""
        if self._has_begun:
            self._has_begun = False
            with self._database.write() as connection:
                now = rfc3339(self._clock.now())
                connection.execute("update life set ended_at = ? where owner = ?", (now, owner_name()))

    def _downtime(self, connection: sqlite3.Connection) -> Downtime | None:
        """None when the last one said goodbye, still lives, or died when this process was there already."""
        last = connection.execute("select * from life order by heartbeat_at desc limit 1").fetchone()
        if last is None or last["ended_at"] is not None or is_alive(last["owner"]):
            return None
        seen = datetime.fromisoformat(last["heartbeat_at"])
        return Downtime(seen, self._born) if seen < self._born else None
