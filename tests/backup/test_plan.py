"""When backups are due, day by day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.backup.plan import (
    BACKOFF,
    Daily,
    History,
    Reason,
    due,
    is_overdue,
    next_due_at,
    slots_around,
)
from app.core.clock import parse_rfc3339

from .simulation import CALENDARS

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
UP = timedelta(days=9)
SAO_PAULO = ZoneInfo("America/Sao_Paulo")
AT_TWO = Daily(time(2), SAO_PAULO)


def at(text: str) -> datetime:
    """A local time in São Paulo."""
    return datetime.fromisoformat(text).replace(tzinfo=SAO_PAULO).astimezone(UTC)


def reason(now: datetime, history: History, up: timedelta = UP) -> Reason | None:
    """Why a backup is due, None when none is."""
    found = due(now, AT_TWO, history, up=up)
    return found.reason if found else None


def test_first_is_due_when_the_server_is_up_a_minute():
    """A fresh installation makes its first backup soon, whatever the time of day."""
    now = at("2026-11-23 17:00")
    assert reason(now, History(), up=timedelta(seconds=59)) is None
    assert reason(now, History(), up=timedelta(seconds=60)) is Reason.FIRST


def test_due_at_the_time_and_not_before():
    """With yesterday's backup the next is due at 02:00 and not a second earlier."""
    history = History([at("2026-11-22 02:00:01")])
    assert reason(at("2026-11-23 01:59:59"), history) is None
    assert reason(at("2026-11-23 02:00:00"), history) is Reason.SCHEDULED


def test_not_due_again_the_same_day():
    """When today's is there, nothing is due until tomorrow's time."""
    history = History([at("2026-11-23 02:00:01")])
    assert reason(at("2026-11-23 23:59:59"), history) is None
    assert next_due_at(at("2026-11-23 12:00"), AT_TWO, history) == at("2026-11-24 02:00")


def test_backup_by_hand_before_the_time_does_not_count():
    """A backup made at 01:59 leaves the one of 02:00 due."""
    assert reason(at("2026-11-23 02:00"), History([at("2026-11-23 01:59")])) is Reason.SCHEDULED


def test_backup_by_hand_after_the_time_counts():
    """A backup made by hand after a missed 02:00 is that day's."""
    assert reason(at("2026-11-23 09:00"), History([at("2026-11-23 08:00")])) is None


def test_missed_one_is_caught_up_at_once():
    """After downtime over 02:00 the backup is made as soon as the server is up."""
    assert reason(at("2026-11-23 09:00"), History([at("2026-11-22 02:00")]), up=MINUTE * 0) is Reason.CATCH_UP


def test_many_missed_days_are_caught_up_once():
    """Downtime of three days leaves one backup to make, not three."""
    history = History([at("2026-11-20 02:00")])
    assert reason(at("2026-11-23 09:00"), history) is Reason.CATCH_UP
    assert reason(at("2026-11-23 09:01"), History([at("2026-11-23 09:00"), *history.good_at])) is None


@pytest.mark.parametrize("failures", [1, 2, 3, 7])
def test_failures_are_retried_with_growing_waits(failures: int):
    """After a failure the next try waits 5 minutes, then 15, then an hour, for as long as it fails."""
    last = at("2026-11-23 02:00")
    history = History([last - DAY], [last - n * HOUR for n in reversed(range(failures))])
    wait = BACKOFF[min(failures, 3) - 1]
    assert reason(last + wait - timedelta(seconds=1), history) is None
    assert reason(last + wait, history) is Reason.RETRY
    assert next_due_at(last, AT_TWO, history) == last + wait


def test_failure_in_the_future_is_no_reason_to_wait():
    """A failure that a wrong clock dated ahead does not hold up the next try."""
    now = at("2026-11-23 02:00")
    assert reason(now, History([now - DAY], [now + 9 * DAY])) is Reason.RETRY


def test_called_off_is_waited_with_for_an_hour():
    """After a run was cancelled, or another host was at it, the next one begins an hour later."""
    now = at("2026-11-23 02:10")
    history = History([now - DAY], called_off_at=now)
    assert reason(now + 59 * MINUTE, history) is None
    assert reason(now + HOUR, history) is Reason.RETRY
    assert next_due_at(now, AT_TWO, history) == now + HOUR


def test_good_one_far_in_the_future_does_not_count():
    """A backup that a wrong clock dated a year ahead does not stand for the days until then."""
    now = at("2026-11-23 02:00")
    assert reason(now, History([now + 365 * DAY, now - DAY])) is Reason.SCHEDULED


