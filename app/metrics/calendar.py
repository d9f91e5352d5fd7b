"""Local calendar periods as exact instants, and how a period is put together from UTC buckets."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ..core.clock import parse_rfc3339, rfc3339
from ..core.errors import InputRejected

UNITS = ("hour", "day", "week", "month", "year")
RANGE = "range"
_RESOLUTION = timedelta(microseconds=1)
# Because the range before a range must exist too.
_YEARS = range(1970, 2970)
GRAINS = (60, 3600, 86400)
"""Seconds of a rollup bucket, finest first.

Because every zone's offset since 1972 is a number of whole minutes, and so is the instant until
which two periods are compared, minutes are fine enough for any local day, and for "so far".
"""


@dataclass(frozen=True, slots=True)
class Period:
    """A part of the local calendar, [start, end) in whole minutes of UTC; `name` is a unit or "range"."""

    name: str
    start: datetime
    end: datetime
    zone: ZoneInfo

    def document(self) -> dict[str, str]:
        """As it is shown in answers."""
        return {
            "name": self.name,
            "from": rfc3339(self.start),
            "to": rfc3339(self.end),
            "timezone": self.zone.key,
        }


def zone_named(name: str) -> ZoneInfo:
    """The IANA zone of that name; InputRejected when there is none."""
    try:
        return ZoneInfo(name)
    # Because a folder of the zone database ("America") is an OSError, and "../x" a ValueError.
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InputRejected(
            f"{name[:64]!r} is not a time zone", "Give an IANA name such as America/Sao_Paulo or UTC."
        ) from error


def current(unit: str, now: datetime, zone: ZoneInfo) -> Period:
    """The unit (hour, day, week from Monday, month, year) that `now` lies in, so far."""
    if unit not in UNITS:
        raise InputRejected(f"{unit[:64]!r} is not a period", f"Choose one of {', '.join(UNITS)}.")
    return Period(unit, _start(unit, now, zone), _minute_after(now), zone)


def between(since: str, until: str | None, now: datetime, zone: ZoneInfo) -> Period:
    """The range from `since` to `until` (now if None): RFC 3339 instants, or whole local dates."""
    start = _edge("from", since, zone, days=0).replace(second=0, microsecond=0)
    end = _minute_after(now if until is None else _edge("to", until, zone, days=1) - _RESOLUTION)
    if start >= end:
        raise InputRejected("from is not before to", "Give the earlier of the two as from.")
    return Period(RANGE, start, end, zone)


def previous(period: Period) -> Period:
    """The same elapsed part of the unit before, by the local clock; for a range, the time before it."""
    if period.name == RANGE:
        start, end = _before_range(period)
    elif period.name == "hour":
        start, end = period.start - timedelta(hours=1), period.end - timedelta(hours=1)
    else:
        start = _start(period.name, period.start - timedelta(minutes=1), period.zone)
        end = _instant(_unit_before(period.end.astimezone(period.zone), period.name), period.zone)
    return Period(period.name, start, min(end, period.start), period.zone)


def spans(first: int, last: int, grains: Sequence[int] = GRAINS) -> list[tuple[int, int, int]]:
    """(grain, from, to) in epoch seconds that together cover [first, last): few, because coarse inside."""
    grain, *coarser = grains
    if coarser:
        inner, outer = -(-first // coarser[0]) * coarser[0], last // coarser[0] * coarser[0]
        if inner < outer:
            parts = [(grain, first, inner), *spans(inner, outer, coarser), (grain, outer, last)]
            return [part for part in parts if part[1] < part[2]]
    return [(grain, first, last)]


def _start(unit: str, now: datetime, zone: ZoneInfo) -> datetime:
    local = now.astimezone(zone)
    if unit == "hour":
        # Because fold stays, the second 01:30 of an autumn night belongs to the second hour 1.
        return local.replace(minute=0, second=0, microsecond=0).astimezone(UTC)
    day = local.date()
    if unit == "week":
        day -= timedelta(days=day.weekday())
    elif unit == "month":
        day = day.replace(day=1)
    elif unit == "year":
        day = day.replace(month=1, day=1)
    return midnight(day, zone)


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The instant at which a local day begins; where midnight does not exist, the clock's first minute."""
    return _instant(datetime.combine(day, time()), zone)


def _instant(local: datetime, zone: ZoneInfo) -> datetime:
    # Because of fold=0, a time in a gap takes the offset before it: a missing midnight is the gap's end.
    return local.replace(tzinfo=zone, fold=0).astimezone(UTC)


def _minute_after(moment: datetime) -> datetime:
    """The end of the minute that the moment lies in."""
    return moment.replace(second=0, microsecond=0) + timedelta(minutes=1)


def _unit_before(local: datetime, unit: str) -> datetime:
    """The same clock time one unit earlier; where that day does not exist, the end of its month."""
    if unit in ("day", "week"):
        return local - timedelta(days=7 if unit == "week" else 1)
    months = local.year * 12 + local.month - 1 - (12 if unit == "year" else 1)
    year, month = divmod(months, 12)
    days = monthrange(year, month + 1)[1]
    if local.day <= days:
        return local.replace(year=year, month=month + 1)
    return datetime(year, month + 1, days) + timedelta(days=1)  # noqa: DTZ001 because a local clock time


def _before_range(period: Period) -> tuple[datetime, datetime]:
    """As many local days before a range of whole days; else as much time."""
    first, last = (moment.astimezone(period.zone).date() for moment in (period.start, period.end))
    if (midnight(first, period.zone), midnight(last, period.zone)) == (period.start, period.end):
        return midnight(first - (last - first), period.zone), period.start
    return period.start - (period.end - period.start), period.start


def _edge(name: str, text: str, zone: ZoneInfo, *, days: int) -> datetime:
    try:
        moment = _moment(text, zone, days=days)
    except (ValueError, OverflowError) as error:
        raise InputRejected(
            f"{name} is neither an RFC 3339 time with an offset nor a date",
            "Give 2026-11-23T14:00:00Z, or 2026-11-23 for a local day.",
        ) from error
    if moment.year not in _YEARS:
        raise InputRejected(f"{name} is out of range", f"Give a year from {_YEARS[0]} to {_YEARS[-1]}.")
    return moment


def _moment(text: str, zone: ZoneInfo, *, days: int) -> datetime:
    if len(text) == len("2026-11-23"):
        return midnight(date.fromisoformat(text) + timedelta(days=days), zone)
    return parse_rfc3339(text)
