"""What stands in the outbox: each row read with its alert and with what its channel knows of that."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .model import Alert, Kind, Notice, Told
from .records import columns, read, width

_TOLD_AT = width(Alert)
_ROW_AT = _TOLD_AT + width(Told)
_ROW = ", ".join(
    f"outbox.{name} as row_{name}"
    for name in ("id", "key", "kind", "rank", "grp", "uncertain", "fence", "attempts")
)
_COLUMNS = f"select {columns(Alert)}, {columns(Told)}, {_ROW}"
_JOINED = (
    "left join alert on alert.id = outbox.alert_id"
    " left join told on told.fingerprint = alert.fingerprint and told.channel = outbox.channel"
)


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the outbox; `kind` is what it was written for, `group` what it may be told together with."""

    id: int
    key: str
    kind: Kind
    rank: int
    group: str
    uncertain: bool
    fence: int
    attempts: int


@dataclass(frozen=True, slots=True)
class Entry:
    """A row with its alert; `kind` is what is to be said to this channel, `told` what it knows."""

    row: Row
    kind: Kind
    alert: Alert
    told: Told


@dataclass(frozen=True, slots=True)
class Claim:
    """A notice that this process, and nobody else, is about to send.

    entries: the rows that it speaks for; failing_since: since when every attempt of this channel
    failed, None when the last one did not.
    """

    row: int
    fence: int
    channel: str
    attempts: int
    notice: Notice
    entries: tuple[Entry, ...]
    failing_since: datetime | None


def entries(connection: sqlite3.Connection, channel: str, rest: str, asked: Mapping[str, Any]) -> list[Entry]:
    """The rows of a channel that a query finds; none of them is a digest."""
    rows = connection.execute(f"{_COLUMNS} from outbox {_JOINED} {rest}", asked)
    return [_entry(row, channel) for row in rows]


def entry_or_digest(
    connection: sqlite3.Connection, channel: str, chosen: str, asked: Mapping[str, Any]
) -> Entry | Row | None:
    """The row whose id `chosen` computes; a digest has no alert of its own."""
    row = connection.execute(
        f"{_COLUMNS} from outbox {_JOINED} where outbox.id = ({chosen})", asked
    ).fetchone()
    if row is None:
        return None
    return _entry(row, channel) if row["id"] is not None else _row(row)


def row_of(connection: sqlite3.Connection, key: str) -> Row:
    """The row of that key."""
    return _row(
        connection.execute(f"{_COLUMNS} from outbox {_JOINED} where outbox.key = ?", (key,)).fetchone()
    )


def _entry(row: sqlite3.Row, channel: str) -> Entry:
    alert, standing = read(Alert, row), _row(row)
    known = row[_TOLD_AT] is not None
    told = read(Told, row[_TOLD_AT:_ROW_AT]) if known else Told(alert.fingerprint, channel)
    return Entry(standing, standing.kind, alert, told)


def _row(row: sqlite3.Row) -> Row:
    number, key, kind, rank, group, uncertain, fence, attempts = row[_ROW_AT:]
    return Row(number, key, Kind(kind), rank, group, bool(uncertain), fence, attempts)
