"""Hours of the week and their ends."""

from __future__ import annotations

from datetime import time
from zoneinfo import ZoneInfo

import pytest

from app.alerts.hours import Hours, days_of
from app.core.clock import parse_rfc3339, rfc3339

PAULO = ZoneInfo("America/Sao_Paulo")
BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = Hours(time(22), time(7), PAULO)


def end(hours: Hours, now: str) -> str | None:
    """When the hours end, in UTC to the minute."""
    found = hours.end_after(parse_rfc3339(now))
    return None if found is None else rfc3339(found)[:16]


def test_night_ends_in_the_morning() -> None:
    """Before midnight and after it, in the zone of those who sleep."""
    assert end(NIGHT, "2026-11-23T22:00:00-03:00") == "2026-11-24T10:00"
    assert end(NIGHT, "2026-11-24T06:59:59-03:00") == "2026-11-24T10:00"
    assert end(NIGHT, "2026-11-24T07:00:00-03:00") is None
    assert end(NIGHT, "2026-11-23T21:59:59-03:00") is None


def test_hours_belong_to_the_day_on_which_they_begin() -> None:
    """Friday's night reaches into Saturday."""
    friday = Hours(time(22), time(7), PAULO, days_of("Fri"))
    assert end(friday, "2026-11-28T03:00:00-03:00") == "2026-11-28T10:00"
    assert end(friday, "2026-11-28T23:00:00-03:00") is None


def test_equal_times_are_the_whole_day() -> None:
    """From midnight to midnight."""
    sunday = Hours(time(0), time(0), PAULO, days_of("Sun"))
    assert end(sunday, "2026-11-29T15:00:00-03:00") == "2026-11-30T03:00"


def test_night_of_the_clock_change_ends_by_the_clock() -> None:
    """At seven, whether it has eight or ten hours."""
    night = Hours(time(22), time(7), BERLIN)
    assert end(night, "2026-03-28T23:00:00+01:00") == "2026-03-29T05:00"
    assert end(night, "2026-10-24T23:00:00+02:00") == "2026-10-25T06:00"


@pytest.mark.parametrize(
    ("text", "days"),
    [("Mon-Fri", {0, 1, 2, 3, 4}), ("Sat,Sun", {5, 6}), ("fri-MONDAY", {4, 5, 6, 0}), ("Wed", {2}),
     ("Mon-Sun", set(range(7)))],
)  # fmt: skip
def test_days_are_written_as_people_do(text: str, days: set[int]) -> None:
    """Ranges, lists, any case, over the weekend."""
    assert days_of(text) == days


@pytest.mark.parametrize("text", ["", "Xyz", "1-5"])
def test_what_is_no_day_is_refused(text: str) -> None:
    """With the names that there are."""
    with pytest.raises(ValueError, match="is no day"):
        days_of(text)
