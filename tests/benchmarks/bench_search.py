"""What a search costs beside grep: `python -m tests.benchmarks.bench_search [rounds]`.

One log of 50 MB, as it is and as an archive, searched by us and by grep (zgrep) in turns: medians, and the
ratio of the CPU times, because the machine may be busy. Ours decodes what it finds; grep starts a process.
"""

from __future__ import annotations

import os
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from app.core.clock import rfc3339
from app.logs.matching import query
from app.logs.packed import pack
from app.logs.search import search

BEGIN = datetime(2026, 11, 23, tzinfo=UTC)
SIZE_BYTES = 50 << 20
Run = Callable[[], object]


def written(path: Path) -> None:
    """A log as an application leaves it, one line in fifty a WARNING, none an ERROR."""
    chance = random.Random(7)
    with path.open("wb") as file:
        number = 0
        while file.tell() < SIZE_BYTES:
            number += 1
            record = {
                "timestamp": rfc3339(BEGIN + timedelta(milliseconds=number * 10)),
                "level": "WARNING" if number % 50 == 0 else "INFO",
                "logger": "app.orders",
                "message": f"paid order {number}",
                "request_id": f"5799567816-{number:x}",
                "user_id": f"u-{number % 1_000}",
                "trace_id": f"{chance.getrandbits(128):032x}",
                "pid": 4_242,
                "seq": number,
                "module": "orders",
                "function": "pay",
                "line": 17,
                "amount": "120.50",
                "channel": "whatsapp",
            }
            file.write(msgspec.json.encode(record) + b"\n")


def times_ms(run: Run) -> tuple[float, float]:
    """CPU time, of child processes too, and wall time."""
    cpu, wall = used_ms(), time.perf_counter()
    run()
    return used_ms() - cpu, (time.perf_counter() - wall) * 1_000


def used_ms() -> float:
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages) * 1_000


def ours(live: Path, **asked: str | int) -> Run:
    return lambda: search(live, query(**asked))


def program(*words: str | Path) -> Run:
    return lambda: subprocess.run(
        words, stdout=subprocess.DEVNULL, check=False, env={**os.environ, "LC_ALL": "C.UTF-8"}
    )


def compared(name: str, contenders: Sequence[Run], rounds: int) -> None:
    """Print a line: ours, and the peer where there is one."""
    times: list[list[tuple[float, float]]] = [[] for _ in contenders]
    for _ in range(rounds):
        for found, run in zip(times, contenders, strict=True):
            found.append(times_ms(run))
    cpu = [statistics.median(one[0] for one in found) for found in times]
    wall = [statistics.median(one[1] for one in found) for found in times]
    line = f"{name:<44}{cpu[0]:>8.1f}{wall[0]:>8.1f}"
    if len(contenders) > 1:
        line += f"{cpu[1]:>10.1f}{wall[1]:>8.1f}{cpu[0] / cpu[1]:>8.2f}"
    print(line)


def main(rounds: int) -> None:
    """Print the table."""
    folder = Path(tempfile.mkdtemp(prefix="atalaia-bench-"))
    try:
        live, old = folder / "app.log", folder / "old" / "app.log"
        old.parent.mkdir()
        archive = old.with_name("app.log.20261123T120000Z-1.gz")
        written(live)
        with live.open("rb") as source, archive.open("wb") as target:
            pack(source, target)
        print(f"{'of 50 MB, ms':<44}{'cpu':>8}{'wall':>8}{'grep cpu':>10}{'wall':>8}{'ratio':>8}")
        for name, where, words in (("live", live, ("grep", live)), ("archive", old, ("zgrep", archive))):
            grep, path = words
            compared(f"{name}: newest 100", [ours(where)], rounds)
            compared(f"{name}: newest 100 of WARNING", [ours(where, level="WARNING")], rounds)
            rare = program(grep, "-F", "-i", "zebra", path)
            compared(f"{name}: a word that is not there", [ours(where, q="zebra"), rare], rounds)
            rare = program(grep, "-F", "-i", "order 9999999", path)
            compared(
                f"{name}: words with a number, not there", [ours(where, q="order 9999999"), rare], rounds
            )
            rare = program(grep, "-F", '"request_id":"none-1"', path)
            compared(f"{name}: a request that is not there", [ours(where, request_id="none-1"), rare], rounds)
            rare = program(grep, "-E", '"level":"(ERROR|CRITICAL)"', path)
            compared(f"{name}: ERROR, of which there is none", [ours(where, level="ERROR"), rare], rounds)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 15)
