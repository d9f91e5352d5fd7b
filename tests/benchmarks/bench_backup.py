"""What a verified backup costs, against the least that a dump can cost and against the usual script.

python -m tests.benchmarks.bench_backup --megabytes 500 --narrow 500 --rounds 5

CPU seconds of client and server together, in interleaved rounds, as the median of the ratios within
a round: on a shared machine only these can be compared. Of the wall times also the least of all rounds
is compared, because others can only add to them; and what they would be with every core at work.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self

import psutil

from app.backup.client import Client
from app.backup.codec import CODECS
from app.backup.connection import parse_connection
from app.backup.dump import dump
from app.backup.settings import BackupSettings
from app.core.clock import SystemClock
from app.core.postgres import EmbeddedPostgres, client_program
from app.services.backup_system import BackupSystem
from app.testing import wait_until
from tests.places import place_for

ROW_BYTES = 265
FILL = """
create table messages (id bigint, conversation int, at timestamptz, direction text, body text, data jsonb);
insert into messages select i, i / 12, timestamptz '2026-01-01' + i * interval '7 s',
    case when random() < 0.5 then 'in' else 'out' end,
    (select string_agg(substr(md5((random() * 400)::int::text), 1, 2 + (random() * 7)::int), ' ')
        from generate_series(1, 18 + i % 5)),
    jsonb_build_object('wamid', md5(random()::text), 'status', 'read', 'retries', (random() * 3)::int)
