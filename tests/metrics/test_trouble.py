"""What was not counted is said: as a signal, in the health, as a measure."""

from __future__ import annotations

from app.core.health import Level
from app.core.signal import Category, Severity
from app.metrics.trouble import health, measure, signals


def test_only_what_came_is_a_signal() -> None:
    """Lost events are HIGH, a reused key is MEDIUM, nothing is nothing."""
    said = {
        one.key: (one.severity, one.value) for one in signals({"dropped": 3, "conflicts": 1, "refused": 0})
    }
    assert said == {"events_dropped": (Severity.HIGH, 3), "events_conflicts": (Severity.MEDIUM, 1)}


def test_a_signal_ends_by_itself() -> None:
    """There is no moment at which a loss is over, so an hour without another one ends it."""
    (signal,) = signals({"quarantined": 1})
    assert (signal.expires_seconds, signal.category) == (3600.0, Category.BUSINESS)


def test_health_is_degraded_for_an_hour_after_a_trouble() -> None:
    """An old loss is still counted, and no longer the state of things."""
    fresh = health({"dropped": (5, 1000.0)}, waiting=0, behind=False, now=1001.0)
    old = health({"dropped": (5, 1000.0)}, waiting=0, behind=False, now=4700.0)
    assert (fresh.level, fresh.reason) == (Level.DEGRADED, "business events were lost")
    assert (old.level, old.details["dropped"]) == (Level.OK, 5)


def test_health_says_when_the_disk_refuses() -> None:
    """Events in memory and a fold that fails are each a reason."""
    both = health({}, waiting=2, behind=True, now=0.0)
    assert "wait in memory" in both.reason
    assert "answers are behind" in both.reason


def test_losses_are_a_counter_by_reason() -> None:
    """Every reason is there from the start, at zero."""
    samples = {one.labels["reason"]: one.value for one in measure({"refused": (2, 0.0)}).samples}  # type: ignore[union-attr]
    assert samples == {"dropped": 0, "refused": 2, "quarantined": 0, "conflicts": 0}
