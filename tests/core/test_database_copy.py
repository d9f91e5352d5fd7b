"""Copies of SQLite files that are in use."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from app.core.database_copy import copy_database, examine
from app.core.errors import Unavailable
from app.testing import wait_until


def make(path: Path, *, mode: str = "wal", rows: int = 20_000) -> Path:
    """A file with a table `bookings`."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"pragma journal_mode={mode}")
        connection.execute('create table "book ""ings" (id integer primary key, note text)')
        notes = (("x" * 200,) for _ in range(rows))
        connection.executemany('insert into "book ""ings" (note) values (?)', notes)
        connection.execute('create index notes on "book ""ings" (note, id)')
        connection.commit()
    return path


@contextmanager
def writing(path: Path) -> Iterator[list[int]]:
    """Somebody inserts row after row meanwhile; tells how many so far."""
    written, over = [0], threading.Event()

    def write() -> None:
        with closing(sqlite3.connect(path, isolation_level=None, timeout=30)) as connection:
            while not over.is_set():
                connection.execute('insert into "book ""ings" (note) values (\'new\')')
                written[0] += 1

    thread = threading.Thread(target=write)
    thread.start()
    try:
        wait_until(lambda: written[0] > 5, what="the first rows")
        yield written
    finally:
        over.set()
        thread.join()


@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_copy_is_one_moment_of_a_file_in_use(tmp_path: Path, mode: str):
    """While rows are added the copy has those of one moment, is sound, and is private."""
    source, copy = make(tmp_path / "in use?#.db", mode=mode), tmp_path / "copy"
    with writing(source):
        rows = copy_database(source, copy, lambda _: None)
    assert examine(copy) == rows
    assert rows['book "ings'] > 20_000
    assert copy.stat().st_mode & 0o777 == 0o600


def test_writers_go_on_meanwhile(tmp_path: Path):
    """With WAL, rows are added while the copy is made, and the copy does not begin again for them."""
    source = make(tmp_path / "a.db", rows=60_000)
    shares: list[float] = []
    with writing(source) as written:
        before = written[0]
        copy_database(source, tmp_path / "copy", shares.append)
        assert written[0] > before
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_damaged_copy_is_found(tmp_path: Path):
    """A page that was overwritten is found by examining."""
    copy_database(make(tmp_path / "a.db"), tmp_path / "copy", lambda _: None)
    with (tmp_path / "copy").open("r+b") as file:
        file.seek(4096 * 50)
        file.write(bytes(4096))
    with pytest.raises(Unavailable, match=r"damaged inside|malformed"):
        examine(tmp_path / "copy")


def test_what_is_no_sqlite_file_is_told(tmp_path: Path):
    """A missing file is not made, and one that is something else is told."""
    (tmp_path / "text").write_text("nothing of the kind, and longer than a header of SQLite is, by far" * 20)
    for name in ("gone", "text"):
        with pytest.raises(Unavailable, match="cannot be read"):
            copy_database(tmp_path / name, tmp_path / "copy", lambda _: None)
    assert not (tmp_path / "gone").exists()
