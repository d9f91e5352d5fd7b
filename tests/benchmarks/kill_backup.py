"""Kills the process that makes a backup at 200 random instants, and looks each time at what is left.

python -m tests.benchmarks.kill_backup --rounds 200

It ends with an AssertionError at the first thing that is not whole; the seed it prints repeats it.
"""

from __future__ import annotations

import argparse
import random

from tests.backup.killing import Killing

from .bench_backup import bench


def main() -> None:
    """Kill and look."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--rounds", type=int, default=200)
    asked.add_argument("--megabytes", type=int, default=20, help="raw size of the database's dump")
    asked.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    arguments = asked.parse_args()
    print(f"seed {arguments.seed}")
    with bench(arguments.megabytes) as stand:
        killing = Killing(stand.page, stand.folder / "backups-gzip", stand.url, arguments.seed)
        for number in range(arguments.rounds):
            killing.round()
            if number % 20 == 19:
                print(f"{number + 1} killed: {killing.phases}", flush=True)
        print(f"{arguments.rounds} killed, everything whole: {killing.phases}")


if __name__ == "__main__":
    main()
