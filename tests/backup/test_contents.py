"""What follows from what is in the folder."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.backup.contents import Contents
from app.backup.model import State, Unreadable
from app.core.errors import NotFound

from .samples import NOON, SOURCE, a_backup, a_failure, a_run, an_id


def test_last_good_passes_over_what_is_damaged():
    """The last good backup is the newest that is good, not the newest."""
    contents = Contents([a_backup(3, state=State.DAMAGED), a_backup(2), a_backup(1)])
    assert contents.last_good == a_backup(2)


def test_failures_count_since_the_last_good_one():
    """A failure before the last good backup is history; so is a run that was stopped."""
    failures = [a_failure(5), a_failure(4, stopped=True), a_failure(2)]
    contents = Contents([a_backup(3)], failures=failures)
    assert contents.failures_since_good == [a_failure(5)]


def test_history_joins_what_could_not_be_recorded():
    """Failures without a record count for the schedule like those with one, in the order of time."""
    contents = Contents(failures=[a_failure(2, minutes_old=5)], unrecorded=[NOON])
    assert contents.history.failed_at == [a_failure(2, minutes_old=5).failed_at, NOON]


def test_sequence_grows_over_failures_too():
    """The next run's number is above that of every backup and every failure."""
    assert Contents([a_backup(3)], failures=[a_failure(7)]).next_sequence == 8
    assert Contents().next_sequence == 1


def test_find_knows_every_kind_of_run():
    """One run is found whatever became of it, and NotFound names what is not there."""
    unreadable = Unreadable(an_id(4), "its manifest has been changed", 10)
    contents = Contents([a_backup(1)], [unreadable], [a_failure(2)], a_run(3))
    assert [contents.find(an_id(n)).state for n in (1, 2, 3, 4)] == [
        "checked",
        "failed",
        "running",
        "damaged",
    ]
    with pytest.raises(NotFound, match="nothing-here"):
        contents.find("nothing-here")


def test_one_database_is_not_judged_by_another():
    """What is last, what failed and what is due is told by the backups of one database, where it is named."""
    other = replace(a_backup(9), source=replace(SOURCE, database="crm"))
    failures = [replace(a_failure(8), database="crm"), replace(a_failure(7), database="shop")]
    contents = Contents([other, a_backup(1)], failures=failures).about("shop")
    assert contents.last_good == a_backup(1)
    assert [one.sequence for one in contents.failures_since_good] == [7]
    assert contents.history.good_at == [a_backup(1).started_at]
    assert contents.next_sequence == 10
    assert len(contents.all) == 2
