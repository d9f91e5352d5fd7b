from __future__ import annotations

import fcntl
import gzip
import itertools
import json
import logging
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

import pytest

from app.logs.archives import archives
from app.logs.files import FileSink
from app.logs.locks import lock_within
from app.logs.rotation import Rotation
from app.testing import FrozenClock, wait_until

from .conftest import LINE_BYTES, MakeSink, numbered, records, write_out
from .processes import files_limited_to, in_child

MAX_BYTES = 10_000


def content(path: Path) -> bytes:
    """What is in a log file or archive."""
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def everything(live: Path) -> list[dict[str, Any]]:
    """The records of the archives, oldest first, and of the live file."""
    text = b"".join(content(path) for path in (*(old.path for old in archives(live)), live))
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def numbers(live: Path) -> list[int]:
    return [record["n"] for record in everything(live)]


def rotation_of(live: Path, keep_files: int = 100) -> Rotation:
    return Rotation(live, MAX_BYTES, keep_files, FrozenClock())


def full_file(make_sink: MakeSink) -> FileSink:
    """A file of more than MAX_BYTES that nobody has rotated yet; its lines are numbered from 0 to 59."""
    sink = make_sink()
    write_out(sink, range(60), padding=LINE_BYTES)
    return sink


def test_a_full_file_is_cut_off_and_compressed(make_sink: MakeSink):
    """A file that has reached its size goes on empty; its lines are in a private, compressed archive."""
    sink = full_file(make_sink)
    rotation_of(sink.path).run()
    (archive,) = archives(sink.path)
    assert archive.path.name == "app.log.20261123T120000Z-1.gz"
    assert archive.path.stat().st_mode & 0o777 == 0o600
    assert sink.path.stat().st_size == 0
    assert numbers(sink.path) == list(range(60))


def test_a_file_keeps_its_inode(make_sink: MakeSink):
    """Whoever has the file open, as `tail -f` does, goes on reading it."""
    sink = full_file(make_sink)
    before = sink.path.stat().st_ino
    rotation_of(sink.path).run()
    write_out(sink, range(60, 61))
    assert sink.path.stat().st_ino == before
    assert numbers(sink.path) == list(range(61))


def test_a_writer_rotates_in_the_background(make_sink: MakeSink):
    """Over many rotations while lines come, each line is there once, and in order."""
    sink = make_sink(max_bytes=MAX_BYTES)
    count = itertools.count()

    def write_some() -> bool:
        for _ in range(50):
            sink.write(*numbered(next(count), LINE_BYTES), logging.INFO)
        return len(archives(sink.path)) >= 5

    wait_until(write_some, what="the fifth rotation")
    sink.close()
    assert numbers(sink.path) == list(range(next(count)))


def test_several_processes_rotate_one_file(tmp_path: Path):
    """Three processes, many rotations: no line lost, twice, torn or out of its process's order."""
    writers = [sys.executable, "-m", "tests.logs.writers", str(tmp_path / "logs")]
    numbers = {"seed": 1, "writers": 3, "kills": 0, "max_bytes": 50_000, "keep_files": 1_000, "most": 1_500}
    subprocess.run([*writers, *map(str, numbers.values())], check=True, capture_output=True)
    live = tmp_path / "logs" / "app.log"
    by_writer: dict[str, list[int]] = {}
    for record in everything(live):
        by_writer.setdefault(record["writer"], []).append(record["n"])
    assert len(archives(live)) > 3
    assert by_writer == {name: list(range(1, 1_501)) for name in ("w0", "w1", "w2")}


def test_old_archives_are_removed(make_sink: MakeSink):
    """Only the newest archives are kept."""
    sink = make_sink()
    for first in range(0, 300, 60):
        write_out(sink, range(first, first + 60), padding=LINE_BYTES)
        rotation_of(sink.path, keep_files=2).run()
    assert [archive.number for archive in archives(sink.path)] == [4, 5]
    assert numbers(sink.path) == list(range(180, 300))


