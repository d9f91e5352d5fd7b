"""Periods are those of the local calendar, in any zone and on days of 23 and 25 hours."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.clock import parse_rfc3339
from app.core.errors import InputRejected
from app.metrics.calendar import Period, between, current, midnight, previous, spans, zone_named

SAO_PAULO = ZoneInfo("America/Sao_Paulo")
# Because there the clock went back over midnight, and a local day came in two parts.
DAY_IN_TWO_PARTS = {
    "America/Goose_Bay",
    "America/Moncton",
    "America/St_Johns",
    "Antarctica/Casey",
    "Canada/Newfoundland",
}


def edges(period: Period) -> tuple[str, str]:
    """Start and end, as 2026-11-23T03:00."""
    return period.start.strftime("%Y-%m-%dT%H:%M"), period.end.strftime("%Y-%m-%dT%H:%M")


def now(text: str = "2026-11-23T15:47:30Z") -> datetime:
    """A Monday afternoon, 12:47 in São Paulo."""
    return parse_rfc3339(text)


@pytest.mark.parametrize(
    ("unit", "start", "before"),
    [
        ("hour", "2026-11-23T15:00", ("2026-11-23T14:00", "2026-11-23T14:48")),
        ("day", "2026-11-23T03:00", ("2026-11-22T03:00", "2026-11-22T15:48")),
        ("week", "2026-11-23T03:00", ("2026-11-16T03:00", "2026-11-16T15:48")),
        ("month", "2026-11-01T03:00", ("2026-10-01T03:00", "2026-10-23T15:48")),
        ("year", "2026-01-01T03:00", ("2025-01-01T03:00", "2025-11-23T15:48")),
    ],
)
def test_a_unit_is_compared_with_the_same_part_of_the_one_before(
    unit: str, start: str, before: tuple[str, str]
) -> None:
    """A period runs from its local start to the end of this minute, and so does the one before it."""
    period = current(unit, now(), SAO_PAULO)
    assert edges(period) == (start, "2026-11-23T15:48")
    assert edges(previous(period)) == before


def test_what_happens_this_very_moment_lies_in_the_period() -> None:
    """An event at the instant of the question is part of "so far"."""
    assert current("day", now("2026-11-23T12:00:00Z"), SAO_PAULO).end > now("2026-11-23T12:00:00Z")


def test_the_end_of_a_long_month_is_compared_with_all_of_a_short_one() -> None:
    """On 31 March the month before is the whole of February."""
    period = current("month", now("2026-03-31T12:00:00Z"), ZoneInfo("UTC"))
    assert edges(previous(period)) == ("2026-02-01T00:00", "2026-03-01T00:00")


def test_the_leap_day_is_compared_with_the_end_of_february() -> None:
    """29 February has no day in the year before, so that year counts until the end of the month."""
    period = current("year", now("2028-02-29T12:00:00Z"), ZoneInfo("UTC"))
    assert edges(previous(period)) == ("2027-01-01T00:00", "2027-03-01T00:00")


def test_a_day_begins_when_the_gap_ends_where_midnight_does_not_exist() -> None:
    """São Paulo's 2018-11-04 began at 01:00 and had 23 hours."""
    start = midnight(date(2018, 11, 4), SAO_PAULO)
    assert start == now("2018-11-04T03:00:00Z")
    assert midnight(date(2018, 11, 5), SAO_PAULO) - start == timedelta(hours=23)


def test_the_day_on_which_clocks_go_back_has_25_hours() -> None:
    """São Paulo's 2018-02-17 lasted an hour longer."""
    start, end = midnight(date(2018, 2, 17), SAO_PAULO), midnight(date(2018, 2, 18), SAO_PAULO)
    assert end - start == timedelta(hours=25)


def test_an_hour_that_comes_twice_is_two_hours() -> None:
    """The second 01:30 of an autumn night in New York lies in an hour of its own."""
    zone = ZoneInfo("America/New_York")
    period = current("hour", now("2026-11-01T06:30:00Z"), zone)
    assert edges(period) == ("2026-11-01T06:00", "2026-11-01T06:31")
    assert edges(previous(period)) == ("2026-11-01T05:00", "2026-11-01T05:31")


