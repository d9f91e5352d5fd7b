"""Backups of SQLite files, drilled."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.backup.catalog import PART, Catalog
from app.backup.model import State
from app.backup.outcome import Drill, Outcome
from app.backup.truth import Rows
from app.core.errors import Conflict, InputRejected
from app.testing import wait_until

from .samples import flip_a_bit, write_archive
from .test_sqlites import Desk

CONTENT = """
pragma foreign_keys = off;
create table rooms (id integer primary key, name text);
create table nights (room int references rooms, day text);
create index days on nights (day);
create view empty_rooms as select * from rooms where id not in (select room from nights);
create trigger t after insert on rooms begin select 1; end;
insert into rooms values (1, 'sea');
insert into nights values (1, 'mon'), (7, 'tue');
"""


class Drilling:
    """A backup of an SQLite file with a foreign key that leads nowhere, and drills of it."""

    def __init__(self, folder: Path) -> None:
        self.desk = Desk(folder)
        with closing(sqlite3.connect(self.desk.shop)) as connection:
            connection.executescript(CONTENT)
        self.catalog = Catalog(self.desk.folder)
        self.backup = self.catalog.backup(self.desk.back_up()["id"])

    def drill(self, **settings: Any) -> Drill:
        """What came of drilling the backup."""
        page = self.desk.open(**settings)
        assert page.drill(self.backup.id)["state"] == "running"
        page.wait(self.backup.id, 30)
        page.stop()
        drill = self.catalog.backup(self.backup.id).drill
        assert drill is not None
        return drill

    def claim(self, **other: Any) -> None:
        """Write into the manifest that the file was another."""
        assert self.backup.truth is not None
        self.backup = replace(self.backup, truth=replace(self.backup.truth, **other))
        self.catalog.rewrite(self.backup)

    @property
    def state(self) -> State:
        """What is known of the backup."""
        return self.catalog.backup(self.backup.id).state


@pytest.fixture
def drilling(tmp_path: Path) -> Iterator[Drilling]:
    """A backup to be drilled."""
    drilling = Drilling(tmp_path)
    yield drilling
    drilling.desk.page.stop()


def test_backup_is_proven_again(drilling: Drilling):
    """Unpacked it is the copy that was made, sound inside, with its rows; a broken key is broken still."""
    assert drilling.backup.truth is not None
    counts = {"indexes": 1, "triggers": 1, "views": 1, "broken foreign keys": 1}
    assert drilling.backup.truth.counts == counts
    assert drilling.backup.truth.tables["nights"] == Rows(2, "")
    found = drilling.drill()
    assert (found.outcome, found.reason, found.compared) == (Outcome.PROVEN, "", "copy")
    assert found.restore_seconds is not None
    assert drilling.state is State.PROVEN
    assert not (drilling.desk.folder / ".sqlite").exists()


@pytest.mark.parametrize(
    ("claim", "difference"),
    [
        ({"tables": {"rooms": Rows(2, ""), "nights": Rows(2, "")}}, "table rooms has 1 rows, not 2"),
        ({"counts": {"broken foreign keys": 0}}, "there are 1 broken foreign keys, not 0"),
    ],
)
def test_difference_is_found_and_alerted(drilling: Drilling, claim: dict[str, Any], difference: str):
    """What is not as the manifest says fails: an alert of that file alone, over with the next drill."""
    truth = drilling.backup.truth
    drilling.claim(**claim)
    found = drilling.drill()
    assert found.outcome is Outcome.FAILED
    assert difference in found.reason + str(found.differences)
    assert drilling.state is State.CHECKED
    drilling.backup = replace(drilling.backup, truth=truth)
    drilling.catalog.rewrite(drilling.backup)
    assert drilling.drill().outcome is Outcome.PROVEN
    told = [one for one in drilling.desk.codes() if one[0] == "backup_drill_failed"]
    assert told == [
        ("backup_drill_failed", "drill:data/shop.db", "raised"),
        ("backup_drill_failed", "drill:data/shop.db", "cleared"),
    ]


def test_changed_file_fails(drilling: Drilling):
    """A file that has changed since is found, though nobody has verified it."""
    flip_a_bit(drilling.desk.folder / drilling.backup.file)
    found = drilling.drill()
    assert found.outcome is Outcome.FAILED
    assert "gzip" in found.reason


def test_what_sqlite_cannot_read_fails(drilling: Drilling):
    """A file that is to the last bit what was written and yet is no sound database fails."""
    (drilling.desk.folder / drilling.backup.file).unlink()
    raw = b"SQLite format 3\0" + b"nonsense" * 2000
    fingerprint = write_archive(drilling.catalog.path(drilling.backup.id, PART), raw)
    drilling.catalog.path(drilling.backup.id, PART).rename(drilling.desk.folder / drilling.backup.file)
    drilling.catalog.rewrite(replace(drilling.backup, **vars_of(fingerprint)))
    assert drilling.drill().outcome is Outcome.FAILED


def vars_of(fingerprint: Any) -> dict[str, Any]:
    """Its fields."""
    return {name: getattr(fingerprint, name) for name in fingerprint.__slots__}


def test_no_room_is_no_fault_of_the_backup(drilling: Drilling):
    """Where it cannot be tried, that is said, and the backup stays proven."""
    drilling.catalog.rewrite(replace(drilling.backup, raw_bytes=1 << 60))
    found = drilling.drill()
    assert (found.outcome, drilling.state) == (Outcome.NOT_DRILLABLE, State.PROVEN)
    assert "there is no room for it" in found.reason


def test_one_thing_at_a_time_and_only_what_is_good(drilling: Drilling):
    """While a run holds the folder a drill is refused; so is that of a damaged backup."""
    turn = drilling.catalog.turn()
    with pytest.raises(Conflict):
        drilling.desk.page.drill(drilling.backup.id)
    turn.release()
    drilling.catalog.rewrite(replace(drilling.backup, state=State.DAMAGED))
    with pytest.raises(InputRejected, match="it is damaged"):
        drilling.desk.page.drill(drilling.backup.id)


def test_last_good_one_is_drilled_where_none_is_named(drilling: Drilling):
    """Without an id and without a PostgreSQL the newest good backup of a file is drilled."""
    begun = drilling.desk.page.drill()
    assert begun["id"] == drilling.backup.id
    wait_until(lambda: drilling.catalog.running() is None, what="the drill's end")
    assert drilling.desk.page.get(begun["id"])["drill"]["outcome"] == "proven"


def test_older_manifest_without_truth_is_proven_by_its_hash(drilling: Drilling):
    """A backup of an older release, in whose manifest no rows are told, is drilled by its content's hash."""
    drilling.catalog.rewrite(replace(drilling.backup, truth=None))
    assert drilling.drill().outcome is Outcome.PROVEN