def test_overdue_after_26_hours():
    """It is overdue when the last good one began 26 hours ago."""
    now = at("2026-11-23 04:00")
    assert is_overdue(now, History([now - 26 * HOUR]), after=26 * HOUR, up=UP)
    assert not is_overdue(now, History([now - 25 * HOUR]), after=26 * HOUR, up=UP)


def test_never_is_overdue_after_an_hour():
    """No backup at all counts as overdue once the server is up for an hour, or has failed for as long."""
    now = at("2026-11-23 04:00")
    assert not is_overdue(now, History(), after=26 * HOUR, up=59 * MINUTE)
    assert is_overdue(now, History(), after=26 * HOUR, up=HOUR)
    assert is_overdue(now, History((), [now - HOUR]), after=26 * HOUR, up=MINUTE)


def test_time_that_does_not_exist_comes_when_the_gap_is_over():
    """Where clocks are put forward over 02:30, the slot is the same instant as 03:30."""
    daily = Daily(time(2, 30), ZoneInfo("America/New_York"))
    assert slots_around(parse_rfc3339("2026-03-08T12:00:00Z"), daily)[0] == parse_rfc3339(
        "2026-03-08T07:30:00Z"
    )


def test_time_that_comes_twice_counts_once():
    """Where clocks are put back over 01:30, the slot is the first of the two."""
    daily = Daily(time(1, 30), ZoneInfo("America/New_York"))
    first = parse_rfc3339("2026-11-01T05:30:00Z")
    assert slots_around(first - MINUTE, daily)[1] == first
    assert slots_around(first, daily)[1] == parse_rfc3339("2026-11-02T06:30:00Z")


class Simulation:
    """A server with a wall clock that may be wrong, seen every half hour."""

    def __init__(self, daily: Daily, begin: datetime) -> None:
        self.daily = daily
        self.now = begin
        self.history = History([begin])
        self.made: list[datetime] = []

    def live(self, days: int) -> None:
        """Go through the days."""
        end = self.now + days * DAY
        while self.now < end:
            self.now += 30 * MINUTE
            if due(self.now, self.daily, self.history, up=UP):
                self.made.append(self.now)
                self.history = History([self.now, *self.history.good_at[:9]])

    def days(self) -> Counter[date]:
        """How many good backups were made on each local date, where a date begins at BACKUP_TIME."""
        return Counter(map(self._date, self.made))

    def _date(self, made: datetime) -> date:
        today = made.astimezone(self.daily.zone).date()
        begin = datetime.combine(today, self.daily.at, tzinfo=self.daily.zone)
        return today if begin.timestamp() <= made.timestamp() else today - DAY


def local_dates(zone: ZoneInfo, begin: datetime, days: int) -> Iterator[date]:
    """Every date on which there was a noon."""
    for day in range(1, days):
        noon = datetime.combine(begin.date() + day * DAY, time(12), tzinfo=zone)
        if noon.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == noon.replace(tzinfo=None):
            yield noon.date()


@pytest.mark.parametrize(("zone", "of_day", "begin"), CALENDARS)
def test_exactly_one_for_each_local_day(zone: str, of_day: time, begin: str):
    """Over 1,000 days, with clocks that are put forward and back by law, each day has one."""
    daily = Daily(of_day, ZoneInfo(zone))
    first = datetime.fromisoformat(f"{begin}T12:00:00+00:00")
    simulation = Simulation(daily, first)
    simulation.live(1000)
    made = simulation.days()
    expected = set(local_dates(daily.zone, first, 998))
    assert expected <= set(made)
    assert set(made.values()) == {1}


@pytest.mark.parametrize("jump", [timedelta(minutes=-10), timedelta(minutes=10), timedelta(hours=25)])
def test_one_for_each_day_when_the_clock_jumps(jump: timedelta):
    """A clock that is put ahead or back by hand leaves one backup for each date of its own."""
    simulation = Simulation(AT_TWO, at("2026-11-23 12:00"))
    for _ in range(20):
        simulation.live(1)
        simulation.now += jump
    assert set(simulation.days().values()) == {1}


def test_clock_a_day_ahead_and_back_again():
    """A clock that runs 25 hours ahead for a while gives no date two backups, and none is left out."""
    simulation = Simulation(AT_TWO, at("2026-11-23 12:00"))
    simulation.live(2)
    simulation.now += 25 * HOUR
    simulation.live(1)
    simulation.now -= 25 * HOUR
    simulation.live(5)
    days = simulation.days()
    assert set(days.values()) == {1}
    assert len(days) == (max(days) - min(days)).days + 1
