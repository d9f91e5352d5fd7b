"""Hours of the week in somebody's time zone, and when they end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, lru_cache
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
        spans = [_span(self, day) for day in (today - _DAY, today) if day.weekday() in self.days]
        return max((end for begin, end in spans if begin <= now < end), default=None)


@lru_cache(maxsize=64)
def _span(hours: Hours, day: date) -> tuple[datetime, datetime]:
    """When the hours of a day begin and end; kept, because that is asked for each message."""
    last = day if hours.begin < hours.end else day + _DAY
    begin, end = datetime.combine(day, hours.begin, hours.zone), datetime.combine(last, hours.end, hours.zone)
    return begin.astimezone(UTC), end.astimezone(UTC)


@cache
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
