"""The tables of the performance room: what every worker adds to, and what every answer is made from.

Durations and gauges are kept per minute for two days and per hour for as long as settings say;
several workers add to the same rows. Width 0 stands for "since the beginning".
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from ..core.database import Database
from ..core.errors import Unavailable
from ..core.health import Level
from .latency import Latency, add_encoded, decode_counts
from .model import (
    EVERY_REQUEST,
    OTHER,
    Gauge,
    Kept,
    Reading,
    Series,
    SlowQuery,
    SlowRequest,
    SlowStatement,
    Worker,
)
from .schema import SCHEMA
from .tally import MOST_SERIES

MINUTE, HOUR, EVER = 60, 3_600, 0
_MINUTES_KEPT_SECONDS = 2 * 86_400
_MOST_SLOW_REQUESTS = 1_000
_MOST_SLOW_QUERIES = 500


class PerformanceStore:
    """Every method is one transaction; all raise Unavailable when the disk refuses."""

    def __init__(self, path: Path) -> None:
        self._database = Database(path, [SCHEMA])

    def close(self) -> None:
        self._database.close()

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with _refusals(), self._database.read() as connection:
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with _refusals(), self._database.write() as connection:
            yield connection

    def add_worker(
        self,
        worker: Worker,
        timings: Mapping[Series, Latency],
        slow_requests: Sequence[SlowRequest],
        slow_queries: Sequence[SlowQuery],
    ) -> None:
        """Add what one worker counted since the last time, and how it is."""
        with self._writing() as connection:
            connection.create_function("add_counts", 2, add_encoded, deterministic=True)
            for series, latency in timings.items():
                _add_timing(connection, series, latency, int(worker.at))
            _add_slow_requests(connection, slow_requests)
            _add_slow_queries(connection, slow_queries)
            connection.execute(
                "insert or replace into worker values (?, ?, ?)",
                (worker.pid, worker.at, json.dumps(asdict(worker))),
            )

    def forget_worker(self, pid: int) -> None:
        with self._writing() as connection:
            connection.execute("delete from worker where pid = ?", (pid,))

    def keep(self, kept: Mapping[str, Kept], gauges: Mapping[str, float], slow: Sequence[SlowQuery]) -> None:
        """Keep the latest readings by the names of their probes, and the values that have a history."""
        at = int(max(one.at for one in kept.values()))
        with self._writing() as connection:
            connection.executemany(
                "insert or replace into latest values (?, ?, ?, ?, ?, ?)",
                [_latest_row(name, one) for name, one in kept.items()],
            )
            for name, value in gauges.items():
                _add_gauge(connection, name, value, at)
            _add_slow_queries(connection, slow)

    def latest(self) -> dict[str, Kept]:
        """The latest reading of each probe, by its name."""
        with self._reading() as connection:
            rows = connection.execute("select * from latest").fetchall()
        return {row["name"]: _kept(row) for row in rows}

    def workers(self, since: float) -> list[Worker]:
        """The workers that said something since, by process id."""
        with self._reading() as connection:
            rows = connection.execute("select * from worker where at >= ? order by pid", (since,)).fetchall()
        return [Worker(**json.loads(row["document"])) for row in rows]

    def timings(self, width: int, since: float) -> dict[Series, Latency]:
        """What was counted in the spans of `width` that begin at `since` or later."""
        found: dict[Series, Latency] = {}
        with self._reading() as connection:
            rows = connection.execute(
                "select kind, method, route, timing.* from timing join series on series.id = series"
                " where width = ? and at >= ?",
                (width, since),
            )
            for row in rows:
                series = (row["kind"], row["method"], row["route"])
                found.setdefault(series, Latency()).add(_latency(row))
        return found

    def trend(self, series: Series, width: int, since: float) -> list[tuple[int, Latency]]:
        """One series span by span: when each begins (seconds since 1970), oldest first."""
        with self._reading() as connection:
            rows = connection.execute(
                "select timing.* from timing join series on series.id = series"
                " where kind = ? and method = ? and route = ? and width = ? and at >= ? order by at",
                (*series, width, since),
            ).fetchall()
        return [(row["at"], _latency(row)) for row in rows]

    def gauges(self, width: int, since: float) -> dict[str, list[Gauge]]:
        """Every gauge span by span, oldest first, by its name."""
        found: dict[str, list[Gauge]] = {}
        with self._reading() as connection:
            rows = connection.execute(
                "select * from gauge where width = ? and at >= ? order by name, at", (width, since)
            )
            for row in rows:
                gauge = Gauge(row["at"], row["count"], row["total"], row["peak"])
                found.setdefault(row["name"], []).append(gauge)
        return found

    def slow_requests(self, since: float, most: int) -> list[SlowRequest]:
        """The slowest first."""
        with self._reading() as connection:
            rows = connection.execute(
                "select at, method, route, status, seconds, request_id from slow_request"
                " where at >= ? order by seconds desc limit ?",
                (since, most),
            ).fetchall()
        return [SlowRequest(*row) for row in rows]

    def slow_queries(self, since: float, most: int) -> list[SlowStatement]:
        """Those seen since, the slowest first, each with all its runs that are remembered."""
        with self._reading() as connection:
            rows = connection.execute(
                "select source, statement, caller, count, seconds, worst, at from slow_query"
                " where at >= ? order by worst desc limit ?",
                (since, most),
            ).fetchall()
        return [SlowStatement(*row) for row in rows]

    def trim(self, now: float, keep_seconds: float) -> None:
        """Delete what is older than it is kept for."""
        with self._writing() as connection:
            for width, seconds in ((MINUTE, _MINUTES_KEPT_SECONDS), (HOUR, keep_seconds)):
                for table in ("timing", "gauge"):
                    connection.execute(
                        f"delete from {table} where width = ? and at < ?",  # noqa: S608 names of our own
                        (width, now - seconds),
                    )
            for table in ("slow_request", "slow_query", "latest"):
                connection.execute(f"delete from {table} where at < ?", (now - keep_seconds,))  # noqa: S608
            connection.execute("delete from worker where at < ?", (now - _MINUTES_KEPT_SECONDS,))
            connection.execute("delete from series where seen < ?", (now - keep_seconds,))


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise Unavailable(
            f"the tables of performance cannot be used: {error}",
            "See that the log folder can be written to and that its disk is not full.",
        ) from error


def _add_timing(connection: sqlite3.Connection, series: Series, latency: Latency, at: int) -> None:
    number = _series_id(connection, series, at)
    counts = latency.encode()
    for width in (MINUTE, HOUR, EVER):
        connection.execute(
            "insert into timing values (?, ?, ?, ?, ?, ?, ?) on conflict do update set"
            " errors = errors + excluded.errors, nanoseconds = nanoseconds + excluded.nanoseconds,"
            " worst = max(worst, excluded.worst), counts = add_counts(counts, excluded.counts)",
            (width, _floor(at, width), number, latency.errors, latency.nanoseconds, latency.worst, counts),
        )


def _series_id(connection: sqlite3.Connection, series: Series, at: int) -> int:
    """The number of a series; when there are MOST_SERIES already, that of `<other>`."""
    known = connection.execute(
        "update series set seen = max(seen, ?) where kind = ? and method = ? and route = ? returning id",
        (at, *series),
    ).fetchone()
    if known:
        return int(known["id"])
    (count,) = connection.execute("select count(*) from series").fetchone()
    other = (series[0], OTHER, OTHER)
    if count >= MOST_SERIES and series not in (other, EVERY_REQUEST):
        return _series_id(connection, other, at)
    row = connection.execute(
        "insert into series (kind, method, route, seen) values (?, ?, ?, ?) returning id", (*series, at)
    ).fetchone()
    return int(row["id"])


def _add_gauge(connection: sqlite3.Connection, name: str, value: float, at: int) -> None:
    for width in (MINUTE, HOUR):
        connection.execute(
            "insert into gauge values (?, ?, ?, 1, ?, ?) on conflict do update set"
            " count = count + 1, total = total + excluded.total, peak = max(peak, excluded.peak)",
            (width, name, _floor(at, width), value, value),
        )


def _add_slow_requests(connection: sqlite3.Connection, requests: Sequence[SlowRequest]) -> None:
    connection.executemany(
        "insert into slow_request (at, method, route, status, seconds, request_id) values (?, ?, ?, ?, ?, ?)",
        [(one.at, one.method, one.route, one.status, one.seconds, one.request_id) for one in requests],
    )
    connection.execute(
        "delete from slow_request where id <= (select max(id) from slow_request) - ?", (_MOST_SLOW_REQUESTS,)
    )


def _add_slow_queries(connection: sqlite3.Connection, queries: Sequence[SlowQuery]) -> None:
    connection.executemany(
        "insert into slow_query values (?, ?, ?, ?, ?, ?, ?) on conflict do update set"
        " count = count + excluded.count, seconds = seconds + excluded.seconds,"
        " worst = max(worst, excluded.worst), at = max(at, excluded.at)",
        [
            (one.source, one.statement, one.caller, one.count, one.count * one.seconds, one.seconds, one.at)
            for one in queries
        ],
    )
    if queries:
        connection.execute(
            "delete from slow_query where (source, statement, caller) in"
            " (select source, statement, caller from slow_query order by at desc limit -1 offset ?)",
            (_MOST_SLOW_QUERIES,),
        )


def _latency(row: sqlite3.Row) -> Latency:
    return Latency(decode_counts(row["counts"]), row["errors"], row["nanoseconds"], row["worst"])


def _latest_row(name: str, kept: Kept) -> tuple[str, float, str, str, int, str]:
    reading = kept.reading
    return (name, kept.at, reading.level, reading.reason, kept.failures, json.dumps(reading.details))


def _kept(row: sqlite3.Row) -> Kept:
    reading = Reading(Level(row["level"]), row["reason"], json.loads(row["details"]))
    return Kept(reading, row["at"], row["failures"])


def _floor(at: int, width: int) -> int:
    return at - at % width if width else 0
