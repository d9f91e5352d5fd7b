from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing

import psycopg2
import pytest

from app.core.errors import Unavailable
from app.core.health import Level
from app.core.postgres import EmbeddedPostgres
from app.performance.probes.database import DatabaseProbe, rights
from app.testing import wait_until

from ..listeners import unused_port


@pytest.fixture
def probe(postgres: EmbeddedPostgres) -> Iterator[DatabaseProbe]:
    """Calls a statement slow after a tenth of a second."""
    probe = DatabaseProbe(postgres.url, slow_seconds=0.1)
    yield probe
    probe.close()


@pytest.fixture
def sleeper(postgres: EmbeddedPostgres) -> Iterator[threading.Event]:
    """A session that runs one long statement with a literal in it, until the test has ended."""
    running, connection = threading.Event(), psycopg2.connect(postgres.url)

    def sleep() -> None:
        running.set()
        with connection.cursor() as cursor, pytest.raises(psycopg2.errors.QueryCanceled):
            cursor.execute("select pg_sleep(60), 'cpf 123.456.789-09'")

    thread = threading.Thread(target=sleep)
    thread.start()
    yield running
    connection.cancel()
    thread.join()
    connection.close()


def test_what_is_told_of_a_database(probe: DatabaseProbe, postgres: EmbeddedPostgres) -> None:
    """Latency, version, size, connections, hit ratio, waits."""
    reading = probe.sample()
    details = reading.details
    assert (reading.level, details["configured"]) == (Level.OK, True)
    assert details["version"] == postgres.version
    assert details["connections"]["max"] == 50
    assert 1 <= details["connections"]["used"] <= 50
    assert details["size_bytes"] > 1_000_000
    assert details["latency_ms"] > 0
    assert details["deadlocks"] == details["blocked"] == 0
    assert 0 <= (details["cache_hit_percent"] or 0) <= 100
    assert details["statements"] == []


def test_connections_are_counted(probe: DatabaseProbe, postgres: EmbeddedPostgres) -> None:
    """Three more are three more."""
    before = probe.sample().details["connections"]["used"]
    others = [psycopg2.connect(postgres.url) for _ in range(3)]
    assert probe.sample().details["connections"]["used"] >= before + 3
    for other in others:
        other.close()


@pytest.mark.usefixtures("sleeper")
def test_a_statement_that_runs_for_long_is_told_without_its_literals(probe: DatabaseProbe) -> None:
    """Each run is new once."""
    wait_until(lambda: probe.sample().details["running"], what="the long statement")
    (again,) = probe.sample().details["running"]
    assert again["statement"] == "select pg_sleep(?), ?"
    assert again["seconds"] > 0.1
    assert not again["new"]


def test_a_run_that_was_not_seen_before_is_new(probe: DatabaseProbe, sleeper: threading.Event) -> None:
    """So that it is counted."""
    sleeper.wait()
    seen: list[bool] = []

    def looked() -> bool:
        seen.extend(run["new"] for run in probe.sample().details["running"])
        return bool(seen)

    wait_until(looked, what="the long statement")
    assert seen == [True]


def test_a_transaction_that_waits_for_a_lock_is_counted(
    probe: DatabaseProbe, postgres: EmbeddedPostgres
) -> None:
    """And the oldest transaction is told."""
    with closing(psycopg2.connect(postgres.url)) as holder, closing(psycopg2.connect(postgres.url)) as waiter:
        with holder.cursor() as cursor:
            cursor.execute("select pg_advisory_xact_lock(4711)")

        def wait_for_the_lock() -> None:
            with waiter.cursor() as cursor:
                cursor.execute("select pg_advisory_xact_lock(4711)")

        thread = threading.Thread(target=wait_for_the_lock)
        thread.start()
        wait_until(lambda: probe.sample().details["blocked"] == 1, what="the blocked session")
        assert probe.sample().details["oldest_transaction_seconds"] > 0
        holder.rollback()
        thread.join()


def test_no_url_is_no_database() -> None:
    """Well, and said so."""
    reading = DatabaseProbe("", 1.0).sample()
    assert (reading.level, reading.reason, reading.details) == (
        Level.OK,
        "no DATABASE_URL",
        {"configured": False},
    )


@pytest.fixture
def stranger(postgres: EmbeddedPostgres) -> Iterator[str]:
    """The URL of a role without rights, in a database with one table that it cannot read."""
    with closing(psycopg2.connect(postgres.url)) as owner:
        owner.autocommit = True
        with owner.cursor() as cursor:
            cursor.execute("create role stranger login; create table private_notes (n int)")
            yield postgres.url.replace("://atalaia@", "://stranger@")
            cursor.execute("drop table private_notes; drop role stranger")


def test_a_role_without_rights_still_sees_what_it_may(stranger: str, postgres: EmbeddedPostgres) -> None:
    """Other sessions are counted although their statements are hidden."""
    with closing(psycopg2.connect(postgres.url)), closing(DatabaseProbe(stranger, 1.0)) as probe:
        details = probe.sample().details
    assert details["connections"]["used"] >= 2
    assert details["size_bytes"] > 0


def test_rights_of_an_owner_are_enough(postgres: EmbeddedPostgres) -> None:
    """One line, ok, with version and role."""
    ((level, fact, hint),) = rights(postgres.url)
    assert (level, fact, hint) == ("ok", f"PostgreSQL {postgres.version} answers to atalaia", "")


def test_missing_rights_are_named_with_their_remedy(stranger: str) -> None:
    """Seeing other users' statements is a warning, tables that no backup could hold are an error."""
    found = {level: (fact, hint) for level, fact, hint in rights(stranger)}
    assert "cannot see" in found["warning"][0]
    assert "pg_monitor" in found["warning"][1]
    assert found["error"][0].startswith("1 tables cannot be read")


def test_rights_of_a_database_that_is_down_are_unavailable() -> None:
    """Without the password."""
    with pytest.raises(Unavailable) as error:
        list(rights(f"postgresql://u:s3cret@127.0.0.1:{unused_port()}/db"))
    assert "Connection refused" in error.value.fact
    assert "s3cret" not in str(error.value)
