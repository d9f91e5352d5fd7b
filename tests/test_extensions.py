"""What a host adds of its own works, and what fails in it stays there."""

from __future__ import annotations

import pytest

from app.core.health import Health, Level
from app.core.signal import Category, Condition, Severity, Signal
from app.extensions import Extensions, Probe
from app.testing import RecordingEmit


@pytest.fixture
def extensions() -> Extensions:
    return Extensions()


def said(emit: RecordingEmit) -> list[tuple[Condition, Severity]]:
    return [(signal.condition, signal.severity) for signal in emit.signals]


def test_a_health_check_is_a_component(extensions: Extensions) -> None:
    """Its level and reason are shown under its name; one that raises counts as down."""
    extensions.health_checks["queue"] = lambda: Health(Level.DEGRADED, "7 jobs wait")
    extensions.health_checks["broken"] = lambda: 1 / 0
    health = extensions.health()
    assert health["queue"].reason == "7 jobs wait"
    assert health["broken"].level is Level.DOWN


def test_a_probe_raises_at_its_thresholds_and_clears(extensions: Extensions, emit: RecordingEmit) -> None:
    """Warning is MEDIUM, critical is CRITICAL, below is over; the clearing is said once."""
    values = iter([1.0, 150.0, 2000.0, 1.0, 1.0])
    extensions.probes["jobs"] = Probe("jobs", lambda: next(values), warning=100, critical=1000)
    for _ in range(5):
        extensions.evaluate(emit)
    assert said(emit) == [
        (Condition.RAISED, Severity.MEDIUM),
        (Condition.RAISED, Severity.CRITICAL),
        (Condition.CLEARED, Severity.LOW),
    ]
    assert len({signal.key for signal in emit.signals}) == 1


def test_a_probe_that_fails_has_no_value(extensions: Extensions, emit: RecordingEmit) -> None:
    """It is neither exported nor taken for a good value."""
    extensions.probes["jobs"] = Probe("jobs", lambda: 1 / 0, warning=1, critical=2)
    extensions.evaluate(emit)
    assert list(extensions.measures()) == []
    assert emit.signals == []


def test_a_probe_is_exported(extensions: Extensions, emit: RecordingEmit) -> None:
    """Its last value is a gauge with its name as the label."""
    extensions.probes["jobs"] = Probe("jobs", lambda: 7, warning=None, critical=None)
    extensions.evaluate(emit)
    (measure,) = extensions.measures()
    assert [(sample.value, dict(sample.labels)) for sample in measure.samples] == [(7.0, {"probe": "jobs"})]


def test_a_rule_that_fails_takes_no_other_along(extensions: Extensions, emit: RecordingEmit) -> None:
    """The signals of the others are emitted."""
    signal = Signal("app", "no-bookings", "No booking", Severity.HIGH, Category.BUSINESS)
    extensions.rules.extend([lambda: 1 / 0, lambda: [signal]])
    extensions.evaluate(emit)
    assert emit.signals == [signal]


def test_a_card_that_fails_says_so(extensions: Extensions) -> None:
    """The page shows the other cards."""
    extensions.cards["Queue"] = lambda: {"waiting": 7}
    extensions.cards["Broken"] = lambda: 1 / 0
    assert extensions.shown_cards() == {
        "Queue": {"waiting": 7},
        "Broken": {"error": "this card failed"},
    }