@settings(deadline=None)
@given(
    st.sampled_from(sorted(available_timezones() - DAY_IN_TWO_PARTS)),
    st.dates(date(1973, 1, 1), date(2037, 12, 30)),
    st.integers(0, 1439),
)
def test_a_day_holds_exactly_the_minutes_of_its_local_date(name: str, day: date, minute: int) -> None:
    """Between two midnights lie the instants whose local date that is, in every zone there is."""
    zone = zone_named(name)
    start, end = midnight(day, zone), midnight(day + timedelta(days=1), zone)
    for moment in (start + timedelta(minutes=minute), start - timedelta(minutes=minute + 1)):
        assert (start <= moment < end) == (moment.astimezone(zone).date() == day)


@settings(deadline=None)
@given(st.integers(0, 10**7), st.integers(1, 10**6))
def test_spans_cover_a_period_once_with_few_buckets(first: int, minutes: int) -> None:
    """The parts follow each other without gap or overlap, each in whole buckets of its grain."""
    start, end = first * 60, (first + minutes) * 60
    parts = spans(start, end)
    assert [part[1] for part in parts] + [end] == [start] + [part[2] for part in parts]
    assert all(since % grain == 0 and until % grain == 0 for grain, since, until in parts)
    assert sum((until - since) // grain for grain, since, until in parts) <= 2 * 59 + 2 * 23 + minutes // 1440


def test_local_dates_stand_for_all_of_their_day() -> None:
    """From the 1st to the 30th includes the 30th, and the range before has as many days."""
    november = between("2026-11-01", "2026-11-30", now(), SAO_PAULO)
    assert edges(november) == ("2026-11-01T03:00", "2026-12-01T03:00")
    assert edges(previous(november)) == ("2026-10-02T03:00", "2026-11-01T03:00")


def test_a_range_of_instants_is_widened_to_whole_minutes() -> None:
    """The minutes that hold its edges belong to it, and an edge on a minute adds none."""
    period = between("2026-11-23T10:00:30Z", "2026-11-23T11:00:30-01:00", now(), SAO_PAULO)
    assert edges(period) == ("2026-11-23T10:00", "2026-11-23T12:01")
    assert edges(previous(period)) == ("2026-11-23T07:59", "2026-11-23T10:00")
    assert edges(between("2026-11-23T10:00:00Z", "2026-11-23T11:00:00Z", now(), SAO_PAULO))[1][-5:] == "11:00"


def test_a_range_without_an_end_lasts_until_now() -> None:
    """Only its beginning needs to be said."""
    assert between("2026-11-01", None, now(), SAO_PAULO).end == now("2026-11-23T15:48:00Z")


@pytest.mark.parametrize(
    ("since", "until"),
    [
        ("yesterday", None),
        ("2026-11-23T10:00:00", None),
        ("2026-13-01", None),
        ("0001-01-01", None),
        ("9999-12-31", None),
        ("2026-11-24", "2026-11-22"),
        ("2026-11-23", ""),
    ],
)
def test_an_impossible_range_is_rejected_with_a_hint(since: str, until: str | None) -> None:
    """What is no instant and no date, or ends before it begins, is the caller's error."""
    with pytest.raises(InputRejected) as rejected:
        between(since, until, now(), SAO_PAULO)
    assert rejected.value.hint


@pytest.mark.parametrize("name", ["Mars/Olympus", "../etc/passwd", "America", "", "/etc/localtime", "a\0b"])
def test_an_unknown_zone_is_rejected(name: str) -> None:
    """Neither a wrong name nor a path is a zone."""
    with pytest.raises(InputRejected):
        zone_named(name)


def test_an_unknown_unit_is_rejected() -> None:
    """A fortnight is not offered."""
    with pytest.raises(InputRejected, match="is not a period"):
        current("fortnight", now(), SAO_PAULO)
