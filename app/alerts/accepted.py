"""Rows that their receiver has accepted: it is asked what became of them until that is known."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from ..core.clock import rfc3339


def to_ask(connection: sqlite3.Connection, channel: str, now: datetime) -> sqlite3.Row | None:
    """The row whose receiver is to be asked what became of it."""
    row: sqlite3.Row | None = connection.execute(
        "select * from outbox where channel = ? and state = 'accepted'"
        " and (not_before <= ? or touched_at > ?) order by not_before limit 1",
        (channel, rfc3339(now), rfc3339(now)),
    ).fetchone()
    return row


def ask_later(connection: sqlite3.Connection, row: int, at: datetime, now: datetime) -> None:
    """Nothing is known yet."""
    connection.execute(
        "update outbox set asked = asked + 1, not_before = ?, touched_at = ?"
        " where id = ? and state = 'accepted'",
        (rfc3339(at), rfc3339(now), row),
    )


def end_accepted(connection: sqlite3.Connection, row: int, state: str, error: str, now: datetime) -> bool:
    """It is known what became of an accepted row and of what it speaks for; False when it was before."""
    ended = connection.execute(
        "update outbox set state = ?, error = ?, touched_at = ?, not_before = ?, asked = 0"
        " where id = ? and state = 'accepted'",
        (state, error, *[rfc3339(now)] * 2, row),
    )
    if state != "sent":
        connection.execute(
            "update outbox set state = ? where digest = ? and state = 'sent'",
            ("grouped" if state == "pending" else state, row),
        )
    return ended.rowcount == 1
