"""The life of an alert."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.alerts.facts import Observed
from app.alerts.model import Alert, Kind, State
from app.alerts.state import acknowledge, alert_id, expire, observe, resolve
from app.core.signal import Condition, Severity

from .examples import NOON, cleared, fired, seen

MINUTE = timedelta(minutes=1)


def test_first_observation_begins_an_episode() -> None:
    """What was never seen fires, and calls for a notice."""
    change = observe(None, None, seen())
    assert change.alert is not None
    assert (change.alert.state, change.notice) == (State.FIRING, Kind.FIRED)
    assert [step.what for step in change.steps] == ["raised"]


def test_repetition_is_counted() -> None:
    """What is seen again keeps its episode and title, takes the newest message, and calls for nothing."""
    alert = fired(title="a", message="first", value=1.0)
    change = observe(alert, None, seen(NOON + MINUTE, title="a", message="second", value=2.0))
    assert change.alert is not None
    assert (change.alert.id, change.alert.repeats, change.alert.seen_at) == (alert.id, 1, NOON + MINUTE)
    assert (change.alert.message, change.alert.value, change.notice) == ("second", 2.0, None)


def test_rise_in_severity_calls_for_a_notice_and_ends_the_acknowledgement() -> None:
    """Who acknowledged it knew of something less bad."""
    known = acknowledge(fired(severity=Severity.MEDIUM), NOON, "ana", "").alert
    change = observe(known, None, seen(severity=Severity.CRITICAL))
    assert change.alert is not None
    assert (change.notice, change.alert.state) == (Kind.WORSE, State.FIRING)
    assert change.alert.acknowledged_by == ""


def test_severity_that_falls_and_rises_again_is_no_rise() -> None:
    """Only what is worse than anything said in the episode is worse."""
    alert: Alert | None = fired(severity=Severity.CRITICAL)
    for severity in (Severity.MEDIUM, Severity.CRITICAL):
        change = observe(alert, None, seen(severity=severity))
        alert = change.alert
        assert change.notice is None


def test_clearing_ends_the_episode() -> None:
    """The end is announced, with who said so and why."""
    change = observe(fired(), None, cleared(NOON + MINUTE, message="answers again"))
    assert change.alert is not None
    assert (change.notice, change.alert.state) == (Kind.RESOLVED, State.RESOLVED)
    assert (change.alert.resolved_by, change.alert.reason) == ("app", "answers again")


def test_clearing_what_does_not_fire_is_nothing() -> None:
    """Neither an episode nor a notice comes of it."""
    over = resolve(fired(), NOON, "ana", "").alert
    for last in (None, over):
        change = observe(last, None, cleared())
        assert (change.alert, change.steps, change.notice) == (None, (), None)


def test_firing_again_begins_another_episode() -> None:
    """It has the same fingerprint and a later id."""
    over = resolve(fired(), NOON + MINUTE, "ana", "").alert
    assert over is not None
    again = observe(over, NOON + MINUTE, seen(NOON + 2 * MINUTE)).alert
    assert again is not None
    assert again.fingerprint == over.fingerprint
    assert again.id > over.id


def test_noted_is_over_at_once() -> None:
    """It makes a notice and an entry, and is never active."""
    change = observe(None, None, seen(condition=Condition.NOTED))
    assert change.alert is not None
    assert (change.notice, change.alert.state, change.alert.noted) == (Kind.NOTED, State.RESOLVED, True)


def test_end_that_was_read_before_its_beginning_makes_one_late_notice() -> None:
    """Two processes write two files, and the later file may be read first."""
    change = observe(None, NOON + MINUTE / 2, seen(NOON))
    assert change.alert is not None
    assert (change.notice, change.alert.state) == (Kind.LATE, State.RESOLVED)
    assert change.alert.resolved_at == NOON + MINUTE / 2


def test_repetition_read_after_the_end_does_not_fire_again() -> None:
    """It belongs to the episode that is over."""
    over = resolve(fired(), NOON + MINUTE, "app", "").alert
    change = observe(over, NOON + MINUTE, seen(NOON + MINUTE / 2))
    assert change.alert is not None
    assert (change.notice, change.alert.state, change.alert.repeats) == (None, State.RESOLVED, 1)


def test_end_older_than_the_last_observation_ends_nothing() -> None:
    """It fires again since; only the reading was late."""
    alert = observe(fired(), None, seen(NOON + MINUTE / 2)).alert
    change = observe(alert, None, cleared(NOON + MINUTE / 4))
    assert change.alert == alert
    assert [step.what for step in change.steps] == ["ignored"]


@pytest.mark.parametrize("condition", [Condition.RAISED, Condition.CLEARED])
def test_clock_set_back_is_believed(condition: Condition) -> None:
    """An hour of disorder is no disorder but a clock that was set: what comes counts."""
    hour_ago = NOON - timedelta(hours=1)
    if condition is Condition.RAISED:
        assert observe(None, NOON, seen(hour_ago)).notice is Kind.FIRED
    else:
        assert observe(fired(), None, cleared(hour_ago)).notice is Kind.RESOLVED


def test_expiry_ends_what_is_not_observed_again() -> None:
    """Each observation sets the time anew."""
    alert = fired(expires_seconds=60)
    assert expire(alert, NOON + timedelta(seconds=59)).notice is None
    again = observe(alert, None, seen(NOON + MINUTE / 2, expires_seconds=60)).alert
    assert again is not None
    assert expire(again, NOON + MINUTE).notice is None
    assert expire(again, NOON + MINUTE * 1.5).notice is Kind.RESOLVED


def test_acts_on_what_is_over_change_nothing() -> None:
    """A second resolve and a late acknowledgement leave the first end as it is."""
    over = resolve(fired(), NOON, "ana", "fixed").alert
    assert over is not None
    assert resolve(over, NOON + MINUTE, "bob", "").alert == over
    assert acknowledge(over, NOON + MINUTE, "bob", "").alert == over


def test_ids_sort_by_time_and_never_repeat() -> None:
    """Two episodes within one microsecond still have two ids, in order."""
    first = alert_id(NOON, "ab" * 8)
    second = alert_id(NOON, "ab" * 8, first)
    later = alert_id(NOON + MINUTE, "00" * 8, second)
    assert first < second < later
    assert len(first) == 20


observations = st.builds(
    lambda minutes, condition, severity: seen(
        NOON + minutes * MINUTE, condition=condition, severity=severity
    ),
    st.integers(-90, 90),
    st.sampled_from(Condition),
    st.sampled_from(Severity),
)


@given(st.lists(observations, max_size=30))
def test_no_state_is_skipped(history: list[Observed]) -> None:
    """In whatever order it comes: an end follows a beginning, and a notice fits the state it announces."""
    last: Alert | None = None
    for observation in history:
        change = observe(last, None, observation)
        if change.notice is Kind.RESOLVED:
            assert last is not None
            assert last.is_active
        if change.notice in (Kind.FIRED, Kind.WORSE):
            assert change.alert is not None
            assert change.alert.is_active
        if change.alert is not None and not change.alert.noted:
            assert last is None or change.alert.id >= last.id
            last = change.alert
