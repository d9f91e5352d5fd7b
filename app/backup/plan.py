"""When a backup is due: one for each local day, at or after BACKUP_TIME, however the clock behaves.

A slot is the instant at which BACKUP_TIME comes on a local date. It is filled by a good backup that
began at or after it and before the next one, so that nothing but the backups has to be remembered,
and a clock that is put ahead or back leaves one for each date that it shows.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from itertools import accumulate
from zoneinfo import ZoneInfo

_FIRST_AFTER = timedelta(seconds=60)
BACKOFF = (timedelta(minutes=5), timedelta(minutes=15), timedelta(hours=1))
AFTER_CALLED_OFF = timedelta(hours=1)
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
    BEFORE_RESTORE = "before restore"


@dataclass(frozen=True, slots=True)
class Daily:
    """Every day at `at` in `zone`."""

    at: time
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class History:
    """When good backups began, the last made first; when runs failed since, when the last was called off."""

    good_at: Sequence[datetime] = ()
    failed_at: Sequence[datetime] = ()
    called_off_at: datetime | None = None

    def last_good_at(self, now: datetime) -> datetime | None:
        """When the newest good one began, leaving out those a wrong clock has put far ahead."""
        return max((at for at in self._believed() if at <= now + _CLOCK_TOLERANCE), default=None)

    def fills(self, slot: datetime, until: datetime) -> bool:
        """Whether a good backup began in that slot, which lasts until the next."""
        return any(slot <= at < until for at in self._believed())

    def _believed(self) -> Iterator[datetime]:
        """Without those of which a later backup shows that a wrong clock had dated them far ahead."""
        for at, earliest in zip(self.good_at, accumulate(self.good_at, min), strict=True):
            if at <= earliest + _CLOCK_TOLERANCE:
                yield at


@dataclass(frozen=True, slots=True)
class Due:
    """A backup is due: the reason, and the slot that it fills."""

    reason: Reason
    slot: datetime


def due(now: datetime, daily: Daily, history: History, *, up: timedelta) -> Due | None:
    """The backup that is due now, None when none is; `up` is how long the server has been up."""
    slot, following = slots_around(now, daily)
    if history.fills(slot, following) or _wait_until(now, history) > now:
        return None
    last_good_at = history.last_good_at(now)
    if history.failed_at or history.called_off_at:
        return Due(Reason.RETRY, slot)
    if last_good_at is None:
        return Due(Reason.FIRST, slot) if up >= _FIRST_AFTER else None
    return Due(Reason.SCHEDULED if now - slot < _ON_TIME else Reason.CATCH_UP, slot)


def next_due_at(now: datetime, daily: Daily, history: History) -> datetime:
    """When the next backup begins: now, at the end of a wait after failures, or at the next slot."""
    slot, following = slots_around(now, daily)
    if not history.fills(slot, following):
        return _wait_until(now, history)
    while history.fills(following, after := slots_around(following, daily)[1]):
        following = after
    return following


def is_overdue(now: datetime, history: History, *, after: timedelta, up: timedelta) -> bool:
    """True without a good backup for `after`; one that never was is overdue after an hour."""
    last_good_at = history.last_good_at(now)
    if last_good_at is None:
        return up >= _NEVER_GRACE or _since_first(now, history.failed_at) >= _NEVER_GRACE
    return now - last_good_at >= after


def slots_around(now: datetime, daily: Daily) -> tuple[datetime, datetime]:
    """The newest slot that is not after `now` and the oldest that is, in UTC."""
    slots = sorted(_slots(now, daily, range(-2, 4)))
    following = bisect_right(slots, now)
    return slots[following - 1], slots[following]


def _slots(now: datetime, daily: Daily, days: Iterable[int]) -> Iterable[datetime]:
    today = now.astimezone(daily.zone).date()
    for day in days:
        local = datetime.combine(today + timedelta(days=day), daily.at, tzinfo=daily.zone)
        # Because fold=0 means the first of two, and in a gap the instant at which the gap has passed.
        yield local.astimezone(UTC)


def _wait_until(now: datetime, history: History) -> datetime:
    """When the next run may begin, `now` at the earliest."""
    waits = [(at, AFTER_CALLED_OFF) for at in [history.called_off_at] if at]
    if failed_at := history.failed_at:
        waits.append((failed_at[-1], BACKOFF[min(len(failed_at), len(BACKOFF)) - 1]))
    # Because what lies in the future was stamped by a wrong clock, and is no reason to wait.
    return max([now, *(at + wait for at, wait in waits if at <= now)])


def _since_first(now: datetime, failed_at: Sequence[datetime]) -> timedelta:
    return now - failed_at[0] if failed_at else timedelta()
