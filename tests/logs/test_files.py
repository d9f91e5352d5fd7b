from __future__ import annotations

import fcntl
import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from app.logs.files import FileSink
from app.testing import wait_until

from .conftest import LINE_BYTES, MakeSink, numbered, numbers, records, spooled, write_all
from .processes import fork, in_child, wait_for


def make_unwritable(path: Path) -> None:
    """Put a folder where the file was, which not even root can write to."""
    path.unlink(missing_ok=True)
    path.mkdir(parents=True)


def make_writable(path: Path) -> None:
    path.rmdir()


def recover(sink: FileSink) -> None:
    """Let the sink find out that the file can be written again."""
    wait_until(lambda: sink.retry() or not sink.waiting, what="the recovery")


def await_trouble(sink: FileSink) -> None:
    wait_until(lambda: sink.trouble, what="the trouble")


def test_lines_are_numbered(make_sink: MakeSink):
    """Each line has its process and its number within process and file."""
    sink = make_sink()
    write_all(sink, range(3))
    assert [(record["n"], record["pid"], record["seq"]) for record in records(sink.path)] == [
        (0, os.getpid(), 1),
        (1, os.getpid(), 2),
        (2, os.getpid(), 3),
    ]


def test_a_line_outlives_its_process(make_sink: MakeSink):
    """What was written before SIGKILL is in the file within a second, brought there by another process."""
    sink = make_sink()
    sink.open()

    def write_and_die() -> None:
        write_all(sink, range(100))
        os.kill(os.getpid(), signal.SIGKILL)

    os.waitpid(fork(write_and_die), 0)
    wait_until(lambda: not spooled(sink.path), what="the recovery", deadline=1.0)
    assert numbers(sink) == list(range(100))


def test_the_next_start_brings_what_a_killed_one_left(make_sink: MakeSink):
    """Without another process the lines wait in the spool until one opens the log."""
    sink = make_sink()

    def write_and_die() -> None:
        sink._drainer.ring = lambda **_: None  # type: ignore[method-assign]
        write_all(sink, range(100))
        os.kill(os.getpid(), signal.SIGKILL)

    os.waitpid(fork(write_and_die), 0)
    assert spooled(sink.path)
    sink.open()
    assert numbers(sink) == list(range(100))


def test_nothing_is_left_after_closing(make_sink: MakeSink):
    """Rings of processes that have ended are removed."""
    sink = make_sink()
    write_all(sink, range(3))
    sink.close()
    assert not list((sink.path.parent / ".spool").glob("*.ring"))


