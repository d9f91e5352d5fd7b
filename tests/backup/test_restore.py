"""Restoring into a real server."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import pytest

from app.backup.client import Client
from app.backup.connection import parse_connection
from app.backup.dump import look_at
from app.backup.model import Backup, Damaged, Stopped
from app.backup.restore import look_at_target, restore
from app.backup.restoring import Restored
from app.core.errors import AtalaiaError, Conflict, InputRejected, Unavailable

from .samples import a_backup, flip_a_bit, write_archive
from .server import CONTENT, ROWS, Server
from .test_dump import dumped


class Shop:
    """A database `shop` on the server, and a backup of it."""

    def __init__(self, server: Server, folder: Path, content: str = CONTENT) -> None:
        self.server = server
        self.path = folder / "shop.dump.gz"
        server.make("shop", content)
        self.client = Client(parse_connection(server.url("shop")), seconds=60)
        printed = asdict(dumped(server, self.path))
        self.backup: Backup = replace(a_backup(), source=look_at(self.client), **printed)

    def restore(self, into: str, *, replace: bool = False) -> Restored:
        """Restore the backup into a database of that name."""
        return restore(
            self.client, self.backup, self.path, into=into, replace=replace, on_share=lambda _: None
        )


@pytest.fixture
def shop(server: Server, tmp_path: Path) -> Shop:
    """A shop with every kind of content, and its backup."""
    return Shop(server, tmp_path)


def test_restored_database_equals_its_source(shop: Shop):
    """Table by table, row by row, with sequences, large objects and indexes, it is the same."""
    done = shop.restore("copy")
    assert shop.server.content("copy") == shop.server.content("shop")
    assert done == Restored({f"public.{name}": count for name, count in ROWS.items()}, None, ())


def test_restored_view_and_function_work(shop: Shop):
    """Views, functions and generated columns are there and work."""
    shop.restore("copy")
    assert shop.server.run("copy", "select count(*), twice(21) from recent") == [(10, 42)]
    assert shop.server.run("copy", "insert into messages (text) values ('abc') returning id, length") == [
        (501, 3)
    ]


def test_existing_database_is_refused(shop: Shop):
    """A database that is there is not touched unless it is to be replaced."""
    before = shop.server.databases()
    with pytest.raises(Conflict, match="there is a database 'shop' already"):
        shop.restore("shop")
    assert shop.server.databases() == before


def test_replaced_database_is_kept_by_another_name(shop: Shop):
    """Over an existing database the backup takes its name and the former one is kept, with its owner."""
    shop.server.run("postgres", "drop role if exists landlord; create role landlord")
    shop.server.run("postgres", "alter database shop owner to landlord")
    shop.server.run("shop", "truncate messages")
    done = shop.restore("shop", replace=True)
    assert done.former is not None
    assert shop.server.run("shop", "select count(*) from messages") == [(500,)]
    assert shop.server.run(done.former, "select count(*) from messages") == [(0,)]
    owner = "select pg_get_userbyid(datdba) from pg_database where datname = 'shop'"
    assert shop.server.run("postgres", owner) == [("landlord",)]
    shop.server.clean()


def test_sessions_do_not_keep_a_database_from_being_replaced(shop: Shop):
    """Whoever is connected to the database that is replaced is disconnected."""
    with shop.server.session("shop") as session, session.cursor() as cursor:
        cursor.execute("select 1")
        assert look_at_target(shop.client, shop.backup, "shop").connections == 1
        assert shop.restore("shop", replace=True).former in shop.server.databases()


@pytest.mark.parametrize(
    "name", ["-f", "--help", "a\nb", "a\"b'c\\d", "../x", "select 1; drop database shop", "postgres'"]
)
def test_hostile_names_are_names(server: Server, tmp_path: Path, name: str):
    """A database may be called anything that PostgreSQL allows, and nothing else happens."""
    shop = Shop(server, tmp_path, "create table a ()")
    before = server.databases()
    shop.restore(name)
    assert server.databases() == before | {name}


@pytest.mark.parametrize("name", ["", "a\0b", "é" * 32])
def test_impossible_names_are_refused(shop: Shop, name: str):
    """What PostgreSQL cannot have as a name is refused before anything is done."""
    with pytest.raises(InputRejected, match="name"):
        shop.restore(name)


def test_long_name_is_cut_for_the_former_one(shop: Shop):
    """Where the name leaves no room for an ending, the former database's name is shortened."""
    name = "é" * 31
    shop.restore(name)
    former = shop.restore(name, replace=True).former
    assert former in shop.server.databases()


