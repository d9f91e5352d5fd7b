"""SQLite files of our own are private, shared by processes, and made again when deleted."""

from __future__ import annotations

import multiprocessing
import os
from contextlib import suppress
from pathlib import Path

import pytest

from app.core.database import Database
from app.testing import wait_until

COUNTER = "create table counter (n integer); insert into counter values (0);"


@pytest.fixture
def database(tmp_path: Path):
    database = Database(tmp_path / "folder" / "state.sqlite", [COUNTER])
    yield database
    database.close()


def count_up(path: Path, times: int) -> None:
    database = Database(path, [COUNTER])
    for _ in range(times):
        with database.write() as connection:
            connection.execute("update counter set n = n + 1")
    database.close()


def value(database: Database) -> int:
    with database.read() as connection:
        return connection.execute("select n from counter").fetchone()[0]


def test_several_processes_may_open_a_new_file_at_once(tmp_path: Path) -> None:
    """Four processes that make and use the same file lose no update and raise nothing."""
    path = tmp_path / "shared.sqlite"
    fork = multiprocessing.get_context("fork")
    workers = [fork.Process(target=count_up, args=(path, 25)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0, 0, 0]
    database = Database(path, [COUNTER])
    assert value(database) == 100
    database.close()


def test_look_differs_when_a_commit_can_be_read_and_not_before(database: Database) -> None:
    """Who looks while a commit is being written would else find nothing, and not look again after it."""
    reader = Database(database.path, [COUNTER])
    seen = reader.look()
    with database.write() as connection:
        connection.execute("pragma cache_size = 2")
        connection.execute("create table much as select zeroblob(1000000) as bytes")
        assert Path(f"{database.path}-wal").stat().st_size > 900_000
        assert (reader.look(), value(reader)) == (seen, 0)
        connection.execute("update counter set n = 1")
    assert (reader.look() != seen, value(reader)) == (True, 1)
    reader.close()


def test_an_exception_rolls_back(database: Database) -> None:
    """Nothing of a failed transaction stays."""
    with suppress(RuntimeError), database.write() as connection:
        connection.execute("update counter set n = 7")
        raise RuntimeError
    assert value(database) == 0


def test_a_deleted_folder_resets_the_service(database: Database) -> None:
    """After the files are deleted, the next use makes them anew."""
    with database.write() as connection:
        connection.execute("update counter set n = 7")
    for path in database.path.parent.iterdir():
        path.unlink()
    database.path.parent.rmdir()
    assert value(database) == 0


def test_an_unreadable_file_is_set_aside(tmp_path: Path) -> None:
    """A file that is no database is kept under another name, and a new one is made."""
    path = tmp_path / "broken.sqlite"
    path.write_bytes(b"this is not a database" * 100)
    database = Database(path, [COUNTER])
    assert value(database) == 0
    assert path.with_suffix(".corrupt").read_bytes().startswith(b"this is not")
    database.close()


def test_files_are_private_whatever_the_umask(tmp_path: Path) -> None:
    """Database, write-ahead log and shared memory have mode 0600 under umask 0."""
    before = os.umask(0)
    try:
        database = Database(tmp_path / "p" / "x.sqlite", [COUNTER])
        with database.write() as connection:
            connection.execute("update counter set n = 1")
            modes = {path.name: path.stat().st_mode & 0o777 for path in database.path.parent.iterdir()}
    finally:
        os.umask(before)
    assert set(modes.values()) == {0o600}
    database.close()


def test_new_migrations_are_applied_once(tmp_path: Path) -> None:
    """A newer version adds its scripts to an existing file."""
    path = tmp_path / "m.sqlite"
    first = Database(path, [COUNTER])
    assert value(first) == 0
    first.close()
    second = Database(path, [COUNTER, "update counter set n = 5;"])
    assert value(second) == 5
    second.close()


def test_a_forked_child_uses_its_own_connection(database: Database) -> None:
    """Parent and child both write after a fork, and neither loses an update."""
    assert value(database) == 0
    if (pid := os.fork()) == 0:
        with database.write() as own:
            own.execute("update counter set n = n + 10")
        os._exit(0)
    wait_until(lambda: os.waitpid(pid, os.WNOHANG) == (pid, 0), what="the child's end")
    with database.write() as connection:
        connection.execute("update counter set n = n + 1")
    assert value(database) == 11
