"""The one source of time; everything that decides by time is given a Clock or a `now`."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import lru_cache
from typing import Protocol


class Clock(Protocol):
    """Wall time in UTC for facts, monotonic seconds for waiting."""

    def now(self) -> datetime: ...
    def monotonic(self) -> float: ...


class SystemClock:
    """The machine's own clocks."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


def rfc3339(moment: datetime) -> str:
    """An aware datetime as RFC 3339 in UTC with microseconds: 2026-11-23T02:00:00.000000Z."""
    return _in_utc(moment if moment.tzinfo is UTC else moment.astimezone(UTC))


def parse_rfc3339(text: str) -> datetime:
    """The aware UTC datetime of an RFC 3339 text; ValueError without a zone or when malformed."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no UTC offset")
    return moment.astimezone(UTC)


@lru_cache(maxsize=64)
def _in_utc(moment: datetime) -> str:
    """Kept, because one transaction writes the same instant into many rows."""
    return f"{moment.isoformat(timespec='microseconds')[:-6]}Z"
