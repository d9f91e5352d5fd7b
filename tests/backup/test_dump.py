"""The one pass of a dump, against a real server."""

from __future__ import annotations

import gzip
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from app.backup.client import Client
from app.backup.connection import parse_connection
from app.backup.dump import dump, look_at
from app.backup.model import Fingerprint
from app.core.errors import AtalaiaError, Unavailable
from app.core.postgres import client_program

from .server import CONTENT, Server


def a_client(server: Server, database: str) -> Client:
    """A client of one of the server's databases."""
    return Client(parse_connection(server.url(database)), seconds=60)


def dumped(server: Server, part: Path, database: str = "shop", *, lock_wait_seconds: int = 60) -> Fingerprint:
    """Dump a database into a file."""
    client = a_client(server, database)
    return dump(client, client.tools(at_least=18), part, lock_wait_seconds, lambda _: None)


def test_source_is_described(server: Server):
    """What a restore needs to know of the database is told, with the roles that its objects need."""
    server.run("postgres", "drop role if exists clerk; create role clerk")
    server.make(content="create table a (); grant select on a to clerk; create table b ()")
    source = look_at(a_client(server, "shop"))
    assert (source.database, source.encoding, source.server_major) == ("shop", "UTF8", 18)
    assert source.roles == ("atalaia", "clerk")
    assert source.size_bytes > 1_000_000


def test_bare_tools_can_use_the_file(server: Server, tmp_path: Path):
    """gunzip and pg_restore read the file without any part of ours."""
    server.make(content=CONTENT)
    dumped(server, tmp_path / "a")
    raw = gzip.decompress((tmp_path / "a").read_bytes())
    script = subprocess.run(
        [client_program("pg_restore"), "-f", "-"], input=raw, capture_output=True, check=True
    )
    assert b"a voice message".hex().encode() in script.stdout
    assert "olá 500".encode() in script.stdout


def test_empty_database_is_a_dump_too(server: Server, tmp_path: Path):
    """A database with nothing in it gives a file that is not empty."""
    server.make()
    assert dumped(server, tmp_path / "a").raw_bytes > 0


def test_locked_table_is_not_waited_for_for_ever(server: Server, tmp_path: Path):
    """A table that somebody holds a lock on ends the dump after the time that was set, with a hint."""
    server.make(content="create table messages ()")
    with server.locked("shop"), pytest.raises(Unavailable, match="timeout") as refused:
        dumped(server, tmp_path / "a", lock_wait_seconds=1)
    assert "pg_stat_activity" in refused.value.hint


def test_row_security_is_no_silent_part(server: Server, tmp_path: Path):
    """Where row security would hide rows from the role, the dump fails and says so."""
    server.run("postgres", "drop role if exists peeping; create role peeping login")
    server.make(content="create table a (); alter table a enable row level security")
    server.run("shop", "grant select on a to peeping")
    client = Client(parse_connection(server.url("shop", user="peeping")), seconds=60)
    with pytest.raises(Unavailable, match="row-level security") as refused:
        dump(client, client.tools(at_least=18), tmp_path / "a", 60, lambda _: None)
    assert "BYPASSRLS" in refused.value.hint


def test_caller_can_end_it(server: Server, tmp_path: Path):
    """What the caller raises while being told of the progress ends the dump."""
    server.make(content=CONTENT)
    client = a_client(server, "shop")

    def enough(raw_bytes: int) -> None:
        raise AtalaiaError(f"enough after {raw_bytes > 0}")

    with pytest.raises(AtalaiaError, match="enough after True"):
        dump(client, client.tools(at_least=18), tmp_path / "a", 60, enough)


def test_program_that_writes_nothing_has_not_dumped(server: Server, tmp_path: Path):
    """A program that ends well without a byte is not believed."""
    (tmp_path / "pg_dump").symlink_to("/bin/true")
    client = a_client(server, "postgres")
    tools = replace(client.tools(at_least=18), folder=tmp_path)
    with pytest.raises(Unavailable, match="wrote nothing"):
        dump(client, tools, tmp_path / "a", 60, lambda _: None)
