"""What the spool does under load and kills: `python -m tests.benchmarks.bench_spool [--full]`.

Throughput of four processes that share a rotated file, against concurrent-log-handler; how late an event loop
is that logs to a good disk, to one that blocks, and to one that is stuck, against the same loop without
logging; what a call costs; what is left after kills. Contenders are interleaved, each in its own processes;
ratios are taken within a round, then the median. Without --full everything is a tenth of its size.
"""

from __future__ import annotations

import asyncio
import fcntl
import gzip
import json
import logging
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from app.core.clock import SystemClock
from app.logs.archives import archives
from app.logs.drainer import Drainer
from app.logs.files import FileSink
from app.logs.format import Line
from app.logs.rotation import Rotation
from app.logs.settings import LogSettings
from app.services.production_logger import ProductionLogger

PROCESSES = 4
MEGABYTE = 1 << 20
ROUNDS = 5
HEAD = b'{"timestamp":"2026-11-23T02:00:00.000000Z","level":"INFO","logger":"app.orders","message":"paid"'
TAIL = b'"module":"orders","function":"pay","line":17,"order":7,"amount":"120.50","state":"paid"}'


def sink_of(folder: Path, max_bytes: int) -> FileSink:
    path = folder / "app.log"
    rotation = Rotation(path, max_bytes, 100_000, SystemClock())
    return FileSink(path, rotation, Drainer(), lambda _: Line(b'{"w":-1,"n":0', b'"x":0}'))


def spool_writer(folder: Path, number: int, count: int) -> None:
    """Write `count` lines through a ring, in a process of its own."""
    sink = sink_of(folder, MEGABYTE)
    sink.open()
    for n in range(count):
        sink.write(b'{"w":%d,"n":%d,%b' % (number, n, HEAD[1:]), TAIL, logging.INFO)
    sink.close()


def handler_writer(folder: Path, number: int, count: int) -> None:
    """The same lines through concurrent-log-handler."""
    from concurrent_log_handler import ConcurrentRotatingFileHandler

    handler = ConcurrentRotatingFileHandler(
        str(folder / "app.log"), maxBytes=MEGABYTE, backupCount=100_000, use_gzip=True
    )
    logger = logging.Logger("clh")  # noqa: LOG001 because it must not be in the tree
    logger.addHandler(handler)
    line = f'{{"w":%d,"n":%d,{HEAD[1:].decode()},"pid":4242,"seq":1,{TAIL.decode()}'
    for n in range(count):
        logger.info(line, number, n)
    handler.close()


def throughput(writer: Callable[[Path, int, int], None], count: int) -> float:
    """Lines a second from the first process's start to the last one's end."""
    with tempfile.TemporaryDirectory() as name:
        began = time.monotonic()
        pids = [forked(lambda n=number: writer(Path(name), n, count)) for number in range(PROCESSES)]
        for pid in pids:
            assert os.waitpid(pid, 0)[1] == 0
        seconds = time.monotonic() - began
        if writer is spool_writer:
            check_complete(Path(name), count)
        return PROCESSES * count / seconds


def forked(work: Callable[[], object]) -> int:
    pid = os.fork()
    if pid == 0:
        work()
        os._exit(0)
    return pid


def check_complete(folder: Path, count: int) -> None:
    """Each line once, whole, in its process's order."""
    following = [0] * PROCESSES
    for line in lines(folder / "app.log"):
        record = json.loads(line)
        assert record["n"] == following[record["w"]], record
        following[record["w"]] += 1
    assert following == [count] * PROCESSES


def lines(live: Path) -> Iterator[bytes]:
    for path in [*(archive.path for archive in archives(live)), live]:
        text = path.read_bytes()
        text = gzip.decompress(text) if path.suffix == ".gz" else text
        yield from (line for line in text.split(b"\n") if line.strip())


def cost() -> tuple[float, float]:
    """Microseconds of the calling thread for one write(), and for one os.write of the same line."""
    with tempfile.TemporaryDirectory() as name:
        sink = sink_of(Path(name), 50 * MEGABYTE)
        sink.open()
        descriptor = os.open(Path(name) / "floor", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        line = HEAD + b',"pid":123456,"seq":1234,' + TAIL + b"\n"
        calls = {
            "write": lambda: sink.write(HEAD, TAIL, logging.INFO),
            "floor": lambda: os.write(descriptor, line),
        }
        taken: dict[str, list[float]] = {"write": [], "floor": []}
        for _ in range(20):
            for what, call in calls.items():
                taken[what].append(microseconds(call))
            time.sleep(0.02)
        os.close(descriptor)
        sink.close()
    return statistics.median(taken["write"]), statistics.median(taken["floor"])


def microseconds(call: Callable[[], object], calls: int = 2_000) -> float:
    began = time.thread_time()
    for _ in range(calls):
        call()
    return (time.thread_time() - began) / calls * 1_000_000


def lateness(kind: str, seconds: float) -> dict[str, float]:
    """How late a 1 ms ticker is beside four logging tasks: p99 and worst in ms; dropped records."""
    out = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.bench_spool", "--loop", kind, str(seconds)],
        check=True,
        stdout=subprocess.PIPE,
    )
    return json.loads(out.stdout)  # type: ignore[no-any-return]


