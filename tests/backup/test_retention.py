"""Which backups go and which stay, and why."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from app.backup.model import Backup, State
from app.backup.retention import Policy, expired, judged

from .samples import NOON, a_backup

DAY = timedelta(days=1)


def ids(backups: list[Backup]) -> list[int]:
    """The sequences of backups."""
    return [backup.sequence for backup in backups]


def daily(count: int, *, state: State = State.CHECKED) -> list[Backup]:
    """One backup a day for so many days, the newest from today."""
    return [a_backup(n, days_old=count - n, state=state) for n in range(1, count + 1)]


def gone(backups: list[Backup], **policy: object) -> list[int]:
    """The sequences of those that go."""
    return ids(expired(backups, NOON, Policy(**policy)))


def why(backups: list[Backup], sequence: int, **policy: object) -> str:
    """Why one goes or stays."""
    (found,) = [one for one in judged(backups, NOON, Policy(**policy)) if one.backup.sequence == sequence]
    return found.why


def test_old_backups_go_oldest_first():
    """What is older than the days goes, oldest first; what is younger stays."""
    assert gone(daily(40), days=30, at_least=3) == list(range(1, 10))
    assert why(daily(40), 9, days=30) == "older than 30 days"
    assert why(daily(40), 10, days=30) == "younger than 30 days"


def test_last_good_one_stays_for_ever():
    """A good backup that no other has followed is kept however old it is."""
    assert gone([a_backup(days_old=4000)], days=1, at_least=1) == []


def test_bad_ones_do_not_push_out_good_ones():
    """Damaged and unchecked backups are not counted among those that are kept."""
    bad = [a_backup(n, days_old=50 - n, state=State.DAMAGED) for n in range(41, 51)]
    assert set(gone([*daily(40)[:10], *bad], days=1, at_least=10)).isdisjoint(range(1, 11))


def test_proven_ones_are_the_first_to_stay():
    """Of those that always stay the proven are chosen before the newer that are only checked."""
    proven = [a_backup(n, days_old=40 - n, state=State.PROVEN) for n in (1, 2)]
    kept = {*ids(daily(40))} - {*gone([*proven, *daily(40)[2:]], days=1, at_least=2)}
    assert kept == {1, 2, 39, 40}


def test_nothing_goes_without_a_good_one():
    """Where nothing is good, even what is damaged may be needed."""
    assert gone(daily(40, state=State.DAMAGED), days=1) == []
    assert why(daily(40, state=State.DAMAGED), 1) == "nothing good is left without it"


def test_newest_is_told_by_sequence():
    """A backup that a wrong clock dated to the past is as old as the next that fits the order."""
    backups = daily(40)
    backups[37] = a_backup(38, days_old=4000)
    assert gone(backups, days=30, at_least=1) == list(range(1, 10))


def test_one_from_the_future_does_not_make_others_young():
    """A backup that a wrong clock dated a year ahead leaves the ages of all others as they are."""
    backups = daily(40)
    backups[4] = a_backup(5, days_old=-365)
    assert gone(backups, days=30, at_least=1) == list(range(1, 10))


def test_clock_far_ahead_deletes_nothing():
    """When the clock jumps ahead by years, nothing goes before so many good ones have confirmed it."""
    backups = daily(40)
    later = NOON + 2000 * DAY
    assert expired(backups, later, Policy(at_least=3)) == []
    for sequence in range(41, 44):
        assert expired(backups, later, Policy(at_least=3)) == []
        backups.append(a_backup(sequence, days_old=-2000 - (sequence - 41)))
    assert ids(expired(backups, later + 2 * DAY, Policy(at_least=3))) == list(range(1, 41))


def test_clock_far_behind_deletes_nothing():
    """When the clock stands before the newest backup, nothing goes."""
    assert expired(daily(40), NOON - 2 * DAY, Policy(days=1, at_least=1)) == []


def test_weekend_is_no_jump():
    """A machine that is switched on once a week has old backups deleted too."""
    weekly = [a_backup(n, days_old=7 * (20 - n)) for n in range(1, 21)]
    assert gone(weekly, days=30, at_least=2) == list(range(1, 16))


def test_last_of_week_month_and_year_stay():
    """Grandfather, father and son: of each period the last good one is kept, so many of each."""
    left = {*range(1, 801)} - {*gone(daily(800), days=3, at_least=1, weekly=2, monthly=3, yearly=2)}
    # 23 November 2026 is a Monday; sequence 800 is from that day.
    assert left == {800, 799, 798, 797} | {800, 799} | {777, 746} | {473}
    assert why(daily(800), 746, days=3, monthly=3) == "the last good one of the month 2026-09"


def test_damaged_one_is_not_the_last_of_its_month():
    """What stands for a month is the last that is good."""
    backups = daily(100)
    backups[76] = a_backup(77, days_old=23, state=State.DAMAGED)  # 31 October
    assert why(backups, 76, days=3, monthly=2) == "the last good one of the month 2026-10"
    assert 77 in gone(backups, days=3, monthly=2)


def test_limit_by_count_spares_the_newest():
    """Beyond the count the oldest go, however young, but never those that always stay."""
    assert gone(daily(20), at_most=15, at_least=3) == [1, 2, 3, 4, 5]
    assert gone(daily(20), at_most=2, at_least=7) == list(range(1, 14))
    assert why(daily(20), 1, at_most=15) == "more than 15 are there"


def test_limit_by_size_lets_the_damaged_go_first():
    """Beyond the size the oldest go, and before them what is not good."""
    backups = daily(20)
    backups[15] = replace(backups[15], state=State.DAMAGED)
    assert gone(backups, total_bytes=185, at_least=3) == [1, 16]


def test_each_database_is_judged_on_its_own():
    """Many backups of one database do not push out those of another."""
    other = replace(a_backup(1, days_old=7), kind="sqlite")
    assert 1 not in gone([other, *daily(40)[1:]], days=1, at_least=3)


lots = st.lists(
    st.builds(
        a_backup,
        st.integers(1, 9999),
        days_old=st.floats(-100, 4000, allow_nan=False),
        state=st.sampled_from(State),
    ),
    unique_by=lambda backup: backup.sequence,
)
policies = st.builds(
    Policy,
    days=st.integers(1, 400),
    at_least=st.integers(1, 40),
    at_most=st.integers(0, 40),
    total_bytes=st.integers(0, 400),
    weekly=st.integers(0, 9),
    monthly=st.integers(0, 9),
    yearly=st.integers(0, 9),
)


@given(lots, policies)
def test_never_below_what_is_promised(backups: list[Backup], policy: Policy):
    """Whatever there is and whatever is set, so many good ones stay, among them the newest."""
    gone = {*ids(expired(backups, NOON, policy))}
    good = sorted((b for b in backups if b.state.is_good), key=lambda b: b.sequence)
    left = [backup for backup in good if backup.sequence not in gone]
    assert len(left) >= min(policy.at_least, len(good))
    assert not good or good[-1].sequence not in gone
    assert {one.backup.id for one in judged(backups, NOON, policy)} == {backup.id for backup in backups}
