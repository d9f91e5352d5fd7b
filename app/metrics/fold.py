"""The journal fold: lines of business events into the tables, within one transaction a chunk."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import datetime

import msgspec

from ..core.database import OFFSETS
from .model import TRADE, Event, checked_name
from .money import Refused
from .rollup import OTHER, Deltas, Fact, fact_of

MOST_NAMES = 1_000
"""Custom names that are kept apart; the events of further ones are counted under OTHER."""
MOST_TAG_SETS = 1_000
"""Sets of tags that are kept apart for each name; further ones are counted under OTHER."""
_MOST_QUARANTINED = 1_000
_LONGEST_QUARANTINED = 2_000

SCHEMA = (
    OFFSETS
    + """
create table metric (id integer primary key, name text not null unique);
create table series (
    id integer primary key, metric integer not null, currency text not null, unit text not null,
    tags text not null, unique (metric, currency, unit, tags)
);
-- grain and bucket in seconds; total, least, most and amount in millionths
create table rollup (
    grain integer, bucket integer, series integer, events integer not null, valued integer not null,
    total integer not null, least integer, most integer, amount integer not null,
    primary key (grain, bucket, series)
) without rowid;
-- the line that counts for each key, with all that is needed to take it back
create table counted (
    metric integer, key text, series integer not null, at integer not null, recorded integer not null,
    digest integer not null, value integer, amount integer, currency text not null, person integer,
    conversation integer, primary key (metric, key)
) without rowid;
-- at in microseconds; n is how many events left this trace
create table trace (
    subject integer, kind integer, at integer, n integer not null, primary key (subject, kind, at)
) without rowid;
create index trace_of_period on trace (kind, at);  -- for who was seen, began or ended in a period
create table quarantine (id integer primary key, reason text not null, line text not null);
create table tally (name text primary key, n integer not null, last_at real not null) without rowid;
"""
)

ADD_TALLY = """
insert into tally values (?, ?, ?) on conflict do update set n = n + excluded.n, last_at = excluded.last_at
"""
_ADD_ROLLUP = """
insert into rollup values (?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict do update set
    events = events + excluded.events, valued = valued + excluded.valued, total = total + excluded.total,
    least = coalesce(min(least, excluded.least), least, excluded.least),
    most = coalesce(max(most, excluded.most), most, excluded.most), amount = amount + excluded.amount
"""
_ADD_TRACE = "insert into trace values (?, ?, ?, ?) on conflict do update set n = n + excluded.n"
_DROP_TRACE = "delete from trace where subject = ? and kind = ? and at = ? and n = 0"
_FIND_SERIES = "select id from series where metric = ? and currency = ? and unit = ? and tags = ?"
_FIND_COUNTED = """
select series, at, recorded, digest, value, amount, currency, person, conversation
from counted where metric = ? and key = ?
"""
_PUT_COUNTED = "insert or replace into counted values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"

_decode = msgspec.json.Decoder(Event).decode
_encode_tags = msgspec.json.Encoder(order="sorted").encode


class Names:
    """The metrics of the tables by name, and where the events of a name and the keys of a name go."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._ids: dict[str, int] = dict(connection.execute("select name, id from metric").fetchall())
        self._custom = len(self._ids.keys() - TRADE - {OTHER})

    def address(self, name: str, key: str) -> tuple[int, str] | None:
        """Where the line that counts for a key is kept; None when nothing of that name was."""
        if name in self._ids:
            return self._ids[name], key
        # Because different names share the metric OTHER, but not their keys.
        return (self._ids[OTHER], f"{name} {key}") if OTHER in self._ids else None

    def metric(self, name: str) -> int:
        """The id of the metric that the events of a name are counted under; Refused for a bad name."""
        if name in self._ids:
            return self._ids[name]
        if name not in TRADE:
            checked_name(name)
            if self._custom >= MOST_NAMES:
                return self._ids.get(OTHER) or self._add(OTHER)
            self._custom += 1
        return self._add(name)

    def _add(self, name: str) -> int:
        self._ids[name] = _inserted(self._connection.execute("insert into metric (name) values (?)", (name,)))
        return self._ids[name]


class Chunk:
    """Journal lines on their way into the tables of one open transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._names = Names(connection)
        self._series: dict[tuple[int, str, str, str], int] = {}
        self._sizes: dict[int, int] = {}
        self._counted: dict[tuple[int, str], Fact | None] = {}
        self._changed: set[tuple[int, str]] = set()
        self._deltas = Deltas()
        self._quarantined: list[tuple[str, str]] = []

    def take(self, line: bytes) -> None:
        """Take one line in; one that is no event goes into quarantine."""
        try:
            event = _decode(line)
            fact = fact_of(event, line, self._series_of(event))
        except (msgspec.MsgspecError, UnicodeError, Refused) as error:
            text = line[:_LONGEST_QUARANTINED].decode(errors="replace")
            self._quarantined.append((str(error) or type(error).__name__, text))
            return
        if event.key is None:
            self._deltas.settle(fact, None)
        else:
            self._settle(fact, event.key)

    def write(self, now: datetime) -> dict[str, int]:
        """Write everything that was taken in; returns how many lines were quarantined, or conflicts."""
        connection, deltas = self._connection, self._deltas
        connection.executemany(_ADD_ROLLUP, deltas.buckets())
        connection.executemany(_ADD_TRACE, ((*trace, n) for trace, n in sorted(deltas.traces.items()) if n))
        connection.executemany(_DROP_TRACE, [trace for trace, n in deltas.traces.items() if n < 0])
        connection.executemany(_PUT_COUNTED, self._changes())
        self._write_quarantine()
        losses = {"quarantined": len(self._quarantined), "conflicts": deltas.conflicts}
        connection.executemany(ADD_TALLY, [(name, n, now.timestamp()) for name, n in losses.items() if n])
        return losses

    def _settle(self, fact: Fact, key: str) -> None:
        address = self._names.address(fact.name, key)
        assert address is not None  # Because its series, and so its metric, is there by now.
        counted = self._counted[address] if address in self._counted else self._find(fact.name, address)
        winner = self._counted[address] = self._deltas.settle(fact, counted)
        if winner is fact:
            self._changed.add(address)

    def _find(self, name: str, address: tuple[int, str]) -> Fact | None:
        row = self._connection.execute(_FIND_COUNTED, address).fetchone()
        return Fact(name, *row) if row else None

    def _changes(self) -> Iterator[tuple[object, ...]]:
        for address in sorted(self._changed):
            fact = self._counted[address]
            assert fact is not None
            yield (*address, *msgspec.structs.astuple(fact)[1:])

    def _series_of(self, event: Event) -> int:
        """The id of the event's series; when its metric has too many, that of all further tags."""
        metric = self._names.metric(event.name)
        tags = _encode_tags(event.tags).decode() if event.tags else "{}"
        wanted = (metric, event.currency or "", event.unit or "", tags)
        known = self._series.get(wanted)
        if known is None:
            known = self._series[wanted] = self._find_series(wanted) or self._add_series(*wanted)
        return known

    def _find_series(self, wanted: tuple[int, str, str, str]) -> int | None:
        row = self._connection.execute(_FIND_SERIES, wanted).fetchone()
        return None if row is None else int(row[0])

    def _add_series(self, metric: int, currency: str, unit: str, tags: str) -> int:
        if metric not in self._sizes:
            count = "select count(*) from series where metric = ?"
            (self._sizes[metric],) = self._connection.execute(count, (metric,)).fetchone()
        if self._sizes[metric] >= MOST_TAG_SETS:
            unit, tags = "", OTHER
            if known := self._find_series((metric, currency, unit, tags)):
                return known
        self._sizes[metric] += 1
        add = "insert into series (metric, currency, unit, tags) values (?, ?, ?, ?)"
        return _inserted(self._connection.execute(add, (metric, currency, unit, tags)))

    def _write_quarantine(self) -> None:
        self._connection.executemany(
            "insert into quarantine (reason, line) values (?, ?)", self._quarantined[-_MOST_QUARANTINED:]
        )
        self._connection.execute(
            "delete from quarantine where id <= (select max(id) from quarantine) - ?", (_MOST_QUARANTINED,)
        )


def _inserted(cursor: sqlite3.Cursor) -> int:
    assert cursor.lastrowid is not None
    return cursor.lastrowid