def test_an_end_without_closing_loses_nothing(tmp_path: Path):
    """A process that ends as processes do has written all of its lines, also those of its own end."""
    program = (
        "import atexit, logging, pathlib\n"
        "atexit.register(lambda: logging.getLogger('a').info('very last'))\n"
        "from app.core.clock import SystemClock\n"
        "from app.logs.settings import LogSettings\n"
        "from app.services.production_logger import ProductionLogger\n"
        f"folder = pathlib.Path({str(tmp_path / 'logs')!r})\n"
        "ProductionLogger(LogSettings(), folder, SystemClock(), lambda signal: None).start()\n"
        "for number in range(2_000): logging.getLogger('a').info('line', extra={'n': number})\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
    written = records(tmp_path / "logs" / "app.log")
    assert [record["n"] for record in written[:-1]] == list(range(2_000))
    assert written[-1]["message"] == "very last"


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
    sink.open()
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
    await_trouble(sink)
    assert (sink.waiting, sink.trouble) == (50, "Is a directory")
    make_writable(sink.path)
    wait_until(lambda: not sink.waiting, what="the recovery", deadline=1.0)
    write_all(sink, range(50, 60))
    assert numbers(sink) == list(range(60))
    assert len([line for line in capfd.readouterr().err.splitlines() if "logs.app" in line]) <= 1


def test_a_file_that_could_not_be_made_is_well_again_without_a_line(make_sink: MakeSink):
    """Trouble ends by itself as soon as the folder is one, also of a log that nobody writes to."""
    sink = make_sink()
    sink.close()
    folder = sink.path.parent
    shutil.rmtree(folder, ignore_errors=True)
    folder.write_text("a file where the folder should be")
    sink.open()
    assert sink.trouble
    folder.unlink()
    wait_until(lambda: not sink.trouble, what="the recovery")


def test_what_finds_no_room_is_counted_and_told(make_sink: MakeSink):
    """Drops are counted by level, exactly, and told by one line when there is room again."""
    sink = make_sink(spool_bytes=8_192)
    make_unwritable(sink.path)
    write_all(sink, range(1))
    await_trouble(sink)
    write_all(sink, range(1, 100), padding=LINE_BYTES)
    kept = sink.waiting
    assert sink.dropped == {logging.INFO: 100 - kept}
    make_writable(sink.path)
    recover(sink)
    wait_until(lambda: "dropped" in records(sink.path)[-1], what="the telling")
    assert numbers(sink) == list(range(kept))
    assert records(sink.path)[-1]["dropped"] == {str(logging.INFO): 100 - kept}
    assert len(records(sink.path)) == kept + 1


def test_warnings_have_room_of_their_own(make_sink: MakeSink):
    """A quarter of the ring is kept for WARNING and above."""
    sink = make_sink(spool_bytes=8_192)
    make_unwritable(sink.path)
    write_all(sink, range(1))
    await_trouble(sink)
    write_all(sink, range(1, 100), padding=LINE_BYTES)
    write_all(sink, range(100, 105), padding=LINE_BYTES, level=logging.WARNING)
    assert sink.dropped[logging.INFO]
    assert not sink.dropped[logging.WARNING]
    make_writable(sink.path)


def test_a_full_ring_is_waited_for_where_nobody_else_waits(make_sink: MakeSink):
    """A thread without an event loop that logs faster than the disk loses nothing while lines go through."""
    sink = make_sink(spool_bytes=8_192)
    write_all(sink, range(2_000), padding=LINE_BYTES)
    assert numbers(sink) == list(range(2_000))


def test_a_process_that_keeps_the_turn_holds_nobody_up(make_sink: MakeSink):
    """A process that was stopped while writing makes lines wait, which is trouble in the end."""
    sink = make_sink()
    sink.open()
    turn = sink.path.parent / ".spool" / "app.turn"
    wait_until(turn.exists)
    with turn.open("rb") as stopped:
        fcntl.flock(stopped, fcntl.LOCK_EX)
        write_all(sink, range(3))
        await_trouble(sink)
        assert sink.waiting == 3
    recover(sink)
    assert numbers(sink) == [0, 1, 2]


def test_a_forked_child_begins_anew(make_sink: MakeSink):
    """A child has its own numbers, and does not write what waits in its parent."""
    sink = make_sink()
    make_unwritable(sink.path)
    write_all(sink, range(2))
    await_trouble(sink)
    make_writable(sink.path)

    def write_in_child() -> None:
        assert sink.waiting == 0
        write_all(sink, range(10, 12))
        sink.close()

    in_child(write_in_child)
    recover(sink)
    found = [(record["n"], record["seq"]) for record in records(sink.path)]
    assert sorted(found) == [(0, 1), (1, 2), (10, 1), (11, 2)]


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
    while not done.wait(0.0001):
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
    assert in_handler
    assert [record["seq"] for record in records(sink.path)] == list(range(1, 3_001 + len(in_handler)))


def test_a_later_line_is_written_after_closing(make_sink: MakeSink):
    """The end of a process loses nothing; what is logged after it is written at once."""
    sink = make_sink()
    make_unwritable(sink.path)
    write_all(sink, range(2))
    make_writable(sink.path)
    sink.close()
    write_all(sink, range(2, 3))
    assert [record["n"] for record in records(sink.path)] == [0, 1, 2]
    assert sink.direct == "the log is closed"


def test_a_deleted_spool_is_made_again(make_sink: MakeSink):
    """After the folder was deleted, lines outlive their process again within a second."""
    sink = make_sink()
    write_all(sink, range(1))
    sink.flush(5)
    for path in (sink.path.parent / ".spool").iterdir():
        path.unlink()
    spool = sink.path.parent / ".spool"
    wait_until(lambda: list(spool.glob("*.ring")), what="a new ring", deadline=2.0)
    write_all(sink, range(1, 3))
    assert numbers(sink) == [0, 1, 2]


def test_a_log_can_be_opened_again(make_sink: MakeSink):
    """Whatever was logged in between, lines go into a ring and from there into the file again."""
    sink = make_sink()
    for number in range(3):
        sink.open()
        write_all(sink, range(3 * number, 3 * number + 2))
        sink.close()
        write_all(sink, range(3 * number + 2, 3 * number + 3))
    sink.open()
    assert not sink.direct
    write_all(sink, range(9, 12))
    assert sink.flush(5)
    assert numbers(sink) == list(range(12))
