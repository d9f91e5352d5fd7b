"""What a real server tells before a backup."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from app.backup.client import Client
from app.backup.connection import parse_connection
from app.backup.ground import look, look_over, means, survey
from app.backup.preflight import Level

from .pooler import pooled
from .server import CONTENT, Server


def a_client(server: Server, user: str = "atalaia") -> Client:
    """A client of the database `shop`."""
    return Client(parse_connection(server.url("shop", user=user)), seconds=60)


@pytest.fixture
def guest(server: Server) -> Client:
    """A role that may read one table of the shop, which has row security."""
    server.make(content=CONTENT)
    server.run("postgres", "drop role if exists guest; create role guest login")
    server.run("postgres", "alter role guest set statement_timeout = '5s'")
    server.run("shop", "alter table leads enable row level security; grant select on leads to guest")
    return a_client(server, "guest")


def test_owner_finds_everything(server: Server):
    """A role that may read all is told the database's size and tables, and that nothing is hidden."""
    server.make(content=CONTENT)
    found = survey(a_client(server))
    assert (found.database, found.role, found.tables) == ("shop", "atalaia", 8)
    assert (found.hidden_by_row_security, found.unreadable, found.unreadable_large_objects) == ((), (), 0)
    assert not found.has_pooler
    assert found.size_bytes > 7_000_000


def test_guest_is_told_what_is_hidden(guest: Client):
    """Rows behind row security, tables and large objects out of reach, and time-outs are found."""
    found = survey(guest)
    assert found.hidden_by_row_security == ("public.leads",)
    assert "public.messages" in found.unreadable
    assert found.unreadable_large_objects == 1
    assert found.timeouts == {"statement_timeout": "5000"}


def test_reader_of_everything_is_not_refused(server: Server, guest: Client):
    """With pg_read_all_data, BYPASSRLS and the large objects, a role that owns nothing is content."""
    server.run("postgres", "alter role guest bypassrls; grant pg_read_all_data to guest")
    server.run("shop", "grant select on large object 4242 to guest")
    found = survey(guest)
    assert (found.hidden_by_row_security, found.unreadable, found.unreadable_large_objects) == ((), (), 0)


def test_extensions_are_told_and_their_tables_are_not_counted(server: Server, tmp_path: Path):
    """An extension that the wheel's server has is no obstacle to a drill."""
    server.make(content="create extension vector")
    client = a_client(server)
    found = survey(client)
    assert (found.extensions, found.tables) == (("vector",), 0)
    assert means(client, found, tmp_path, tmp_path / "none").no_drill == ""


def test_all_of_it_takes_less_than_a_second(server: Server, tmp_path: Path):
    """A preflight is quick enough to be made before each backup."""
    server.make(content=CONTENT)
    client = a_client(server)
    look(client, tmp_path, tmp_path, None)
    began = time.process_time()
    found = look(client, tmp_path, tmp_path, None)
    assert time.process_time() - began < 1
    assert {one.level for one in found} == {Level.OK}


def test_server_that_is_down_is_a_finding(tmp_path: Path):
    """Where nobody answers, that is what was found."""
    client = Client(parse_connection("postgresql://u@127.0.0.1:1/shop"), seconds=20)
    (finding,) = look_over(client, tmp_path, tmp_path, None)
    assert finding.level is Level.ERROR
    assert "Connection refused" in finding.fact


def test_value_that_is_too_large_is_found(server: Server):
    """A value beyond the limit is found by a few pages of its TOAST table."""
    server.make(content="create table media (a bytea); alter table media alter a set storage external")
    value = "convert_to(repeat(md5(i::text), 250000), 'UTF8')"
    server.run("shop", f"insert into media select {value} from generate_series(1, 2) i")
    assert survey(a_client(server), large_bytes=6 << 20).too_large == ("public.media",)
    assert survey(a_client(server), large_bytes=9 << 20).too_large == ()


@pytest.mark.parametrize("number", [7, -7])
def test_pool_in_between_is_noticed(server: Server, number: int):
    """A session whose number is not the server's own is one of a pool; pgbouncer's are any, negative too."""
    server.make()
    with pooled(server.url("shop"), number) as url:
        assert survey(Client(parse_connection(url), seconds=60)).has_pooler
