"""One run at a time on one database, whoever begins it."""

from __future__ import annotations

import pytest

from app.backup.client import Client
from app.backup.connection import parse_connection
from app.backup.model import CalledOff
from app.backup.peer import alone
from app.core.errors import Unavailable
from app.testing import wait_until

from .server import Server

HELD = "select count(*) from pg_locks where locktype = 'advisory' and objid = 1635017068"


def a_client(server: Server, database: str = "shop") -> Client:
    """A client, as one of several hosts has it."""
    return Client(parse_connection(server.url(database)), seconds=60)


def test_second_is_called_off_and_told_by_whom(server: Server):
    """While one host backs a database up, another is told which host that is; afterwards it is let in."""
    server.make()
    with alone(a_client(server)):
        with pytest.raises(CalledOff, match="backup by Atalaia on"), alone(a_client(server)):
            pass
        assert server.run("shop", HELD) == [(1,)]
    wait_until(lambda: server.run("shop", HELD) == [(0,)], what="the lock's end")
    with alone(a_client(server)):
        pass


def test_databases_do_not_wait_for_each_other(server: Server):
    """Two databases of one server are backed up at once."""
    server.make()
    server.make("other")
    with alone(a_client(server)), alone(a_client(server, "other")):
        assert server.run("shop", HELD) == [(2,)]


def test_role_may_have_time_outs(server: Server):
    """A role whose idle transactions are ended soon holds the lock all the same."""
    server.make()
    server.run("postgres", "drop role if exists hasty; create role hasty login")
    server.run("postgres", "alter role hasty set idle_in_transaction_session_timeout = '50ms'")
    hasty = Client(parse_connection(server.url("shop", user="hasty")), seconds=60)
    with alone(hasty):
        server.run("shop", "select pg_sleep(0.3)")
        assert server.run("shop", HELD) == [(1,)]


def test_who_dies_lets_go(server: Server):
    """A session that the server ends holds nothing, and what was done under the lock stays done."""
    server.make()
    end = "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory'"
    done = False
    with alone(a_client(server)):
        server.run("shop", end)
        wait_until(lambda: server.run("shop", HELD) == [(0,)], what="the lock's end")
        done = True
    assert done


def test_server_that_is_down_is_no_peer():
    """Where nobody answers it is that which is said."""
    client = Client(parse_connection("postgresql://u@127.0.0.1:1/shop"), seconds=20)
    with pytest.raises(Unavailable, match="Connection refused"), alone(client):
        pass
