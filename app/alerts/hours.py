"""Hours of the week in somebody's time zone, and when they end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
EVERY_DAY = frozenset(range(7))
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Hours:
    """From `begin` until `end` on some days of the week; an end before its beginning is on the next day.

    days: 0 (Monday) to 6, on which they begin. Equal times are the whole day.
    """

    begin: time
    end: time
    zone: ZoneInfo
    days: frozenset[int] = EVERY_DAY

    def end_after(self, now: datetime) -> datetime | None:
        """When the hours end in which `now` lies, None outside of them."""
        today = now.astimezone(self.zone).date()
        ends = [self._end(day, now) for day in (today - _DAY, today) if day.weekday() in self.days]
        return max((end for end in ends if end is not None), default=None)

    def _end(self, day: date, now: datetime) -> datetime | None:
        last = day if self.begin < self.end else day + _DAY
        begin, end = self._instant(day, self.begin), self._instant(last, self.end)
        return end if begin <= now < end else None

    def _instant(self, day: date, at: time) -> datetime:
        return datetime.combine(day, at, self.zone).astimezone(UTC)


def days_of(text: str) -> frozenset[int]:
    """The days of a text like "Mon-Fri" or "Sat, Sun"; ValueError when it names no days."""
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        begin, end = _day(first), _day(last or first)
        found.update(day % 7 for day in range(begin, end + 1 if begin <= end else end + 8))
    return frozenset(found)


def _day(text: str) -> int:
    name = text.strip().capitalize()[:3]
    if name not in DAYS:
        raise ValueError(f"{text.strip()!r} is no day; use {', '.join(DAYS)}, as in Mon-Fri")
    return DAYS.index(name)
