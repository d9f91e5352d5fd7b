"""Restoring as it is asked for: what is told before, what is backed up before, and what is left out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.backup.restorer import Wish
from app.backup.settings import BackupSettings
from app.core.errors import Conflict, NotFound, Unavailable
from app.services.backup_system import BackupSystem
from app.testing import FrozenClock, RecordingEmit

from .server import CONTENT, ROWS, Server

GUESTS = """
create table guests (id int primary key, name text);
insert into guests values (1, 'Ana'), (2, 'Bo');
create table rooms (id int primary key);
insert into rooms values (7);
create table stays (
    guest int constraint stays_guest references guests, room int constraint stays_room references rooms
);
insert into stays values (1, 7);
create table notes (stay_guest int constraint notes_guest references guests);
create view names as select name from guests;
"""


class House:
    """A page of the database `house`, with one backup."""

    def __init__(self, server: Server, folder: Path, content: str) -> None:
        self.server = server
        url = server.url(server.make("house", content))
        self.page = BackupSystem(
            BackupSettings(drill="off"), folder / "backups", url, FrozenClock(), RecordingEmit()
        )
        self.id = self.back_up()

    def back_up(self) -> str:
        """The id of another backup."""
        made = self.page.wait(self.page.request(reason="manual")["id"], 60)
        assert made["state"] != "failed", made
        return str(made["id"])


@pytest.fixture
def house(server: Server, tmp_path: Path) -> Iterator[House]:
    """A house with guests, rooms and stays."""
    house = House(server, tmp_path, GUESTS)
    yield house
    house.page.stop()


def test_replaced_database_is_backed_up_before(house: House):
    """What is replaced is first made a backup of, as it is now; then it is kept by another name as well."""
    house.server.run("house", "insert into guests values (3, 'Cy')")
    done = house.page.restore(house.id, Wish("house", replace=True))
    before = house.page.get(done["backup_before"])
    assert before["reason"] == "before restore"
    assert house.page.restore(before["id"], Wish("again"))["rows_by_table"]["public.guests"] == 3
    assert house.server.run("house", "select count(*) from guests") == [(2,)]


def test_backup_before_may_be_declined(house: House):
    """Asked so, nothing is backed up before."""
    done = house.page.restore(house.id, Wish("house", replace=True, back_up_first=False))
    assert done["backup_before"] is None
    assert len(house.page.status()["backups"]) == 1


def test_database_that_cannot_be_backed_up_is_not_replaced(house: House):
    """Where the backup before fails, nothing is replaced, and the error says so."""
    before = house.server.databases()
    house.server.run("house", "create table bad (v text); insert into bad values ('x')")
    house.server.run("house", "create function boom() returns text language sql as 'select 1/0'")
    with (
        house.server.locked("house", "guests"),
        pytest.raises(Unavailable, match="could not be backed up before") as error,
    ):
        _impatient(house).restore(house.id, Wish("house", replace=True))
    assert "--no-backup" in error.value.hint
    assert house.server.databases() == before


def test_backup_of_another_database_is_not_the_days_one(house: House):
    """A backup made before a restore over another database fills no slot and is not the last good one."""
    house.server.make("annex", "create table a ()")
    done = house.page.restore(house.id, Wish("annex", replace=True))
    assert house.page.get(done["backup_before"])["source"]["database"] == "annex"
    assert house.page.status()["last_good"]["id"] == house.id


def test_selected_tables(house: House):
    """Rows come back only for the tables that are named; the schema is whole, views work."""
    done = house.page.restore(house.id, Wish("some", tables=["guests", "public.stays"]))
    assert done["rows_by_table"] == {"public.guests": 2, "public.stays": 1}
    assert house.server.run("some", "select count(*) from names") == [(2,)]
    assert house.server.run("some", "select count(*) from rooms") == [(0,)]


def test_foreign_keys_that_cannot_hold_are_told(house: House):
    """A key to rows that were not asked for is left out and named; those that hold are there."""
    done = house.page.restore(house.id, Wish("some", tables=["guests", "stays"]))
    assert done["notes"] == [
        "foreign keys left out, because rows they need were not restored: public stays stays_room"
    ]
    keys = house.server.run("some", "select conname from pg_constraint where contype = 'f' order by 1")
    assert keys == [("notes_guest",), ("stays_guest",)]


def test_selected_tables_replace_nothing(house: House):
    """Over an existing database selected tables are refused: the others would be empty."""
    with pytest.raises(Conflict, match="only some tables"):
        house.page.restore(house.id, Wish("house", replace=True, tables=["guests"]))
    with pytest.raises(NotFound, match="'gests'"):
        house.page.plan_restore(house.id, Wish("some", tables=["gests"]))


def test_plan_tells_what_restore_does(house: House):
    """The plan names the tables, the backup before, and the time that is to be expected."""
    plan = house.page.plan_restore(house.id, Wish("house", replace=True))
    assert plan["steps"][0] == "back 'house' up as it is now"
    assert plan["expected_seconds"] > 0
    some = house.page.plan_restore(house.id, Wish("some", tables=["guests"]))
    assert some["tables"] == ["public.guests"]
    assert "with the rows of 1 tables and without foreign keys" in some["steps"][1]


def test_every_kind_of_table_can_be_selected(server: Server, tmp_path: Path):
    """Partitions, inherited, unlogged and strangely named tables come back with all their rows."""
    house = House(server, tmp_path, CONTENT)
    done = house.page.restore(house.id, Wish("some", tables=["*"]))
    assert done["rows_by_table"] == {f"public.{name}": count for name, count in ROWS.items()}
    house.page.stop()


def test_missing_roles_are_made_on_request(server: Server, tmp_path: Path):
    """With roles, owners and grants come back to a server that did not know the roles."""
    server.run("postgres", "drop role if exists porter; create role porter")
    house = House(server, tmp_path, "create table a as select 1 n; alter table a owner to porter")
    server.run("house", "drop owned by porter cascade")
    server.run("postgres", "drop role porter")
    assert house.page.plan_restore(house.id, Wish("copy"))["missing_roles"] == ["porter"]
    plan = house.page.plan_restore(house.id, Wish("copy", roles=True))
    assert (plan["missing_roles"], plan["new_roles"]) == ([], ["porter"])
    assert house.page.restore(house.id, Wish("copy", roles=True))["new_roles"] == ["porter"]
    assert server.run("copy", "select tableowner from pg_tables where tablename = 'a'") == [("porter",)]
    server.clean()
    server.run("postgres", "drop role porter")
    house.page.stop()


def _impatient(house: House) -> BackupSystem:
    """The page of a server that waits a second for a lock."""
    url = house.server.url("house")
    folder = house.page._catalog.folder
    return BackupSystem(
        BackupSettings(lock_wait_seconds=1, drill="off"), folder, url, FrozenClock(), RecordingEmit()
    )
