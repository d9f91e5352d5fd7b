"""Which backups are deleted."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from app.backup.model import Backup, State
from app.backup.retention import expired

from .samples import NOON, a_backup


def ids(backups: list[Backup]) -> list[int]:
    """The sequences of backups."""
    return [backup.sequence for backup in backups]


def test_old_backups_go_oldest_first():
    """What is older than the days goes, oldest first; what is younger stays."""
    backups = [a_backup(n, days_old=40 - n) for n in range(1, 40)]
    assert ids(expired(backups, NOON, keep_days=30, keep_at_least=3)) == list(range(1, 10))


def test_last_good_one_stays_for_ever():
    """A good backup that no other has followed is kept however old it is."""
    assert expired([a_backup(days_old=4000)], NOON, keep_days=1, keep_at_least=1) == []


def test_bad_ones_do_not_push_out_good_ones():
    """Damaged and unchecked backups are not counted among those that are kept."""
    bad = [a_backup(n, state=State.DAMAGED) for n in range(10, 20)]
    assert expired([a_backup(1, days_old=99), *bad], NOON, keep_days=30, keep_at_least=3) == []


def test_nothing_goes_without_a_good_one():
    """Where nothing is good, even what is damaged may be needed."""
    bad = [a_backup(n, days_old=99, state=State.DAMAGED) for n in range(3)]
    assert expired(bad, NOON, keep_days=30, keep_at_least=1) == []


def test_newest_is_told_by_sequence():
    """A backup that a wrong clock dated to the past is still the newest."""
    stamped_old = a_backup(9, days_old=400)
    assert expired([a_backup(1), stamped_old], NOON, keep_days=30, keep_at_least=1) == []


def test_clock_far_ahead_leaves_the_least():
    """When the clock jumps ahead by years, so many good backups stay as must stay."""
    backups = [a_backup(n, days_old=30 - n) for n in range(30)]
    gone = expired(backups, NOON + timedelta(days=9999), keep_days=30, keep_at_least=7)
    assert ids(gone) == list(range(23))


lots = st.lists(
    st.builds(
        a_backup,
        st.integers(1, 9999),
        days_old=st.floats(-100, 4000, allow_nan=False),
        state=st.sampled_from(State),
    ),
    unique_by=lambda backup: backup.sequence,
)


@given(lots, st.integers(1, 400), st.integers(1, 40))
def test_never_below_what_is_promised(backups: list[Backup], keep_days: int, keep_at_least: int):
    """Whatever there is, the newest good ones stay, nothing young goes, and asking again finds nothing."""
    gone = expired(backups, NOON, keep_days=keep_days, keep_at_least=keep_at_least)
    good = sorted((b for b in backups if b.state.is_good), key=lambda b: b.sequence)
    assert not set(ids(gone)) & set(ids(good[-keep_at_least:]))
    assert all(b.started_at < NOON - timedelta(days=keep_days) for b in gone)
    left = [b for b in backups if b not in gone]
    assert expired(left, NOON, keep_days=keep_days, keep_at_least=keep_at_least) == []