def test_damaged_file_is_refused(shop: Shop):
    """A file that is not what was written is not restored, and the server is left as it was."""
    before = shop.server.databases()
    flip_a_bit(shop.path)
    with pytest.raises(Damaged):
        shop.restore("copy")
    assert shop.server.databases() == before


def test_failed_restore_leaves_the_old_one(shop: Shop, tmp_path: Path):
    """When PostgreSQL cannot restore the dump, the database that was to be replaced is as it was."""
    before, content = shop.server.databases(), shop.server.content("shop")
    shop.backup = replace(shop.backup, **asdict(write_archive(tmp_path / "nonsense", b"PGDMP nonsense")))
    shop.path = tmp_path / "nonsense"
    with pytest.raises(Unavailable, match="pg_restore failed"):
        shop.restore("shop", replace=True)
    assert shop.server.databases() == before
    assert shop.server.content("shop") == content


def test_broken_off_restore_leaves_nothing(shop: Shop):
    """A restore that is broken off while pg_restore works leaves no half database."""
    before = shop.server.databases()
    with pytest.raises(AtalaiaError, match="enough"):
        restore(shop.client, shop.backup, shop.path, into="copy", replace=False, on_share=_break_off_late)
    assert shop.server.databases() == before


def test_ended_client_leaves_nothing(shop: Shop):
    """When the client is ended in the middle of a restore, the half database is dropped all the same."""
    before = shop.server.databases()

    def end(share: float) -> None:
        if share > 0.1:
            shop.client.end()

    with pytest.raises(Stopped):
        restore(shop.client, shop.backup, shop.path, into="copy", replace=False, on_share=end)
    assert shop.server.databases() == before


def _break_off_late(share: float) -> None:
    if share > 0.1:
        raise AtalaiaError("enough")


def test_missing_roles_leave_out_owners(server: Server, tmp_path: Path):
    """Where a role of the source is not on the server, tables and rows are restored without owners."""
    server.run("postgres", "drop role if exists leaver; create role leaver")
    shop = Shop(server, tmp_path, "create table a as select 1 n; alter table a owner to leaver")
    server.run("shop", "drop owned by leaver cascade")
    server.run("postgres", "drop role leaver")
    assert look_at_target(shop.client, shop.backup, "copy").missing_roles == ("leaver",)
    assert shop.restore("copy").rows == {"public.a": 1}


def test_empty_database_comes_back_empty(server: Server, tmp_path: Path):
    """A backup of a database with nothing in it is restored as one."""
    assert Shop(server, tmp_path, "").restore("copy") == Restored({}, None, ())


def test_unknown_locale_is_noted(shop: Shop):
    """Where the server does not know how the source sorts, it is restored all the same, and said."""
    strange = replace(shop.backup.source, collation="xx_XX.UTF-8", ctype="xx_XX.UTF-8")
    shop.backup = replace(shop.backup, source=strange)
    assert "no locale" in shop.restore("copy").notes[0]


def test_copy_sorts_as_its_source(server: Server, tmp_path: Path):
    """A database of another sort of locale than the server's usual one is restored as that sort."""
    shop = Shop(server, tmp_path, "create table a (t text); insert into a values ('b'), ('A')")
    described = "select datlocprovider, datcollate, datlocale from pg_database where datname = '{}'"
    for provider in ("c", "b"):
        source = replace(shop.backup.source, collation="C", ctype="C", provider=provider, locale="C.UTF-8")
        shop.backup = replace(shop.backup, source=source)
        shop.restore(f"copy_{provider}")
        expected = (provider, "C", "C.UTF-8" if provider == "b" else None)
        assert server.run("postgres", described.format(f"copy_{provider}")) == [expected]


def test_failed_restore_takes_its_roles_back(shop: Shop, tmp_path: Path):
    """Roles that were made for a restore that fails are not left behind."""
    sql = "CREATE ROLE passing_by;\n"
    shop.backup = replace(shop.backup, source=replace(shop.backup.source, roles=("passing_by",)))
    with pytest.raises(AtalaiaError, match="enough"):
        restore(shop.client, shop.backup, shop.path, into="copy", roles_sql=sql, on_share=_break_off_late)
    assert shop.server.run("postgres", "select from pg_roles where rolname = 'passing_by'") == []
