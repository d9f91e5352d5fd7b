"""A thousand days of a machine that is off at times, fails at times, and whose clock jumps.

Everything follows from a seed, which is the test's parameter: a failure can be lived again.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.backup.model import Backup
from app.backup.plan import Daily, History, due, slots_around
from app.backup.retention import Policy, expired

from .samples import a_backup

TICK, HOUR, DAY = timedelta(minutes=15), timedelta(hours=1), timedelta(days=1)
BEGIN = datetime(2024, 9, 1, 12, tzinfo=UTC)
DAYS = 1_000
LONG_ENOUGH = 16  # ticks in which a run that fails three times has its fourth try
POLICY = Policy(days=30, at_least=7, weekly=4, monthly=3)
SMALL_JUMPS = [timedelta(minutes=-10), timedelta(minutes=10), -3 * HOUR, 5 * HOUR, 25 * HOUR, -25 * HOUR]
LARGE_JUMPS = [*SMALL_JUMPS, 3 * DAY, -2 * DAY, 40 * DAY, 400 * DAY, -9 * DAY]
ZONES = ["Europe/Madrid", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo", "Africa/Cairo"]


class Machine:
    """What a leader does each time it looks, with a catalogue that is only what is good."""

    def __init__(self, seed: int, jumps: list[timedelta]) -> None:
        self.luck = random.Random(seed)
        self.daily = Daily(time(self.luck.choice([0, 2, 23]), 30 * self.luck.randint(0, 1)), self.zone(seed))
        self.jumps = jumps
        self.now = BEGIN
        self.up_ticks = 0
        self.backups: list[Backup] = []
        self.failed_at: list[datetime] = []
        self.made: Counter[datetime] = Counter()
        self.watched: Counter[datetime] = Counter()
        self.fewest = 99

    @staticmethod
    def zone(seed: int) -> ZoneInfo:
        return ZoneInfo(ZONES[seed % len(ZONES)])

    def live(self) -> None:
        """Go through the days."""
        down = 0
        for _ in range(DAYS * (DAY // TICK)):
            self.now += TICK
            down = down - 1 if down else self._trouble()
            self.up_ticks = 0 if down else self.up_ticks + 1
            if not down:
                self._look()

    def _trouble(self) -> int:
        """Ticks for which the machine is off now; or its clock jumps, which breaks what went on."""
        if self.jumps and self.luck.random() < 1 / 2_000:
            self.now += self.luck.choice(self.jumps)
            self.up_ticks = 0
        return self.luck.randint(1, 300) if self.luck.random() < 1 / 500 else 0

    def _look(self) -> None:
        slot, _ = slots_around(self.now, self.daily)
        self.watched[slot] = self.watched[slot] + 1 if self.up_ticks > 1 else 1
        if due(self.now, self.daily, self.history, up=self.up_ticks * TICK) is None:
            return
        if self.luck.random() < 0.3 and len(self.failed_at) < 3:
            self.failed_at.append(self.now)
            return
        self.failed_at.clear()
        self.made[slot] += 1
        sequence = self.backups[-1].sequence + 1 if self.backups else 1
        self.backups.append(replace(a_backup(sequence), started_at=self.now, finished_at=self.now))
        self._rotate()

    def _rotate(self) -> None:
        gone = {backup.id for backup in expired(self.backups, self.now, POLICY)}
        before = len(self.backups)
        self.backups = [backup for backup in self.backups if backup.id not in gone]
        if before >= POLICY.at_least:
            self.fewest = min(self.fewest, len(self.backups))

    @property
    def history(self) -> History:
        """As the catalogue tells it."""
        return History([backup.started_at for backup in reversed(self.backups)], self.failed_at)

    def missed(self) -> list[datetime]:
        """Days on which the machine was up for long enough, and made none."""
        return [slot for slot, ticks in self.watched.items() if ticks > LONG_ENOUGH and not self.made[slot]]


@pytest.mark.parametrize("seed", range(3))
def test_exactly_one_good_backup_a_day(seed: int):
    """With downtime, failures, changes of the hour and jumps of a day, each date that is seen has one."""
    machine = Machine(seed, SMALL_JUMPS)
    machine.live()
    assert machine.missed() == []
    assert set(machine.made.values()) == {1}
    assert machine.fewest >= POLICY.at_least


@pytest.mark.parametrize("seed", range(3, 5))
def test_clock_that_jumps_far_costs_none(seed: int):
    """Jumps of days and of a year may cost a backup more, but none less, and never the last good ones."""
    machine = Machine(seed, LARGE_JUMPS)
    machine.live()
    assert machine.missed() == []
    assert machine.fewest >= POLICY.at_least
