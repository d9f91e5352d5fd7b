"""What a drill that follows the dump costs: the dump's time, and the latency of small queries meanwhile.

python -m tests.benchmarks.bench_early [--megabytes 200] [--rounds 3] [--full]

Two clients write and read single rows of the same server all the while, each 25 times a second. In
interleaved rounds: for how long the snapshot is held on production, when the backup is checked and proven,
and how long the clients waited meanwhile, where the drill comes after the dump and where it follows it.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from app.backup.settings import BackupSettings
from app.core.clock import SystemClock
from app.services.backup_system import BackupSystem

from .bench_backup import Bench, bench
from .bench_drill import INDEXES

_FULL_MEGABYTES = 1_000
_CLIENTS, _QUIET_SECONDS = 2, 5.0
_LOOK_SECONDS = 0.02
VISITED = "create table visited as select i as id, 0 as times from generate_series(1, 10000) i"
VISIT = """
import json, random, signal, sys, time
import psycopg2
session = psycopg2.connect(sys.argv[1])
session.autocommit = True
told, luck = [], random.Random(7)
def over(*_):
    print(json.dumps(told))
    sys.exit()
signal.signal(signal.SIGTERM, over)
while True:
    began = time.time()
    with session.cursor() as cursor:
        cursor.execute("update visited set times = times + 1 where id = %s", [luck.randint(1, 10000)])
        cursor.execute("select times from visited where id = %s", [luck.randint(1, 10000)])
        cursor.fetchall()
    told.append((began, time.time() - began))
    time.sleep(max(0.0, 0.04 - (time.time() - began)))
"""

Spans = dict[str, tuple[float, float]]


@dataclass
class Told:
    """Of one way, round by round: seconds by phase, and every wait of a client by phase."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    waits: dict[str, list[float]] = field(default_factory=dict)

    def add(self, spans: Spans, waits: list[tuple[float, float]]) -> None:
        """One round."""
        for phase, (begin, end) in spans.items():
            self.seconds.setdefault(phase, []).append(end - begin)
            found = [wait for began, wait in waits if begin <= began < end]
            self.waits.setdefault(phase, []).extend(found)

    def line(self, phase: str) -> str:
        """Medians and percentiles."""
        waits = sorted(self.waits[phase])
        seconds = statistics.median(self.seconds[phase])
        if not waits:
            return f"{phase}: {seconds:.1f} s"
        p50, p95, p99 = (waits[min(int(len(waits) * share), len(waits) - 1)] for share in (0.5, 0.95, 0.99))
        return (
            f"{phase}: {seconds:.1f} s, waits p50 {p50 * 1e3:.1f} p95 {p95 * 1e3:.1f} p99 {p99 * 1e3:.1f} ms"
        )


class EarlyBench:
    """The two ways to prove a backup, on one server that is in use."""

    def __init__(self, stand: Bench) -> None:
        self._stand = stand
        for statement in (*INDEXES, VISITED, "alter table visited add primary key (id)"):
            stand.run(statement)
        self.told = {"after": Told(), "meanwhile": Told()}

    def round(self) -> None:
        """Each way once."""
        for way, told in self.told.items():
            with visitors(self._stand.url) as waits:
                began = time.time()
                time.sleep(_QUIET_SECONDS)
                spans = {"quiet": (began, time.time()), **self._back_up(way)}
            told.add(spans, waits)

    def _back_up(self, way: str) -> Spans:
        folder = self._stand.folder / way
        settings = BackupSettings(
            keep_at_least=1, drill_dir=self._stand.folder / "drill", drill_while_dumping=way == "meanwhile"
        )
        page = BackupSystem(settings, folder, self._stand.url, SystemClock(), lambda _: None)
        with phases(folder / ".running.json") as entered:
            made = page.wait(page.request(reason="benchmark")["id"], 3600)
        assert made["state"] == "proven", made
        begun = entered["dumping"]
        return {
            "snapshot held": (begun, entered["checking"]),
            "until checked": (begun, entered["drilling"]),
            "after checked": (entered["drilling"], entered["ended"]),
            "until proven": (begun, entered["ended"]),
        }


@contextmanager
def phases(sign: Path) -> Iterator[dict[str, float]]:
    """When each phase of a run was entered first."""
    entered: dict[str, float] = {}
    over = threading.Event()

    def look() -> None:
        while not over.wait(_LOOK_SECONDS):
            with suppress(OSError, ValueError):
                entered.setdefault(json.loads(sign.read_text())["phase"], time.time())

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield entered
    finally:
        over.set()
        looking.join()
        entered["ended"] = time.time()


@contextmanager
def visitors(url: str) -> Iterator[list[tuple[float, float]]]:
    """Clients at work; when they have gone, each began and wait of theirs."""
    waits: list[tuple[float, float]] = []
    command = [sys.executable, "-c", VISIT, url]
    clients = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(_CLIENTS)]
    time.sleep(1)
    try:
        yield waits
    finally:
        for client in clients:
            client.terminate()
            waits += [(began, wait) for began, wait in json.loads(client.communicate(timeout=30)[0])]


def main() -> None:
    """Measure and print."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--megabytes", type=int, default=100, help="raw size of the database's dump")
    asked.add_argument("--rounds", type=int, default=3)
    asked.add_argument("--full", action="store_true", help="a database of more than 1 GB")
    arguments = asked.parse_args()
    with bench(_FULL_MEGABYTES if arguments.full else arguments.megabytes) as stand:
        measured = EarlyBench(stand)
        for number in range(arguments.rounds):
            measured.round()
            print(f"round {number + 1}", flush=True)
            for way, told in measured.told.items():
                for phase in told.seconds:
                    print(f"  drill {way:>9}  {told.line(phase)}", flush=True)


if __name__ == "__main__":
    main()
