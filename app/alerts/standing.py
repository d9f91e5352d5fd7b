"""How each channel stands: what it delivered, since when it fails, how it did when it was tried; as SQL."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from ..core.clock import rfc3339

_NOTHING_WAITS = {"pending": 0, "oldest_pending_at": None, "dead_lately": 0}
_NEVER_USED = {
    "failures": 0, "failing_since": None, "pause_until": None, "last_ok_at": None, "last_error": "",
    "last_error_at": None, "sent": 0, "failed": 0, "dead": 0, "canary_at": None, "canary_seconds": None,
    "canary_error": "", **_NOTHING_WAITS,
}  # fmt: skip
# Because each partial index serves one state, these are asked for one by one.
_OVERVIEW = (
    "select * from channel",
    """select channel as name, count(*) as pending,
              min(case when due_at <= :now then due_at end) as oldest_pending_at from
       (select channel, due_at from outbox where state = 'pending' and kind != 'digest'
        union all select channel, due_at from outbox where state = 'sending' and kind != 'digest'
        union all select channel, due_at from outbox where digest is not null and state = 'grouped')
       group by channel""",
    """select channel as name, count(*) as dead_lately
       from outbox where state = 'dead' and touched_at > :since group by channel""",
)


def failures(connection: sqlite3.Connection, channel: str) -> sqlite3.Row | None:
    """The row of a channel whose last attempt failed, None when it did not."""
    row: sqlite3.Row | None = connection.execute(
        "select * from channel where name = ? and failures > 0", (channel,)
    ).fetchone()
    return row


def worked(connection: sqlite3.Connection, channel: str, now: datetime) -> None:
    """It delivered."""
    connection.execute(
        "insert into channel (name, sent, last_ok_at) values (?, 1, ?) on conflict (name) do update set"
        " sent = sent + 1, last_ok_at = excluded.last_ok_at,"
        " failures = 0, failing_since = null, pause_until = null",
        (channel, rfc3339(now)),
    )


def failed(
    connection: sqlite3.Connection,
    channel: str,
    error: str,
    pause_until: datetime | None,
    now: datetime,
    *,
    is_dead: bool,
) -> None:
    """It did not deliver, and is not to be tried before `pause_until`."""
    connection.execute("insert or ignore into channel (name) values (?)", (channel,))
    connection.execute(
        "update channel set failures = failures + 1, failing_since = coalesce(failing_since, ?),"
        " pause_until = ?, last_error = ?, last_error_at = ?, failed = failed + 1, dead = dead + ?"
        " where name = ?",
        (
            rfc3339(now),
            rfc3339(pause_until) if pause_until else None,
            error,
            rfc3339(now),
            is_dead,
            channel,
        ),
    )


def tried(connection: sqlite3.Connection, channel: str, seconds: float, error: str, now: datetime) -> None:
    """How the daily trial of a channel went."""
    connection.execute(
        "insert into channel (name, canary_at, canary_seconds, canary_error) values (?, ?, ?, ?)"
        " on conflict (name) do update set canary_at = excluded.canary_at,"
        " canary_seconds = excluded.canary_seconds, canary_error = excluded.canary_error",
        (channel, rfc3339(now), seconds, error),
    )


def last_tried(connection: sqlite3.Connection) -> datetime | None:
    """When channels were tried last."""
    (moment,) = connection.execute("select max(canary_at) from channel").fetchone()
    return datetime.fromisoformat(moment) if moment else None


def overview(
    connection: sqlite3.Connection, channels: Iterable[str], since: datetime, now: datetime
) -> dict[str, dict[str, Any]]:
    """Channel → its counters and troubles, what waits, since when something is late, what died since then.

    Of the channels that are named, and of others that were used.
    """
    found: dict[str, dict[str, Any]] = {name: dict(_NEVER_USED) for name in channels}
    for query in _OVERVIEW:
        for row in connection.execute(query, {"since": rfc3339(since), "now": rfc3339(now)}):
            known = dict(row)
            found.setdefault(known.pop("name"), dict(_NEVER_USED)).update(known)
    return found
