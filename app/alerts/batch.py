"""The rows of digests: which notices can go out together, and what becomes of them as one, as SQL."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime

from ..core.clock import rfc3339
from .entries import Claim, Entry, Row, entries, row_of
from .model import Kind

_WAITING = (
    " where outbox.channel = :channel and outbox.state = 'pending' and outbox.kind != 'digest'"
    " and rank between :least and :highest and outbox.uncertain = 0"
)
_DUE = "(outbox.not_before <= :now or outbox.touched_at > :now)"
_NEWEST = (
    " and not exists (select 1 from outbox newer where newer.alert_id = outbox.alert_id"
    " and newer.channel = outbox.channel and newer.state = 'pending' and newer.id > outbox.id)"
)
_STORM = 20
"""From how many on everything that waits goes into one message, whatever its group and before it is due."""
_LARGEST = 5_000
"""Because a claim is one transaction, for which everything that is raised has to wait."""


_STORMS = f"(select count(*) from (select 1 from outbox {_WAITING} limit {_STORM + 1})) > {_STORM}"  # noqa: S608 words of ours


def others(
    connection: sqlite3.Connection,
    channel: str,
    first: Entry,
    ranks: tuple[int, int],
    group: str | None,
    now: datetime,
) -> list[Entry]:
    """What else waits, the newest row of each alert: of the group, or what is due; in a storm everything."""
    chosen = _DUE if group is None else "grp = :group"
    asked = {
        "channel": channel,
        "first": first.row.id,
        "least": ranks[0],
        "highest": ranks[1],
        "group": group,
    }
    return entries(
        connection,
        channel,
        f"{_WAITING} and outbox.id != :first and ({_STORMS} or {chosen}) {_NEWEST}"
        " order by outbox.id limit :largest",
        {**asked, "now": rfc3339(now), "largest": _LARGEST},
    )


def members(connection: sqlite3.Connection, channel: str, digest: int) -> list[Entry]:
    """What a digest speaks for."""
    return entries(connection, channel, "where outbox.digest = :digest", {"digest": digest})


def spoken_for(connection: sqlite3.Connection, row: int) -> tuple[str, list[Entry]]:
    """The channel of a row, and what it speaks for: itself, or what its digest holds."""
    found = connection.execute("select channel, kind from outbox where id = ?", (row,)).fetchone()
    channel, column = found["channel"], "digest" if found["kind"] == Kind.DIGEST else "id"
    return channel, entries(connection, channel, f"where outbox.{column} = :row", {"row": row})


def form(connection: sqlite3.Connection, channel: str, key: str, held: Sequence[Entry], now: datetime) -> Row:
    """The row of a digest that speaks for these; the same notices make the same row again."""
    rank = max(entry.alert.severity.rank for entry in held)
    connection.execute(
        "insert into outbox"
        " (key, alert_id, channel, kind, rank, state, created_at, touched_at, not_before, due_at)"
        " values (:key, '', :channel, 'digest', :rank, 'pending', :now, :now, :now, :now)"
        " on conflict (key) do update set state = 'pending', touched_at = :now, not_before = :now",
        {"key": key, "channel": channel, "rank": rank, "now": rfc3339(now)},
    )
    row = row_of(connection, key)
    connection.executemany(
        "update outbox set state = 'superseded', touched_at = ?, error = 'a newer notice says it'"
        " where alert_id = ? and channel = ? and state = 'pending' and id < ?",
        [(rfc3339(now), entry.alert.id, channel, entry.row.id) for entry in held],
    )
    connection.executemany(
        "update outbox set state = 'grouped', digest = ?, touched_at = ? where id = ?",
        [(row.id, rfc3339(now), entry.row.id) for entry in held],
    )
    return row


def mark_members(
    connection: sqlite3.Connection,
    claim: Claim,
    state: str,
    now: datetime,
    *,
    reference: str = "",
    error: str = "",
) -> None:
    """The same became of everything that a digest speaks for."""
    if claim.notice.digest is None:
        return
    connection.execute(
        "update outbox set state = ?, touched_at = ?, reference = ?, error = ?"
        " where digest = ? and state = 'grouped'",
        (state, rfc3339(now), reference, error, claim.row),
    )


def dissolve(connection: sqlite3.Connection, claim: Claim, not_before: datetime, now: datetime) -> None:
    """Everything goes back by itself, so that the next digest says what is so then."""
    connection.execute(
        "update outbox set state = 'pending', digest = null, not_before = ?, touched_at = ?"
        " where digest = ? and state = 'grouped'",
        (rfc3339(not_before), rfc3339(now), claim.row),
    )