def test_a_clock_that_jumps_back_changes_no_order(make_sink: MakeSink):
    """Archives are ordered by their number, not by their time."""
    sink = make_sink()
    clock = FrozenClock()
    for first in (0, 60):
        write_out(sink, range(first, first + 60), padding=LINE_BYTES)
        Rotation(sink.path, MAX_BYTES, 10, clock).run()
        clock.set("2020-01-01T00:00:00Z")
    assert numbers(sink.path) == list(range(120))


def test_a_kill_while_copying_leaves_nothing_behind(make_sink: MakeSink):
    """A part that a killed process left is overwritten by the next rotation."""
    sink = full_file(make_sink)
    (sink.path.parent / ".app.log.part").write_bytes(b"x" * 100_000)
    rotation_of(sink.path).run()
    assert numbers(sink.path) == list(range(60))
    assert not list(sink.path.parent.glob(".app.log.part"))


def test_a_kill_before_the_file_was_emptied_counts_no_line_twice(make_sink: MakeSink):
    """An archive whose lines are in the live file still is not listed, and goes with the next rotation."""
    sink = full_file(make_sink)
    shutil.copy(sink.path, sink.path.with_name("app.log.20261123T110000Z-1"))
    assert archives(sink.path) == []
    write_out(sink, range(60, 70), padding=LINE_BYTES)
    rotation_of(sink.path).run()
    assert [archive.stamp for archive in archives(sink.path)] == ["20261123T120000Z"]
    assert numbers(sink.path) == list(range(70))


def test_a_kill_before_compression_is_made_up_for(make_sink: MakeSink):
    """An archive that was not compressed, or was and is still there too, is put in order later."""
    sink = full_file(make_sink)
    write_out(make_sink(), range(1))
    old = sink.path.with_name("app.log.20261123T110000Z-1")
    old.write_bytes(b'{"n":-2}\n')
    both = sink.path.with_name("app.log.20261123T113000Z-2")
    both.write_bytes(b'{"n":-1}\n')
    both.with_name(f"{both.name}.gz").write_bytes(gzip.compress(b'{"n":-1}\n'))
    assert [archive.number for archive in archives(sink.path)] == [1, 2]
    rotation_of(sink.path).run()
    assert sorted(path.name[-5:] for path in sink.path.parent.glob("app.log.*")) == [
        "-1.gz",
        "-2.gz",
        "-3.gz",
    ]


def test_without_room_for_a_copy_the_file_is_moved(make_sink: MakeSink):
    """On a full disk the file gets its archive's name itself, and writers begin a new one."""
    sink = full_file(make_sink)

    def rotate_on_a_full_disk() -> None:
        with files_limited_to(5_000):
            rotation_of(sink.path).run()

    in_child(rotate_on_a_full_disk)
    write_out(sink, range(60, 62))
    assert [record["n"] for record in records(sink.path)] == [60, 61]
    assert numbers(sink.path) == list(range(62))


def test_a_torn_line_at_the_end_is_not_taken_along(make_sink: MakeSink):
    """An archive ends with a whole line, or with blanks, so that archives can be put together."""
    sink = full_file(make_sink)
    with sink.path.open("ab") as killed:
        killed.write(b'{"n":60,"pad')
    rotation_of(sink.path).run()
    write_out(sink, range(61, 62))
    assert numbers(sink.path) == [*range(60), 61]


def test_large_files_are_copied_whole(make_sink: MakeSink):
    """What is copied beside the writers and what is copied without them make the file."""
    sink = make_sink()
    write_out(sink, range(3_000), padding=1_000)
    rotation_of(sink.path).run()
    assert numbers(sink.path) == list(range(3_000))


def test_a_rotation_waits_for_nobody_for_long(make_sink: MakeSink):
    """Where a stopped process has the turn, the rotation is put off, and lines wait."""
    sink = full_file(make_sink)
    with (sink.path.parent / ".spool" / "app.turn").open("rb") as stopped:
        fcntl.flock(stopped, fcntl.LOCK_EX)
        rotation_of(sink.path).run()
        assert archives(sink.path) == []
        sink.write(*numbered(60), logging.INFO)
    sink.flush(10)
    assert numbers(sink.path) == list(range(61))


