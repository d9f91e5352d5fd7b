from __future__ import annotations

import fcntl
import logging
import os
import signal
import threading
from pathlib import Path

import pytest

from app.logs.files import FileSink
from app.testing import wait_until

from .conftest import LINE_BYTES, MakeSink, numbered, numbers, records, write_all
from .processes import fork, in_child, wait_for


def make_unwritable(path: Path) -> None:
    """Put a folder where the file was, which not even root can write to."""
    path.unlink(missing_ok=True)
    path.mkdir(parents=True)


def make_writable(path: Path) -> None:
    path.rmdir()


def recover(sink: FileSink) -> None:
    """Let the sink's next retry succeed."""
    wait_until(lambda: sink.retry() or (not sink.waiting and not sink.trouble), what="the recovery")


def test_a_line_is_in_the_file_when_the_call_returns(make_sink: MakeSink):
    """Each line has its process and its number within process and file."""
    sink = make_sink()
    write_all(sink, range(3))
    assert [(record["n"], record["pid"], record["seq"]) for record in records(sink.path)] == [
        (0, os.getpid(), 1),
        (1, os.getpid(), 2),
        (2, os.getpid(), 3),
    ]


def test_threads_share_a_sink(make_sink: MakeSink):
    """Lines of several threads are whole, and their numbers in order."""
    sink = make_sink()
    threads = [threading.Thread(target=write_all, args=(sink, range(300))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [record["seq"] for record in records(sink.path)] == list(range(1, 1_201))


def test_processes_share_a_file(make_sink: MakeSink):
    """Lines of several processes are whole, and each process's are in order."""
    sink = make_sink()
    wait_for(*[fork(lambda: write_all(sink, range(500), padding=LINE_BYTES)) for _ in range(3)])
    by_process: dict[int, list[int]] = {}
    for record in records(sink.path):
        by_process.setdefault(record["pid"], []).append(record["seq"])
    assert list(by_process.values()) == [list(range(1, 501))] * 3


def test_lines_wait_while_the_file_cannot_be_written(make_sink: MakeSink, capfd: pytest.CaptureFixture[str]):
    """Nothing is raised, nothing lost, the order kept, and stderr told once."""
    sink = make_sink()
    make_unwritable(sink.path)
    write_all(sink, range(50))
    assert (sink.waiting, sink.trouble) == (50, "Is a directory")
    make_writable(sink.path)
    recover(sink)
    write_all(sink, range(50, 60))
    assert numbers(sink) == list(range(60))
    assert len([line for line in capfd.readouterr().err.splitlines() if "logs.app" in line]) <= 1


def test_a_later_line_brings_the_waiting_ones_along(make_sink: MakeSink):
    """No retry is needed where lines go on coming."""
    sink = make_sink()
    make_unwritable(sink.path)
    write_all(sink, range(3))
    make_writable(sink.path)
    wait_until(lambda: sink.write(*numbered(9), logging.INFO) or not sink.waiting, what="the recovery")
    assert numbers(sink)[:4] == [0, 1, 2, 9]


def test_what_finds_no_room_is_counted_and_told(make_sink: MakeSink):
    """Drops are counted by level, exactly, and told by one line when there is room again."""
    sink = make_sink(room_bytes=4_000)
    make_unwritable(sink.path)
    write_all(sink, range(100), padding=LINE_BYTES)
    kept = sink.waiting
    assert sink.dropped == {logging.INFO: 100 - kept}
    make_writable(sink.path)
    sink.close()
    assert numbers(sink) == list(range(kept))
    assert records(sink.path)[-1]["dropped"] == {str(logging.INFO): 100 - kept}
    assert len(records(sink.path)) == kept + 1


def test_warnings_have_room_of_their_own(make_sink: MakeSink):
    """A quarter of the memory is kept for WARNING and above."""
    sink = make_sink(room_bytes=4_000)
    make_unwritable(sink.path)
    write_all(sink, range(100), padding=LINE_BYTES)
    write_all(sink, range(100, 102), padding=LINE_BYTES, level=logging.WARNING)
    assert logging.WARNING not in sink.dropped
    make_writable(sink.path)


def test_a_process_that_keeps_the_file_locked_holds_nobody_up(make_sink: MakeSink):
    """A process that was stopped in a rotation costs a moment; the line waits in memory."""
    sink = make_sink()
    sink.open()
    with sink.path.open("rb") as stopped:
        fcntl.flock(stopped, fcntl.LOCK_EX)
        write_all(sink, range(3))
        assert sink.waiting == 3
    recover(sink)
    assert numbers(sink) == [0, 1, 2]


def test_a_forked_child_begins_anew(make_sink: MakeSink):
    """A child has its own numbers, and does not write what waits in its parent."""
    sink = make_sink()
    make_unwritable(sink.path)
    write_all(sink, range(2))
    make_writable(sink.path)

    def write_in_child() -> None:
        assert sink.waiting == 0
        write_all(sink, range(10, 12))

    in_child(write_in_child)
    sink.close()
    assert [(record["n"], record["seq"]) for record in records(sink.path)] == [
        (10, 1),
        (11, 2),
        (0, 1),
        (1, 2),
    ]


def test_forking_while_another_thread_writes_blocks_no_child(make_sink: MakeSink):
    """A lock that was held at the moment of the fork is not held in the child."""
    sink = make_sink()
    done = threading.Event()
    thread = threading.Thread(target=lambda: write_until(sink, done))
    thread.start()
    children = [fork(lambda: write_all(sink, range(5))) for _ in range(20)]
    wait_for(*children)
    done.set()
    thread.join()
    by_child = [record["pid"] for record in records(sink.path)]
    assert all(by_child.count(child) == 5 for child in children)


def write_until(sink: FileSink, done: threading.Event) -> None:
    while not done.is_set():
        write_all(sink, range(1))


def test_a_signal_handler_may_log(make_sink: MakeSink):
    """A line that is written from within another write is kept and follows it."""
    sink = make_sink()
    in_handler = []

    def handler(_signal: int, _frame: object) -> None:
        in_handler.append(1)
        sink.write(*numbered(-1), logging.INFO)

    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
    try:
        write_all(sink, range(3_000))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    recover(sink)
    assert in_handler
    assert [record["seq"] for record in records(sink.path)] == list(range(1, 3_001 + len(in_handler)))


def test_closing_writes_what_waits(make_sink: MakeSink):
    """The end of a process loses nothing that can be written; a later line opens the file again."""
    sink = make_sink()
    make_unwritable(sink.path)
    write_all(sink, range(2))
    make_writable(sink.path)
    sink.close()
    write_all(sink, range(2, 3))
    assert numbers(sink) == [0, 1, 2]
