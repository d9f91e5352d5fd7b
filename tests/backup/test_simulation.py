"""A thousand simulated days; all calendars with many seeds: python -m tests.benchmarks.simulate_backups."""

from __future__ import annotations

import pytest

from .simulation import CALENDARS, LARGE_JUMPS, SMALL_JUMPS, Machine


@pytest.mark.parametrize("seed", range(2))
def test_exactly_one_good_backup_a_day(seed: int):
    """With downtime, failures, changes of the hour and jumps of a day, each date that is seen has one."""
    machine = Machine(seed, CALENDARS[seed * 3], SMALL_JUMPS)
    machine.live()
    machine.check()


def test_clock_that_jumps_far_costs_none():
    """Jumps of days and of a year may cost a backup more, but none less, and never the last good ones."""
    machine = Machine(3, CALENDARS[7], LARGE_JUMPS)
    machine.live()
    machine.check()
