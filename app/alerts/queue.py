"""The rows of the outbox and the state of the channels, as SQL; what to do with them is the outbox's."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ..core.clock import rfc3339
from .lease import is_alive, owner_name
from .model import Alert, Kind, Notice

_LEASE = timedelta(seconds=120)
_NOTHING_WAITS = {"pending": 0, "oldest_pending_at": None, "dead_lately": 0}
_NEVER_USED = {
    "failures": 0, "failing_since": None, "pause_until": None, "last_ok_at": None, "last_error": "",
    "last_error_at": None, "sent": 0, "failed": 0, "dead": 0, **_NOTHING_WAITS,
}  # fmt: skip
# Because each partial index serves one state, these are asked for one by one.
_OVERVIEW = (
    "select * from channel",
    """select channel as name, count(*) as pending, min(created_at) as oldest_pending_at from
       (select channel, created_at from outbox where state = 'pending'
        union all select channel, created_at from outbox where state = 'sending') group by channel""",
    """select channel as name, count(*) as dead_lately
       from outbox where state = 'dead' and touched_at > :since group by channel""",
)


@dataclass(frozen=True, slots=True)
class Claim:
    """A notice that this process, and nobody else, is about to send.

    failing_since: since when every attempt of this channel failed, None when the last one did not.
    """

    row: int
    fence: int
    channel: str
    attempts: int
    notice: Notice
    failing_since: datetime | None


def add(
    connection: sqlite3.Connection, alert: Alert, kind: Kind, channels: Iterable[str], now: datetime
) -> None:
    """One pending row for each channel; their keys say which notice of which alert it is."""
    name = {Kind.WORSE: f"worse-{alert.severity.lower()}", Kind.REMINDER: f"reminder-{now:%Y%m%dT%H%M%S}"}
    for channel in channels:
        connection.execute(
            "insert or ignore into outbox"
            " (key, alert_id, channel, kind, rank, state, created_at, touched_at, not_before)"
            " values (?, ?, ?, ?, ?, 'pending', ?, ?, ?)",
            (
                f"{alert.id}.{name.get(kind, kind)}.{channel}",
                *(alert.id, channel, kind, alert.severity.rank),
                *[rfc3339(now)] * 3,
            ),
        )


def reached(connection: sqlite3.Connection, alert_id: str) -> list[str]:
    """The channels that were told of the alert, or may be any moment."""
    rows = connection.execute(
        "select distinct channel from outbox where alert_id = ? and state in ('pending', 'sending', 'sent')",
        (alert_id,),
    )
    return [row["channel"] for row in rows]


def is_open(connection: sqlite3.Connection, alert_id: str, channel: str) -> bool:
    """Whether a notice of the alert is on its way to the channel."""
    rows = connection.execute(
        "select 1 from outbox where alert_id = ? and channel = ? and state in ('pending', 'sending')",
        (alert_id, channel),
    )
    return rows.fetchone() is not None


def has_work(connection: sqlite3.Connection, channel: str, now: datetime) -> bool:
    """Whether a claim may find something."""
    rows = connection.execute(
        "select 1 from outbox where channel = :channel and state = 'sending' union all"
        " select 1 from outbox where channel = :channel and state = 'pending'"
        " and (not_before <= :now or touched_at > :now) limit 1",
        {"channel": channel, "now": rfc3339(now)},
    )
    return rows.fetchone() is not None


def take_back(connection: sqlite3.Connection, channel: str, now: datetime) -> None:
    """Rows whose sender died, or held them for too long, are pending again: possibly delivered."""
    for row in connection.execute(
        "select id, lease_owner, lease_until from outbox where channel = ? and state = 'sending'", (channel,)
    ).fetchall():
        if row["lease_until"] <= rfc3339(now) or not is_alive(row["lease_owner"]):
            connection.execute(
                "update outbox set state = 'pending', uncertain = 1, not_before = ? where id = ?",
                (rfc3339(now), row["id"]),
            )


def first(connection: sqlite3.Connection, channel: str, now: datetime) -> sqlite3.Row | None:
    """The newest row of the alert whose turn it is, the most severe and oldest first."""
    row = connection.execute(
        # Because a row that was touched in the future only says that the clock was set back.
        "select alert_id from outbox where channel = ? and state = 'pending'"
        " and (not_before <= ? or touched_at > ?) order by rank desc, id limit 1",
        (channel, rfc3339(now), rfc3339(now)),
    ).fetchone()
    if row is None:
        return None
    newest: sqlite3.Row = connection.execute(
        "select * from outbox where channel = ? and alert_id = ? and state = 'pending'"
        " order by id desc limit 1",
        (channel, row["alert_id"]),
    ).fetchone()
    return newest


def supersede(connection: sqlite3.Connection, newest: sqlite3.Row, now: datetime) -> None:
    """The newest row speaks for the older ones of its alert."""
    connection.execute(
        "update outbox set state = 'superseded', touched_at = ?, error = 'a newer notice says it'"
        " where channel = ? and alert_id = ? and state = 'pending' and id < ?",
        (rfc3339(now), newest["channel"], newest["alert_id"], newest["id"]),
    )


def withhold(connection: sqlite3.Connection, row: sqlite3.Row, why: str, now: datetime) -> None:
    """The row is not sent."""
    connection.execute(
        "update outbox set state = 'withheld', error = ?, touched_at = ? where id = ?",
        (why, rfc3339(now), row["id"]),
    )


def lease(
    connection: sqlite3.Connection,
    row: sqlite3.Row,
    notice: Notice,
    failing_since: datetime | None,
    now: datetime,
) -> Claim:
    """The row belongs to this process until the lease ends or somebody raises the fence."""
    connection.execute(
        "update outbox set state = 'sending', fence = fence + 1, attempts = attempts + 1,"
        " lease_owner = ?, lease_until = ?, touched_at = ? where id = ?",
        (owner_name(), rfc3339(now + _LEASE), rfc3339(now), row["id"]),
    )
    return Claim(row["id"], row["fence"] + 1, row["channel"], row["attempts"] + 1, notice, failing_since)


def mark_sent(connection: sqlite3.Connection, claim: Claim, reference: str, now: datetime) -> bool:
    """False when the row is no longer this claim's."""
    marked = connection.execute(
        "update outbox set state = 'sent', touched_at = ?, reference = ?, error = ''"
        " where id = ? and fence = ? and state = 'sending'",
        (rfc3339(now), reference, claim.row, claim.fence),
    )
    return marked.rowcount == 1


