"""Journals keep what was acknowledged."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from app.core.database import OFFSETS, Database, fold
from app.core.journal import Journal, files_of, read_new
from app.testing import FrozenClock


@pytest.fixture
def journal(tmp_path: Path, clock: FrozenClock):
    journal = Journal("test")
    journal.open(tmp_path / "facts", clock)
    yield journal
    journal.close()


def facts(folder: Path) -> list[bytes]:
    return [line for chunk in read_new(folder, {}) for line in chunk.lines]


def test_an_acknowledged_fact_is_in_the_file(journal: Journal, tmp_path: Path) -> None:
    """append() returns True when the line stands in the file."""
    assert journal.append({"name": "paid", "amount": "1.50"})
    assert facts(tmp_path / "facts") == [b'{"name":"paid","amount":"1.50"}']


def test_files_are_private_whatever_the_umask(journal: Journal, tmp_path: Path) -> None:
    """A journal file has mode 0600 and its folder 0700 even under umask 0."""
    before = os.umask(0)
    try:
        journal.append({"a": 1})
    finally:
        os.umask(before)
    (file,) = files_of(tmp_path / "facts")
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700


def test_facts_wait_until_the_journal_is_open(tmp_path: Path) -> None:
    """What is appended before open() is written by open(), in order."""
    journal = Journal("early")
    assert not journal.append({"n": 1})
    assert not journal.append({"n": 2})
    journal.open(tmp_path)
    assert facts(tmp_path) == [b'{"n":1}', b'{"n":2}']
    journal.close()


def test_what_does_not_fit_into_memory_is_counted(tmp_path: Path) -> None:
    """Beyond 4 MiB of waiting lines each further one is dropped and counted."""
    journal = Journal("full")
    for _ in range(6):
        journal.append({"text": "x" * (1 << 20)})
    assert journal.dropped == 3
    assert journal.waiting == 3


def test_a_new_day_begins_a_new_file(journal: Journal, tmp_path: Path, clock: FrozenClock) -> None:
    """A journal has one file per UTC day and process."""
    journal.append({"n": 1})
    clock.advance(days=1)
    journal.append({"n": 2})
    assert [path.name[:10] for path in files_of(tmp_path / "facts")] == ["2026-11-23", "2026-11-24"]


def test_a_deleted_file_is_made_again(journal: Journal, tmp_path: Path) -> None:
    """After a person deletes the folder's files, facts go to a new one."""
    journal.append({"n": 1})
    files_of(tmp_path / "facts")[0].unlink()
    journal.append({"n": 2})
    assert facts(tmp_path / "facts") == [b'{"n":2}']


def test_a_forked_child_writes_its_own_file(journal: Journal, tmp_path: Path) -> None:
    """Parent and child never share a file."""
    journal.append({"who": "parent"})
    if (pid := os.fork()) == 0:
        journal.append({"who": "child"})
        os._exit(0)
    os.waitpid(pid, 0)
    assert len(files_of(tmp_path / "facts")) == 2
    assert sorted(facts(tmp_path / "facts")) == [b'{"who":"child"}', b'{"who":"parent"}']


def test_a_line_without_its_end_is_left_alone(journal: Journal, tmp_path: Path) -> None:
    """A torn last line is not read, and the lines before it are."""
    journal.append({"n": 1})
    with files_of(tmp_path / "facts")[0].open("ab") as file:
        file.write(b'{"n":')
    assert facts(tmp_path / "facts") == [b'{"n":1}']


def test_a_line_finished_while_it_is_read_is_read_whole(tmp_path: Path) -> None:
    """A writer may finish its line between two chunks: no line is cut, and offsets stay right."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"aaa\nbb")
    chunks = read_new(tmp_path, {})
    first = next(chunks)
    with path.open("ab") as file:
        file.write(b"b\nccc\n")
    second = next(chunks)
    assert (first.lines, first.end) == ([b"aaa"], 4)
    assert (second.lines, second.end) == ([b"bbb", b"ccc"], 12)


def test_a_full_disk_keeps_whole_lines_and_the_rest_waits(tmp_path: Path) -> None:
    """What the disk took stays, a torn line is taken back, and all are there once there is room."""
    done = subprocess.run(
        [sys.executable, "-c", CUT_OFF, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False", "1"]
    assert facts(tmp_path) == [b'{"n":%d}' % n for n in range(6)]


CUT_OFF = """
import resource, signal, sys
from pathlib import Path
from app.core.journal import Journal, files_of
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
journal = Journal("limited"); journal.open(Path(sys.argv[1]))
journal.append({"n": 0})
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (30, hard))
print(journal.append_all([{"n": n} for n in range(1, 6)]), journal.waiting)
(file,) = files_of(Path(sys.argv[1]))
assert file.read_bytes().endswith(b"}\\n"), file.read_bytes()
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
journal._retry_at = 0
journal.sync(); journal.close()
"""


def test_an_append_does_not_wait_for_the_disk(tmp_path: Path) -> None:
    """While sync() waits for a disk that is stuck, facts are still written at once."""
    stuck, released = threading.Event(), threading.Event()

    def flush(_: int) -> None:
        stuck.set()
        released.wait()

    journal = Journal("stuck", flush=flush)
    journal.open(tmp_path)
    journal.append({"n": 1})
    syncing = threading.Thread(target=journal.sync)
    syncing.start()
    assert stuck.wait(10)
    done: list[bool] = []
    appending = threading.Thread(target=lambda: done.append(journal.append({"n": 2})))
    appending.start()
    appending.join(10)
    released.set()
    syncing.join()
    assert done == [True]
    journal.close()


def test_a_fold_counts_each_line_once(journal: Journal, tmp_path: Path) -> None:
    """Folding again, or from a second process' view, applies nothing twice."""
    database = Database(tmp_path / "index.sqlite", [OFFSETS + "create table seen (line text);"])

    def keep(connection, lines):
        connection.executemany("insert into seen values (?)", [(line.decode(),) for line in lines])

    for number in range(3):
        journal.append({"n": number})
    assert fold(database, tmp_path / "facts", keep) == 3
    assert fold(database, tmp_path / "facts", keep) == 0
    journal.append({"n": 3})
    assert fold(database, tmp_path / "facts", keep) == 1
    with database.read() as connection:
        assert connection.execute("select count(*) from seen").fetchone()[0] == 4
    database.close()


def test_a_failed_fold_is_done_again_whole(journal: Journal, tmp_path: Path) -> None:
    """When applying raises, neither the rows nor the offset stay."""
    database = Database(tmp_path / "index.sqlite", [OFFSETS + "create table seen (line text);"])
    journal.append({"n": 1})

    def fail(connection, lines):
        connection.execute("insert into seen values ('half')")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        fold(database, tmp_path / "facts", fail)
    with database.read() as connection:
        assert connection.execute("select count(*) from seen").fetchone()[0] == 0
    assert fold(database, tmp_path / "facts", lambda *_: None) == 1
    database.close()