def test_one_process_rotates_at_a_time(make_sink: MakeSink):
    """While another process rotates, this one lets it."""
    sink = full_file(make_sink)
    lock = sink.path.with_name(".rotation.lock")
    lock.touch()
    with lock.open("rb") as other:
        assert lock_within(other.fileno(), fcntl.LOCK_EX, 0)
        rotation_of(sink.path).run()
        assert archives(sink.path) == []


@pytest.mark.skipif(shutil.which("tail") is None, reason="needs tail(1)")
def test_tail_goes_on_over_rotations(make_sink: MakeSink, tmp_path: Path):
    """`tail -f` shows every line over ten rotations."""
    sink = make_sink()
    sink.open()
    shown = tmp_path / "shown"
    with shown.open("wb") as output, tailing(sink.path, output):
        for number in range(200):
            sink.write(*numbered(number, 3 * LINE_BYTES), logging.INFO)
            wait_until(lambda count=number + 1: shown.read_bytes().count(b"\n") == count, what="tail")
            if number % 20 == 19:
                rotation_of(sink.path).run()
    assert len(archives(sink.path)) == 10
    assert [record["n"] for record in records(shown)] == list(range(200))


@contextmanager
def tailing(path: Path, output: BinaryIO) -> Iterator[None]:
    """A real `tail -f` that writes into a file."""
    tail = subprocess.Popen(["tail", "-n", "+1", "-f", str(path)], stdout=output, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        tail.terminate()
        tail.wait()


def test_a_file_below_its_size_stays(make_sink: MakeSink):
    """Nothing is rotated before it is time."""
    sink = make_sink()
    write_out(sink, range(3))
    rotation_of(sink.path).run()
    assert archives(sink.path) == []


def aging_rotation(live: Path, clock: FrozenClock, **age: Any) -> Rotation:
    return Rotation(live, 1 << 30, 100, clock, zone=ZoneInfo("America/Sao_Paulo"), **age)


def look(rotation: Rotation) -> None:
    """Let it look at what has grown old, to the end."""
    rotation.look_after()
    rotation.settle()


def test_a_day_ends_at_midnight_of_the_zone(make_sink: MakeSink):
    """A file whose first line is of another day there is rotated; on the same day it stays."""
    sink = make_sink()
    sink.write(b'{"timestamp":"2026-11-23T12:00:00.000000Z","n":0', b'"x":0}', logging.INFO)
    sink.flush(10)
    clock = FrozenClock("2026-11-24T02:59:00Z")
    rotation = aging_rotation(sink.path, clock, daily=True)
    look(rotation)
    assert archives(sink.path) == []
    clock.set("2026-11-24T03:00:00Z")
    look(rotation)
    assert [archive.stamp for archive in archives(sink.path)] == ["20261124T030000Z"]
    clock.set("2026-11-26T03:00:00Z")
    look(rotation)
    assert len(archives(sink.path)) == 1  # because an empty file has no day


def test_archives_are_removed_when_they_are_too_old(make_sink: MakeSink):
    """Also while nothing is logged; what is younger stays."""
    sink = make_sink()
    write_out(sink, range(1))
    for ending in ("20261120T120000Z-1.gz", "20261122T120000Z-2.gz"):
        sink.path.with_name(f"app.log.{ending}").write_bytes(gzip.compress(b'{"n":-1}\n'))
    rotation = aging_rotation(sink.path, FrozenClock(), keep_days=2)
    look(rotation)
    assert [archive.number for archive in archives(sink.path)] == [2]


def test_a_file_that_grows_too_fast_is_held_back(make_sink: MakeSink):
    """Lines wait until a file of twice its size is rotated; but not for long where it cannot be."""
    sink = full_file(make_sink)
    rotation = Rotation(sink.path, MAX_BYTES // 2, 100, FrozenClock())
    with (sink.path.parent / ".rotation.lock").open("wb") as other:
        assert lock_within(other.fileno(), fcntl.LOCK_EX, 0)
        assert rotation.holds_back(MAX_BYTES)
        wait_until(lambda: not rotation.holds_back(MAX_BYTES), what="the end of patience")
    assert not rotation.holds_back(MAX_BYTES - 1)
    rotation.settle()
