"""The rows of the outbox, as SQL; what to do with them is the outbox's."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from ..core.clock import rfc3339
from .entries import Claim, Entry, Row, entry_or_digest
from .lease import is_alive, owner_name
from .model import Alert, Kind

_LEASE = timedelta(seconds=120)
_SUPERSEDE = (
    "update outbox set state = 'superseded', touched_at = ?, error = 'a newer notice says it'"
    " where channel = ? and alert_id = ? and state = 'pending' and id < ?"
)
# Because a row that was touched in the future only says that the clock was set back.
_DUE = "channel = :channel and state = 'pending' and (not_before <= :now or touched_at > :now)"
_WITH_DUE = """
    where exists (select 1 from outbox where channel = lane.name and state = 'sending')
    or exists (select 1 from outbox where channel = lane.name and state = 'pending'
               and (not_before <= :now or touched_at > :now))
    or exists (select 1 from outbox where channel = lane.name and state = 'accepted'
               and (not_before <= :now or touched_at > :now))"""
_HAS_OPEN = " union all ".join(
    f"select 1 from outbox where channel = :channel and state = '{state}'"  # noqa: S608 words of ours
    for state in ("pending", "sending", "accepted")
)
# Because what may have been delivered is found by its receiver only among its newest messages.
_FIRST = f"""
    select coalesce(
        (select id from outbox where {_DUE} and rank between :least and :highest and uncertain = 1
         order by rank desc, id limit 1),
        (select id from outbox where {_DUE} and rank between :least and :highest
         and (created_at >= :since or rank = 3) order by rank desc, id limit 1))"""  # noqa: S608 words of ours
_FIRST_OR_NEWER = f"""
    select case first.kind when 'digest' then first.id else
        (select max(id) from outbox
         where channel = :channel and alert_id = first.alert_id and state = 'pending') end
    from outbox first where first.id = ({_FIRST})"""  # noqa: S608 words of ours
_REACHED = "'pending', 'sending', 'grouped', 'accepted', 'sent'"


def add(
    connection: sqlite3.Connection,
    alert: Alert,
    kind: Kind,
    channel: str,
    now: datetime,
    *,
    group: str = "",
    wait: float = 0.0,
    name: str = "",
) -> bool:
    """One pending row, due after `wait` seconds; False when it is there already.

    Its key says which notice of which alert it is, and for what comes more than once, `name`.
    """
    due = rfc3339(now + timedelta(seconds=wait))
    added = connection.execute(
        "insert or ignore into outbox"
        " (key, alert_id, channel, kind, rank, state, created_at, touched_at, not_before, due_at, grp)"
        " values (?, ?, ?, ?, ?, 'pending', ?, ?, ?, ?, ?)",
        (
            f"{alert.id}.{name or kind}.{key_part(channel)}",
            *(alert.id, channel, kind, alert.severity.rank),
            *[rfc3339(now)] * 2,
            *[due] * 2,
            group,
        ),
    )
    return added.rowcount == 1


def key_part(channel: str) -> str:
    """The name of a channel as keys have it: a Message-ID takes no colon."""
    return channel.replace(":", ".")


def reached(connection: sqlite3.Connection, alert_id: str) -> list[str]:
    """The channels that were told of the alert, or may be any moment."""
    rows = connection.execute(
        f"select distinct channel from outbox where alert_id = ? and state in ({_REACHED})",  # noqa: S608 words of ours
        (alert_id,),
    )
    return [row["channel"] for row in rows]


def of_alert(connection: sqlite3.Connection, alert_id: str) -> list[dict[str, Any]]:
    """What became of each notice of an alert, oldest first."""
    rows = connection.execute(
        "select notice.channel, notice.kind, notice.state, notice.created_at, notice.due_at,"
        " notice.touched_at, notice.attempts + coalesce(digest.attempts, 0) as attempts,"
        " notice.error, notice.reference, digest.key as digest"
        " from outbox notice left join outbox digest on digest.id = notice.digest"
        " where notice.alert_id = ? order by notice.id",
        (alert_id,),
    )
    return [dict(row) for row in rows]


def is_open(connection: sqlite3.Connection, alert_id: str, channel: str) -> bool:
    """Whether a notice of the alert is on its way to the channel."""
    rows = connection.execute(
        "select 1 from outbox where alert_id = ? and channel = ?"
        " and state in ('pending', 'sending', 'grouped')",
        (alert_id, channel),
    )
    return rows.fetchone() is not None


def with_due(connection: sqlite3.Connection, channels: Sequence[str], now: datetime) -> list[str]:
    """Those of some channels for which a claim may find something, or something is to be asked about, now."""
    asked = {f"channel{number}": channel for number, channel in enumerate(channels)}
    lanes = ", ".join(f"(:{name})" for name in asked)
    query = f"with lane (name) as (values {lanes}) select name from lane {_WITH_DUE}"  # noqa: S608 words of ours
    return [row["name"] for row in connection.execute(query, {**asked, "now": rfc3339(now)})]


def has_open(connection: sqlite3.Connection, channel: str) -> bool:
    """Whether anything waits for a channel, is being sent, or is to be asked about, now or later."""
    return connection.execute(f"{_HAS_OPEN} limit 1", {"channel": channel}).fetchone() is not None


def take_back(connection: sqlite3.Connection, channel: str, now: datetime, pause: timedelta) -> None:
    """Rows whose sender died, or held them for too long, are pending again: possibly delivered.

    Not before a pause, in which what was on its way arrives.
    """
    for row in connection.execute(
        "select id, lease_owner, lease_until from outbox where channel = ? and state = 'sending'", (channel,)
    ).fetchall():
        if row["lease_until"] <= rfc3339(now) or not is_alive(row["lease_owner"]):
            connection.execute(
                "update outbox set state = 'pending', uncertain = 1, not_before = ? where id = ?",
                (rfc3339(now + pause), row["id"]),
            )


def first(
    connection: sqlite3.Connection, channel: str, now: datetime, ranks: tuple[int, int], fresh_since: str
) -> Entry | Row | None:
    """The row whose turn it is: a digest, or the newest of its alert.

    What may have been delivered comes first, then the most severe and oldest. ranks: the least and the
    highest that have their turn. What is less than CRITICAL and older than `fresh_since` is left.
    """
    asked = {"channel": channel, "now": rfc3339(now), "least": ranks[0], "highest": ranks[1]}
    return entry_or_digest(connection, channel, _FIRST_OR_NEWER, {**asked, "since": fresh_since})


def supersede(connection: sqlite3.Connection, channel: str, newest: Entry, now: datetime) -> None:
    """The newest row speaks for the older ones of its alert."""
    connection.execute(_SUPERSEDE, (rfc3339(now), channel, newest.alert.id, newest.row.id))


def withhold(connection: sqlite3.Connection, row: int, why: str, now: datetime) -> None:
    """The row is not sent."""
    connection.execute(
        "update outbox set state = 'withheld', error = ?, touched_at = ? where id = ?",
        (why, rfc3339(now), row),
    )


def postpone(connection: sqlite3.Connection, row: int, until: datetime, now: datetime) -> None:
    """The row waits, and is not late before then."""
    connection.execute(
        "update outbox set not_before = :until, due_at = :until, touched_at = :now where id = :row",
        {"until": rfc3339(until), "now": rfc3339(now), "row": row},
    )


def reference(connection: sqlite3.Connection, alert_id: str, channel: str) -> str:
    """What the channel answered to the first notice of the alert."""
    row = connection.execute(
        "select reference from outbox where alert_id = ? and channel = ? and reference != ''"
        " order by id limit 1",
        (alert_id, channel),
    ).fetchone()
    return str(row["reference"]) if row else ""


def lease(connection: sqlite3.Connection, row: Row, now: datetime) -> None:
    """The row belongs to this process until the lease ends or somebody raises the fence."""
    connection.execute(
        "update outbox set state = 'sending', fence = ?, attempts = ?,"
        " lease_owner = ?, lease_until = ?, touched_at = ? where id = ?",
        (row.fence + 1, row.attempts + 1, owner_name(), rfc3339(now + _LEASE), rfc3339(now), row.id),
    )


def mark(
    connection: sqlite3.Connection,
    claim: Claim,
    state: str,
    now: datetime,
    *,
    not_before: datetime | None = None,
    reference: str = "",
    error: str = "",
    uncertain: bool = False,
) -> bool:
    """What became of a claim; False when the row is no longer this claim's."""
    marked = connection.execute(
        "update outbox set state = ?, touched_at = ?, not_before = ?, reference = ?, error = ?,"
        " uncertain = max(uncertain, ?) where id = ? and fence = ? and state = 'sending'",
        (
            *(state, rfc3339(now), rfc3339(not_before or now), reference, error, uncertain),
            *(claim.row, claim.fence),
        ),
    )
    return marked.rowcount == 1


def retire(connection: sqlite3.Connection, kept: Collection[str]) -> None:
    """Withhold what waits for channels other than these."""
    for state in ("pending", "sending", "grouped", "accepted"):
        rows = connection.execute("select id, channel from outbox where state = ?", (state,)).fetchall()
        connection.executemany(
            "update outbox set state = 'withheld', error = 'the channel is not configured' where id = ?",
            [(row["id"],) for row in rows if row["channel"] not in kept],
        )
