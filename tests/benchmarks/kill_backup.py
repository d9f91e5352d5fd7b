"""Kills the process that makes a backup at 200 random instants, and looks each time at what is left.

python -m tests.benchmarks.kill_backup --rounds 200 [--early]

It ends with an AssertionError at the first thing that is not whole; the seed it prints repeats it.
"""

from __future__ import annotations

import argparse
import random

from tests.backup.killing import Killing
from tests.places import place_for

from .bench_backup import bench


def main() -> None:
    """Kill and look."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--rounds", type=int, default=200)
    asked.add_argument("--megabytes", type=int, default=20, help="raw size of the database's dump")
    asked.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    asked.add_argument("--early", action="store_true", help="drills follow the dump")
    arguments = asked.parse_args()
    print(f"seed {arguments.seed}")
    with bench(arguments.megabytes) as stand, place_for("drill") as place:
        killing = Killing(
            stand.folder / "backups-gzip", stand.url, place, arguments.seed, early=arguments.early
        )
        for number in range(arguments.rounds):
            killing.round()
            if number % 20 == 19:
                print(f"{number + 1} killed: {killing.told}", flush=True)
        print(f"{arguments.rounds} killed, everything whole: {killing.told}")


if __name__ == "__main__":
    main()
