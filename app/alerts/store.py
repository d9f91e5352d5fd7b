"""The alerts file: what is written into it and read from it about alerts, their history and silences.

Every function takes a connection, so that a state change, its history and its notices are one
transaction. The notices on their way have a file of their own: outbox.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from datetime import datetime
from pathlib import Path
from typing import Any

from ..core.clock import rfc3339
from ..core.database import Database
from .bucket import Bucket, full
from .model import Alert, Limits, Silence, Step
from .records import read, select, width
from .schema import MIGRATIONS

_FILE = "alerts.sqlite"

# Because a reason that comes again for the same alert is counted on its line instead of filling the history.
_COUNTED = ("repeated", "severity", "ignored", "withheld", "postponed", "failed")

# The active episode of a fingerprint, else the last one.
_NEWEST = """alert.id = coalesce(
    (select id from alert where fingerprint = :fingerprint and resolved_at is null),
    (select max(id) from alert where fingerprint = :fingerprint))"""


def open_store(folder: Path) -> Database:
    """The database of an alerts folder; a commit survives the machine."""
    return Database(folder / _FILE, MIGRATIONS, durable=True)


def newest(connection: sqlite3.Connection, fingerprint: str) -> Alert | None:
    """The active episode of a fingerprint, else the last one."""
    found = _alerts(connection, f"from alert where {_NEWEST}", {"fingerprint": fingerprint})
    return found[0] if found else None


def known(connection: sqlite3.Connection, fingerprint: str) -> tuple[Alert | None, datetime | None]:
    """The newest episode of a fingerprint, and when the condition was last said to be over."""
    row = connection.execute(
        select(
            Alert,
            ", cleared.at from (select 1) left join cleared on cleared.fingerprint = :fingerprint"
            f" left join alert on {_NEWEST}",
        ),
        {"fingerprint": fingerprint},
    ).fetchone()
    cleared_at = row[width(Alert)]
    return read(Alert, row) if row["id"] else None, datetime.fromisoformat(cleared_at) if cleared_at else None


def by_id(connection: sqlite3.Connection, alert_id: str) -> Alert | None:
    """The alert of that id."""
    found = _alerts(connection, "from alert where id = :id", {"id": alert_id})
    return found[0] if found else None


def active(connection: sqlite3.Connection) -> list[Alert]:
    """Every alert that is not over."""
    return _alerts(connection, "from alert where resolved_at is null", {})


def expired(connection: sqlite3.Connection, now: datetime) -> list[Alert]:
    """Active alerts that were not observed again in time."""
    return _alerts(connection, "from alert where expires_at <= :now", {"now": rfc3339(now)})


def save_cleared(connection: sqlite3.Connection, fingerprint: str, at: datetime) -> None:
    """Remember that the condition was said to be over."""
    connection.execute("insert or replace into cleared values (?, ?)", (fingerprint, rfc3339(at)))


def record(connection: sqlite3.Connection, alert_id: str, at: datetime, step: Step) -> None:
    """Write a step into the history, or count it on the line where it stands already."""
    moment, said = rfc3339(at), (step.what, step.channel, step.why)
    if step.what in _COUNTED:
        counted = connection.execute(
            "update event set count = count + 1, last_at = ?"
            " where alert_id = ? and what = ? and channel = ? and why = ?",
            (moment, alert_id, *said),
        )
        if counted.rowcount:
            return
    connection.execute(
        "insert into event (alert_id, at, what, channel, why, who, last_at) values (?, ?, ?, ?, ?, ?, ?)",
        (alert_id, moment, *said, step.who, moment),
    )


def history(
    connection: sqlite3.Connection, limit: int, before: int, alert_id: str | None
) -> list[dict[str, Any]]:
    """Events older than that id, newest first, each with what its alert is about."""
    of_one = "" if alert_id is None else "and event.alert_id = :alert_id"
    rows = connection.execute(
        "select event.*, alert.title, alert.severity, alert.category, alert.state"  # noqa: S608 a text of ours
        " from event left join alert on alert.id = event.alert_id"
        f" where event.id < :before {of_one} order by event.id desc limit :limit",
        {"before": before, "alert_id": alert_id, "limit": limit},
    )
    return [dict(row) for row in rows]


def decisions(connection: sqlite3.Connection, alert_id: str | None = None) -> list[dict[str, Any]]:
    """The newest step of each channel of an active alert, or of all, and when it is looked at again."""
    of_one = "" if alert_id is None else "and alert.id = :alert_id"
    # A cross join, because SQLite would else read the whole history in the order of its groups.
    rows = connection.execute(
        "select event.alert_id, event.channel, event.what, event.why, max(event.last_at) as at,"  # noqa: S608
        " coalesce(case when told.owed = event.why then told.due_at end,"
        " (select max(not_before) from outbox where outbox.alert_id = event.alert_id"
        " and outbox.channel = event.channel and outbox.state = 'pending')) as due_at"
        " from alert cross join event on event.alert_id = alert.id left join told"
        " on told.fingerprint = alert.fingerprint and told.channel = event.channel"
        f" where alert.resolved_at is null and event.channel != '' {of_one}"
        " group by event.alert_id, event.channel order by event.alert_id, event.channel",
        {"alert_id": alert_id},
    )
    return [dict(row) for row in rows]


def silences(connection: sqlite3.Connection, now: datetime) -> list[Silence]:
    """The silences that have not ended."""
    query = select(Silence, "from silence where ends_at > ? order by ends_at")
    return [read(Silence, row) for row in connection.execute(query, (rfc3339(now),))]


def silence(connection: sqlite3.Connection, silence_id: str) -> Silence | None:
    """The silence of that id."""
    row = connection.execute(select(Silence, "from silence where id = ?"), (silence_id,)).fetchone()
    return read(Silence, row) if row else None


def buckets(
    connection: sqlite3.Connection, names: Collection[str], limits: Limits, now: datetime
) -> dict[str, Bucket]:
    """The tokens that there are now."""
    places = ", ".join("?" * len(names))
    rows = connection.execute(
        f"select name, tokens, at from bucket where name in ({places})",  # noqa: S608 question marks
        tuple(names),
    )
    left = {row["name"]: Bucket(row["tokens"], datetime.fromisoformat(row["at"])) for row in rows}
    return {name: left[name].filled(limits, now) if name in left else full(limits, now) for name in names}


def save_bucket(connection: sqlite3.Connection, name: str, bucket: Bucket) -> None:
    """Remember how many tokens there were, and when."""
    connection.execute(
        "insert or replace into bucket values (?, ?, ?)", (name, bucket.tokens, rfc3339(bucket.at))
    )


def escalations_due(connection: sqlite3.Connection, now: datetime) -> list[tuple[Alert, int]]:
    """Alerts that nobody was on in time, and the rung that is due."""
    query = select(
        Alert,
        ", escalation.step as rung from escalation join alert on alert.id = escalation.alert_id"
        " where escalation.due_at <= ?",
    )
    rows = connection.execute(query, (rfc3339(now),))
    return [(read(Alert, row), row["rung"]) for row in rows]


def save_escalation(connection: sqlite3.Connection, alert_id: str, rung: int | None, at: datetime) -> None:
    """Which rung is due next and when; None: none."""
    if rung is None:
        connection.execute("delete from escalation where alert_id = ?", (alert_id,))
        return
    connection.execute("insert or ignore into escalation values (?, ?, ?)", (alert_id, rung, rfc3339(at)))


def counts(connection: sqlite3.Connection) -> list[dict[str, Any]]:
    """How many alerts there are by severity, category and state."""
    rows = connection.execute(
        "select severity, category, state, count(*) as number from alert group by severity, category, state"
    )
    return [dict(row) for row in rows]


def spans(connection: sqlite3.Connection, column: str) -> list[float]:
    """Seconds from the beginning of alerts until `column` (acknowledged_at or resolved_at)."""
    assert column in ("acknowledged_at", "resolved_at")
    rows = connection.execute(
        f"select (julianday({column}) - julianday(started_at)) * 86400 as seconds"  # noqa: S608 a column of ours
        f" from alert where {column} is not null and noted = 0"
    )
    return [row["seconds"] for row in rows]


def trim(connection: sqlite3.Connection, before: datetime) -> int:
    """Delete alerts that were over before that, with everything about them; the number of them."""
    moment = (rfc3339(before),)
    gone = connection.execute(
        "delete from alert where resolved_at < ? and id not in"
        " (select alert_id from outbox where state in ('pending', 'sending', 'grouped', 'accepted'))",
        moment,
    ).rowcount
    for orphans in (
        "delete from event where last_at < ? and alert_id not in (select id from alert)",
        "delete from outbox where touched_at < ? and alert_id not in (select id from alert)",
        "delete from told where at < ? and fingerprint not in (select fingerprint from alert)",
        "delete from silence where ends_at < ?",
        "delete from cleared where at < ?",
        "delete from flap where changed_at < ?",
    ):
        connection.execute(orphans, moment)
    return gone


def offsets(connection: sqlite3.Connection) -> dict[str, int]:
    """Journal file → how far it was read."""
    return {row["file"]: row["offset"] for row in connection.execute("select * from journal_offset")}


def forget_file(connection: sqlite3.Connection, file: str) -> None:
    """A journal file is no more."""
    connection.execute("delete from journal_offset where file = ?", (file,))


def _alerts(connection: sqlite3.Connection, rest: str, asked: dict[str, str]) -> list[Alert]:
    return [read(Alert, row) for row in connection.execute(select(Alert, rest), asked)]
