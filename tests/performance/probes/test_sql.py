from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Connection, create_engine, event, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import StaticPool

from app.performance.model import OTHER
from app.performance.probes.sql import QueryWatch
from app.performance.tally import Tally
from app.testing import FrozenClock

SLOW_SECONDS = 0.05


@pytest.fixture
def tally() -> Tally:
    return Tally()


@pytest.fixture
def watch(tally: Tally, clock: FrozenClock) -> QueryWatch:
    return QueryWatch(tally, clock, SLOW_SECONDS)


@contextmanager
def watched_by(watch: QueryWatch) -> Iterator[Connection]:
    """A SQLite in memory with a function nap(seconds)."""
    engine = create_engine("sqlite://", poolclass=StaticPool)

    @event.listens_for(engine, "connect")
    def teach(raw, _record) -> None:  # type: ignore[no-untyped-def]
        raw.create_function("nap", 1, time.sleep)

    watch.attach(engine)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


@pytest.fixture
def connection(watch: QueryWatch) -> Iterator[Connection]:
    with watched_by(watch) as connection:
        yield connection


def pay_an_order(connection: Connection) -> None:
    connection.execute(text("select nap(0.06), 'cpf 123.456.789-09', :order"), {"order": 7})


def test_statements_count_by_their_operation(connection: Connection, tally: Tally) -> None:
    """Selects, inserts, and what has no common name."""
    for statement in ("create table t (n)", "insert into t values (1)", " select 1", "pragma user_version"):
        connection.execute(text(statement))
    found = {operation for kind, operation, _ in tally.take() if kind == "sql"}
    assert found == {"CREATE", "INSERT", "SELECT", OTHER}


def test_a_slow_statement_is_kept_with_the_line_that_sent_it(
    connection: Connection, watch: QueryWatch
) -> None:
    """Without its literals and without its values."""
    pay_an_order(connection)
    (slow,) = watch.take_slow()
    assert slow.statement == "select nap(?), ?, ?"
    assert slow.caller.startswith("performance/probes/test_sql.py:")
    assert slow.caller.endswith(" pay_an_order")
    assert slow.seconds >= SLOW_SECONDS
    assert watch.take_slow() == []


def test_a_quick_statement_is_not_kept(connection: Connection, watch: QueryWatch) -> None:
    """It is only counted."""
    connection.execute(text("select 1"))
    assert watch.take_slow() == []


def test_a_statement_that_fails_counts_as_an_error(connection: Connection, tally: Tally) -> None:
    """And its error reaches the application as it was."""
    with pytest.raises(OperationalError):
        connection.execute(text("select * from nowhere"))
    latency = tally.take()[("sql", "SELECT", "")]
    assert (latency.count, latency.errors) == (1, 1)


def test_only_so_many_slow_statements_are_kept(tally: Tally, clock: FrozenClock) -> None:
    """The newest 200."""
    watch = QueryWatch(tally, clock, slow_seconds=0.0)
    with watched_by(watch) as connection:
        for number in range(250):
            connection.execute(text(f"select {number} as n"))
    assert len(watch.take_slow()) == 200


def test_an_asynchronous_engine_is_watched_through_its_synchronous_one(
    watch: QueryWatch, tally: Tally
) -> None:
    """AsyncEngine is known by its sync_engine."""

    class LikeAsyncEngine:
        sync_engine = create_engine("sqlite://", poolclass=StaticPool)

    watch.attach(LikeAsyncEngine())
    with LikeAsyncEngine.sync_engine.connect() as connection:
        connection.execute(text("select 1"))
    LikeAsyncEngine.sync_engine.dispose()
    assert tally.take()[("sql", "SELECT", "")].count == 1