def mark_failed(
    connection: sqlite3.Connection, claim: Claim, state: str, not_before: datetime, error: str, now: datetime
) -> bool:
    """False when the row is no longer this claim's."""
    marked = connection.execute(
        "update outbox set state = ?, touched_at = ?, not_before = ?, error = ?"
        " where id = ? and fence = ? and state = 'sending'",
        (state, rfc3339(now), rfc3339(not_before), error, claim.row, claim.fence),
    )
    return marked.rowcount == 1


def retire(connection: sqlite3.Connection, kept: Collection[str]) -> None:
    """Withhold what waits for channels other than these."""
    for state in ("pending", "sending"):
        rows = connection.execute("select id, channel from outbox where state = ?", (state,)).fetchall()
        connection.executemany(
            "update outbox set state = 'withheld', error = 'the channel is not configured' where id = ?",
            [(row["id"],) for row in rows if row["channel"] not in kept],
        )


def failures(connection: sqlite3.Connection, channel: str) -> sqlite3.Row | None:
    """The row of a channel whose last attempt failed, None when it did not."""
    row: sqlite3.Row | None = connection.execute(
        "select * from channel where name = ? and failures > 0", (channel,)
    ).fetchone()
    return row


def channel_worked(connection: sqlite3.Connection, channel: str, now: datetime) -> None:
    """It delivered."""
    connection.execute(
        "insert into channel (name, sent, last_ok_at) values (?, 1, ?) on conflict (name) do update set"
        " sent = sent + 1, last_ok_at = excluded.last_ok_at,"
        " failures = 0, failing_since = null, pause_until = null",
        (channel, rfc3339(now)),
    )


def channel_failed(
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


def overview(
    connection: sqlite3.Connection, channels: Iterable[str], since: datetime
) -> dict[str, dict[str, Any]]:
    """Channel → its counters and troubles, what waits and since when, what died since then.

    Of the channels that are named, and of others that were used.
    """
    found: dict[str, dict[str, Any]] = {name: dict(_NEVER_USED) for name in channels}
    for query in _OVERVIEW:
        for row in connection.execute(query, {"since": rfc3339(since)}):
            known = dict(row)
            found.setdefault(known.pop("name"), dict(_NEVER_USED)).update(known)
    return found
