"""SQLite files in the catalogue: due each day, proven, kept, restored."""

from __future__ import annotations

import gzip
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from app.backup.model import Damaged
from app.backup.restorer import Wish
from app.backup.settings import BackupSettings
from app.core.errors import Conflict, InputRejected, NotFound, Unavailable
from app.core.signal import Condition
from app.services.backup_system import BackupSystem
from app.testing import FrozenClock, RecordingEmit

from .samples import flip_a_bit


class Desk:
    """A page without a PostgreSQL, whose application has the SQLite files `shop.db` and `crm.db`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "backups"
        self.clock, self.emit = FrozenClock(), RecordingEmit()
        self.shop, self.crm = folder / "shop.db", folder / "crm.db"
        self.write(self.shop, 100)
        self.page = self.open()

    def open(self, **settings: object) -> BackupSystem:
        """Another page of the same folder."""
        files = {"data/shop.db": self.shop, "data/crm.db": self.crm}
        return BackupSystem(BackupSettings(**settings), self.folder, "", self.clock, self.emit, sqlite=files)

    def write(self, path: Path, rows: int) -> None:
        """Add rows to a file."""
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("pragma journal_mode=wal")
            connection.execute("create table if not exists bookings (id integer primary key, note text)")
            connection.executemany(
                "insert into bookings (note) values (?)", (("x" * 50,) for _ in range(rows))
            )
            connection.commit()

    def rows(self, path: Path) -> int:
        """How many rows a file has."""
        with closing(sqlite3.connect(path)) as connection:
            return int(connection.execute("select count(*) from bookings").fetchone()[0])

    def back_up(self) -> dict:
        """A backup of the shop's file, by hand."""
        return self.page.back_up_sqlite("data/shop.db", reason="manual")

    def tick(self, page: BackupSystem | None = None) -> None:
        """What the leader does each 15 seconds, and the end of what that began."""
        page = page or self.page
        page.sqlite_due()
        if page._sqlites._thread is not None:
            page._sqlites._thread.join(30)

    def backups(self) -> list[tuple[str, str]]:
        """Which file and why, newest first."""
        return [(one["source"]["database"], one["reason"]) for one in self.page.status()["backups"]]

    def codes(self) -> list[tuple[str, str, Condition]]:
        """What was emitted."""
        return [(signal.code, signal.key, signal.condition) for signal in self.emit.signals]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A desk whose first minute has passed."""
    desk = Desk(tmp_path)
    desk.clock.advance(minutes=2)
    yield desk
    desk.page.stop()


def test_backup_is_proven_and_needs_nothing_of_ours(desk: Desk):
    """It is copied, examined, compressed, read back; gunzip gives a database."""
    made = desk.back_up()
    assert (made["kind"], made["state"], made["tables"]) == ("sqlite", "proven", 1)
    assert made["file"] == f"{made['id']}.sqlite.gz"
    (desk.folder.parent / "plain.db").write_bytes(gzip.decompress((desk.folder / made["file"]).read_bytes()))
    assert desk.rows(desk.folder.parent / "plain.db") == 100
    assert not (desk.folder / ".sqlite").exists()


def test_files_are_due_each_day(desk: Desk):
    """Each file has one backup a day, on its own; one that is not there yet is not due."""
    desk.tick()
    assert desk.backups() == [("data/shop.db", "first")]
    desk.write(desk.crm, 1)
    desk.tick()
    desk.tick()
    assert desk.backups()[0] == ("data/crm.db", "first")
    desk.clock.advance(days=1)
    desk.tick()
    assert len(desk.backups()) == 4


def test_failure_is_recorded_alerted_and_over(desk: Desk):
    """A file that is no database is a failure that is told, tried again, and over with the next success."""
    desk.shop.write_bytes(b"nonsense" * 1000)
    for suffix in ("-wal", "-shm"):
        desk.shop.with_name(f"shop.db{suffix}").unlink(missing_ok=True)
    desk.tick()
    (failed,) = desk.page.status()["failed"]
    assert "is not a database" in failed["fact"]
    desk.tick()
    assert len(desk.page.status()["failed"]) == 1
    desk.shop.unlink()
    desk.write(desk.shop, 7)
    desk.clock.advance(minutes=6)
    desk.tick()
    assert desk.backups() == [("data/shop.db", "retry")]
    key = "backup:data/shop.db"
    assert desk.codes()[0] == ("backup_failed", key, Condition.RAISED)
    assert ("backup_failed", key, Condition.CLEARED) in desk.codes()


def test_file_without_a_young_backup_is_said_once(desk: Desk):
    """A file that is named and never backed up is an alert after an hour, each file its own."""
    desk.back_up()
    desk.clock.advance(hours=2)
    for _ in range(3):
        desk.tick()
    assert [one for one in desk.codes() if one[0] == "backup_overdue" and one[2] is Condition.RAISED] == [
        ("backup_overdue", "overdue:data/crm.db", Condition.RAISED)
    ]


def test_old_backups_go_by_file(desk: Desk):
    """Retention counts each file for itself."""
    page = desk.open(retention_days=2, keep_at_least=1)
    desk.write(desk.crm, 1)
    for _ in range(5):
        desk.tick(page)
        desk.clock.advance(days=1)
    names = [name for name, _ in desk.backups()]
    assert sorted(names) == ["data/crm.db"] * 3 + ["data/shop.db"] * 3


def test_backup_comes_back_as_a_new_file(desk: Desk, tmp_path: Path):
    """Restored into a new file it has the rows of its moment; an existing one is refused."""
    made = desk.back_up()
    desk.write(desk.shop, 50)
    into = str(tmp_path / "again.db")
    plan = desk.page.plan_restore(made["id"], Wish(into))
    assert (plan["exists"], len(plan["steps"])) == (False, 3)
    done = desk.page.restore(made["id"], Wish(into))
    assert (done["rows"], done["former"]) == (100, None)
    assert desk.rows(tmp_path / "again.db") == 100
    assert (tmp_path / "again.db").stat().st_mode & 0o777 == 0o600
    with pytest.raises(Conflict, match="already"):
        desk.page.restore(made["id"], Wish(into))


def test_replaced_file_is_backed_up_and_kept(desk: Desk):
    """Over an existing file it is backed up before, and kept by another name with what WAL has of it."""
    made = desk.back_up()
    desk.write(desk.shop, 50)
    done = desk.page.restore(made["id"], Wish(str(desk.shop), replace=True))
    assert desk.rows(desk.shop) == 100
    assert desk.rows(Path(done["former"])) == 150
    before = desk.page.get(done["backup_before"])
    assert (before["source"]["database"], before["reason"]) == ("data/shop.db", "before restore")


def test_damaged_backup_leaves_the_old_file(desk: Desk):
    """A backup that has changed is refused before anything is touched, and nothing is left of it."""
    made = desk.back_up()
    flip_a_bit(desk.folder / made["file"])
    before = sorted(desk.shop.parent.iterdir())
    with pytest.raises(Damaged):
        desk.page.restore(made["id"], Wish(str(desk.shop), replace=True, back_up_first=False))
    assert sorted(desk.shop.parent.iterdir()) == before
    assert desk.rows(desk.shop) == 100


def test_verification_reads_it_too(desk: Desk):
    """`backup verify` reads a backup of an SQLite file as any other."""
    made = desk.back_up()
    assert desk.page.inspection.verify(made["id"])["ok"]
    flip_a_bit(desk.folder / made["file"])
    assert not desk.page.inspection.verify(made["id"])["ok"]


def test_what_does_not_fit_is_refused(desk: Desk, tmp_path: Path):
    """Tables and roles are not for SQLite, and only files of the settings are backed up."""
    made = desk.back_up()
    with pytest.raises(InputRejected, match="restored whole"):
        desk.page.restore(made["id"], Wish(str(tmp_path / "x"), tables=["bookings"]))
    with pytest.raises(NotFound, match="no file that is backed up"):
        desk.page.back_up_sqlite("/etc/passwd", reason="manual")
    with pytest.raises(Unavailable, match="cannot be written"):
        desk.page.restore(made["id"], Wish(str(tmp_path / "no" / "folder")))
