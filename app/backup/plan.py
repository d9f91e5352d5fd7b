"""When a backup is due: one for each local day, at or after BACKUP_TIME, however the clock behaves.

A slot is the instant at which BACKUP_TIME comes on a local date. It is filled by a good backup
that began at or after it, so that nothing but the backups themselves has to be remembered.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

_FIRST_AFTER = timedelta(seconds=60)
BACKOFF = (timedelta(minutes=5), timedelta(minutes=15), timedelta(hours=1))
_NEVER_GRACE = timedelta(hours=1)

_ON_TIME = timedelta(minutes=15)
# Because a clock that was put back must not let one backup stand for days to come.
_CLOCK_TOLERANCE = timedelta(hours=26)


class Reason(StrEnum):
    """Why a backup is due."""

    FIRST = "first"
    SCHEDULED = "scheduled"
    CATCH_UP = "catch-up"
    RETRY = "retry"


@dataclass(frozen=True, slots=True)
class Daily:
    """Every day at `at` in `zone`."""

    at: time
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class History:
    """What has happened: when good backups began, and when runs failed since the last of them."""

    good_at: Sequence[datetime] = ()
    failed_at: Sequence[datetime] = ()

    def last_good_at(self, now: datetime) -> datetime | None:
        """When the newest good one began, leaving out those a wrong clock has put far ahead."""
        return max((at for at in self.good_at if at <= now + _CLOCK_TOLERANCE), default=None)


@dataclass(frozen=True, slots=True)
class Due:
    """A backup is due: the reason, and the slot that it fills."""

    reason: Reason
    slot: datetime


def due(now: datetime, daily: Daily, history: History, *, up: timedelta) -> Due | None:
    """The backup that is due now, None when none is; `up` is how long the server has been up."""
    slot = latest_slot(now, daily)
    last_good_at = history.last_good_at(now)
    if last_good_at is not None and last_good_at >= slot:
        return None
    if not _wait_is_over(now, history.failed_at):
        return None
    if history.failed_at:
        return Due(Reason.RETRY, slot)
    if last_good_at is None:
        return Due(Reason.FIRST, slot) if up >= _FIRST_AFTER else None
    return Due(Reason.SCHEDULED if now - slot < _ON_TIME else Reason.CATCH_UP, slot)


def next_due_at(now: datetime, daily: Daily, history: History) -> datetime:
    """When the next backup begins: now, at the end of a wait after failures, or at the next slot."""
    last_good_at = history.last_good_at(now)
    if last_good_at is None or last_good_at < latest_slot(now, daily):
        return now if _wait_is_over(now, history.failed_at) else _wait_until(history.failed_at)
    return next_slot(now, daily)


def is_overdue(now: datetime, history: History, *, after: timedelta, up: timedelta) -> bool:
    """True without a good backup for `after`; one that never was is overdue after an hour."""
    last_good_at = history.last_good_at(now)
    if last_good_at is None:
        return up >= _NEVER_GRACE or _since_first(now, history.failed_at) >= _NEVER_GRACE
    return now - last_good_at >= after


def latest_slot(now: datetime, daily: Daily) -> datetime:
    """The newest slot that is not after `now`, in UTC."""
    return max(slot for slot in _slots(now, daily, range(-2, 2)) if slot <= now)


def next_slot(now: datetime, daily: Daily) -> datetime:
    """The oldest slot after `now`, in UTC."""
    return min(slot for slot in _slots(now, daily, range(-1, 4)) if slot > now)


def _slots(now: datetime, daily: Daily, days: Iterable[int]) -> Iterable[datetime]:
    today = now.astimezone(daily.zone).date()
    for day in days:
        local = datetime.combine(today + timedelta(days=day), daily.at, tzinfo=daily.zone)
        # Because fold=0 means the first of two, and in a gap the instant at which the gap has passed.
        yield local.astimezone(UTC)


def _wait_is_over(now: datetime, failed_at: Sequence[datetime]) -> bool:
    # Because a failure that lies in the future was stamped by a wrong clock, and is no reason to wait.
    return not failed_at or failed_at[-1] > now or now >= _wait_until(failed_at)


def _wait_until(failed_at: Sequence[datetime]) -> datetime:
    return failed_at[-1] + BACKOFF[min(len(failed_at), len(BACKOFF)) - 1]


def _since_first(now: datetime, failed_at: Sequence[datetime]) -> timedelta:
    return now - failed_at[0] if failed_at else timedelta()