from generate_series(1, {rows}) i;
create table media as select i as id, decode(md5(i::text) || md5(random()::text), 'hex') as thumbnail
from generate_series(1, {rows} / 20) i;
"""
# As pgbench fills its accounts: many narrow rows, of which a server's COPY has more work for each byte.
NARROW = """
create table accounts (aid int primary key, bid int not null, abalance int, filler char(84));
insert into accounts select i, i / 100000 + 1, (random() * 9999)::int, '' from generate_series(1, {rows}) i;
"""
NARROW_ROW_BYTES = 105
USUAL = """
set -o pipefail
{pg_dump} '{url}' | gzip > {file} && sha256sum {file} > {file}.sha256 && gzip -t {file}
"""


@dataclass(frozen=True)
class Cost:
    """What one way took: CPU and wall seconds, bytes of its file."""

    cpu_seconds: float
    wall_seconds: float
    size_bytes: int


class Bench:
    """A server with a generated database, and the ways to back it up."""

    def __init__(self, folder: Path, megabytes: int, *, narrow_megabytes: int = 0) -> None:
        self.folder = folder
        self.server = EmbeddedPostgres(folder / "server", fsync=False)
        self.url = self.server.start()
        self.pg_dump = client_program("pg_dump")
        fill = FILL.format(rows=megabytes * 1_000_000 // ROW_BYTES)
        orders = ("vacuum analyze", "alter system set autovacuum = off", "select pg_reload_conf()")
        narrow = NARROW.format(rows=narrow_megabytes * 1_000_000 // NARROW_ROW_BYTES)
        for statement in (fill, narrow, *orders):
            self.run(statement)
        pid = (self.server.data_folder / "postmaster.pid").read_text().split()[0]
        self.postmaster = psutil.Process(int(pid))
        self._pages = {name: self._page(folder / f"backups-{name}", name) for name in CODECS}
        self._newest: dict[str, str] = {}
        self.raw_bytes = 0

    @property
    def page(self) -> BackupSystem:
        """Backups as they are by default, in the folder `backups-gzip`."""
        return self._pages["gzip"]

    def _page(self, folder: Path, codec: str) -> BackupSystem:
        asked = BackupSettings(keep_at_least=1, truth="off", drill="off", compression=codec)
        return BackupSystem(asked, folder, self.url, SystemClock(), lambda _: None)

    def run(self, statement: str) -> None:
        """Run a statement in the database."""
        command = [client_program("psql"), "-Xqc", statement, self.url]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

    def floor(self) -> int:
        """The least a dump can cost: nothing is kept."""
        with Path("/dev/null").open("wb") as nothing:
            subprocess.run([self.pg_dump, "-Fc", "-Z", "none", self.url], stdout=nothing, check=True)
        return 0

    def dumped(self, codec: str) -> int:
        """The one pass alone: hashed, compressed, hashed, synced; not read back, no manifest."""
        part = self.folder / "pass.part"
        part.unlink(missing_ok=True)
        client = Client(parse_connection(self.url), seconds=3600)
        tools = client.tools(at_least=18)
        told = dump(client, tools, part, 60, lambda _: None, codec=CODECS[codec])
        self.raw_bytes = told.raw_bytes
        return told.size_bytes

    def usual(self) -> int:
        """Dump, compress, checksum and test one after the other."""
        file = self.folder / "usual.sql.gz"
        script = USUAL.format(pg_dump=self.pg_dump, url=self.url, file=file)
        subprocess.run(["/bin/bash", "-c", script], check=True)
        return file.stat().st_size

    def backed_up(self, codec: str) -> int:
        """One backup, verified and in the catalogue."""
        page = self._pages[codec]
        made = page.wait(page.request(reason="benchmark")["id"], 3600)
        assert made["state"] == "checked", made
        self._newest[codec] = made["id"]
        return int(made["size_bytes"])

    def read_again(self, codec: str) -> int:
        """The newest backup, read as an old one is."""
        assert self._pages[codec].inspection.verify(self._newest[codec])["ok"]
        return 0

    def ways(self) -> dict[str, Callable[[], int]]:
        """What is compared, in the order of a round."""
        ours = {
            f"{step} {codec}": partial(do, codec)
            for codec in CODECS
            for step, do in (("pass", self.dumped), ("backup", self.backed_up), ("reread", self.read_again))
        }
        return {"floor": self.floor, **ours, "usual": self.usual}

    def cost(self, way: Callable[[], int]) -> Cost:
        """Do it once."""
        cpu, began = self._cpu_seconds(), time.monotonic()
        size_bytes = way()
        return Cost(self._cpu_seconds() - cpu, time.monotonic() - began, size_bytes)

    def _cpu_seconds(self) -> float:
        """Of this process, its ended children, and the server with its backends."""
        # Because what a backend has spent is known only when the server has seen its end.
        wait_until(lambda: not self._sessions(), what="the end of every session")
        spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        ours = sum(usage.ru_utime + usage.ru_stime for usage in spent)
        server = self.postmaster.cpu_times()
        backends = [child.cpu_times() for child in self.postmaster.children()]
        return ours + sum(server[:4]) + sum(times.user + times.system for times in backends)

    def _sessions(self) -> list[psutil.Process]:
        return [child for child in self.postmaster.children() if is_session(child)]


def is_session(child: psutil.Process) -> bool:
    """True for a backend, also for one that has ended and that the server has not noticed yet."""
    try:
        line = " ".join(child.cmdline())
    except psutil.ZombieProcess:
        return True
    except psutil.NoSuchProcess:
        return False
    return not line or " [local] " in line


class PeakMemory:
    """The largest resident memory of this process, seen every 20 ms."""

    def __enter__(self) -> Self:
        self._process = psutil.Process()
        self._done = threading.Event()
        self.before_bytes = self.peak_bytes = self._process.memory_info().rss
        self._thread = threading.Thread(target=self._look)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._done.wait(0.02):
            self.peak_bytes = max(self.peak_bytes, self._process.memory_info().rss)


@contextmanager
def bench(megabytes: int, *, narrow_megabytes: int = 0) -> Iterator[Bench]:
    """A bench in a folder of its own, gone afterwards."""
    with place_for("bench", within="/var/tmp") as folder:
        stand = Bench(folder, megabytes, narrow_megabytes=narrow_megabytes)
        try:
            yield stand
        finally:
            stand.server.stop()


def main() -> None:
    """Measure and print."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--megabytes", type=int, default=200, help="raw size of the database's dump")
    asked.add_argument("--narrow", type=int, default=0, help="megabytes of narrow rows beside them")
    asked.add_argument("--rounds", type=int, default=5)
    arguments = asked.parse_args()
    with bench(arguments.megabytes, narrow_megabytes=arguments.narrow) as stand:
        rounds = []
        for number in range(arguments.rounds):
            with PeakMemory() as memory:
                rounds.append({name: stand.cost(way) for name, way in stand.ways().items()})
            told = "  ".join(f"{name} {cost.cpu_seconds:.2f}" for name, cost in rounds[-1].items())
            growth = (memory.peak_bytes - memory.before_bytes) / 1e6
            rest = f"memory +{growth:.1f} MB  load {os.getloadavg()[0]:.1f}"
            print(f"round {number + 1}: CPU s  {told}  {rest}", flush=True)
        print(f"raw bytes: {stand.raw_bytes:,}")
        report(rounds)


def report(rounds: list[dict[str, Cost]]) -> None:
    """Print what each way costs against the floor, and a whole backup against the usual script."""
    cores = os.cpu_count() or 1
    for name in list(rounds[0])[1:]:
        pairs = [(one[name], one["floor"]) for one in rounds]
        cpu = statistics.median(way.cpu_seconds / floor.cpu_seconds for way, floor in pairs)
        wall = statistics.median(way.wall_seconds / floor.wall_seconds for way, floor in pairs)
        least_floor = min(floor.wall_seconds for _, floor in pairs)
        least = min(way.wall_seconds for way, _ in pairs) / least_floor
        full = min(way.cpu_seconds for way, _ in pairs) / cores / least_floor
        walls = f"wall {wall:.2f}, least {least:.2f}, with {cores} cores at work {full:.2f}"
        print(f"{name:>11} / floor: CPU {cpu:.2f}  {walls}")
    for codec in CODECS:
        less = statistics.median(
            one["usual"].cpu_seconds / one[f"backup {codec}"].cpu_seconds for one in rounds
        )
        size = rounds[-1][f"backup {codec}"].size_bytes / rounds[-1]["usual"].size_bytes
        print(f"usual / backup {codec}: CPU {less:.2f}; its size {size:.3f} of the usual one")


if __name__ == "__main__":
    main()
