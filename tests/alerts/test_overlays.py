"""What holds a notice back."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from app.alerts.model import Kind, Silence, Told
from app.alerts.overlays import check_matchers, gap, hold, matches
from app.alerts.settings import AlertSettings
from app.alerts.state import acknowledge, resolve
from app.core.errors import InputRejected
from app.core.signal import Severity

from .examples import NOON, fired

COOLDOWN = AlertSettings().cooldown_seconds
NOTHING = Told("f", "slack")
TOLD_AT_NOON = replace(NOTHING, alert_id="earlier", at=NOON, severity=Severity.HIGH)
MINUTE = timedelta(minutes=1)


def a_silence(**matchers: str) -> Silence:
    """Ana wants an hour of quiet."""
    return Silence("s1", matchers, NOON, NOON + timedelta(hours=1), "ana")


def test_first_fire_goes_out() -> None:
    """A channel that was told nothing is told."""
    assert hold(Kind.FIRED, fired(), NOTHING, [], COOLDOWN, NOON) is None


@pytest.mark.parametrize("kind", [Kind.FIRED, Kind.REMINDER, Kind.LATE, Kind.NOTED])
def test_cooldown_holds_until_it_is_over(kind: Kind) -> None:
    """A HIGH alert is not told twice within 15 minutes of a delivery, and then it is."""
    held = hold(kind, fired(), TOLD_AT_NOON, [], COOLDOWN, NOON + 14 * MINUTE)
    assert held is not None
    assert (held.why, held.until) == ("cooldown", NOON + 15 * MINUTE)
    assert hold(kind, fired(), TOLD_AT_NOON, [], COOLDOWN, NOON + 15 * MINUTE) is None


def test_cooldown_never_holds_what_is_worse() -> None:
    """CRITICAL goes out a second after HIGH."""
    worse = fired(severity=Severity.CRITICAL)
    for kind in (Kind.FIRED, Kind.WORSE):
        assert hold(kind, worse, TOLD_AT_NOON, [], COOLDOWN, NOON + MINUTE / 60) is None


def test_cooldown_never_holds_the_end_of_what_was_told() -> None:
    """Who was woken may sleep again."""
    over = resolve(fired(), NOON + MINUTE, "app", "").alert
    assert over is not None
    assert hold(Kind.RESOLVED, over, TOLD_AT_NOON, [], COOLDOWN, NOON + MINUTE) is None


def test_clock_set_back_ends_the_cooldown() -> None:
    """A delivery in the future must not keep an alert quiet for as long as the clock jumped."""
    assert hold(Kind.FIRED, fired(), TOLD_AT_NOON, [], COOLDOWN, NOON - timedelta(hours=3)) is None


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
    held = hold(Kind.REMINDER, known, NOTHING, [], COOLDOWN, NOON)
    assert held is not None
    assert held.why == "acknowledged by ana"
    assert hold(Kind.WORSE, known, NOTHING, [], COOLDOWN, NOON) is None


def test_silence_holds_while_it_lasts() -> None:
    """Its reason says whose it is, and its end is when the alert is looked at again."""
    silence = a_silence(category="BUSINESS")
    held = hold(Kind.FIRED, fired(), NOTHING, [silence], COOLDOWN, NOON)
    assert held is not None
    assert (held.why, held.until) == ("silence s1 of ana", silence.ends_at)
    assert hold(Kind.FIRED, fired(), NOTHING, [silence], COOLDOWN, silence.ends_at) is None


def test_what_was_over_yesterday_is_no_news() -> None:
    """An index that is made again from its journals wakes nobody."""
    over = resolve(fired(), NOON, "app", "").alert
    assert over is not None
    assert hold(Kind.LATE, over, NOTHING, [], COOLDOWN, NOON + timedelta(hours=23)) is None
    assert hold(Kind.LATE, over, NOTHING, [], COOLDOWN, NOON + timedelta(hours=25)) is not None


@pytest.mark.parametrize(
    ("matchers", "fits"),
    [
        ({"category": "BUSINESS"}, True),
        ({"category": "SYSTEM"}, False),
        ({"severity": "*"}, True),
        ({"key": "Gate*"}, True),
        ({"key": "gate*"}, False),
        ({"labels.bank": "b?"}, True),
        ({"labels.other": ""}, True),
        ({"labels.other": "x"}, False),
        ({"category": "BUSINESS", "source": "backup"}, False),
    ],
)
def test_every_matcher_has_to_fit(matchers: dict[str, str], fits: bool) -> None:
    """Fields and labels, equal or by * and ?, in their own case."""
    assert matches(matchers, fired(labels={"bank": "bb"})) is fits


@pytest.mark.parametrize("matchers", [{}, {"colour": "red"}])
def test_silence_that_matches_nothing_or_everything_by_mistake_is_rejected(matchers: dict[str, str]) -> None:
    """An empty silence would be a silence of all, an unknown field one of none."""
    with pytest.raises(InputRejected) as caught:
        check_matchers(matchers)
    assert caught.value.hint
