"""Whether the write-ahead log reaches the archive: a restore to a point in time hangs on it."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import msgspec

from ...core.clock import Clock, rfc3339
from ...core.errors import AtalaiaError
from ...core.signal import Emit
from ..client import Clients
from . import notices

_FRESH_SECONDS = 30.0
# Because a server that has just been promoted or restarted may have no file yet to speak of.
_QUESTION = """
select json_build_object(
  'mode', current_setting('archive_mode'),
  'is_standby', pg_is_in_recovery(),
  'last_archived_wal', last_archived_wal, 'last_archived_at', last_archived_time,
  'archived', archived_count,
  'last_failed_wal', last_failed_wal, 'last_failed_at', last_failed_time, 'failed', failed_count,
  'segment_bytes', (select setting::int8 from pg_settings where name = 'wal_segment_size'),
  'place_bytes', case when pg_is_in_recovery() then 0
    else pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::int8 end)
from pg_stat_archiver
"""


class Archiver(msgspec.Struct, frozen=True):
    """What the server tells of it."""

    mode: str
    is_standby: bool
    archived: int
    failed: int
    segment_bytes: int
    place_bytes: int
    last_archived_wal: str | None = None
    last_archived_at: datetime | None = None
    last_failed_wal: str | None = None
    last_failed_at: datetime | None = None

    @property
    def is_failing(self) -> bool:
        """Whether it failed since it last succeeded."""
        if self.last_failed_at is None:
            return False
        return self.last_archived_at is None or self.last_failed_at > self.last_archived_at

    @property
    def waiting(self) -> int:
        """How many whole segments have not been archived, as far as the last one's name tells."""
        name = self.last_archived_wal or ""
        if self.is_standby or len(name) < 24:
            return 0
        per_log = (1 << 32) // self.segment_bytes
        last = int(name[8:16], 16) * per_log + int(name[16:24], 16)
        return max(self.place_bytes // self.segment_bytes - last - 1, 0)


@dataclass(frozen=True, slots=True)
class Standing:
    """How it stands; `since` is when it began to fail or to lag (monotonic), None while it does neither."""

    archiver: Archiver | None = None
    trouble: str = ""
    since: float | None = None

    @property
    def fact(self) -> str:
        """What is wrong, nothing when nothing is."""
        told = self.archiver
        if told is None or told.is_standby:
            return ""
        if told.mode == "off":
            return "archive_mode is off: no write-ahead log is archived"
        if told.is_failing:
            return f"archive_command fails for {told.last_failed_wal} ({told.failed} times in all)"
        if told.waiting:
            return f"{told.waiting} segments of write-ahead log wait to be archived"
        return ""


class Archiving:
    """Asks the server at most twice a minute; the leader says it when archiving fails for too long."""

    def __init__(self, clients: Clients | None, after_seconds: float, clock: Clock, emit: Emit) -> None:
        self._clients = clients
        self._after = after_seconds
        self._clock = clock
        self._emit = emit
        self._lock = threading.Lock()
        self._standing = Standing(trouble="not asked yet" if clients else "DATABASE_URL is not set")
        self._asked_at = -_FRESH_SECONDS
        self._said: bool | None = None

    def standing(self, *, fresh: bool = False) -> Standing:
        """As of at most half a minute ago; never raises."""
        with self._lock:
            if self._clients and (fresh or time.monotonic() - self._asked_at >= _FRESH_SECONDS):
                self._standing = self._found(self._clients)
                self._asked_at = time.monotonic()
            return self._standing

    def watch(self) -> None:
        """Say that it has failed for too long, and when it works again."""
        standing = self.standing()
        is_late = self.is_late(standing)
        if is_late and not self._said:
            seconds = self._clock.monotonic() - (standing.since or 0.0)
            hint = "See the server's log and pgBackRest's."
            self._emit(notices.archiving_fails(standing.fact, hint, round(seconds), self._after))
            self._said = True
        elif standing.archiver and not standing.fact and self._said is not False:
            self._emit(notices.archiving_works())
            self._said = False

    def is_late(self, standing: Standing) -> bool:
        """Whether it has failed or lagged for longer than it may."""
        return standing.since is not None and self._clock.monotonic() - standing.since >= self._after

    def told(self) -> dict[str, Any]:
        """For the status."""
        standing = self.standing()
        found = standing.archiver
        if found is None:
            return {"ok": None, "fact": standing.trouble}
        at = found.last_archived_at
        return {
            "ok": not standing.fact,
            "fact": standing.fact,
            "last_archived_wal": found.last_archived_wal,
            "last_archived_at": rfc3339(at) if at else None,
            "age_seconds": round((self._clock.now() - at).total_seconds(), 3) if at else None,
            "waiting_segments": found.waiting,
            "archived": found.archived,
            "failed": found.failed,
            "last_failed_at": rfc3339(found.last_failed_at) if found.last_failed_at else None,
        }

    def _found(self, clients: Clients) -> Standing:
        try:
            with clients.open() as client:
                told = msgspec.json.decode(client.anew().ask(_QUESTION), type=Archiver)
        except (AtalaiaError, OSError, msgspec.MsgspecError) as error:
            # Because a server that does not answer is told of elsewhere, nothing is known and nothing said.
            return replace(self._standing, archiver=None, trouble=str(error).splitlines()[0])
        found = Standing(told)
        return replace(found, since=(self._standing.since or self._clock.monotonic()) if found.fact else None)
