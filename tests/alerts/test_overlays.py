"""What holds a notice back."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from app.alerts.model import Alert, Kind, Silence, Told
from app.alerts.overlays import Circumstances, Inhibitor, Window, gap, hold, kind_for
from app.alerts.settings import AlertSettings
from app.alerts.state import acknowledge, resolve
from app.core.signal import Category, Severity

from .examples import NOON, fired

COOLDOWN = AlertSettings().cooldown_seconds
NOTHING = Told("f", "slack")
AROUND = Circumstances()
TOLD_AT_NOON = replace(NOTHING, alert_id="earlier", at=NOON, severity=Severity.HIGH)
MINUTE = timedelta(minutes=1)


def a_silence(**matchers: str) -> Silence:
    """Ana wants an hour of quiet."""
    return Silence("s1", matchers, NOON, NOON + timedelta(hours=1), "ana")


def test_first_fire_goes_out() -> None:
    """A channel that was told nothing is told."""
    assert hold(Kind.FIRED, fired(), NOTHING, AROUND, COOLDOWN, NOON) is None


@pytest.mark.parametrize("kind", [Kind.FIRED, Kind.REMINDER, Kind.LATE, Kind.NOTED])
def test_cooldown_holds_until_it_is_over(kind: Kind) -> None:
    """A HIGH alert is not told twice within 15 minutes of a delivery, and then it is."""
    held = hold(kind, fired(), TOLD_AT_NOON, AROUND, COOLDOWN, NOON + 14 * MINUTE)
    assert held is not None
    assert (held.why, held.until) == ("cooldown", NOON + 15 * MINUTE)
    assert hold(kind, fired(), TOLD_AT_NOON, AROUND, COOLDOWN, NOON + 15 * MINUTE) is None


def test_cooldown_never_holds_what_is_worse() -> None:
    """CRITICAL goes out a second after HIGH."""
    worse = fired(severity=Severity.CRITICAL)
    for kind in (Kind.FIRED, Kind.WORSE):
        assert hold(kind, worse, TOLD_AT_NOON, AROUND, COOLDOWN, NOON + MINUTE / 60) is None


def test_cooldown_never_holds_the_end_of_what_was_told() -> None:
    """Who was woken may sleep again."""
    over = resolve(fired(), NOON + MINUTE, "app", "").alert
    assert over is not None
    assert hold(Kind.RESOLVED, over, TOLD_AT_NOON, AROUND, COOLDOWN, NOON + MINUTE) is None


def test_clock_set_back_ends_the_cooldown() -> None:
    """A delivery in the future must not keep an alert quiet for as long as the clock jumped."""
    assert hold(Kind.FIRED, fired(), TOLD_AT_NOON, AROUND, COOLDOWN, NOON - timedelta(hours=3)) is None


def test_reminders_of_one_episode_grow_apart() -> None:
    """Each doubles the gap, up to a day; another episode begins anew."""
    alert = fired(severity=Severity.CRITICAL)
    gaps = [gap(alert, Told("f", "slack", alert.id, reminders=count), COOLDOWN) for count in (0, 1, 2, 40)]
    assert gaps == [5 * MINUTE, 10 * MINUTE, 20 * MINUTE, timedelta(days=1)]
    assert gap(alert, Told("f", "slack", "another", reminders=9), COOLDOWN) == 5 * MINUTE


def test_acknowledged_alert_is_not_reminded_of() -> None:
    """Somebody is on it; everything else about it is still told."""
    known = acknowledge(fired(), NOON, "ana", "").alert
    assert known is not None
    held = hold(Kind.REMINDER, known, NOTHING, AROUND, COOLDOWN, NOON)
    assert held is not None
    assert held.why == "acknowledged by ana"
    assert hold(Kind.WORSE, known, NOTHING, AROUND, COOLDOWN, NOON) is None


def test_silence_holds_while_it_lasts() -> None:
    """Its reason says whose it is, and its end is when the alert is looked at again."""
    silence = a_silence(category="BUSINESS")
    held = hold(Kind.FIRED, fired(), NOTHING, Circumstances([silence]), COOLDOWN, NOON)
    assert held is not None
    assert (held.why, held.until) == ("silence s1 of ana", silence.ends_at)
    assert hold(Kind.FIRED, fired(), NOTHING, Circumstances([silence]), COOLDOWN, silence.ends_at) is None


def test_what_was_over_yesterday_is_no_news() -> None:
    """An index that is made again from its journals wakes nobody."""
    over = resolve(fired(), NOON, "app", "").alert
    assert over is not None
    assert hold(Kind.LATE, over, NOTHING, AROUND, COOLDOWN, NOON + timedelta(hours=23)) is None
    assert hold(Kind.LATE, over, NOTHING, AROUND, COOLDOWN, NOON + timedelta(hours=25)) is not None


def why(kind: Kind, around: Circumstances, alert: Alert | None = None, told: Told = NOTHING) -> str:
    """Why a notice is held back, "" when it is not."""
    held = hold(kind, alert or fired(), told, around, COOLDOWN, NOON + MINUTE)
    return held.why if held is not None else ""


def test_maintenance_holds_what_it_expects() -> None:
    """And nothing else, and never the end of what was told."""
    around = Circumstances(maintenance=[Window("import", {"category": "BUSINESS"}, NOON + MINUTE)])
    assert why(Kind.FIRED, around) == "maintenance: import"
    assert why(Kind.FIRED, around, fired(category=Category.SYSTEM)) == ""
    assert why(Kind.RESOLVED, around) == ""
    assert why(Kind.ACKNOWLEDGED, around) == ""


def test_silence_never_holds_the_end_of_what_was_told() -> None:
    """Nobody goes on believing that it fires, and no incident stays open."""
    over = resolve(fired(), NOON, "app", "").alert
    assert over is not None
    around = Circumstances([a_silence(severity="*")])
    assert hold(Kind.RESOLVED, over, TOLD_AT_NOON, around, COOLDOWN, NOON) is None
    assert hold(Kind.LATE, over, TOLD_AT_NOON, around, COOLDOWN, NOON) is not None


def test_two_that_would_explain_each_other_are_both_told() -> None:
    """Else nobody would learn of either."""
    source = {"severity": "HIGH"}
    other = Inhibitor("one host", "a1", {"category": "BUSINESS"}, {}, source, is_target=True)
    assert not other.explains(fired())
    assert other.explains(fired(severity=Severity.LOW))


def test_inhibitor_holds_what_it_explains() -> None:
    """Where the fields agree that have to, and never itself."""
    cause = Inhibitor("the host is down", "a1", {"severity": "HIGH"}, {"labels.host": "db-1"})
    around = Circumstances(inhibitors=[cause])
    there, elsewhere = fired(labels={"host": "db-1"}), fired(labels={"host": "db-2"})
    assert why(Kind.FIRED, around, there) == "inhibited: the host is down (a1)"
    assert why(Kind.FIRED, around, elsewhere) == ""
    assert why(Kind.RESOLVED, around, there) == ""
    assert why(Kind.FIRED, around, replace(there, id="a1")) == ""


def test_quiet_hours_postpone_what_is_not_urgent() -> None:
    """Nothing is dropped: the notice itself waits for the morning."""
    morning = NOON + timedelta(hours=9)
    around = Circumstances(quiet_until=morning, quiet_severities=[Severity.MEDIUM])
    held = hold(Kind.FIRED, fired(severity=Severity.MEDIUM), NOTHING, around, COOLDOWN, NOON)
    assert held is not None
    assert (held.until, held.postponed) == (morning, True)
    assert why(Kind.FIRED, around, fired(severity=Severity.HIGH)) == ""


def test_what_flaps_is_told_to_flap_once_and_then_held() -> None:
    """Only what is worse than all that was said goes out."""
    alert = fired()
    around = Circumstances(flapping={alert.fingerprint: NOON})
    knows = replace(TOLD_AT_NOON, kind=Kind.FLAPPING)
    assert kind_for(Kind.RESOLVED, alert, TOLD_AT_NOON, around) is Kind.FLAPPING
    assert why(Kind.FLAPPING, around, alert, TOLD_AT_NOON) == ""
    assert kind_for(Kind.FIRED, alert, knows, around) is Kind.FIRED
    assert why(Kind.FIRED, around, alert, knows) == "flapping: told when it has settled"
    assert why(Kind.FIRED, around, replace(alert, severity=Severity.CRITICAL), knows) == ""


def test_end_of_flapping_is_told_within_the_cooldown() -> None:
    """Who was told that it comes and goes is told that it is over."""
    over = resolve(fired(), NOON + MINUTE, "app", "").alert
    assert over is not None
    assert why(Kind.LATE, AROUND, over, replace(TOLD_AT_NOON, kind=Kind.FLAPPING)) == ""
    assert why(Kind.LATE, AROUND, over, TOLD_AT_NOON) == "cooldown"


def test_failing_channel_is_told_of_once_an_hour() -> None:
    """However short the cooldown of its severity is."""
    broken = fired(code="channel_failed")
    assert gap(broken, NOTHING, COOLDOWN) == timedelta(hours=1)
