"""Points in time: which backup leads there, and which cannot be reached."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.backup.model import Backup, State
from app.backup.pgbackrest.points import Point, choose, see
from app.core.errors import InputRejected, NotFound
from tests.backup.samples import a_backup

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def ended(at: datetime, state: State = State.CHECKED) -> Backup:
    """One that ended then."""
    return replace(a_backup(), id=f"{at:%Y%m%d-%H%M%S}F", finished_at=at, state=state)


OLD, NEW, BAD = ended(NOON - 3 * HOUR), ended(NOON - HOUR), ended(NOON - HOUR / 2, State.DAMAGED)


def test_the_newest_good_one_that_had_ended_leads_there():
    """A damaged one never does."""
    assert choose([NEW, BAD, OLD], NOON) is NEW
    assert choose([NEW, BAD, OLD], NOON - 2 * HOUR) is OLD


def test_before_the_first_there_is_nothing():
    """What there is instead is told."""
    with pytest.raises(InputRejected) as refused:
        choose([NEW, OLD], NOON - 4 * HOUR)
    assert OLD.id in refused.value.hint
    with pytest.raises(NotFound):
        choose([BAD], NOON)


def test_a_time_between_a_backup_and_the_archives_end_can_be_reached():
    """With pgBackRest's own words for it, in UTC."""
    point = Point(OLD, at=NOON - 2 * HOUR, reach=NOON)
    see(point, NOON)
    assert "--target=2026-11-23 10:00:00.000000+00:00" in point.options


@pytest.mark.parametrize(
    "point",
    [
        Point(BAD),
        Point(NEW, at=NOON - 2 * HOUR),
        Point(NEW, at=NOON + HOUR),
        Point(NEW, at=NOON, reach=NOON - HOUR / 2),
        Point(NEW, at=NOON, latest=True),
    ],
    ids=["damaged", "before it", "still to come", "after the archive", "two at once"],
)
def test_what_cannot_be_reached_is_refused(point: Point):
    """Before anything is done."""
    with pytest.raises(InputRejected):
        see(point, NOON)


def test_nothing_said_is_the_end_of_the_backup():
    """And the latest is as far as the archive goes."""
    assert "--type=immediate" in Point(NEW).options
    assert Point(NEW, latest=True).options == ("--type=default",)
