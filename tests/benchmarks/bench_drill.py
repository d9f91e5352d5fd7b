"""What a proven backup costs: dump, truth, drill and comparison, against the dump alone and the usual script.

python -m tests.benchmarks.bench_drill [--megabytes 200] [--rounds 3] [--full]

Wall against the dump alone, CPU of client, server and scratch against `pg_dump | gzip; sha256sum; gzip -t`,
which proves nothing; in interleaved rounds, as the median of the ratios within a round. And what a drill of a
small database takes, which is what each drill takes at the least.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from app.backup.settings import BackupSettings
from app.core.clock import SystemClock
from app.services.backup_system import BackupSystem

from .bench_backup import Bench, Cost, PeakMemory, bench

_FULL_MEGABYTES, _SMALL_MEGABYTES = 1_000, 5
INDEXES = (
    "alter table messages add primary key (id)",
    "create index on messages (conversation, at)",
    "create unique index on media (id)",
)


class DrillBench:
    """The ways to back one database up, each a page of its own with a folder of its own."""

    def __init__(self, stand: Bench) -> None:
        self._stand = stand
        for statement in INDEXES:
            stand.run(statement)
        self.pages = {
            "dump": self._page(stand.folder / "dumped", truth="off", drill="off"),
            "truth": self._page(stand.folder / "told", drill="off"),
            "after": self._page(stand.folder / "after"),
            "proven": self._page(stand.folder / "proven", drill_while_dumping=True),
        }
        self.checked_seconds: dict[str, list[float]] = {name: [] for name in self.pages}
        self.grown_bytes = 0

    def ways(self) -> dict[str, Callable[[], int]]:
        """By name: the floor, the usual script, and ours: bare, with truth, drilled after it or with it."""
        return {
            "floor": self._stand.floor,
            "usual": self._stand.usual,
            "dump": lambda: self._back_up("dump", "checked"),
            "truth": lambda: self._back_up("truth", "checked"),
            "after": lambda: self._back_up("after", "proven"),
            "proven": lambda: self._back_up("proven", "proven"),
        }

    def cost(self, way: Callable[[], int]) -> Cost:
        """Do it once."""
        return self._stand.cost(way)

    def _page(self, folder: Path, **settings: Any) -> BackupSystem:
        asked = BackupSettings(keep_at_least=1, drill_dir=self._stand.folder / "drill", **settings)
        return BackupSystem(asked, folder, self._stand.url, SystemClock(), lambda _: None)

    def _back_up(self, way: str, state: str) -> int:
        page = self.pages[way]
        with PeakMemory() as memory:
            made = page.wait(page.request(reason="benchmark")["id"], 3600)
        assert made["state"] == state, made
        self.checked_seconds[way].append(made["duration_seconds"])
        self.grown_bytes = max(self.grown_bytes, memory.peak_bytes - memory.before_bytes)
        return int(made["size_bytes"])


def measure(megabytes: int, rounds: int) -> None:
    """Every way, in interleaved rounds."""
    with bench(megabytes) as stand:
        drills = DrillBench(stand)
        measured: list[dict[str, Cost]] = []
        for number in range(rounds):
            measured.append({name: drills.cost(way) for name, way in drills.ways().items()})
            told = "  ".join(
                f"{name} {cost.cpu_seconds:.1f}/{cost.wall_seconds:.1f}"
                for name, cost in measured[-1].items()
            )
            print(f"round {number + 1}: CPU/wall s  {told}", flush=True)
        report(measured)
        late, early = (statistics.median(drills.checked_seconds[name]) for name in ("after", "proven"))
        print(
            f"checked after {late:.1f} s where the drill comes after, {early:.1f} s where it follows the dump"
        )
        print(f"memory of our part: + {drills.grown_bytes / 1e6:.1f} MB at the most")


def report(measured: list[dict[str, Cost]]) -> None:
    """Medians of the ratios within each round."""

    def median(of: str, by: str, what: str) -> float:
        return statistics.median(getattr(r[of], what) / getattr(r[by], what) for r in measured)

    for name in ("dump", "truth", "after", "proven"):
        cpu, wall = median(name, "floor", "cpu_seconds"), median(name, "floor", "wall_seconds")
        print(f"{name:>7} / floor: CPU {cpu:.2f}  wall {wall:.2f}")
    print(f" proven / after: wall {median('proven', 'after', 'wall_seconds'):.2f}")
    print(f" proven / dump : wall {median('proven', 'dump', 'wall_seconds'):.2f}")
    print(f" proven / usual: CPU {median('proven', 'usual', 'cpu_seconds'):.2f}", end="")
    print(f"  wall {median('proven', 'usual', 'wall_seconds'):.2f}")


def measure_small(times: int = 7) -> None:
    """What a drill of a database of about 10 MB takes."""
    with bench(_SMALL_MEGABYTES) as stand:
        drills = DrillBench(stand)
        page = drills.pages["proven"]
        made = page.wait(page.request(reason="benchmark")["id"], 60)
        seconds = []
        for _ in range(times):
            began = time.monotonic()
            drilled = page.wait(page.drill(made["id"])["id"], 60)
            seconds.append(time.monotonic() - began)
            assert drilled["state"] == "proven", drilled
        size = made["source"]["size_bytes"] / 1e6
        print(
            f"a drill of {size:.0f} MB: {statistics.median(seconds):.2f} s (of {times}: {max(seconds):.2f})"
        )


def main() -> None:
    """Measure and print."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--megabytes", type=int, default=100, help="raw size of the database's dump")
    asked.add_argument("--rounds", type=int, default=3)
    asked.add_argument("--full", action="store_true", help="a database of more than 1 GB")
    arguments = asked.parse_args()
    measure_small()
    measure(_FULL_MEGABYTES if arguments.full else arguments.megabytes, arguments.rounds)


if __name__ == "__main__":
    main()
