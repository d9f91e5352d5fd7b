"""A thousand days of backups in each of nine calendars, with many seeds: exactly one good one a day.

python -m tests.benchmarks.simulate_backups [--seeds 2] [--full]

Half of the lives have clocks that jump by up to a day, half by up to a year. It ends with an AssertionError
at the first life in which a day is missed, has two, or fewer are kept than must be; it can be lived again.
"""

from __future__ import annotations

import argparse
import time
from itertools import product

from tests.backup.simulation import CALENDARS, DAYS, LARGE_JUMPS, SMALL_JUMPS, Machine

_FULL_SEEDS = 20


def main() -> None:
    """Live and look."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--seeds", type=int, default=2, help="lives of each calendar and each kind of jumps")
    asked.add_argument("--full", action="store_true", help=f"{_FULL_SEEDS} seeds")
    arguments = asked.parse_args()
    began, made, lives = time.monotonic(), 0, 0
    seeds = range(_FULL_SEEDS if arguments.full else arguments.seeds)
    for calendar, seed in product(CALENDARS, seeds):
        for jumps in (SMALL_JUMPS, LARGE_JUMPS):
            machine = Machine(seed, calendar, jumps)
            machine.live()
            try:
                machine.check()
            except AssertionError:
                print(f"seed {seed}, {calendar}, jumps {'large' if jumps is LARGE_JUMPS else 'small'}")
                raise
            lives, made = lives + 1, made + sum(machine.made.values())
        print(f"{calendar[0]} at {calendar[1]:%H:%M}, seed {seed}: one a day, none missed", flush=True)
    seconds = time.monotonic() - began
    print(f"{lives} lives of {DAYS:,} days, {made:,} good backups, none missed, in {seconds:.0f} s")


if __name__ == "__main__":
    main()
