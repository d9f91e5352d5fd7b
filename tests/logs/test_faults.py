from __future__ import annotations

import asyncio
import json
import logging
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.core.clock import SystemClock
from app.logs.archives import archives
from app.logs.drainer import Drainer
from app.logs.files import FileSink
from app.logs.rotation import Rotation
from app.testing import wait_until

from .conftest import LINE_BYTES, MakeSink, drops, numbered, numbers, spooled, write_all, write_out
from .test_files import await_trouble, make_unwritable, make_writable
from .test_rotation import everything, tailing

MEGABYTE = 1 << 20


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of four megabytes."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("only root may mount")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


@contextmanager
def sink_at(path: Path, max_bytes: int = 1 << 30) -> Iterator[FileSink]:
    sink = FileSink(path, Rotation(path, max_bytes, 100, SystemClock()), Drainer(), drops, MEGABYTE)
    sink.open()
    yield sink
    sink.close()


@contextmanager
def full(disk: Path) -> Iterator[None]:
    """The disk while there is no room on it."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while file.write(b"x" * 4_096) == 4_096:
                pass
        except OSError:
            pass
    yield
    ballast.unlink()


@contextmanager
def writing(sink: FileSink, a_second: int) -> Iterator[Callable[[], int]]:
    """A thread that writes so many lines a second; how many it has written."""
    done = threading.Event()
    count = 0

    def write() -> None:
        nonlocal count
        while not done.wait(1 / a_second):
            sink.write(*numbered(count, LINE_BYTES), logging.INFO)
            count += 1

    thread = threading.Thread(target=write)
    thread.start()
    yield lambda: count
    done.set()
    thread.join()


def test_a_full_disk_loses_nothing_while_there_is_room(small_disk: Path):
    """Two seconds of a full disk: nothing is raised or lost, and writing goes on within a second."""
    with sink_at(small_disk / "logs" / "app.log") as sink, writing(sink, 300) as written:
        with full(small_disk):
            await_trouble(sink)
            before = written()
            wait_until(lambda: written() > before + 300, what="lines on a full disk")
            assert not sink.dropped
        wait_until(lambda: not sink.trouble, what="the recovery", deadline=1.0)
    assert numbers(sink) == list(range(written()))


def test_a_full_disk_drops_what_finds_no_room_and_says_so(small_disk: Path):
    """What is dropped is counted exactly; the lines and the count in the file make all of them."""
    with sink_at(small_disk / "logs" / "app.log") as sink:
        write_out(sink, range(1))
        with full(small_disk):
            write_all(sink, range(1, 100), padding=LINE_BYTES)
            await_trouble(sink)
            write_all(sink, range(100, 8_000), padding=LINE_BYTES)
            dropped = sum(sink.dropped.values())
            assert dropped
        wait_until(lambda: not sink.waiting, what="the recovery")
    lines = [json.loads(line) for line in sink.path.read_bytes().splitlines()]
    assert lines[-1]["dropped"] == {str(logging.INFO): dropped}
    assert [line["n"] for line in lines[:-1]] == list(range(8_000 - dropped))


def test_the_oldest_archive_makes_room_before_lines_are_dropped(small_disk: Path):
    """When the ring of a full disk is half full, the oldest archive goes."""
    live = small_disk / "logs" / "app.log"
    with sink_at(live) as sink:
        old = live.with_name("app.log.20261123T110000Z-1.gz")
        old.write_bytes(os.urandom(MEGABYTE))
        with full(small_disk):
            write_all(sink, range(2_500), padding=LINE_BYTES)
            wait_until(lambda: not sink.waiting, what="the recovery")
            assert not old.exists()
            assert not sink.dropped
    assert numbers(sink) == list(range(2_500))


def test_a_stuck_disk_costs_a_fixed_amount_of_memory(make_sink: MakeSink):
    """A sink that takes nothing lets the ring fill up, and then nothing grows any more."""
    sink = make_sink()
    sink.path.parent.mkdir()
    os.mkfifo(sink.path)
    reader = os.open(sink.path, os.O_RDONLY | os.O_NONBLOCK)
    sink.open()
    write_all(sink, range(10_000), padding=LINE_BYTES)
    before = memory_kilobytes()
    write_all(sink, range(50_000), padding=LINE_BYTES)
    assert sum(sink.dropped.values()) > 50_000
    assert memory_kilobytes() - before < 1_024
    wait_until(lambda: drained(reader) and not sink.waiting, what="the end of the jam")
    os.close(reader)


def memory_kilobytes() -> int:
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


def drained(reader: int) -> bool:
    """Take what is in a pipe."""
    try:
        return bool(os.read(reader, MEGABYTE)) or True
    except BlockingIOError:
        return True


def test_an_event_loop_never_waits_for_room(make_sink: MakeSink):
    """Where a thread without a loop would wait, a loop drops at once."""
    sink = make_sink(spool_bytes=8_192)
    sink.open()
    sink._drainer.flush = pytest.fail  # type: ignore[method-assign, assignment]

    async def log() -> float:
        began = time.thread_time()
        write_all(sink, range(300), padding=LINE_BYTES)
        return time.thread_time() - began

    assert asyncio.run(log()) < 1
    del sink._drainer.flush
    sink.flush(5)
    assert sum(sink.dropped.values()) + len(numbers(sink)) == 300


@pytest.mark.parametrize("how", ["move", "copytruncate"])
def test_an_external_logrotate_loses_no_line(make_sink: MakeSink, how: str):
    """While lines come, another program moves the file away, or copies it and empties it."""
    sink = make_sink()
    write_out(sink, range(1))
    rotated = [sink.path.with_name(f"app.log.{number}") for number in range(9, 0, -1)]
    with writing(sink, 2_000) as written:
        for path in reversed(rotated):
            before = written()
            wait_until(lambda least=before + 50: written() >= least, what="some lines")
            if how == "move":
                sink.path.rename(path)
                wait_until(sink.path.exists, what="the new file")
            else:
                shutil.copy(sink.path, path)
                time.sleep(0.01)  # so that lines come between copy and truncation
                os.truncate(sink.path, 0)
    assert sink.flush(5)
    wait_until(lambda: not sink._outlet._turn.is_cut_short, what="what was lost by the last one")
    text = b"".join(path.read_bytes() for path in (*reversed(rotated), sink.path))
    found = [json.loads(line)["n"] for line in text.splitlines()]
    assert found == [0, *range(written())]


@pytest.mark.skipif(shutil.which("tail") is None, reason="needs tail(1)")
def test_tail_misses_nothing_while_lines_come_and_files_rotate(tmp_path: Path):
    """`tail -f` shows every line over nine rotations and more that come by themselves."""
    live, shown = tmp_path / "logs" / "app.log", tmp_path / "shown"
    with sink_at(live, max_bytes=200_000) as sink, shown.open("wb") as output, tailing(live, output):
        with writing(sink, 4_000) as written:
            wait_until(lambda: len(archives(live)) >= 9, what="nine rotations", deadline=60)
        sink.flush(5)
        wait_until(lambda: shown.read_bytes().count(b"\n") >= written(), what="the last line")
    assert [json.loads(line)["n"] for line in shown.read_bytes().splitlines()] == list(range(written()))
    assert [record["n"] for record in everything(live)] == list(range(written()))


def test_a_folder_that_comes_later_gets_what_has_waited(tmp_path: Path):
    """Where there can be no ring yet lines wait in memory; when there can be one, it is used."""
    folder = tmp_path / "logs"
    folder.write_text("not a folder")
    with sink_at(folder / "app.log") as sink:
        write_all(sink, range(10))
        assert (sink.waiting, sink.direct) == (10, "File exists")
        folder.unlink()
        wait_until(lambda: not sink.waiting and not sink.direct, what="the ring", deadline=3.0)
        write_all(sink, range(10, 20))
        assert spooled(sink.path) or sink.flush(5)
    assert numbers(sink) == list(range(20))


def test_without_rings_each_line_is_written_at_once(make_sink: MakeSink):
    """Where a file system has no maps, a line is in the file when the call returns."""
    sink = make_sink()
    sink.path.parent.mkdir()
    sink.close()
    write_all(sink, range(3))
    assert [json.loads(line)["n"] for line in sink.path.read_bytes().splitlines()] == [0, 1, 2]
    make_unwritable(sink.path)
    write_all(sink, range(3, 6))
    assert sink.waiting == 3
    make_writable(sink.path)
