"""The rollups in SQLite: journals are folded in, sums and traces are read out."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from ..core.database import Database, fold
from ..core.errors import Conflict
from ..core.files import open_private
from ..core.journal import read_new
from .calendar import Period, spans
from .fold import ADD_TALLY, SCHEMA, Chunk, Names
from .model import Event
from .money import MICRO
from .report import Flow, Total
from .rollup import FUNNEL, OTHER, Row, Trace, digest_of, microseconds

_PASSES = 1_000
_REBUILT = ("journal_offset", "metric", "series", "rollup", "counted", "trace", "quarantine")

# Because the millionths of a year may need more than the 64 bits of sum(), which then fails.
_SUMS = """
select series, sum(events), sum(valued), sum(total / 1000000), sum(total % 1000000), min(least), max(most),
    sum(amount / 1000000), sum(amount % 1000000)
from rollup where grain = ? and bucket >= ? and bucket < ? group by series
"""
_SERIES = """
select series.id, name, currency, unit, tags from series join metric on metric.id = metric
where series.id in (select value from json_each(?))
"""
_ACTIVE = """
select count(distinct subject) from trace as began
where kind = :began and at >= :since and at < :until and not exists (
    select 1 from trace where subject = began.subject and kind = :ended and at >= began.at and at < :until
)
"""
# Because an end without a beginning since the end before it has no duration.
_DURATIONS = """
select coalesce(sum(at - start), 0), count(*) from (
    select at,
        (select max(at) from trace where subject = e.subject and kind = :began and at <= e.at) as start,
        (select max(at) from trace where subject = e.subject and kind = :ended and at < e.at) as end_before
    from trace as e where kind = :ended and at >= :since and at < :until
) where start is not null and (end_before is null or end_before <= start)
"""
_SEEN = "select count(distinct subject) from trace where kind = :seen and at >= :since and at < :until"
# Because a stage counts for who went through the stages before: the first trace at or after theirs.
_FUNNEL = """
with recursive reached (subject, stage, at) as (
    select subject, kind, min(at) from trace
    where kind = :first_stage and at >= :since and at < :until group by subject
    union all
    select subject, stage + 1, (
        select min(at) from trace
        where subject = reached.subject and kind = stage + 1 and at >= reached.at and at < :until
    ) from reached where at is not null and stage < :last_stage
)
select stage - :first_stage, count(at) from reached group by stage
"""
_EVER = """
select name, currency, sum(events), sum(amount / 1000000), sum(amount % 1000000) from rollup
join series on series.id = series join metric on metric.id = metric
where grain = 86400 group by name, currency order by name, currency
"""


_KINDS = {
    "seen": Trace.SEEN,
    "began": Trace.BEGAN,
    "ended": Trace.ENDED,
    "first_stage": Trace.FIRST_STAGE,
    "last_stage": Trace.FIRST_STAGE + len(FUNNEL) - 1,
}
_decode_tags = msgspec.json.Decoder(dict[str, str]).decode


class Store:
    """What the journals of a folder add up to."""

    def __init__(self, folder: Path, file: str = "metrics.sqlite") -> None:
        self._folder = folder
        self._database = Database(folder / file, (SCHEMA,))

    def fold(self, now: datetime, outcome: Counter[str]) -> int:
        """Take in what is new in the journals; returns the number of lines.

        `outcome` counts, as they happen, "quarantined" lines and "conflicts".
        """

        def apply(connection: sqlite3.Connection, lines: list[bytes]) -> None:
            chunk = Chunk(connection)
            for line in lines:
                chunk.take(line)
            outcome.update(chunk.write(now))

        lines, offsets, sizes = 0, self._offsets(), _sizes(self._folder)
        # Because a pass stops where another process folds, and the caller wants all that was recorded.
        for _ in range(_PASSES):
            if not self._are_behind(offsets, sizes):
                break
            lines += fold(self._database, self._folder, apply)
            offsets = self._offsets()
        return lines

    def look(self) -> object:
        """What differs after every change of the tables."""
        return self._database.look()

    def unfolded(self) -> set[str]:
        """The journal files in which whole lines wait to be folded."""
        return {chunk.file for chunk in read_new(self._folder, self._offsets())}

    def sums(self, period: Period) -> list[Total]:
        """The sums of every series that has events in the period."""
        rows: dict[int, Row] = {}
        first, last = microseconds(period.start) // MICRO, microseconds(period.end) // MICRO
        with self._database.read() as connection:
            for span in spans(first, last):
                for series, *sums in connection.execute(_SUMS, span):
                    rows.setdefault(series, Row()).merge(_row(*sums))
            ids = msgspec.json.encode([series for series, row in rows.items() if row.events]).decode()
            named = connection.execute(_SERIES, (ids,)).fetchall()
        return [
            Total(name, currency, unit, None if tags == OTHER else _decode_tags(tags), rows[series])
            for series, name, currency, unit, tags in named
        ]

    def flow(self, period: Period, active_for: timedelta) -> Flow:
        """How conversations and people went through the period."""
        within = {"since": microseconds(period.start), "until": microseconds(period.end), **_KINDS}
        lately = {**within, "since": microseconds(period.end - active_for)}
        with self._database.read() as connection:
            (active,) = connection.execute(_ACTIVE, lately).fetchone()
            duration, ended = connection.execute(_DURATIONS, within).fetchone()
            (seen,) = connection.execute(_SEEN, within).fetchone()
            reached = dict(connection.execute(_FUNNEL, within).fetchall())
        stages = tuple(reached.get(stage, 0) for stage in range(len(FUNNEL)))
        return Flow(active, duration, ended, seen, stages)

    def counted(self, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], tuple[int | None, str]]:
        """(name, key) → (amount in millionths, currency) of the keys that have been counted."""
        find = "select amount, currency from counted where metric = ? and key = ?"
        known = {}
        with self._database.read() as connection:
            names = Names(connection)
            for name, key in keys:
                address = names.address(name, key)
                row = connection.execute(find, address).fetchone() if address else None
                if row:
                    known[name, key] = (row["amount"], row["currency"])
        return known

    def counts(self, events: Sequence[tuple[Event, bytes]]) -> list[bool]:
        """For each event and its line, whether it is the one that counts for its key."""
        find = "select 1 from counted where metric = ? and key = ? and digest = ?"
        with self._database.read() as connection:
            names = Names(connection)

            def is_counted(event: Event, line: bytes) -> bool:
                if event.key is None:
                    return True
                address = names.address(event.name, event.key)
                return address is not None and bool(
                    connection.execute(find, (*address, digest_of(line))).fetchone()
                )

            return [is_counted(event, line) for event, line in events]

    def ever(self) -> list[tuple[str, str, int, int]]:
        """(name, currency, events, amount in millionths) over all time."""
        with self._database.read() as connection:
            return [(*row[:3], _joined(*row[3:])) for row in connection.execute(_EVER)]

    def tally(self, now: datetime, losses: Mapping[str, int]) -> None:
        """Add to the counts of what went wrong."""
        with self._database.write() as connection:
            connection.executemany(ADD_TALLY, [(name, n, now.timestamp()) for name, n in losses.items() if n])

    def tallies(self) -> dict[str, tuple[int, float]]:
        """What went wrong so far in any process: name → (how often, epoch seconds of the last time)."""
        with self._database.read() as connection:
            return {name: (n, at) for name, n, at in connection.execute("select * from tally")}

    def quarantine(self, limit: int) -> list[dict[str, str]]:
        """The last lines that were no events, each with the reason."""
        newest = "select reason, line from quarantine order by id desc limit ?"
        with self._database.read() as connection:
            return [dict(row) for row in connection.execute(newest, (limit,))]

    def rebuild(self, now: datetime) -> int:
        """Fold every journal anew, beside the tables in use, and take the result over in one transaction.

        Because a file that other processes have open cannot be exchanged together with its write-ahead
        log, the rows are, and with them the offsets: folding goes on behind what was rebuilt.
        """
        with _alone(self._folder / "metrics.rebuilding"):
            shadow = Store(self._folder, "rebuild.sqlite")
            shadow.remove()  # Because a rebuild before this one may have been killed.
            try:
                lines = shadow.fold(now, Counter())
                self._take_over(shadow)
            finally:
                shadow.remove()
        return lines

    def close(self) -> None:
        """Let go of the connections."""
        self._database.close()

    def remove(self) -> None:
        """Delete the tables; the journals stay."""
        self.close()
        path = self._database.path
        for file in (path, Path(f"{path}-wal"), Path(f"{path}-shm"), path.with_suffix(".lock")):
            file.unlink(missing_ok=True)

    def _are_behind(self, offsets: Mapping[str, int], sizes: Mapping[str, int]) -> bool:
        """Whether a whole line begins between these offsets and sizes of the journal files."""
        grown = ((file, offsets.get(file, 0)) for file, size in sizes.items() if offsets.get(file, 0) < size)
        return any(_has_line(self._folder / file, offset) for file, offset in grown)

    def _offsets(self) -> dict[str, int]:
        with self._database.read() as connection:
            return dict(connection.execute("select file, offset from journal_offset").fetchall())

    def _take_over(self, other: Store) -> None:
        with other._database.read() as source, self._database.write() as target:
            for table in _REBUILT:
                rows = source.execute(f"select * from {table}")  # noqa: S608 a name of our own
                places = ", ".join("?" * len(rows.description))
                target.execute(f"delete from {table}")  # noqa: S608 a name of our own
                target.executemany(f"insert into {table} values ({places})", rows)  # noqa: S608


def _row(*sums: Any) -> Row:
    events, valued, whole, rest, least, most, whole_amount, rest_amount = sums
    return Row(events, valued, _joined(whole, rest), least, most, _joined(whole_amount, rest_amount))


def _joined(whole: float, rest: int) -> int:
    """Millionths; `whole` is a float only where a single day had more than nine trillion."""
    return int(whole) * MICRO + rest


def _sizes(folder: Path) -> dict[str, int]:
    """Bytes of each journal file; at one look, because this is asked each second of years of files."""
    with os.scandir(folder) as entries:
        return {entry.name: entry.stat().st_size for entry in entries if entry.name.endswith(".jsonl")}


def _has_line(path: Path, offset: int) -> bool:
    with path.open("rb") as file:
        file.seek(offset)
        return file.readline().endswith(b"\n")


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    descriptor = open_private(lock, os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise Conflict("another rebuild is under way", "Wait until it has ended.") from error
    finally:
        os.close(descriptor)
