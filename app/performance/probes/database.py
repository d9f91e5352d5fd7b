"""The application's database: does it answer, how full is it, what waits, what runs for long."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...core.errors import Unavailable
from ...core.health import Level
from ..model import Reading
from ..statements import without_literals

if TYPE_CHECKING:  # because the driver takes 4 MB, which a host without a database need not carry
    from .postgres import PostgresLink, Questions, Row

_OLDEST_SERVER = 130_000

_ACTIVITY = """
    select count(*) filter (where coalesce(backend_type, 'client backend') = 'client backend') as used,
           count(*) filter (where wait_event_type = 'Lock') as blocked,
           coalesce(max(extract(epoch from clock_timestamp() - xact_start))
                    filter (where pid <> pg_backend_pid()), 0)::float as oldest_transaction_seconds,
           current_setting('max_connections')::int as most
      from pg_stat_activity where datid is not null"""
_STATISTICS = """
    select current_setting('server_version') as version,
           pg_database_size(datname) as size_bytes,
           deadlocks,
           round(100.0 * blks_hit / nullif(blks_hit + blks_read, 0), 2)::float as cache_hit_percent
      from pg_stat_database where datname = current_database()"""
_RUNNING = """
    select pid, extract(epoch from query_start)::float as began, query as statement,
           extract(epoch from clock_timestamp() - query_start)::float as seconds
      from pg_stat_activity
     where state = 'active' and pid <> pg_backend_pid() and datname = current_database()
       and coalesce(backend_type, 'client backend') = 'client backend'
       and clock_timestamp() - query_start > make_interval(secs => %s)
     order by query_start limit 20"""
_HAS_STATEMENTS = "select 1 as there from pg_extension where extname = 'pg_stat_statements'"
_STATEMENTS = """
    select query as statement, calls, total_exec_time / 1000 as seconds, mean_exec_time as mean_ms
      from pg_stat_statements where dbid = (select oid from pg_database where datname = current_database())
     order by total_exec_time desc limit 10"""
_RIGHTS = """
    select current_user as name, current_setting('server_version') as version,
           current_setting('server_version_num')::int as number,
           pg_has_role('pg_read_all_stats', 'usage') as sees_all,
           (select count(*) from pg_class
             where relkind in ('r', 'p', 'm', 'S') and relpersistence <> 't'
               and relnamespace::regnamespace::text not in ('pg_catalog', 'information_schema', 'pg_toast')
               and not has_table_privilege(oid, 'select')) as unreadable"""


class DatabaseProbe:
    """Looks at the database of `url` (libpq's or SQLAlchemy's form); '' means that there is none.

    Its connection is its own and kept between samples.
    """

    name = "database"

    def __init__(self, url: str, slow_seconds: float, deadline_seconds: float = 5.0) -> None:
        self.deadline_seconds = deadline_seconds
        self._slow_seconds = slow_seconds
        self._link = _link_to(url, deadline_seconds) if url else None
        self._seen: set[tuple[int, float]] = set()

    def sample(self) -> Reading:
        """Details: configured, latency_ms, version, size_bytes, connections, blocked, running, ..."""
        if self._link is None:
            return Reading(Level.OK, "no DATABASE_URL", {"configured": False})
        reading = self._link.look(self._measure)
        return Reading(reading.level, reading.reason, {"configured": True, **reading.details})

    def close(self) -> None:
        """Let go of the connection; the next sample makes a new one."""
        if self._link is not None:
            self._link.close()

    def _measure(self, ask: Questions) -> Row:
        began = time.perf_counter()
        ask.row("select 1")
        latency = time.perf_counter() - began
        activity, statistics = ask.row(_ACTIVITY), ask.row(_STATISTICS)
        used, most = activity.pop("used"), activity.pop("most")
        return {
            "latency_ms": round(latency * 1000, 2),
            "connections": {"used": used, "max": most, "percent": round(100 * used / most, 1)},
            **activity,
            **statistics,
            "running": self._running(ask),
            "statements": _bare(ask.rows_if_allowed(_STATEMENTS) if ask.rows(_HAS_STATEMENTS) else []),
        }

    def _running(self, ask: Questions) -> list[Row]:
        """Statements that run for long already; `new` when the sample before did not see the same run."""
        rows = _bare(ask.rows(_RUNNING, self._slow_seconds))
        runs = [(row["pid"], row.pop("began")) for row in rows]
        found = [{**row, "new": run not in self._seen} for row, run in zip(rows, runs, strict=True)]
        self._seen = set(runs)
        return found


def rights(url: str) -> Iterator[tuple[str, str, str]]:
    """What the database lets its user do, each as level (ok, warning, error), fact and hint.

    Unavailable when it does not answer within five seconds.
    """
    link = _link_to(url, deadline_seconds=5.0)
    reading = link.look(lambda ask: ask.row(_RIGHTS))
    link.close()
    if reading.level is Level.DOWN:
        raise Unavailable(f"it does not answer: {reading.reason}", "Check that it runs, and DATABASE_URL.")
    found = reading.details
    yield "ok", f"PostgreSQL {found['version']} answers to {found['name']}", ""
    if found["number"] < _OLDEST_SERVER:
        yield "error", f"PostgreSQL {found['version']} is older than 13", "Upgrade the server."
    if not found["sees_all"]:
        hint = f"GRANT pg_monitor TO {found['name']}"
        yield "warning", f"{found['name']} cannot see what other users run", hint
    if found["unreadable"]:
        hint = f"GRANT pg_read_all_data TO {found['name']} (PostgreSQL 14 and later), or SELECT on them."
        yield "error", f"{found['unreadable']} tables cannot be read, so no backup can be made", hint


def _link_to(url: str, deadline_seconds: float) -> PostgresLink:
    from .postgres import PostgresLink

    return PostgresLink(url, deadline_seconds)


def _bare(rows: list[Row]) -> list[Row]:
    return [{**row, "statement": without_literals(row["statement"] or "")} for row in rows]