def measure_loop(kind: str, seconds: float) -> None:
    """Be the process of lateness(); `kind` none, good, blocks, stuck or file-blocks (stdlib's handler)."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "logs"
        folder.mkdir()
        if "blocks" in kind or kind == "stuck":
            os.mkfifo(folder / "app.log")
            pipe = os.open(folder / "app.log", os.O_RDWR | os.O_NONBLOCK)
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, 1 << 13)
            if kind != "stuck":
                threading.Thread(target=read_in_bursts, args=(pipe,), daemon=True).start()
        page = ProductionLogger(LogSettings(), folder, SystemClock(), lambda _: None)
        if kind.startswith("file"):
            handler = logging.FileHandler(folder / "app.log")
            handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(message)s " + "x" * 250))
            logging.getLogger().addHandler(handler)
            logging.getLogger().setLevel(logging.INFO)
        elif kind != "none":
            page.start()
        late = asyncio.run(ticked(seconds, logs=kind != "none"))
        dropped = sum(sum(sink.dropped.values()) for sink in page._sinks.values())
        print(json.dumps({"p99": late[len(late) * 99 // 100], "worst": late[-1], "dropped": dropped}))
        sys.stdout.flush()
        os._exit(0)


def read_in_bursts(pipe: int) -> None:
    """A disk that blocks for 50 ms, then takes what there is."""
    while True:
        time.sleep(0.05)
        try:
            os.read(pipe, MEGABYTE)
        except BlockingIOError:
            continue


async def ticked(seconds: float, *, logs: bool) -> list[float]:
    """How many ms late each tick was, sorted."""
    tasks = [asyncio.create_task(working_task(number, logs=logs)) for number in range(4)]
    late, end = [], time.monotonic() + seconds
    while (began := time.monotonic()) < end:
        await asyncio.sleep(0.001)
        late.append((time.monotonic() - began - 0.001) * 1_000)
    for task in tasks:
        task.cancel()
    return sorted(late)


async def working_task(number: int, *, logs: bool) -> None:
    logger = logging.getLogger(f"app.task{number}")
    while True:
        if logs:
            logger.info("paid order", extra={"order": number, "amount": "120.50", "padding": "x" * 100})
        await asyncio.sleep(0.001)


def torture(kills: int, max_bytes: int) -> str:
    """SIGKILL random workers over many rotations, start once more, and compare with what was acknowledged."""
    with tempfile.TemporaryDirectory() as name:
        numbers = map(str, (int(time.time()), 3, kills, max_bytes, 10_000, 10_000_000, 850))
        run = subprocess.run(
            [sys.executable, "-m", "tests.logs.writers", name, *numbers], check=True, stdout=subprocess.PIPE
        )
        told = json.loads(run.stdout)
        page = ProductionLogger(LogSettings(), Path(name), SystemClock(), lambda _: None)
        page.start()
        page.stop()
        found: dict[str, list[int]] = {writer: [] for writer in told["acknowledged"]}
        for line in lines(Path(name) / "app.log"):
            record = json.loads(line)
            if "writer" in record:
                found[record["writer"]].append(record["n"])
        lost = sum(max(0, last - len(found[writer])) for writer, last in told["acknowledged"].items())
        dropped = sum("dropped" in json.loads(line) for line in lines(Path(name) / "app.log"))
        wrong = sum(numbers != list(range(1, len(numbers) + 1)) for numbers in found.values())
        rotations = len(archives(Path(name) / "app.log"))
    acknowledged = sum(told["acknowledged"].values())
    return (
        f"{kills} kills, {rotations} rotations, {acknowledged} acknowledged: {lost} lost, "
        f"{dropped} drops told, {wrong} writers with duplicates or disorder, "
        f"slowest recovery {told['recovery']:.2f} s"
    )


def main(*, full: bool) -> None:
    """Print the tables."""
    count, seconds, kills = (50_000, 5.0, 200) if full else (5_000, 2.0, 20)
    ours, theirs = zip(
        *((throughput(spool_writer, count), throughput(handler_writer, count // 10)) for _ in range(3)),
        strict=True,
    )
    ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
    print(f"{PROCESSES} processes, one file, 1 MB rotation, gzip; median of 3 rounds, lines a second")
    print(f"  spool {statistics.median(ours):9.0f}   (each line once, whole, in order)")
    print(f"  concurrent-log-handler {statistics.median(theirs):9.0f}   ratio {ratio:.1f}")
    write, floor = cost()
    print(f"a call of write(): {write:.2f} us; os.write of the same line: {floor:.2f} us")
    print_lateness(seconds)
    print(torture(kills, 60_000))


def print_lateness(seconds: float) -> None:
    kinds = ("none", "good", "blocks", "stuck", "file-blocks")
    rounds = [{kind: lateness(kind, seconds) for kind in kinds} for _ in range(ROUNDS)]
    print(f"a 1 ms ticker beside four tasks that log; median of {ROUNDS} rounds, ms late")
    for kind in kinds:
        p99 = statistics.median(r[kind]["p99"] for r in rounds)
        ratio = statistics.median(r[kind]["p99"] / r["none"]["p99"] for r in rounds)
        worst = statistics.median(r[kind]["worst"] for r in rounds)
        dropped = statistics.median(r[kind]["dropped"] for r in rounds)
        print(f"  {kind:12} p99 {p99:6.2f} ({ratio:4.2f} x none)  worst {worst:6.2f}  dropped {dropped:.0f}")


if __name__ == "__main__":
    if "--loop" in sys.argv:
        measure_loop(sys.argv[2], float(sys.argv[3]))
    else:
        main(full="--full" in sys.argv)
