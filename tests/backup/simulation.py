"""A thousand days of a machine that is off at times, fails at times, and whose clock jumps.

Everything follows from a seed, which is the test's parameter: a failure can be lived again.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from app.backup.model import Backup
from app.backup.plan import Daily, History, due, slots_around
from app.backup.retention import Policy, expired

from .samples import a_backup

TICK, HOUR, DAY = timedelta(minutes=15), timedelta(hours=1), timedelta(days=1)
DAYS = 1_000
LONG_ENOUGH = 16  # ticks in which a run that fails three times has its fourth try
POLICY = Policy(days=30, at_least=7, weekly=4, monthly=3)
SMALL_JUMPS = [timedelta(minutes=-10), timedelta(minutes=10), -3 * HOUR, 5 * HOUR, 25 * HOUR, -25 * HOUR]
LARGE_JUMPS = [*SMALL_JUMPS, 3 * DAY, -2 * DAY, 40 * DAY, 400 * DAY, -9 * DAY]
Calendar = tuple[str, time, str]
"""Zone, time of day, first day."""

# Where clocks are changed at the hour of the backup, at midnight, by half an hour, or by a whole day.
CALENDARS: list[Calendar] = [
    ("America/Sao_Paulo", time(2), "2017-06-01"),
    ("America/Sao_Paulo", time(0), "2017-06-01"),
    ("America/Sao_Paulo", time(23, 30), "2017-06-01"),
    ("Europe/Madrid", time(2), "2025-01-01"),
    ("Europe/Madrid", time(2, 30), "2025-01-01"),
    ("America/New_York", time(1, 30), "2025-01-01"),
    ("Australia/Lord_Howe", time(2), "2025-01-01"),
    ("Pacific/Apia", time(2), "2010-01-01"),
    ("Asia/Kathmandu", time(2), "2025-01-01"),
]


class Machine:
    """What a leader does each time it looks, with a catalogue that is only what is good."""

    def __init__(self, seed: int, calendar: Calendar, jumps: list[timedelta]) -> None:
        self.luck = random.Random(seed)
        zone, of_day, begin = calendar
        self.daily = Daily(of_day, ZoneInfo(zone))
        self.jumps = jumps
        self.now = datetime.fromisoformat(f"{begin}T12:00:00+00:00")
        self.up_ticks = 0
        self.backups: list[Backup] = []
        self.failed_at: list[datetime] = []
        self.made: Counter[datetime] = Counter()
        self.watched: Counter[datetime] = Counter()
        self.fewest = 99

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

    def check(self) -> None:
        """AssertionError for a missed day, one with two (unless the clock jumps far), too few kept."""
        assert self.missed() == []
        assert self.jumps is LARGE_JUMPS or set(self.made.values()) == {1}
        assert self.fewest >= POLICY.at_least

    def missed(self) -> list[datetime]:
        """Days on which the machine was up for long enough, and made none."""
        return [slot for slot, ticks in self.watched.items() if ticks > LONG_ENOUGH and not self.made[slot]]
