"""A session that holds a snapshot and tells what is in a database."""

from __future__ import annotations

import pytest

from app.backup.client import Client
from app.backup.connection import parse_connection
from app.backup.model import CalledOff
from app.backup.questions import begin
from app.backup.session import session, snapshot
from app.backup.truth import Truth
from app.core.errors import Unavailable
from app.testing import wait_until

from .drills import EVERYTHING
from .server import CONTENT, ROWS, Server


def client(server: Server, *, user: str = "atalaia") -> Client:
    """A client of the database `shop`."""
    return Client(parse_connection(server.url("shop", user=user)), seconds=60)


def truth(server: Server, method: str = "record") -> Truth:
    """The truth about the database `shop`."""
    with session(client(server), begin()) as (asking, _):
        return asking.tell(method).truth(method)


def sessions(server: Server) -> list[tuple[object, ...]]:
    """The sessions in `shop`."""
    return server.run("postgres", "select query from pg_stat_activity where datname = 'shop'")


def test_every_table_is_told(server: Server):
    """Rows of each table, leaf by leaf; nothing of views, and nothing of PostgreSQL's own."""
    server.make(content=CONTENT)
    told = truth(server)
    assert {name: rows.count for name, rows in told.tables.items()} == {
        f"public.{name}": count for name, count in ROWS.items()
    }
    assert told.sequences["public.tickets"] == ("41", "41")
    assert (told.large_objects.count, told.counts["materialized views"]) == (1, 1)


def test_servers_without_a_record_hash_hash_texts(server: Server):
    """As on PostgreSQL 13: other hashes, of the same rows."""
    server.run("postgres", "drop role if exists clerk; create role clerk")
    server.make(content=EVERYTHING)
    by_record, by_text = truth(server), truth(server, "text")
    assert by_text.rows == by_record.rows
    assert by_text.tables["public.messages"].hash != by_record.tables["public.messages"].hash
    assert by_text == truth(server, "text")


def test_settings_of_the_role_do_not_matter(server: Server):
    """However a role's sessions write dates and numbers, the hashes are the same."""
    server.make(
        content="create table a as select now()::timestamptz(0) at, '1 day'::interval every, 0.1::float8 f"
    )
    before = truth(server)
    server.run(
        "postgres",
        "alter role atalaia in database shop set timezone = 'Asia/Kolkata';"
        "alter role atalaia in database shop set datestyle = 'German';"
        "alter role atalaia in database shop set intervalstyle = 'iso_8601';"
        "alter role atalaia in database shop set extra_float_digits = -5;"
        "alter role atalaia in database shop set statement_timeout = '1s';"
        "alter role atalaia in database shop set bytea_output = 'escape'",
    )
    assert truth(server).tables == before.tables


def test_snapshot_stays_while_others_write(server: Server):
    """What is committed after the snapshot is not in the truth."""
    server.make(content=CONTENT)
    with snapshot(client(server), server_major=18, lock_wait_seconds=5) as held:
        server.run("shop", "insert into leads values (9, 9)")
        assert held.truth().tables["public.leads"].count == 1


def test_no_table_can_be_emptied_meanwhile(server: Server):
    """A TRUNCATE waits for the end, because a snapshot alone would not keep the rows from it."""
    server.make(content=CONTENT)
    with (
        snapshot(client(server), server_major=18, lock_wait_seconds=5),
        pytest.raises(Exception, match="lock timeout"),
    ):
        server.run("shop", "set lock_timeout = 100; truncate leads")


def test_locked_table_is_not_waited_for_for_ever(server: Server):
    """A table that somebody holds is waited for as long as was set."""
    server.make(content=CONTENT)
    with (
        server.locked("shop"),
        pytest.raises(Unavailable, match="lock timeout"),
        snapshot(client(server), server_major=18, lock_wait_seconds=1),
    ):
        pytest.fail("it has the lock")


def test_it_ends_at_once_when_it_is_called_off(server: Server):
    """A query under way is ended with its client, on the server too."""
    server.make(content="create table slow as select i from generate_series(1, 3000000) i")
    asking = client(server)

    def call_off() -> None:
        with snapshot(asking, server_major=18, lock_wait_seconds=5) as held:
            asking.end(CalledOff("enough", ""))
            held.truth()

    with pytest.raises(CalledOff):
        call_off()
    wait_until(lambda: sessions(server) == [], what="the end of its session")


def test_unreadable_table_is_said(server: Server):
    """A table that the role may not read is named."""
    server.run("postgres", "drop role if exists peeping; create role peeping login")
    server.make(content="create table a ()")
    with (
        pytest.raises(Unavailable, match="permission denied for table a"),
        snapshot(client(server, user="peeping"), server_major=18, lock_wait_seconds=5),
    ):
        pytest.fail("it was read")


def test_row_security_hides_nothing_silently(server: Server):
    """Rows that row security would hide are an error and not a smaller number."""
    server.run("postgres", "drop role if exists peeping; create role peeping login")
    server.make(content="create table a (); alter table a enable row level security")
    server.run("shop", "grant select on a to peeping")
    with (
        pytest.raises(Unavailable, match="row-level security"),
        session(client(server, user="peeping"), begin()) as (asking, _),
    ):
        asking.tell("record")
