"""What Atalaia keeps from the host it tells itself."""

from __future__ import annotations

from datetime import UTC, datetime

from app.core.guard import failures, guard
from app.core.health import Level
from app.own_failures import OwnFailures
from app.testing import FrozenClock, RecordingEmit


def fail(place: str) -> None:
    with guard(place):
        raise ValueError(place)


def test_each_new_failure_is_one_signal(clock: FrozenClock, emit: RecordingEmit) -> None:
    """That nothing new was swallowed is not told again."""
    own = OwnFailures(emit, clock)
    own.report()
    before = len(emit.signals)
    fail("tests.signal")
    own.report()
    own.report()
    (signal,) = emit.signals[before:]
    assert (signal.code, signal.labels) == ("internal_failure", {"place": "tests.signal"})


def test_a_failure_degrades_for_a_quarter_of_an_hour(clock: FrozenClock, emit: RecordingEmit) -> None:
    """It is still shown with how often it was when that is over."""
    fail("tests.health")
    failed_at = failures.snapshot()["tests.health"].at  # Because guards have the machine's own time.
    clock.set(datetime.fromtimestamp(failed_at, UTC).isoformat())
    own = OwnFailures(emit, clock)
    assert own.health().level is Level.DEGRADED
    assert "tests.health" in own.health().reason
    clock.advance(minutes=16)
    assert own.health().details["failures"]["tests.health"]["count"] >= 1
    assert "tests.health" not in own.health().reason
